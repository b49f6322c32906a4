/**
 * Locks of programs that reads and writes keep to (`locks.mandatory-locking`):
 *
 *     forced     what overlaps a write lock of another owner waits; a write, a read lock, too
 *     optimal    the same, of those locks alone that were asked for as mandatory
 *     file       as off: glusterfsd 10 takes no file for one that is marked, and neither do we
 *
 * A file that is *enforced* (an attribute says so) is read and written only by who has a lock
 * that covers the range: the first lock that overlaps it decides. Who wants a lock there takes it
 * from who has it.
 */
import { LOCK_TYPE } from "./inode-locks.ts";
import { comparePositions, overlaps } from "./lock-range.ts";
import type { LockRange } from "./lock-range.ts";
import { sameOwner } from "./lock-table.ts";
import type { PosixLock } from "./posix-locks.ts";

/** What a request is about to read, or to change. */
export interface FileAccess extends LockRange {
  client: number;
  owner: Uint8Array;
  reads: boolean;
}

/** Somebody else's lock is in the way. `onlyMandatory`: others do not count. */
export function isKeptOff(
  held: readonly PosixLock[], access: FileAccess, onlyMandatory: boolean,
): boolean {
  return held.some((lock) =>
    !(access.reads && lock.type === LOCK_TYPE.read) && (lock.isMandatory || !onlyMandatory) &&
    overlaps(lock, access) && !sameOwner(lock, access));
}

/** The first lock that overlaps is the caller's own, and leaves out nothing. */
export function isCovered(held: readonly PosixLock[], access: FileAccess): boolean {
  const first = held.find((lock) => overlaps(lock, access));
  return first !== undefined && sameOwner(first, access) && covers(first, access);
}

function covers(outer: LockRange, inner: LockRange): boolean {
  return comparePositions(outer.startHigh, outer.startLow, inner.startHigh, inner.startLow) <= 0 &&
    comparePositions(outer.endHigh, outer.endLow, inner.endHigh, inner.endLow) >= 0;
}
