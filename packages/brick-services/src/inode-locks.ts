/**
 * INODELK and FINODELK: locks on ranges of bytes of an inode, of no effect on reads and writes. See
 * lock-table.ts for what is granted when.
 *
 * | command | type | answer |
 * |---|---|---|
 * | 0 GETLK | | ENOTSUP |
 * | 1 SETLK | 0 read, 1 write | granted or EAGAIN |
 * | 2 SETLKW | 0 read, 1 write | granted, or answered later |
 * | 1, 2 | 2 unlock | exactly that range of that owner is given back, or EINVAL |
 */

import { equalRanges, overlaps, setRange } from "./lock-range.ts";
import type { LockRange } from "./lock-range.ts";
import { LOCK, LOCK_EXCLUSIVE, LockTable, TableLock } from "./lock-table.ts";
import type { LockRequest } from "./lock-table.ts";

export const LOCK_COMMAND = { get: 0, set: 1, setWait: 2 } as const;
export const LOCK_TYPE = { read: 0, write: 1, unlock: 2 } as const;

/** One object may serve all requests. Start and length are the wire's halves. */
export interface InodeLockRequest extends LockRequest {
  command: number;
  startHigh: number;
  startLow: number;
  lengthHigh: number;
  lengthLow: number;
}

export class InodeLock<Waiter> extends TableLock<Waiter, InodeLock<Waiter>> implements LockRange {
  startHigh = 0;
  startLow = 0;
  endHigh = 0;
  endLow = 0;

  meets(other: LockRange): boolean {
    return overlaps(this, other);
  }

  names(other: LockRange): boolean {
    return equalRanges(this, other);
  }
}

export class InodeLocks<Waiter> extends LockTable<Waiter, InodeLock<Waiter>> {
  /**
   * Serve a request. LOCK.granted: answer success. LOCK.waiting: `waiter` comes out of takeGranted
   * when it is granted. Else an errno. `now` in milliseconds, of any clock that never goes back.
   */
  request(request: InodeLockRequest, waiter: Waiter, now: number): number {
    const { command, type } = request;
    if (command !== LOCK_COMMAND.set && command !== LOCK_COMMAND.setWait) {
      return command === LOCK_COMMAND.get ? LOCK.unsupported : LOCK.invalid;
    }
    const waits = command === LOCK_COMMAND.setWait && type !== LOCK_TYPE.unlock;
    const lock = new InodeLock(request, waits ? waiter : undefined);
    const { startHigh, startLow, lengthHigh, lengthLow } = request;
    if (!setRange(lock, startHigh, startLow, lengthHigh, lengthLow)) return LOCK.invalid;
    if (type === LOCK_TYPE.unlock) return this.release(request, lock, now);
    return type > LOCK_EXCLUSIVE ? LOCK.invalid : this.acquire(request, lock, now);
  }
}
