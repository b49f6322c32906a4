/**
 * Internal locks: what INODELK and ENTRYLK have in common. AFR, EC and DHT of the clients serialize
 * by them; the brick itself never looks at one.
 *
 *     inode (gfid) ── domain (name) ── granted: any order
 *                                   └─ waiting: oldest first
 *
 * - An owner is a connection and its lock_owner bytes. What one owner asks for never conflicts with
 *   what it has: each request is a lock of its own, given back by a request that names it exactly.
 * - A request that conflicts with a granted lock waits, or fails with EAGAIN.
 * - One that conflicts with a waiting one only waits behind it (else a stream of readers would
 *   starve a writer), unless its owner has or awaits a lock in the domain: it must be able to
 *   finish.
 * - Whenever a lock is given back, those that wait are tried again, oldest first.
 * - Hurrying: clients keep locks for a second, in case they need them again, unless they hear that
 *   others want them. They are told so: by notices, and by counts that are one more than it is.
 * - Draining: owners that hold nothing get nothing; owners that hold something, here or where
 *   `letGo` says, still get what they need to come to an end. Self-heal and rebalance, known by
 *   their negative process ids, are not drained: they hold locks for as long as a file takes.
 *
 * Waiters are handed out by `takeGranted`, notices to holders by `takeContended`: the caller asks
 * for both after each call. The table knows no time but what it is told.
 */

import { GfidMap } from "./gfid-map.ts";

/** What is asked for. The table copies it, but for `owner`, whose bytes must not change after. */
export interface LockRequest {
  /** Where the gfid's four words are in `words`. */
  words: Uint32Array;
  at: number;
  domain: string;
  /** The connection. */
  client: number;
  owner: Uint8Array;
  pid: number;
  /** 0 shared, 1 exclusive. */
  type: number;
}

/** What became of a request: granted, waiting, or an errno. */
export const LOCK = { granted: 0, waiting: -1, again: 11, invalid: 22, unsupported: 95 } as const;
export const LOCK_SHARED = 0;
export const LOCK_EXCLUSIVE = 1;

/** A lock that stands or waits. `Lock` is the class that extends this. */
export abstract class TableLock<Waiter, Lock extends TableLock<Waiter, Lock>> {
  readonly client: number;
  readonly owner: Uint8Array;
  readonly pid: number;
  readonly type: number;
  /** What to answer when it is granted; undefined once it is. */
  waiter: Waiter | undefined;
  domain: Domain<Waiter, Lock> | undefined;
  /** When its holder was last told that others want it, in milliseconds. */
  notifiedAt = Number.NEGATIVE_INFINITY;
  /** It was granted before the hurry began. */
  isOld = false;

  constructor(request: LockRequest, waiter: Waiter | undefined) {
    this.client = request.client;
    this.owner = request.owner;
    this.pid = request.pid;
    this.type = request.type;
    this.waiter = waiter;
  }

  /** Both want the same thing. Owners and types are looked at by the table. */
  abstract meets(other: Lock): boolean;
  /** They are named exactly alike. */
  abstract names(other: Lock): boolean;
}

export interface Domain<Waiter, Lock extends TableLock<Waiter, Lock>> {
  readonly name: string;
  readonly inode: LockedInode<Waiter, Lock>;
  /** Replaced as wholes, or pushed to. */
  granted: Lock[];
  waiting: Lock[];
}

interface LockedInode<Waiter, Lock extends TableLock<Waiter, Lock>> {
  readonly gfid: Uint32Array;
  readonly domains: Domain<Waiter, Lock>[];
  /** Granted and waiting, of all domains. */
  count: number;
}

/** Of one inode. */
export interface LocksToClear<Lock> {
  readonly which: "blocked" | "granted" | "all";
  readonly isMeant: (lock: Lock) => boolean;
}

export interface LocksCleared<Waiter> {
  readonly granted: number;
  /** They waited, and are to be told. */
  readonly ended: readonly Waiter[];
}

