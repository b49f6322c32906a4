import type { Brick } from "../brick.ts";
import type { Connection } from "./connection.ts";
import type { Newcomer } from "./handshake.ts";
import type { OpenFile } from "../store/open-files.ts";

let nextId = 1;

/** A client that introduced itself: what it has open, under the numbers that it was given. */
export class Client {
  /** Of this process: locks are held under it. */
  readonly id: number;
  readonly identity: string;
  /** What it said of itself, and of whom it has leave to come in. */
  readonly newcomer: Newcomer | undefined;
  /** The gfid of the directory that it has mounted as its root; undefined: the root. */
  readonly directory: DataView | undefined;
  readonly connection: Connection;
  /** On the clock of `performance.now`. */
  readonly cameMs = performance.now();
  /** Not its first connection: it may remember what has changed meanwhile. */
  readonly cameBack: boolean;
  /** It marks what copies have missed: it writes to several bricks, of which this is one. */
  keepsCopies = false;
  /** They are whole copies: it is AFR. */
  replicates = false;
  readonly #files: (OpenFile | undefined)[] = [];
  readonly #free: number[] = [];

  constructor(identity: string, connection: Connection, newcomer?: Newcomer) {
    this.id = nextId++;
    this.connection = connection;
    this.identity = identity;
    this.cameBack = /-RECON_NO:-[1-9]\d*$/.test(identity);
    this.newcomer = newcomer;
    const gfid = newcomer?.directoryGfid;
    this.directory = gfid && new DataView(gfid.buffer, gfid.byteOffset, 16);
  }

  get openCount(): number {
    return this.#files.length - this.#free.length;
  }

  file(number: number): OpenFile | undefined {
    return number >= 0 ? this.#files[number] : undefined;
  }

  /** What is open, by the number that the client has for it. */
  opened(): { readonly number: number; readonly file: OpenFile }[] {
    return this.#files.flatMap((file, number) => (file === undefined ? [] : [{ number, file }]));
  }

  add(file: OpenFile): number {
    const number = this.#free.pop() ?? this.#files.length;
    this.#files[number] = file;
    return number;
  }

  remove(number: number): OpenFile | undefined {
    const file = this.file(number);
    if (file === undefined) return undefined;
    this.#files[number] = undefined;
    this.#free.push(number);
    return file;
  }

  /** The client is gone. */
  close(brick: Brick): void {
    for (const file of this.#files) {
      if (file !== undefined) brick.closeFile(file);
    }
    brick.locks.releaseClient(this, performance.now());
    brick.upcalls.releaseClient(this.id);
    brick.leases.releaseClient(this.id);
    brick.mandatory.releaseClient(this.id);
    this.#files.length = 0;
    this.#free.length = 0;
  }
}
