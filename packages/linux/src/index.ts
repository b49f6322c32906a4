export {
  addressOf, bind, checked, declare, errnoName, lastErrno, LinuxError, viewMemory,
} from "./libc.ts";
export { setBlocking } from "./descriptor-flags.ts";
export type { CFunction } from "./libc.ts";
export { CallTimeout, declareAsync, isErrno, within } from "./async-call.ts";
export type { CheckedAsync } from "./async-call.ts";
export {
  blockDeviceSize,
  discardBlocks,
  flushBlockCache,
  isHeldExclusively,
  logicalBlockSize,
  sizeOfBlockDevice,
  zeroBlocks,
} from "./block-ioctl.ts";
export { flockWithin, tryFlock, unlockFlock } from "./flock.ts";
export type { FlockMode } from "./flock.ts";
export { freezeFileSystem, frozen, syncFileSystem, thawFileSystem } from "./freeze.ts";
export type { FreezeOptions, FrozenResult } from "./freeze.ts";
export { blockDeviceNames } from "./block-names.ts";
export { heldByChild, holdAsChild } from "./held-by-child.ts";
export type { HeldResult, Hold } from "./held-by-child.ts";
export {
  attachLoop,
  detachLoop,
  listLoopBackings,
  listLoops,
  readLoop,
  refreshLoopCapacity,
  setLoopSizeLimit,
} from "./loop.ts";
export type { LoopRequest, LoopStatus } from "./loop.ts";
export { listMounts, mountFileSystem, mountOf, parseMountInfo, unmount } from "./mount.ts";
export type { MountFlag, MountPoint, MountRequest } from "./mount.ts";
export { fileSystemUsage } from "./statfs.ts";
export type { FileSystemUsage } from "./statfs.ts";
export { getXattr, listXattrs, removeXattr, setXattr } from "./xattr.ts";
export {
  EAGAIN, EINTR, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, FALLOC_FL_ZERO_RANGE, fileIo, preadFully, pwriteFully,
} from "./file-io.ts";
export type { FileIo } from "./file-io.ts";
export { allocatePages, mapFile } from "./mmap.ts";
export type { MappedMemory } from "./mmap.ts";
export { bootId, lockMemory, setIoFlusher, setOomScore } from "./process.ts";
export { CAPABILITY, confine, keepOverExec, replaceProcess } from "./confine.ts";
export type { Confinement } from "./confine.ts";
export { releaseProgramPages } from "./program-pages.ts";
export { openEventFd, signalEventFd } from "./event-fd.ts";
export { duplicateFd, listenTcp, listenUnix, socketIo, socketPair, tuneConnection } from "./socket.ts";
export type { ConnectionTuning, SocketIo } from "./socket.ts";
export { groupsOfUser } from "./user-groups.ts";
export { journalEntry } from "./journal.ts";
export { systemLog } from "./system-log.ts";
export { Acceptor, Epoll, EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT } from "./epoll.ts";
export type { Peer } from "./epoll.ts";
export {
  AT_EMPTY_PATH, AT_REMOVEDIR, AT_SYMLINK_NOFOLLOW, O_CLOEXEC, O_PATH, O_TMPFILE,
  RENAME_NOREPLACE, seekExact, STATX_ALL, treeCalls, UTIME_NOW, UTIME_OMIT,
} from "./tree-calls.ts";
export type { TreeCalls } from "./tree-calls.ts";
export { GfapiVolume, requireGfapi } from "./gfapi.ts";
export { GfapiWriter } from "./gfapi-writer.ts";
export type { GfapiEntry, GfapiPlace, GfapiStat, GfapiUsage } from "./gfapi.ts";
export { loginUid, type PeerCredentials, peerCredentials } from "./peer-credentials.ts";
