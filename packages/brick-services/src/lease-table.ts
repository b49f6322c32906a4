/**
 * Leases (`features.leases`): a client that has one may cache, and is asked to give it back before
 * somebody else does what it excludes. As glusterfsd 10 has them:
 *
 * | lease | lets its holder | excludes others' |
 * |---|---|---|
 * | 1 read | cache reads | changes, read-write leases |
 * | 2 read and write | cache both | reads, changes, opening, all leases |
 *
 * A holder is a lease id. Who does something without one is everybody's other, and is excluded by
 * any lease; so is who takes a name away, with or without. What an excluded operation finds:
 * EAGAIN if it may not wait; all holders are told once (RECALL_LEASE), and those that do not
 * answer within the limit lose theirs. What waits goes on when the last lease of the object is
 * gone. Leases are counted: as often as one was granted to an id, so often it is given back.
 */

import { GfidMap } from "./gfid-map.ts";

export const LEASE = { none: 0, read: 1, readWrite: 2 } as const;
export const LEASE_COMMAND = { get: 1, set: 2, unlock: 3 } as const;
/** `leases-default timeout`: how long a holder has to answer. */
export const LEASE_RECALL_MS = 60_000;

const EPERM = 1;
const EINVAL = 22;
const NOTHING: readonly never[] = [];

/** What one id has of one object. */
export interface Lease {
  readonly gfid: Uint32Array;
  readonly client: number;
  /** Text of the lease id. */
  readonly id: string;
  /** How often it has one of each type. */
  reads: number;
  readWrites: number;
}

interface LeasedInode<Waiter> {
  readonly gfid: Uint32Array;
  leases: Lease[];
  /** When they were asked back; undefined: they were not. */
  recalledAt: number | undefined;
  waiting: { readonly waiter: Waiter; readonly client: number }[];
}

/** Who does something, and what. */
export interface LeaseUser {
  /** undefined: it named none. */
  readonly id: string | undefined;
  readonly client: number;
  readonly writes: boolean;
  /** A name is taken away: no lease goes along with that. */
  readonly removes: boolean;
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

  /** GET: the types that there are, of all holders. */
  typeOf(words: Uint32Array, at: number): number {
    return typesOf(this.#inodes.get(words, at)?.leases ?? NOTHING);
  }

  /**
   * SET. `openFds`: others' open files on the inode, and how many of them can write. 0, or EPERM
   * when others' leases or files, or a recall, exclude it: then all leases are asked back.
   */
  grant(
    words: Uint32Array, at: number, holder: { client: number; id: string; type: number },
    openFds: { readonly all: number; readonly writing: number }, now: number,
  ): number {
    const { client, id, type } = holder;
    let inode = this.#inodes.get(words, at);
    if (!isGrantable(inode, id, type, openFds)) {
      if (inode !== undefined) this.#recall(inode, now);
      return EPERM;
    }
    if (inode === undefined) {
      inode = { gfid: words.slice(at, at + 4), leases: [], recalledAt: undefined, waiting: [] };
      this.#inodes.set(words, at, inode);
    }
    let own = inode.leases.find((lease) => lease.id === id);
    if (own === undefined) {
      own = { gfid: inode.gfid, client, id, reads: 0, readWrites: 0 };
      inode.leases.push(own);
    }
    if (type === LEASE.read) own.reads++;
    else own.readWrites++;
    return 0;
  }

  /** UNLOCK: 0, also when the holder has none any more; EINVAL when it has one of another type. */
  unlock(words: Uint32Array, at: number, id: string, type: number): number {
    const inode = this.#inodes.get(words, at);
    const own = inode?.leases.find((lease) => lease.id === id);
    if (inode === undefined || own === undefined) return 0;
    if (type === LEASE.read && own.reads > 0) own.reads--;
    else if (type === LEASE.readWrite && own.readWrites > 0) own.readWrites--;
    else return EINVAL;
    inode.leases = inode.leases.filter((lease) => lease.reads + lease.readWrites > 0);
    this.#forgetIfFree(inode);
    return 0;
  }

  /**
   * May this operation go on? True at once when no lease is in its way. Else the holders are asked,
   * and unless `waiter` is undefined (answer EAGAIN), it comes out of takeReleased.
   */
  pass(
    words: Uint32Array, at: number, who: LeaseUser, waiter: Waiter | undefined, now: number,
  ): boolean {
    const inode = this.#inodes.get(words, at);
    if (inode === undefined || !excludes(inode.leases, who)) return true;
    this.#recall(inode, now);
    if (waiter !== undefined) inode.waiting.push({ waiter, client: who.client });
    return false;
  }

  /** Take leases away whose holders did not answer. */
  expire(now: number): void {
    for (const inode of Array.from(this.#inodes.values())) {
      if (inode.recalledAt === undefined || now - inode.recalledAt < this.recallMs) continue;
      inode.leases = [];
      this.#forgetIfFree(inode);
    }
  }

  /** A connection is gone: so are its leases and its waiters. */
  releaseClient(client: number): void {
    for (const inode of Array.from(this.#inodes.values())) {
      inode.leases = inode.leases.filter((lease) => lease.client !== client);
      inode.waiting = inode.waiting.filter((waiting) => waiting.client !== client);
      this.#forgetIfFree(inode);
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

  #recall(inode: LeasedInode<Waiter>, now: number): void {
    if (inode.recalledAt !== undefined) return;
    inode.recalledAt = now;
    this.#recalled.push(...inode.leases);
  }

  #forgetIfFree(inode: LeasedInode<Waiter>): void {
    if (inode.leases.length > 0) return;
    for (const { waiter } of inode.waiting) this.#released.push(waiter);
    this.#inodes.delete(inode.gfid, 0);
  }
}

function typesOf(leases: readonly Lease[]): number {
  let types = 0;
  for (const { reads, readWrites } of leases) {
    types |= (reads > 0 ? LEASE.read : 0) | (readWrites > 0 ? LEASE.readWrite : 0);
  }
  return types;
}

function isGrantable(
  inode: { readonly leases: readonly Lease[]; readonly recalledAt: number | undefined } | undefined,
  id: string, type: number, openFds: { readonly all: number; readonly writing: number },
): boolean {
  if (type !== LEASE.read && type !== LEASE.readWrite) return false;
  if ((type === LEASE.read ? openFds.writing : openFds.all) > 0) return false;
  if (inode === undefined) return true;
  if (inode.recalledAt !== undefined) return false;
  if (type === LEASE.read && typesOf(inode.leases) === LEASE.read) return true;
  return inode.leases.every((lease) => lease.id === id);
}

function excludes(leases: readonly Lease[], { id, writes, removes }: LeaseUser): boolean {
  if (removes || id === undefined) return true;
  const own = leases.find((lease) => lease.id === id);
  if ((typesOf(leases) & LEASE.readWrite) !== 0) return own === undefined || own.readWrites === 0;
  return writes && leases.some((lease) => lease.id !== id);
}
