export { GfidMap } from "./gfid-map.ts";
export { setRange, wireLength } from "./lock-range.ts";
export type { LockRange } from "./lock-range.ts";
export { isInternal, LOCK, LOCK_EXCLUSIVE, LOCK_SHARED } from "./lock-table.ts";
export type { LockRequest, LocksCleared, LocksToClear } from "./lock-table.ts";
export { InodeLocks, LOCK_COMMAND, LOCK_TYPE } from "./inode-locks.ts";
export type { InodeLock, InodeLockRequest } from "./inode-locks.ts";
export { ENTRY_LOCK_COMMAND, EntryLocks } from "./entry-locks.ts";
export type { EntryLock, EntryLockRequest } from "./entry-locks.ts";
export { isCovered, isKeptOff } from "./mandatory-locks.ts";
export type { FileAccess } from "./mandatory-locks.ts";
export { PosixLocks } from "./posix-locks.ts";
export type { PosixLock, PosixLockRequest } from "./posix-locks.ts";

export { ACL_MINIMAL, ACL_TAG, encodeAcl, parseAcl } from "./acl.ts";
export type { Acl } from "./acl.ts";
export { inheritAcl, modeWithAcl } from "./acl-mode.ts";
export {
  chmodMode, isInGroup, newEntryGid, newEntryMode, openWants, permits, SET_ATTRIBUTE,
  setAttributesErrno, stickyPermits, WANT,
} from "./access.ts";
export type { Caller, Guarded } from "./access.ts";
export {
  ACL_ACCESS_KEY, ACL_DEFAULT_KEY, getXattrErrno, isAclKey, removeXattrErrno, setXattrErrno,
} from "./xattr-access.ts";
export { ANONYMOUS_ID, NO_SQUASH, squash } from "./root-squash.ts";
export type { SquashedCaller, SquashRule } from "./root-squash.ts";

export { isZero, XATTROP, XATTROP_FLAG, xattrop, xattropLength } from "./xattrop.ts";
export { INDEX, INDEX_ACTION, IndexDecision, indexOfKey } from "./xattrop-index.ts";
export type { IndexWatch } from "./xattrop-index.ts";
export { writeXxh64, xxh64Hex } from "./xxh64.ts";
export { weakChecksum } from "./weak-checksum.ts";

export { Barrier, BARRIER_TIMEOUT_MS } from "./barrier.ts";
export { IoStats, LATENCY_BUCKETS, SIZE_BUCKETS } from "./io-stats.ts";
export type { FopStatistics, StatisticsBook } from "./io-stats.ts";
export { LEASE, LEASE_COMMAND, LEASE_RECALL_MS, LeaseTable } from "./lease-table.ts";
export type { Lease, LeaseUser } from "./lease-table.ts";
export { UPCALL_TIMEOUT_MS, UpcallTable } from "./upcall-table.ts";
