/**
 * The memory that system calls are given paths, names and results in. One thread, one request at a
 * time: so there is one of each, and every function says which it uses.
 *
 *     STAT + 256 n    struct statx of up to six objects of one request
 *     HANDLE + 64 n   paths of handles
 *     NAME + 264 n    names of entries, with NUL
 *     TIMES           two struct timespec
 *     HOW             struct open_how of openat2
 *     GFID, MDATA     values of the attributes of that name
 *     TARGET          target of a symbolic link
 *     ATTRIBUTE       an attribute's name, prefix and all
 *     INDEX_PATH      two paths of the index of pending heals
 *     VALUE           an attribute's value, a list of attributes
 */
import { treeCalls } from "@mortar/linux";
import { allocate } from "../wire/memory.ts";

const STAT_BYTES = 256;
const STAT = 0;
const HANDLE = 2048;
const NAME = 2560;
export const TIMES = 3584;
export const HOW = 3648;
export const GFID = 3712;
export const MDATA = 3744;
export const EMPTY = 3840;
export const DOT = 3844;
export const TARGET = 4096;
export const TARGET_BYTES = 4352;
export const ATTRIBUTE = 12_288;
const ATTRIBUTE_BYTES = 1024;
export const INDEX_PATH = 13_312;
export const VALUE = 16_384;
export const VALUE_BYTES = 131_072;
export const NAME_BYTES_MAX = 255;

export const scratch = allocate(VALUE + VALUE_BYTES);
export const calls = treeCalls();
scratch.bytes[DOT] = 0x2e;

export const statAt = (index: number): number => STAT + index * STAT_BYTES;
export const handleAt = (index: number): number => HANDLE + index * 64;
export const nameAt = (index: number): number => NAME + index * 264;
export const addressAt = (position: number): number => scratch.address + position;

const kept: unknown[] = [];

/** The address of a text that ends with NUL, for good. */
export function cString(text: string): number {
  const memory = allocate(Buffer.byteLength(text) + 1);
  kept.push(memory);
  memory.bytes.set(Buffer.from(text));
  return memory.address;
}

export const ATTRIBUTE_NAME = {
  gfid: cString("trusted.gfid"),
  volumeId: cString("trusted.glusterfs.volume-id"),
  mdata: cString("trusted.glusterfs.mdata"),
  capability: cString("security.capability"),
  ima: cString("security.ima"),
  selinux: cString("security.selinux"),
  aclAccess: cString("system.posix_acl_access"),
  aclDefault: cString("system.posix_acl_default"),
} as const;

const wholeScratch = Buffer.from(scratch.bytes.buffer);

/** The text with NUL into ATTRIBUTE: its address; 0 when it is too long to be a name. */
export function attributeName(text: string): number {
  const length = Buffer.byteLength(text);
  if (length >= ATTRIBUTE_BYTES) return 0;
  wholeScratch.write(text, ATTRIBUTE);
  scratch.bytes[ATTRIBUTE + length] = 0;
  return addressAt(ATTRIBUTE);
}

// Members of struct statx, at a position of the scratch memory.

const { view } = scratch;
const TWO_32 = 2 ** 32;

export const S_IFMT = 0o170000;
export const S_IFDIR = 0o040000;
export const S_IFREG = 0o100000;
export const S_IFLNK = 0o120000;

export const statx = {
  blockSize: (at: number) => view.getUint32(at + 4, true),
  nlink: (at: number) => view.getUint32(at + 16, true),
  uid: (at: number) => view.getUint32(at + 20, true),
  gid: (at: number) => view.getUint32(at + 24, true),
  mode: (at: number) => view.getUint16(at + 28, true),
  kind: (at: number) => view.getUint16(at + 28, true) & S_IFMT,
  ino: (at: number) => view.getUint32(at + 36, true) * TWO_32 + view.getUint32(at + 32, true),
  size: (at: number) => view.getUint32(at + 44, true) * TWO_32 + view.getUint32(at + 40, true),
  accessSeconds: (at: number) => seconds(at + 64),
  accessNanoseconds: (at: number) => view.getUint32(at + 72, true),
  bornSeconds: (at: number) => seconds(at + 80),
  bornNanoseconds: (at: number) => view.getUint32(at + 88, true),
  changeSeconds: (at: number) => seconds(at + 96),
  changeNanoseconds: (at: number) => view.getUint32(at + 104, true),
  modifySeconds: (at: number) => seconds(at + 112),
  modifyNanoseconds: (at: number) => view.getUint32(at + 120, true),
} as const;

function seconds(at: number): number {
  return view.getInt32(at + 4, true) * TWO_32 + view.getUint32(at, true);
}
