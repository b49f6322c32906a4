/**
 * Leases (`features.leases`): a client that has one may cache, and is asked to give it back before
 * somebody else does what it excludes.
 *
 * | lease | lets its holder | excludes others' |
 * |---|---|---|
 * | 1 read | cache reads | writes, opening to write, write leases |
 * | 2 read and write | cache both | reads, writes, opening, all leases |
 *
 * A holder is a lease id; one that a connection has not named is its connection's own. What an
 * excluded operation finds: EAGAIN if it was opened O_NONBLOCK, else it waits; the holders are told
 * (RECALL_LEASE), and those that do not answer within the limit lose theirs.
 */

import { GfidMap } from "./gfid-map.ts";

export const LEASE = { none: 0, read: 1, readWrite: 2 } as const;
export const LEASE_COMMAND = { get: 1, set: 2, unlock: 3 } as const;
/** `leases-default timeout`: how long a holder has to answer. */
export const LEASE_RECALL_MS = 60_000;

const EINVAL = 22;
const EAGAIN = 11;
const NOTHING: readonly never[] = [];

export interface Lease {
  readonly gfid: Uint32Array;
  readonly client: number;
  /** Text of the lease id. */
  readonly id: string;
  type: number;
  /** When it was asked back; undefined: it was not. */
  recalledAt: number | undefined;
}

interface LeasedInode<Waiter> {
  readonly gfid: Uint32Array;
  leases: Lease[];
  waiting: { readonly waiter: Waiter; readonly client: number; readonly id: string;
    readonly writes: boolean; }[];
}

export class LeaseTable<Waiter> {
  /** Counts from now on, also for what was asked back before. */
  recallMs: number;
  readonly #inodes = new GfidMap<LeasedInode<Waiter>>();
  #recalled: Lease[] = [];
  #released: Waiter[] = [];

  constructor(recallMs: number = LEASE_RECALL_MS) {
    this.recallMs = recallMs;
  }

  /** Allocates nothing. */
  any(words: Uint32Array, at: number): boolean {
    return this.#inodes.has(words, at);
  }

  /** The type that a holder has: LEASE. */
  typeOf(words: Uint32Array, at: number, id: string): number {
    return this.#inodes.get(words, at)?.leases.find((lease) => lease.id === id)?.type ?? LEASE.none;
  }

  /**
   * SET. `openFds`: others' open files on the inode, and how many of them can write. 0, or EAGAIN
   * when others' leases or files, or operations that wait, exclude it; EINVAL for a type that there
   * is not.
   */
  grant(
    words: Uint32Array, at: number, holder: { client: number; id: string; type: number },
    openFds: { readonly all: number; readonly writing: number },
  ): number {
    const { client, id, type } = holder;
    if (type !== LEASE.read && type !== LEASE.readWrite) return EINVAL;
    if ((type === LEASE.read ? openFds.writing : openFds.all) > 0) return EAGAIN;
    let inode = this.#inodes.get(words, at);
    if (inode !== undefined) {
      if (inode.waiting.length > 0) return EAGAIN;
      const writes = type === LEASE.readWrite;
      if (inode.leases.some((lease) => lease.id !== id && excludes(lease, writes))) return EAGAIN;
    } else {
      inode = { gfid: words.slice(at, at + 4), leases: [], waiting: [] };
      this.#inodes.set(words, at, inode);
    }
    const own = inode.leases.find((lease) => lease.id === id);
    if (own === undefined) {
      inode.leases.push({ gfid: inode.gfid, client, id, type, recalledAt: undefined });
    } else {
      own.type = Math.max(own.type, type);
    }
    return 0;
  }

  /** UNLOCK: 0, or EINVAL when the holder has none. */
  unlock(words: Uint32Array, at: number, id: string): number {
    const inode = this.#inodes.get(words, at);
    const kept = inode?.leases.filter((lease) => lease.id !== id);
    if (inode === undefined || kept?.length === inode.leases.length) return EINVAL;
    inode.leases = kept!;
    this.#retry(inode);
    return 0;
  }

  /**
   * May this operation go on? True at once when no lease is in its way. Else the holders are asked,
   * and unless `waiter` is undefined (O_NONBLOCK: answer EAGAIN), it comes out of takeReleased.
   */
  pass(
    words: Uint32Array, at: number, who: { readonly client: number; readonly id: string },
    writes: boolean, waiter: Waiter | undefined, now: number,
  ): boolean {
    const inode = this.#inodes.get(words, at);
    if (inode === undefined) return true;
    let free = true;
    for (const lease of inode.leases) {
      if (lease.id === who.id || !excludes(lease, writes)) continue;
      free = false;
      if (lease.recalledAt !== undefined) continue;
      lease.recalledAt = now;
      this.#recalled.push(lease);
    }
    if (!free && waiter !== undefined) {
      inode.waiting.push({ waiter, client: who.client, id: who.id, writes });
    }
    return free;
  }

  /** Take leases away whose holders did not answer. */
  expire(now: number): void {
    for (const inode of Array.from(this.#inodes.values())) {
      const kept = inode.leases.filter(({ recalledAt }) =>
        recalledAt === undefined || now - recalledAt < this.recallMs);
      if (kept.length === inode.leases.length) continue;
      inode.leases = kept;
      this.#retry(inode);
    }
  }

  /** A connection is gone: so are its leases and its waiters. */
  releaseClient(client: number): void {
    for (const inode of Array.from(this.#inodes.values())) {
      inode.leases = inode.leases.filter((lease) => lease.client !== client);
      inode.waiting = inode.waiting.filter((waiting) => waiting.client !== client);
      this.#retry(inode);
    }
  }

  /** Leases whose holders are to be told since the last call. */
  takeRecalled(): readonly Lease[] {
    if (this.#recalled.length === 0) return NOTHING;
    const taken = this.#recalled;
    this.#recalled = [];
    return taken;
  }

  /** Operations that may go on now. */
  takeReleased(): readonly Waiter[] {
    if (this.#released.length === 0) return NOTHING;
    const taken = this.#released;
    this.#released = [];
    return taken;
  }

  #retry(inode: LeasedInode<Waiter>): void {
    inode.waiting = inode.waiting.filter(({ waiter, id, writes }) => {
      if (inode.leases.some((lease) => lease.id !== id && excludes(lease, writes))) return true;
      this.#released.push(waiter);
      return false;
    });
    if (inode.leases.length + inode.waiting.length === 0) this.#inodes.delete(inode.gfid, 0);
  }
}

function excludes(lease: Lease, writes: boolean): boolean {
  return writes || lease.type === LEASE.readWrite;
}
