/**
 * ENTRYLK and FENTRYLK: locks on a name in a directory, or on all of its names. See lock-table.ts
 * for what is granted when.
 *
 * | command | answer |
 * |---|---|
 * | 0 LOCK | granted, or answered later |
 * | 1 UNLOCK | exactly that name of that owner is given back, or EINVAL |
 * | 2 LOCK_NB | granted or EAGAIN |
 */

import { LOCK, LOCK_EXCLUSIVE, LockTable, TableLock } from "./lock-table.ts";
import type { LockRequest } from "./lock-table.ts";

export const ENTRY_LOCK_COMMAND = { lock: 0, unlock: 1, tryLock: 2 } as const;

/** One object may serve all requests. */
export interface EntryLockRequest extends LockRequest {
  command: number;
  /** Bytes that must not change after; undefined: the whole directory. */
  name: Uint8Array | undefined;
}

export class EntryLock<Waiter> extends TableLock<Waiter, EntryLock<Waiter>> {
  readonly name: Uint8Array | undefined;

  constructor(request: EntryLockRequest, waiter: Waiter | undefined) {
    super(request, waiter);
    this.name = request.name;
  }

  meets(other: EntryLock<Waiter>): boolean {
    return this.name === undefined || other.name === undefined || this.names(other);
  }

  names(other: EntryLock<Waiter>): boolean {
    return isSameName(this.name, other.name);
  }
}

export class EntryLocks<Waiter> extends LockTable<Waiter, EntryLock<Waiter>> {
  /** As InodeLocks.request. */
  request(request: EntryLockRequest, waiter: Waiter, now: number): number {
    const { command, type } = request;
    if (command < ENTRY_LOCK_COMMAND.lock || command > ENTRY_LOCK_COMMAND.tryLock) {
      return LOCK.invalid;
    }
    const waits = command === ENTRY_LOCK_COMMAND.lock;
    const lock = new EntryLock(request, waits ? waiter : undefined);
    if (command === ENTRY_LOCK_COMMAND.unlock) {
      const status = this.release(request, lock, now);
      // As stock: of inode locks, only what is given back lets others in.
      if (status === LOCK.invalid) this.tryWaiting(request, now);
      return status;
    }
    return type > LOCK_EXCLUSIVE ? LOCK.invalid : this.acquire(request, lock, now);
  }

  /** Answers `glusterfs.parent-entrylk`: the name, or the whole directory, is locked or awaited. */
  isNameLocked(words: Uint32Array, at: number, name: Uint8Array): boolean {
    if (!this.any(words, at)) return false;
    return this.some(words, at, (lock) => lock.name === undefined || isSameName(lock.name, name));
  }
}

function isSameName(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}
