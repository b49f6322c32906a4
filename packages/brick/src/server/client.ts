import type { Brick } from "../brick.ts";
import type { Connection } from "./connection.ts";
import type { OpenFile } from "../store/open-files.ts";

let nextId = 1;

/** A client that introduced itself: what it has open, under the numbers that it was given. */
export class Client {
  /** Of this process: locks are held under it. */
  readonly id: number;
  readonly identity: string;
  readonly connection: Connection;
  readonly #files: (OpenFile | undefined)[] = [];
  readonly #free: number[] = [];

  constructor(identity: string, connection: Connection) {
    this.id = nextId++;
    this.connection = connection;
    this.identity = identity;
  }

  get openCount(): number {
    return this.#files.length - this.#free.length;
  }

  file(number: number): OpenFile | undefined {
    return number >= 0 ? this.#files[number] : undefined;
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
      if (file !== undefined) brick.closeFile(file, this);
    }
    brick.locks.releaseClient(this, performance.now());
    this.#files.length = 0;
    this.#free.length = 0;
  }
}