const NOTHING: readonly never[] = [];

export class LockTable<Waiter, Lock extends TableLock<Waiter, Lock>> {
  /** A holder is not told again before so long. */
  notifyDelayMs: number;
  /** Holders are told at all. */
  notifies = true;
  readonly #inodes = new GfidMap<LockedInode<Waiter, Lock>>();
  readonly #clients = new Map<number, Set<Lock>>();
  #granted: Waiter[] = [];
  #contended: Lock[] = [];
  #hurrying = false;
  #draining = false;
  #mayGoOn: (lock: Lock) => boolean = nobody;
  #heldCount = 0;

  constructor(notifyDelayMs: number) {
    this.notifyDelayMs = notifyDelayMs;
  }

  /** How many locks are granted, in the whole brick. */
  get heldCount(): number {
    return this.#heldCount;
  }

  /**
   * Granted and waiting locks of an inode, in all domains or in one; in a hurry one more than there
   * are. Allocates nothing.
   */
  count(words: Uint32Array, at: number, domain?: string): number {
    const inode = this.#inodes.get(words, at);
    if (inode === undefined) return 0;
    const more = this.#hurrying ? 1 : 0;
    if (domain === undefined) return inode.count + more;
    for (const known of inode.domains) {
      if (known.name === domain) return known.granted.length + known.waiting.length + more;
    }
    return 0;
  }

  /** Allocates nothing. */
  any(words: Uint32Array, at: number): boolean {
    return this.#inodes.has(words, at);
  }

  /** True when a lock of the inode, granted or waiting, in any domain, is such. */
  some(words: Uint32Array, at: number, is: (lock: Lock) => boolean): boolean {
    const inode = this.#inodes.get(words, at);
    if (inode === undefined) return false;
    return inode.domains.some((domain) => domain.granted.some(is) || domain.waiting.some(is));
  }

  /** `lock.waiter` undefined: do not wait, EAGAIN. */
  acquire(request: LockRequest, lock: Lock, now: number): number {
    const domain = this.#domain(request);
    lock.domain = domain;
    const status = this.#tryGrant(domain, lock, now);
    if (status === LOCK.granted || lock.waiter !== undefined) {
      domain.inode.count++;
      this.#locksOf(lock.client).add(lock);
    }
    if (status === LOCK.granted) {
      lock.waiter = undefined;
      return status;
    }
    if (lock.waiter === undefined) {
      this.#forgetIfEmpty(domain);
      return LOCK.again;
    }
    domain.waiting.push(lock);
    return LOCK.waiting;
  }

  /** `like` is named as the lock to give back, and has its owner. LOCK.invalid: there is none. */
  release(request: LockRequest, like: Lock, now: number): number {
    const inode = this.#inodes.get(request.words, request.at);
    const domain = inode?.domains.find((known) => known.name === request.domain);
    if (domain === undefined) return LOCK.invalid;
    const index = domain.granted.findIndex((held) => sameOwner(held, like) && held.names(like));
    if (index < 0) return LOCK.invalid;
    this.#drop(domain.granted[index]!);
    domain.granted.splice(index, 1);
    this.#heldCount--;
    this.#retry(domain, now);
    return LOCK.granted;
  }

  /** Try those that wait in a domain. */
  protected tryWaiting(request: LockRequest, now: number): void {
    const inode = this.#inodes.get(request.words, request.at);
    const domain = inode?.domains.find((known) => known.name === request.domain);
    if (domain !== undefined) this.#retry(domain, now);
  }

