/** Questions and orders to a block device, by ioctl on an open descriptor. */
import { closeSync, constants, openSync, promises as fs } from "node:fs";
import { declareAsync, isErrno } from "./async-call.ts";
import { checked, declare } from "./libc.ts";

const BLKFLSBUF = 0x1261;
const BLKSSZGET = 0x1268;
const BLKDISCARD = 0x1277;
const BLKZEROOUT = 0x127f;
const BLKGETSIZE64 = 0x80081272;

const ioctl = declare("int ioctl(int fd, unsigned long request, void *argument)");
const ioctlAsync = declareAsync("int ioctl(int fd, unsigned long request, void *argument)");

/** Size in bytes. */
export function blockDeviceSize(fd: number, path: string): number {
  const result = new Uint8Array(8);
  checked("BLKGETSIZE64", path, ioctl(fd, BLKGETSIZE64, result));
  return Number(new DataView(result.buffer).getBigUint64(0, true));
}

function uint32Of(fd: number, path: string, request: number, name: string): number {
  const result = new Uint8Array(4);
  checked(name, path, ioctl(fd, request, result));
  return new DataView(result.buffer).getUint32(0, true);
}

/** Smallest unit of a request, in bytes: 512 or 4096. */
export function logicalBlockSize(fd: number, path: string): number {
  return uint32Of(fd, path, BLKSSZGET, "BLKSSZGET");
}

/** Write back and forget what the page cache holds of the device. */
export function flushBlockCache(fd: number, path: string): void {
  checked("BLKFLSBUF", path, ioctl(fd, BLKFLSBUF, null));
}

function range(offset: number, lengthBytes: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(offset), true);
  view.setBigUint64(8, BigInt(lengthBytes), true);
  return bytes;
}

/**
 * Give a range back to the device; its contents become undefined. Both figures are multiples of the
 * logical block. ENOTSUP when the device cannot.
 */
export async function discardBlocks(
  fd: number,
  path: string,
  offset: number,
  lengthBytes: number,
): Promise<void> {
  await ioctlAsync(path, fd, BLKDISCARD, range(offset, lengthBytes));
}

/** Make a range read as zeros, by the cheapest way the device has. */
export async function zeroBlocks(
  fd: number,
  path: string,
  offset: number,
  lengthBytes: number,
): Promise<void> {
  await ioctlAsync(path, fd, BLKZEROOUT, range(offset, lengthBytes));
}

/**
 * True when somebody holds the device for themselves: a mounted file system, swap, another block
 * device built upon it. Opens and closes the device, which may wait for whoever serves it.
 */
export async function isHeldExclusively(path: string): Promise<boolean> {
  try {
    const handle = await fs.open(path, constants.O_RDONLY | constants.O_EXCL);
    await handle.close();
    return false;
  } catch (error) {
    if (isErrno(error, "EBUSY")) return true;
    throw error;
  }
}

/** Size in bytes of a block device that is not open. */
export function sizeOfBlockDevice(path: string): number {
  const fd = openSync(path, constants.O_RDONLY);
  try {
    return blockDeviceSize(fd, path);
  } finally {
    closeSync(fd);
  }
}
