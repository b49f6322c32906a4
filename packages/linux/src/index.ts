export { addressOf, bind, checked, declare, errnoName, lastErrno, LinuxError } from "./libc.ts";
export type { CFunction } from "./libc.ts";
export { CallTimeout, declareAsync, isErrno, within } from "./async-call.ts";
export type { CheckedAsync } from "./async-call.ts";
export {
  blockDeviceSize,
  discardBlocks,
  flushBlockCache,
  isHeldExclusively,
  isReadOnlyBlockDevice,
  logicalBlockSize,
  physicalBlockSize,
  sizeOfBlockDevice,
  zeroBlocks,
} from "./block-ioctl.ts";
export { flockWithin, tryFlock, unlockFlock } from "./flock.ts";
export type { FlockMode } from "./flock.ts";
export { freezeFileSystem, frozen, syncFileSystem, thawFileSystem } from "./freeze.ts";
export type { FreezeOptions, FrozenResult } from "./freeze.ts";
export {
  attachLoop,
  detachLoop,
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
