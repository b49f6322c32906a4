/** A snapshot, or the live volume, as a tree to be compared: questions to the thread that has it open. */
import type { GfapiEntry, GfapiStat } from "@mortar/linux";
import { Errno, FopError } from "../snapd/fop-error.ts";
import type { Found, SnapshotOperation, SnapshotOperations } from "../snapd/snapshot-messages.ts";
import { KEPT_XATTR } from "./restore-tree.ts";
import type { DiffTree, EntryList, TreeEntry } from "./tree-diff.ts";

const BATCH = 256;

export type Ask = <Name extends SnapshotOperation>(
  operation: Name, args: SnapshotOperations[Name]["args"],
) => Promise<SnapshotOperations[Name]["result"]>;

export function gfapiTree(ask: Ask): DiffTree {
  return {
    list: (gfid) => new Listing(ask, bytesOf(gfid)),
    stat: async (gfid) => await statOf(ask, bytesOf(gfid)),
    attributes: async (gfid) => await attributesOf(ask, bytesOf(gfid)),
  };
}

let nextListing = 2 ** 32;

/** One batch ahead of whoever reads it. */
class Listing implements EntryList {
  readonly #ask: Ask;
  readonly #gfid: Uint8Array;
  readonly #fd = nextListing++;
  #ahead: Promise<TreeEntry[]>;
  #isEnd = false;

  constructor(ask: Ask, gfid: Uint8Array) {
    this.#ask = ask;
    this.#gfid = gfid;
    this.#ahead = this.#first();
    // Whoever reads it hears of a failure; one that nobody comes to is none.
    this.#ahead.catch(() => undefined);
  }

  async next(): Promise<readonly TreeEntry[] | undefined> {
    if (this.#isEnd) {
      const last = await this.#ahead;
      this.#ahead = Promise.resolve([]);
      return last.length === 0 ? undefined : last;
    }
    const batch = await this.#ahead;
    if (this.#isEnd) this.#ahead = Promise.resolve([]);
    else {
      this.#ahead = this.#batch();
      this.#ahead.catch(() => undefined);
    }
    return batch;
  }

  async #first(): Promise<TreeEntry[]> {
    await this.#ask("openDirectory", { gfid: this.#gfid, fd: this.#fd });
    return await this.#batch();
  }

  async #batch(): Promise<TreeEntry[]> {
    const listed = await this.#ask("list", { fd: this.#fd, countMax: BATCH });
    if (listed.length < BATCH) {
      this.#isEnd = true;
      await this.#ask("closeDirectory", { fd: this.#fd });
    }
    const entries: TreeEntry[] = [];
    for (const entry of listed) {
      const name = binary(entry.name);
      if (name === "." || name === "..") continue;
      const found = entry.found ?? (await this.#lookup(entry));
      if (found !== undefined) entries.push({ name, gfid: binary(found.gfid), stat: found.stat });
    }
    return entries;
  }

  /** Undefined: it went away meanwhile, as is possible in a live volume. */
  async #lookup({ name }: GfapiEntry): Promise<Found | undefined> {
    return await orNone(this.#ask("lookup", { parent: this.#gfid, name }));
  }
}

async function statOf(ask: Ask, gfid: Uint8Array): Promise<GfapiStat | undefined> {
  return await orNone(ask("stat", { gfid }));
}

async function orNone<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    const isNone = error instanceof FopError &&
      (error.errno === Errno.ENOENT || error.errno === Errno.ESTALE);
    if (isNone) return undefined;
    throw error;
  }
}

async function attributesOf(ask: Ask, gfid: Uint8Array): Promise<string> {
  try {
    const names = binary(await ask("getXattr", { gfid })).split("\0").filter((it) => KEPT_XATTR.test(it));
    const values = await Promise.all(
      names.sort().map(async (name) => `${name}=${binary(await ask("getXattr", { gfid, name }))}\0`),
    );
    return values.join("");
  } catch (error) {
    const { ENODATA, EOPNOTSUPP, ENOENT, ESTALE } = Errno;
    const none: readonly number[] = [ENODATA, EOPNOTSUPP, ENOENT, ESTALE];
    if (error instanceof FopError && none.includes(error.errno)) return "";
    throw error;
  }
}

function binary(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "latin1"));
}
