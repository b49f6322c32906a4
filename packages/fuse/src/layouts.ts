/**
 * The messages of the kernel's FUSE protocol, 7.31 and later, as far as a flat directory of big
 * files needs them. All little-endian here: the kernel speaks its own byte order, and this code
 * runs on little-endian machines only.
 *
 *     request: inHeader (40) | body of the operation | data    one read(2) is one request
 *     reply:   outHeader (16) | body | data                    one write(2) is one reply
 *
 * Source: the interface header linux/fuse.h, whose use is permitted to anyone by its BSD clause.
 */
import { bytes, i32le, struct, u16le, u32le, u64le } from "@mortar/binary";

export const KERNEL_MAJOR = 7;
/** FUSE_INIT's `max_pages` came with 7.28; nothing later changes a layout used here. */
export const KERNEL_MINOR_MIN = 28;
/** The version we answer with: the kernel uses the smaller of both. */
export const OUR_MINOR = 40;
export const ROOT_NODE = 1;
/**
 * An empty file that a session serves besides those it is given; the lowest node free for them is
 * FILE_NODE_MIN.
 */
export const WAKE_NODE = 2;
export const FILE_NODE_MIN = 16;

export const Opcode = {
  lookup: 1, forget: 2, getattr: 3, setattr: 4, open: 14, read: 15, write: 16, statfs: 17,
  release: 18, fsync: 20, getxattr: 22, listxattr: 23, flush: 25, init: 26, opendir: 27,
  readdir: 28, releasedir: 29, fsyncdir: 30, access: 34, interrupt: 36, destroy: 38, ioctl: 39,
  notifyReply: 41, batchForget: 42, fallocate: 43, lseek: 46, syncfs: 50,
} as const;

export const Notify = { retrieve: 5, resend: 7 } as const;

/** FUSE_INIT flags; those of the second word are given as their bit in `flags2`. */
export const Init = {
  asyncRead: 1, bigWrites: 1 << 5, asyncDio: 1 << 15, parallelDirops: 1 << 18, maxPages: 1 << 22,
  initExt: 1 << 30,
} as const;
export const Init2 = { hasResend: 1 << 7 } as const;

export const Open = {
  directIo: 1, keepCache: 2, noFlush: 1 << 5, parallelDirectWrites: 1 << 6,
} as const;
export const Fallocate = { keepSize: 1, punchHole: 2, zeroRange: 16 } as const;
/** `valid` bits of SETATTR. */
export const SetAttribute = { mode: 1, uid: 2, gid: 4, size: 8 } as const;

/**
 * `unique` names the request. It is opaque and copied raw into the reply: its top bit marks a
 * request that was sent again, and a number could not hold it.
 */
export const inHeader = struct("fuse_in_header", 40, {
  length: u32le, opcode: u32le, uniqueLow: u32le, uniqueHigh: u32le, node: u64le, uid: u32le,
  gid: u32le, pid: u32le, extensionLength: u16le, padding: u16le,
});
/** `error` is a negated errno; in a notification (unique 0) the positive notification code. */
export const outHeader = struct("fuse_out_header", 16, {
  length: u32le, error: i32le, uniqueLow: u32le, uniqueHigh: u32le,
});
export const initIn = struct("fuse_init_in", 64, {
  major: u32le, minor: u32le, maxReadahead: u32le, flags: u32le, flags2: u32le, unused: bytes(44),
});
export const initOut = struct("fuse_init_out", 64, {
  major: u32le, minor: u32le, maxReadahead: u32le, flags: u32le, maxBackground: u16le,
  congestionThreshold: u16le, maxWrite: u32le, timeGranularity: u32le, maxPages: u16le,
  mapAlignment: u16le, flags2: u32le, maxStackDepth: u32le, requestTimeout: u16le,
  unused: bytes(22),
});
export const attributes = struct("fuse_attr", 88, {
  inode: u64le, size: u64le, blocks: u64le, accessed: u64le, modified: u64le, changed: u64le,
  accessedNs: u32le, modifiedNs: u32le, changedNs: u32le, mode: u32le, links: u32le, uid: u32le,
  gid: u32le, device: u32le, blockSize: u32le, flags: u32le,
});
/**
 * Before the attributes in the reply to LOOKUP. Validities are how long the kernel may remember, in
 * seconds.
 */
export const entryOut = struct("fuse_entry_out", 40, {
  node: u64le, generation: u64le, entryValid: u64le, attributesValid: u64le, entryValidNs: u32le,
  attributesValidNs: u32le,
});
/** Before the attributes in the reply to GETATTR and SETATTR. */
export const attributesOut = struct("fuse_attr_out", 16, {
  valid: u64le, validNs: u32le, padding: u32le,
});
export const setattrIn = struct("fuse_setattr_in", 88, {
  valid: u32le, padding: u32le, handle: u64le, size: u64le, lockOwner: bytes(8), accessed: u64le,
  modified: u64le, changed: u64le, accessedNs: u32le, modifiedNs: u32le, changedNs: u32le,
  mode: u32le, unused4: u32le, uid: u32le, gid: u32le, unused5: u32le,
});
export const openIn = struct("fuse_open_in", 8, { flags: u32le, openFlags: u32le });
export const openOut = struct("fuse_open_out", 16, {
  handle: u64le, openFlags: u32le, backingId: u32le,
});
export const releaseIn = struct("fuse_release_in", 24, {
  handle: u64le, flags: u32le, releaseFlags: u32le, lockOwner: bytes(8),
});
/** READ, READDIR and, with its data behind it, WRITE. */
export const transferIn = struct("fuse_read_in, fuse_write_in", 40, {
  handle: u64le, offset: u64le, size: u32le, transferFlags: u32le, lockOwner: bytes(8),
  flags: u32le, padding: u32le,
});
export const writeOut = struct("fuse_write_out", 8, { size: u32le, padding: u32le });
export const fallocateIn = struct("fuse_fallocate_in", 32, {
  handle: u64le, offset: u64le, length: u64le, mode: u32le, padding: u32le,
});
export const statfsOut = struct("fuse_statfs_out", 80, {
  blocks: u64le, blocksFree: u64le, blocksAvailable: u64le, files: u64le, filesFree: u64le,
  blockSize: u32le, nameLengthMax: u32le, fragmentSize: u32le, padding: u32le, spare: bytes(24),
});
/**
 * Followed by the name, padded with zeros to a multiple of 8. `next` is the offset to go on reading
 * at.
 */
export const directoryEntry = struct("fuse_dirent", 24, {
  inode: u64le, next: u64le, nameLength: u32le, type: u32le,
});
/** The kernel answers with a NOTIFY_REPLY request: a wake-up for whoever reads /dev/fuse. */
export const retrieveOut = struct("fuse_notify_retrieve_out", 32, {
  notifyUnique: u64le, node: u64le, offset: u64le, size: u32le, padding: u32le,
});

/** All of them, for who checks them against the interface header. */
export const layoutsInOrder = [
  inHeader, outHeader, initIn, initOut, attributes, entryOut, attributesOut, setattrIn, openIn,
  openOut, releaseIn, transferIn, writeOut, fallocateIn, statfsOut, directoryEntry, retrieveOut,
] as const;
