/**
 * LK: locks of programs, as fcntl(2) has them; flock(2) arrives as the whole file with an owner of
 * its own. Advisory, unless the caller asks for reads and writes, too (`mandatory-locks.ts`).
 *
 * - An owner (connection and lock_owner bytes) has at most one type of lock on a byte. What it asks
 *   for replaces what it had there: its ranges are cut, and neighbours of one type become one.
 * - SETLK that conflicts with somebody else's: EAGAIN. SETLKW: waits, and before that loses what it
 *   had in the range, as stock's does: two owners that both go from read to write would wait for
 *   each other for ever.
 * - Whenever something is given back, those that wait are tried again, oldest first.
 *   Unlike fcntl(2), a request that would only deadlock is not refused: it waits.
 *   Unlike stock's, a reader that waited is let in beside other readers.
 * - Who waits may be told to stop: its program got a signal.
 * - FLUSH drops an owner's locks on the inode; the end of a descriptor, those that came through it;
 *   the end of a connection, all of its locks. A client that gets new connections (its volume's
 *   graph was changed) takes a descriptor's locks along to the new one: `migrate`.
 */

import { GfidMap } from "./gfid-map.ts";
import { LOCK_COMMAND, LOCK_TYPE } from "./inode-locks.ts";
import { comparePositions, overlaps, setRangeSigned, stepBack, stepForward } from "./lock-range.ts";
import type { LockRange } from "./lock-range.ts";
import { LOCK, type LocksCleared, type LocksToClear, sameOwner } from "./lock-table.ts";

/** One object may serve all requests. Start and length are the wire's halves. */
export interface PosixLockRequest {
  /** Where the gfid's four words are in `words`. */
  words: Uint32Array;
  at: number;
  client: number;
  /** Kept: its bytes must not change after. */
  owner: Uint8Array;
  pid: number;
  command: number;
  type: number;
  startHigh: number;
  startLow: number;
  lengthHigh: number;
  lengthLow: number;
  /** What it comes through, a number of the caller's; 0 or not told: none. */
  descriptor?: number;
  /** Reads and writes of others are to keep off, where only such locks are looked at. */
  isMandatory?: boolean;
}

/** A range of one owner, of one type. */
export interface PosixLock extends LockRange {
  readonly client: number;
  readonly owner: Uint8Array;
  readonly pid: number;
  readonly type: number;
  readonly descriptor: number;
  readonly isMandatory: boolean;
}

interface Waiting<Waiter> {
  readonly lock: PosixLock;
  readonly waiter: Waiter;
}

interface LockedFile<Waiter> {
  readonly gfid: Uint32Array;
  /** Connections that ever had or awaited something here. */
  readonly clients: Set<number>;
  held: PosixLock[];
  waiting: Waiting<Waiter>[];
}

const NOTHING: readonly never[] = [];

export class PosixLocks<Waiter> {
  readonly #files = new GfidMap<LockedFile<Waiter>>();
  /** Files where a connection has or awaits something; some of them no longer. */
  readonly #clients = new Map<number, Set<LockedFile<Waiter>>>();
  #granted: Waiter[] = [];
  /** Grows whenever something was granted or given back. */
  changes = 0;

  /** Granted and waiting on an inode. Allocates nothing. */
  count(words: Uint32Array, at: number): number {
    const file = this.#files.get(words, at);
    return file === undefined ? 0 : file.held.length + file.waiting.length;
  }

  any(words: Uint32Array, at: number): boolean {
    return this.#files.has(words, at);
  }

  /** One is held or waited for that `isMeant`. */
  some(words: Uint32Array, at: number, isMeant: (lock: PosixLock) => boolean): boolean {
    const file = this.#files.get(words, at);
    if (file === undefined) return false;
    return file.held.some(isMeant) || file.waiting.some(({ lock }) => isMeant(lock));
  }

  /**
   * Serve SETLK or SETLKW. LOCK.granted: answer success. LOCK.waiting: `waiter` comes out of
   * takeGranted when it is granted. Else an errno.
   */
  request(request: PosixLockRequest, waiter: Waiter): number {
    const { command, type, words, at } = request;
    if (command !== LOCK_COMMAND.set && command !== LOCK_COMMAND.setWait) return LOCK.invalid;
    const lock = lockOf(request);
    if (lock === undefined || type > LOCK_TYPE.unlock) return LOCK.invalid;
    if (type === LOCK_TYPE.unlock && !this.any(words, at)) return LOCK.granted;
    const file = this.#file(words, at);
    if (type !== LOCK_TYPE.unlock && conflictOf(file, lock) !== undefined) {
      if (command !== LOCK_COMMAND.setWait) return LOCK.again;
      replace(file, { ...lock, type: LOCK_TYPE.unlock });
      file.waiting.push({ lock, waiter });
      this.#note(lock.client, file);
      this.#retry(file);
      return LOCK.waiting;
    }
    replace(file, lock);
    this.#note(lock.client, file);
    this.#retry(file);
    return LOCK.granted;
  }