  /** A connection is gone: so are its locks. Its waiters are dropped, and need no answer. */
  releaseClient(client: number, now: number): void {
    const locks = this.#clients.get(client);
    if (locks === undefined) return;
    this.#clients.delete(client);
    const domains = new Set<Domain<Waiter, Lock>>();
    for (const lock of locks) {
      const domain = lock.domain!;
      domain.inode.count--;
      domains.add(domain);
    }
    for (const domain of domains) {
      const held = domain.granted.length;
      domain.granted = domain.granted.filter((lock) => lock.client !== client);
      domain.waiting = domain.waiting.filter((lock) => lock.client !== client);
      this.#heldCount -= held - domain.granted.length;
    }
    for (const domain of domains) this.#retry(domain, now);
  }

  /** Takes away locks of an inode that are meant, in all domains; who waited for one is given back. */
  clear(
    words: Uint32Array, at: number, { which, isMeant }: LocksToClear<Lock>, now: number,
  ): LocksCleared<Waiter> {
    const ended: Waiter[] = [];
    let granted = 0;
    for (const domain of (this.#inodes.get(words, at)?.domains ?? NOTHING).slice()) {
      const holders = which === "blocked" ? [] : domain.granted.filter(isMeant);
      const waiting = which === "granted" ? [] : domain.waiting.filter(isMeant);
      domain.granted = domain.granted.filter((lock) => !holders.includes(lock));
      domain.waiting = domain.waiting.filter((lock) => !waiting.includes(lock));
      for (const lock of [...holders, ...waiting]) this.#drop(lock);
      for (const lock of waiting) ended.push(lock.waiter!);
      granted += holders.length;
      this.#heldCount -= holders.length;
      this.#retry(domain, now);
    }
    return { granted, ended };
  }

  /** Start or end hurrying: whoever holds a lock, or is given one, is told that it is wanted. */
  hurry(hurrying: boolean, now: number): void {
    this.#hurrying = hurrying;
    if (!hurrying) return;
    for (const lock of this.locks()) {
      if (lock.waiter !== undefined || isInternal(lock)) continue;
      lock.isOld = true;
      this.#tell(lock, now);
    }
  }

  /** Start or end draining. At its end all that waits is tried. */
  drain(draining: boolean, now: number): void {
    this.#draining = draining;
    this.#mayGoOn = nobody;
    if (!draining) this.#retryAll(now);
  }

  /** While draining: these locks are given although their owners hold nothing here. */
  letGo(mayGoOn: (lock: Lock) => boolean, now: number): void {
    this.#mayGoOn = mayGoOn;
    this.#retryAll(now);
  }

  /** Waiters granted since the last call, in the order of their grants. */
  takeGranted(): readonly Waiter[] {
    if (this.#granted.length === 0) return NOTHING;
    const taken = this.#granted;
    this.#granted = [];
    return taken;
  }

  /** Locks whose holders are to be told that others want them. */
  takeContended(): readonly Lock[] {
    if (this.#contended.length === 0) return NOTHING;
    const taken = this.#contended;
    this.#contended = [];
    return taken;
  }

  /** Every lock, for a dump: granted if it has no waiter. */
  *locks(): IterableIterator<Lock> {
    for (const inode of this.#inodes.values()) {
      for (const domain of inode.domains) yield* [...domain.granted, ...domain.waiting];
    }
  }

  #domain(request: LockRequest): Domain<Waiter, Lock> {
    const { words, at } = request;
    let inode = this.#inodes.get(words, at);
    if (inode === undefined) {
      inode = { gfid: words.slice(at, at + 4), domains: [], count: 0 };
      this.#inodes.set(words, at, inode);
    }
    for (const known of inode.domains) if (known.name === request.domain) return known;
    const domain = { name: request.domain, inode, granted: [], waiting: [] };
    inode.domains.push(domain);
    return domain;
  }

  #locksOf(client: number): Set<Lock> {
    let locks = this.#clients.get(client);
    if (locks === undefined) {
      locks = new Set();
      this.#clients.set(client, locks);
    }
    return locks;
  }

  #tryGrant(domain: Domain<Waiter, Lock>, lock: Lock, now: number): number {
    const free = this.#isFree(domain, lock, now);
    if (!free || (this.#draining && !this.#goesOn(lock))) return LOCK.again;
    if (domain.waiting.length > 0 && mustQueue(domain, lock)) return LOCK.again;
    domain.granted.push(lock);
    this.#heldCount++;
    if (this.#hurrying && !isInternal(lock)) this.#tell(lock, now);
    return LOCK.granted;
  }

  #isFree(domain: Domain<Waiter, Lock>, lock: Lock, now: number): boolean {
    let free = true;
    for (const held of domain.granted) {
      if (!conflicts<Waiter, Lock>(lock, held)) continue;
      free = false;
      if (!this.notifies || now - held.notifiedAt < this.notifyDelayMs) continue;
      this.#tell(held, now);
    }
    return free;
  }

  #tell(holder: Lock, now: number): void {
    holder.notifiedAt = now;
    this.#contended.push(holder);
  }

  #goesOn(lock: Lock): boolean {
    return isInternal(lock) || this.#holdsAny(lock) || this.#mayGoOn(lock);
  }

