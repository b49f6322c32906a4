/**
 * The fixed structures that file operations exchange.
 *
 * | structure | bytes | members |
 * |---|---|---|
 * | iatt | 148 | gfid, flags, ino, dev, rdev, size, blocks, attributes, times, nlink … mode |
 * | mdata | 36 | the three times kept by the client's clock |
 * | statfs | 88 | eleven u64 |
 * | flock | 32 + lock owner | type, whence, start, length, pid, owner |
 * | lease | 28 | command, type, id, flags |
 * | iatt of version 3 | 112 | only in the cache-invalidation callback |
 *
 * An iatt whose gfid is all zero stands for "none". `flags` tells which members are valid. `ino` is
 * the last 8 bytes of the gfid; `rdev` is major << 32 | minor. Numbers of 64 bits that a file
 * system may fill to the brim are halves, sizes are the nearest number.
 */

import { xdr } from "@mortar/binary";
import type { XdrValue } from "@mortar/binary";

export const GFID_BYTES = 16;

/** The identity of a file or directory; the root's is 15 zero bytes and a 1. */
export const gfid = xdr.opaqueFixed(GFID_BYTES);

export const IATT_FLAG = {
  type: 0x1,
  mode: 0x2,
  nlink: 0x4,
  uid: 0x8,
  gid: 0x10,
  atime: 0x20,
  mtime: 0x40,
  ctime: 0x80,
  ino: 0x100,
  size: 0x200,
  blocks: 0x400,
  btime: 0x800,
  gfid: 0x1000,
} as const;

/** What a brick that knows no birth time fills in. */
export const IATT_FLAGS_USUAL = 0x17ff;

export const iatt = xdr.record({
  gfid,
  flags: xdr.u64Nearest,
  ino: xdr.u64Halves,
  dev: xdr.u64Halves,
  rdev: xdr.u64Halves,
  size: xdr.u64Nearest,
  /** Of 512 bytes. */
  blocks: xdr.u64Nearest,
  attributes: xdr.u64Halves,
  attributesMask: xdr.u64Halves,
  atime: xdr.i64Nearest,
  mtime: xdr.i64Nearest,
  ctime: xdr.i64Nearest,
  btime: xdr.i64Nearest,
  atimeNsec: xdr.u32,
  mtimeNsec: xdr.u32,
  ctimeNsec: xdr.u32,
  btimeNsec: xdr.u32,
  nlink: xdr.u32,
  uid: xdr.u32,
  gid: xdr.u32,
  blksize: xdr.u32,
  /** S_IFMT bits and permissions. */
  mode: xdr.u32,
});
export type Iatt = XdrValue<typeof iatt>;

export const mdata = xdr.record({
  atime: xdr.i64Nearest,
  mtime: xdr.i64Nearest,
  ctime: xdr.i64Nearest,
  atimeNsec: xdr.u32,
  mtimeNsec: xdr.u32,
  ctimeNsec: xdr.u32,
});
export type Mdata = XdrValue<typeof mdata>;

export const statfs = xdr.record({
  bsize: xdr.u64Nearest,
  frsize: xdr.u64Nearest,
  blocks: xdr.u64Nearest,
  bfree: xdr.u64Nearest,
  bavail: xdr.u64Nearest,
  files: xdr.u64Nearest,
  ffree: xdr.u64Nearest,
  favail: xdr.u64Nearest,
  fsid: xdr.u64Halves,
  flag: xdr.u64Nearest,
  namemax: xdr.u64Nearest,
});
export type Statfs = XdrValue<typeof statfs>;

/** A length of zero reaches to the end of the file. */
export const flock = xdr.record({
  type: xdr.u32,
  whence: xdr.u32,
  start: xdr.u64Halves,
  length: xdr.u64Halves,
  pid: xdr.u32,
  lockOwner: xdr.opaqueMax(1024),
});
export type Flock = XdrValue<typeof flock>;

export const lease = xdr.record({
  command: xdr.u32,
  type: xdr.u32,
  id: xdr.opaqueFixed(16),
  flags: xdr.u32,
});

export const iatt3 = xdr.record({
  gfid,
  ino: xdr.u64Halves,
  dev: xdr.u64Halves,
  mode: xdr.u32,
  nlink: xdr.u32,
  uid: xdr.u32,
  gid: xdr.u32,
  rdev: xdr.u64Halves,
  size: xdr.u64Nearest,
  blksize: xdr.u32,
  blocks: xdr.u64Nearest,
  atime: xdr.u32,
  atimeNsec: xdr.u32,
  mtime: xdr.u32,
  mtimeNsec: xdr.u32,
  ctime: xdr.u32,
  ctimeNsec: xdr.u32,
});

const ZERO_64 = { high: 0, low: 0 } as const;

/** "None": what replies carry in the place of attributes that they do not have. */
export const NO_IATT: Iatt = Object.freeze({
  gfid: new Uint8Array(GFID_BYTES),
  flags: 0,
  ino: ZERO_64,
  dev: ZERO_64,
  rdev: ZERO_64,
  size: 0,
  blocks: 0,
  attributes: ZERO_64,
  attributesMask: ZERO_64,
  atime: 0,
  mtime: 0,
  ctime: 0,
  btime: 0,
  atimeNsec: 0,
  mtimeNsec: 0,
  ctimeNsec: 0,
  btimeNsec: 0,
  nlink: 0,
  uid: 0,
  gid: 0,
  blksize: 0,
  mode: 0,
});

export const NO_STATFS: Statfs = Object.freeze({
  bsize: 0, frsize: 0, blocks: 0, bfree: 0, bavail: 0, files: 0, ffree: 0, favail: 0,
  fsid: ZERO_64, flag: 0, namemax: 0,
});

export const NO_FLOCK: Flock = Object.freeze({
  type: 0, whence: 0, start: ZERO_64, length: ZERO_64, pid: 0, lockOwner: new Uint8Array(0),
});