  /**
   * A lock that nothing is in the way of: those of others that overlap are taken from them. Who
   * waits on the file waits no longer, and is given back. `undefined`: EINVAL.
   */
  preempt(request: PosixLockRequest): readonly Waiter[] | undefined {
    const lock = lockOf(request);
    if (lock === undefined || request.type > LOCK_TYPE.write) return undefined;
    const file = this.#file(request.words, request.at);
    const ended = file.waiting.map(({ waiter }) => waiter);
    file.waiting = [];
    file.held = file.held.filter((held) => !overlaps(held, lock) || sameOwner(held, lock));
    replace(file, lock);
    this.#note(lock.client, file);
    this.#retry(file);
    return ended;
  }

  /** GETLK: what would be in the way of the lock, null when nothing; undefined: EINVAL. */
  find(request: PosixLockRequest): PosixLock | null | undefined {
    const lock = lockOf(request);
    if (lock === undefined || request.type > LOCK_TYPE.unlock) return undefined;
    const file = this.#files.get(request.words, request.at);
    if (file === undefined || request.type === LOCK_TYPE.unlock) return null;
    return conflictOf(file, lock) ?? null;
  }

  /**
   * Those of the client that wait for a lock in the request's range wait no longer; only of the
   * request's owner, if one of them is his. `undefined`: EINVAL.
   */
  interrupt(request: PosixLockRequest): readonly Waiter[] | undefined {
    const lock = lockOf(request);
    if (lock === undefined) return undefined;
    const file = this.#files.get(request.words, request.at);
    if (file === undefined) return NOTHING;
    const meant = file.waiting.filter((each) =>
      each.lock.client === lock.client && overlaps(each.lock, lock));
    const own = meant.filter((each) => sameOwner(each.lock, lock));
    const ended = own.length > 0 ? own : meant;
    file.waiting = file.waiting.filter((each) => !ended.includes(each));
    this.#retry(file);
    return ended.map(({ waiter }) => waiter);
  }

  /** Takes away locks of a file that are meant; who waited for one is given back. */
  clear(
    words: Uint32Array, at: number, { which, isMeant }: LocksToClear<PosixLock>,
  ): LocksCleared<Waiter> {
    const file = this.#files.get(words, at);
    if (file === undefined) return { granted: 0, ended: NOTHING };
    const holders = which === "blocked" ? [] : file.held.filter(isMeant);
    const waiting = which === "granted" ? [] : file.waiting.filter(({ lock }) => isMeant(lock));
    file.held = file.held.filter((lock) => !holders.includes(lock));
    file.waiting = file.waiting.filter((each) => !waiting.includes(each));
    this.#retry(file);
    return { granted: holders.length, ended: waiting.map(({ waiter }) => waiter) };
  }

  /** FLUSH. Allocates nothing when nobody has a lock on the inode. */
  flush(words: Uint32Array, at: number, client: number, owner: Uint8Array): void {
    const file = this.#files.get(words, at);
    if (file === undefined) return;
    const who = { client, owner };
    file.held = file.held.filter((lock) => !sameOwner(lock, who));
    this.#retry(file);
  }

  /** A descriptor is closed. Who waits for a lock through it is given back. */
  releaseDescriptor(words: Uint32Array, at: number, descriptor: number): readonly Waiter[] {
    const isMeant = (lock: PosixLock): boolean => lock.descriptor === descriptor;
    return this.clear(words, at, { which: "all", isMeant }).ended;
  }

  /**
   * The locks of a descriptor are from now on another's, of another connection. Who waits for one
   * does so on the old connection, and ends with it.
   */
  migrate(
    words: Uint32Array, at: number, descriptor: number,
    to: { readonly client: number; readonly descriptor: number },
  ): void {
    const file = this.#files.get(words, at);
    if (file === undefined) return;
    file.held = file.held.map((lock) =>
      lock.descriptor === descriptor ? { ...lock, ...to } : lock);
    this.#note(to.client, file);
    this.#retry(file);
  }

  /** A connection is gone. Its waiters are dropped, and need no answer. */
  releaseClient(client: number): void {
    const files = this.#clients.get(client);
    if (files === undefined) return;
    this.#clients.delete(client);
    for (const file of files) {
      file.held = file.held.filter((lock) => lock.client !== client);
      file.waiting = file.waiting.filter(({ lock }) => lock.client !== client);
      this.#retry(file);
    }
  }