  #holdsAny(lock: Lock): boolean {
    for (const other of this.#clients.get(lock.client) ?? NOTHING) {
      if (other.waiter === undefined && sameOwner(lock, other)) return true;
    }
    return false;
  }

  #retryAll(now: number): void {
    // Of copies: what is empty in the end is forgotten on the way.
    for (const inode of Array.from(this.#inodes.values())) {
      for (const domain of inode.domains.slice()) this.#retry(domain, now);
    }
  }

  #retry(domain: Domain<Waiter, Lock>, now: number): void {
    const { waiting } = domain;
    if (waiting.length > 0) {
      domain.waiting = [];
      for (const lock of waiting) {
        if (this.#tryGrant(domain, lock, now) === LOCK.granted) {
          this.#granted.push(lock.waiter!);
          lock.waiter = undefined;
        } else {
          domain.waiting.push(lock);
        }
      }
    }
    this.#forgetIfEmpty(domain);
  }

  #drop(lock: Lock): void {
    lock.domain!.inode.count--;
    this.#clients.get(lock.client)?.delete(lock);
  }

  #forgetIfEmpty(domain: Domain<Waiter, Lock>): void {
    if (domain.granted.length + domain.waiting.length > 0) return;
    const { domains, gfid } = domain.inode;
    const index = domains.indexOf(domain);
    if (index >= 0) domains.splice(index, 1);
    if (domains.length === 0) this.#inodes.delete(gfid, 0);
  }
}

const nobody = (): boolean => false;

/** Of a daemon of GlusterFS, not of a program: the wire's process id is negative. */
export function isInternal(lock: { readonly pid: number }): boolean {
  return (lock.pid | 0) < 0;
}

/** It conflicts with one that waits, and its owner neither has nor awaits a lock here. */
function mustQueue<Waiter, Lock extends TableLock<Waiter, Lock>>(
  domain: Domain<Waiter, Lock>, lock: Lock,
): boolean {
  return domain.waiting.some((other) => conflicts<Waiter, Lock>(lock, other))
    && !domain.granted.some((other) => sameOwner(lock, other))
    && !domain.waiting.some((other) => sameOwner(lock, other));
}

interface Owned {
  readonly client: number;
  readonly owner: Uint8Array;
}

export function sameOwner(a: Owned, b: Owned): boolean {
  if (a.client !== b.client || a.owner.length !== b.owner.length) return false;
  for (let index = 0; index < a.owner.length; index++) {
    if (a.owner[index] !== b.owner[index]) return false;
  }
  return true;
}

function conflicts<Waiter, Lock extends TableLock<Waiter, Lock>>(a: Lock, b: Lock): boolean {
  if (a.type === LOCK_SHARED && b.type === LOCK_SHARED) return false;
  return a.meets(b) && !sameOwner(a, b);
}
