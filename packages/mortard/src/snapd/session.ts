/** A client of the snapshot daemon: what it has open, under the numbers that it was given. */
import { Errno, FopError } from "./fop-error.ts";
import type { DirectoryCursor } from "./directory-cursor.ts";

/** Who asks; root may be somebody else by `server.root-squash`. */
export interface SnapdCaller {
  readonly pid: number;
  uid: number;
  gid: number;
  readonly groups: Uint32Array;
  readonly groupCount: number;
}

const OPEN_MAX = 65_536;

interface Open {
  readonly gfid: Uint8Array;
  readonly cursor: DirectoryCursor | undefined;
}

export class Session {
  readonly #open = new Map<number, Open>();
  #next = 0;

  get openCount(): number {
    return this.#open.size;
  }

  add(gfid: Uint8Array, cursor: DirectoryCursor | undefined): number {
    if (this.#open.size >= OPEN_MAX) throw new FopError(Errno.EMFILE);
    const number = this.#next;
    this.#next += 1;
    this.#open.set(number, { gfid, cursor });
    return number;
  }

  has(number: number, gfid: Uint8Array): boolean {
    const open = this.#open.get(number);
    return open !== undefined && open.gfid.every((byte, at) => byte === gfid[at]);
  }

  cursor(number: number): DirectoryCursor | undefined {
    return this.#open.get(number)?.cursor;
  }

  async remove(number: number): Promise<void> {
    const open = this.#open.get(number);
    this.#open.delete(number);
    await open?.cursor?.close();
  }

  async close(): Promise<void> {
    for (const number of this.#open.keys()) await this.remove(number).catch(() => undefined);
  }
}