  /** Waiters granted since the last call, in the order of their grants. */
  takeGranted(): readonly Waiter[] {
    if (this.#granted.length === 0) return NOTHING;
    const taken = this.#granted;
    this.#granted = [];
    return taken;
  }

  /** What is held on an inode: GETACTIVELK, and for a dump. */
  held(words: Uint32Array, at: number): readonly PosixLock[] {
    return this.#files.get(words, at)?.held ?? NOTHING;
  }

  /** Every lock, for a dump: those that are held, and those that are waited for. */
  *locks(): IterableIterator<{
    readonly gfid: Uint32Array; readonly lock: PosixLock; readonly waits: boolean;
  }> {
    for (const { gfid, held, waiting } of this.#files.values()) {
      for (const lock of held) yield { gfid, lock, waits: false };
      for (const { lock } of waiting) yield { gfid, lock, waits: true };
    }
  }

  #file(words: Uint32Array, at: number): LockedFile<Waiter> {
    let file = this.#files.get(words, at);
    if (file === undefined) {
      file = { gfid: words.slice(at, at + 4), clients: new Set(), held: [], waiting: [] };
      this.#files.set(words, at, file);
    }
    return file;
  }

  #note(client: number, file: LockedFile<Waiter>): void {
    let files = this.#clients.get(client);
    if (files === undefined) {
      files = new Set();
      this.#clients.set(client, files);
    }
    files.add(file);
    file.clients.add(client);
  }

  #retry(file: LockedFile<Waiter>): void {
    this.changes++;
    // What one is granted may replace what was in the way of an older one: until none is.
    for (let tried = -1; file.waiting.length > 0 && tried !== file.waiting.length;) {
      tried = file.waiting.length;
      file.waiting = file.waiting.filter(({ lock, waiter }) => {
        if (conflictOf(file, lock) !== undefined) return true;
        replace(file, lock);
        this.#granted.push(waiter);
        return false;
      });
    }
    if (file.held.length + file.waiting.length > 0) return;
    this.#files.delete(file.gfid, 0);
    for (const client of file.clients) this.#clients.get(client)?.delete(file);
  }
}

function lockOf(request: PosixLockRequest): PosixLock | undefined {
  const { client, owner, pid, type, descriptor = 0, isMandatory = false } = request;
  const lock = {
    client, owner, pid, type, descriptor, isMandatory,
    startHigh: 0, startLow: 0, endHigh: 0, endLow: 0,
  };
  const { startHigh, startLow, lengthHigh, lengthLow } = request;
  return setRangeSigned(lock, startHigh, startLow, lengthHigh, lengthLow) ? lock : undefined;
}

function conflictOf(file: { readonly held: PosixLock[] }, lock: PosixLock): PosixLock | undefined {
  for (const held of file.held) {
    if (lock.type === LOCK_TYPE.read && held.type === LOCK_TYPE.read) continue;
    if (overlaps(held, lock) && !sameOwner(held, lock)) return held;
  }
  return undefined;
}

/** Give the owner `lock.type` on the range, and nothing else there. */
function replace(file: { held: PosixLock[] }, lock: PosixLock): void {
  const kept: PosixLock[] = [];
  const grown = { ...lock };
  for (const held of file.held) {
    if (!sameOwner(held, lock) || !touches(held, lock)) {
      kept.push(held);
    } else if (isAlike(held, lock)) {
      cover(grown, held);
    } else {
      const before = { ...held, endHigh: lock.startHigh, endLow: lock.startLow };
      if (startsBefore(held, lock) && stepBack(before)) kept.push(before);
      const behind = { ...held, startHigh: lock.endHigh, startLow: lock.endLow };
      if (endsBehind(held, lock) && stepForward(behind)) kept.push(behind);
    }
  }
  if (lock.type !== LOCK_TYPE.unlock) kept.push(grown);
  file.held = kept;
}

/** They become one. Side by side, those of two descriptors do not: they end apart. */
function isAlike(held: PosixLock, lock: PosixLock): boolean {
  return held.type === lock.type && held.isMandatory === lock.isMandatory &&
    (held.descriptor === lock.descriptor || overlaps(held, lock));
}

/** They overlap, or one ends right before the other. */
function touches(a: LockRange, b: LockRange): boolean {
  const wider = { ...a };
  const low = { startHigh: a.startHigh, startLow: a.startLow,
    endHigh: a.startHigh, endLow: a.startLow };
  if (stepBack(low)) [wider.startHigh, wider.startLow] = [low.endHigh, low.endLow];
  const high = { startHigh: a.endHigh, startLow: a.endLow, endHigh: a.endHigh, endLow: a.endLow };
  if (stepForward(high)) [wider.endHigh, wider.endLow] = [high.startHigh, high.startLow];
  return overlaps(wider, b);
}

function startsBefore(a: LockRange, b: LockRange): boolean {
  return comparePositions(a.startHigh, a.startLow, b.startHigh, b.startLow) < 0;
}

function endsBehind(a: LockRange, b: LockRange): boolean {
  return comparePositions(a.endHigh, a.endLow, b.endHigh, b.endLow) > 0;
}

function cover(target: LockRange, other: LockRange): void {
  if (startsBefore(other, target)) {
    target.startHigh = other.startHigh;
    target.startLow = other.startLow;
  }
  if (endsBehind(other, target)) {
    target.endHigh = other.endHigh;
    target.endLow = other.endLow;
  }
}
