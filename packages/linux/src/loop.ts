/**
 * Loop devices: block devices over files or over a part of another device.
 *
 *     loop_config, 304 bytes           loop_info64, 232 bytes, at 8 of loop_config
 *       0 u32 fd                          0 u64 device, inode, rdevice
 *       4 u32 block_size                 24 u64 offset        32 u64 sizelimit (0 = to the end)
 *       8 loop_info64                    40 u32 number, encrypt type, key size   52 u32 flags
 *     240 u64 reserved[8]                56 u8 file_name[64]  120 crypt_name[64]  184 key[32]
 *
 * An ioctl on a loop device may wait for whoever serves the backing file. All of them therefore run
 * on threads of their own, and the caller bounds the wait. State is read from sysfs, which never
 * touches the backing file.
 */
import { constants as fsConstants, promises as fs, readFileSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { declareAsync, isErrno } from "./async-call.ts";
import { blockDeviceNames } from "./block-names.ts";

const LOOP_CLR_FD = 0x4c01;
const LOOP_SET_STATUS64 = 0x4c04;
const LOOP_GET_STATUS64 = 0x4c05;
const LOOP_SET_CAPACITY = 0x4c07;
const LOOP_CONFIGURE = 0x4c0a;
const LOOP_CTL_GET_FREE = 0x4c82;
const FLAG_READ_ONLY = 1;
const FLAG_AUTOCLEAR = 4;
const FLAG_DIRECT_IO = 16;
const CONFIG_BYTES = 304;
const INFO = 8;
const INFO_BYTES = 232;
const ATTACH_TRIES = 64;

const ioctl = declareAsync("int ioctl(int fd, unsigned long request, void *argument)");

export interface LoopRequest {
  /** A file or a block device. */
  readonly backingPath: string;
  readonly offsetBytes?: number;
  /** 0 or absent: to the end of the backing file. */
  readonly sizeLimitBytes?: number;
  readonly readOnly?: boolean;
  /** Requests bypass the page cache of the backing file. Ignored by the kernel where it cannot. */
  readonly directIo?: boolean;
  /** Logical block size; default 512. */
  readonly blockSizeBytes?: number;
}

export interface LoopStatus {
  /** N of loopN. */
  readonly number: number;
  /** /dev/loopN */
  readonly path: string;
  /** Absolute; ends with " (deleted)" when the file is gone. */
  readonly backingPath: string;
  readonly offsetBytes: number;
  readonly sizeLimitBytes: number;
  readonly sizeBytes: number;
  readonly readOnly: boolean;
  readonly directIo: boolean;
  /** "7:12": as mountinfo names it. */
  readonly deviceNumber: string;
}

/** Attach a free loop device and return its path, /dev/loopN. */
export async function attachLoop(request: LoopRequest): Promise<string> {
  const access = request.readOnly === true ? fsConstants.O_RDONLY : fsConstants.O_RDWR;
  const backing = await fs.open(request.backingPath, access);
  try {
    for (let attempt = 0; attempt < ATTACH_TRIES; attempt += 1) {
      const path = `/dev/loop${await freeLoopNumber()}`;
      if (await configure(path, backing.fd, request)) return path;
      await sleep(attempt);
    }
  } finally {
    await backing.close();
  }
  throw new Error(
    `no loop device could be had for ${request.backingPath}: each one offered was taken by ` +
      "another process; try again",
  );
}

async function freeLoopNumber(): Promise<number> {
  const control = await fs.open("/dev/loop-control", fsConstants.O_RDWR);
  try {
    return await ioctl("/dev/loop-control", control.fd, LOOP_CTL_GET_FREE, null);
  } finally {
    await control.close();
  }
}

/** False when another process was faster. */
async function configure(path: string, backingFd: number, request: LoopRequest): Promise<boolean> {
  let device: fs.FileHandle;
  try {
    const access = request.readOnly === true ? fsConstants.O_RDONLY : fsConstants.O_RDWR;
    device = await fs.open(path, access);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENXIO", "EBUSY")) return false;
    throw error;
  }
  try {
    await ioctl(path, device.fd, LOOP_CONFIGURE, encodeConfig(backingFd, request));
    return true;
  } catch (error) {
    if (isErrno(error, "EBUSY")) return false;
    throw error;
  } finally {
    await device.close();
  }
}

function encodeConfig(backingFd: number, request: LoopRequest): Uint8Array {
  const bytes = new Uint8Array(CONFIG_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, backingFd, true);
  view.setUint32(4, request.blockSizeBytes ?? 512, true);
  view.setBigUint64(INFO + 24, BigInt(request.offsetBytes ?? 0), true);
  view.setBigUint64(INFO + 32, BigInt(request.sizeLimitBytes ?? 0), true);
  const flags =
    (request.readOnly === true ? FLAG_READ_ONLY : 0) |
    (request.directIo === true ? FLAG_DIRECT_IO : 0);
  view.setUint32(INFO + 52, flags, true);
  const name = Buffer.from(request.backingPath);
  bytes.set(name.subarray(0, 63), INFO + 56);
  return bytes;
}

/**
 * Detach a loop device. The kernel marks it to go when its last opener closes it. When somebody
 * still has it open after `waitMs`, the mark is taken back, the device stays as it was, and the
 * answer is false.
 */
export async function detachLoop(path: string, waitMs = 2000): Promise<boolean> {
  await withDevice(path, fsConstants.O_RDONLY, async (fd) => {
    try {
      await ioctl(path, fd, LOOP_CLR_FD, null);
    } catch (error) {
      if (!isErrno(error, "ENXIO")) throw error;
    }
  });
  const deadline = performance.now() + waitMs;
  for (let pauseMs = 1; readLoop(path) !== undefined; pauseMs = Math.min(pauseMs * 2, 50)) {
    if (performance.now() >= deadline) return !(await keepAttached(path));
    await sleep(pauseMs);
  }
  return true;
}

/** False when the device went away meanwhile. */
async function keepAttached(path: string): Promise<boolean> {
  try {
    await changeStatus(path, (view) => {
      view.setUint32(52, view.getUint32(52, true) & ~FLAG_AUTOCLEAR, true);
    });
    return true;
  } catch (error) {
    if (isErrno(error, "ENXIO")) return false;
    throw error;
  }
}

/** Tell the loop device that its backing file has another size now. */
export async function refreshLoopCapacity(path: string): Promise<void> {
  await withDevice(path, fsConstants.O_RDONLY, async (fd) => {
    await ioctl(path, fd, LOOP_SET_CAPACITY, null);
  });
}

/** Show more, or less, of the backing file; may be in use. 0: to its end. */
export async function setLoopSizeLimit(path: string, sizeLimitBytes: number): Promise<void> {
  await changeStatus(path, (view) => view.setBigUint64(32, BigInt(sizeLimitBytes), true));
}

async function changeStatus(path: string, change: (info: DataView) => void): Promise<void> {
  await withDevice(path, fsConstants.O_RDONLY, async (fd) => {
    const info = new Uint8Array(INFO_BYTES);
    await ioctl(path, fd, LOOP_GET_STATUS64, info);
    change(new DataView(info.buffer));
    for (let attempt = 0; ; attempt += 1) {
      try {
        await ioctl(path, fd, LOOP_SET_STATUS64, info);
        return;
      } catch (error) {
        // The kernel asks to try again when a page was made dirty while it emptied its cache.
        if (!isErrno(error, "EAGAIN") || attempt === ATTACH_TRIES) throw error;
        await sleep(attempt);
      }
    }
  });
}

async function withDevice(
  path: string,
  access: number,
  work: (fd: number) => Promise<void>,
): Promise<void> {
  const device = await fs.open(path, access);
  try {
    await work(device.fd);
  } finally {
    await device.close();
  }
}

/** Every attached loop device that has a size, by number. */
export function listLoops(): LoopStatus[] {
  const loops = loopNumbers().flatMap((number) => readLoop(`/dev/loop${number}`) ?? []);
  return loops.sort((a, b) => a.number - b.number);
}

/** What a loop device was over when it was attached: its file may have another path, or none, by now. */
export interface LoopBacking {
  /** /dev/loopN */
  readonly path: string;
  readonly backingPath: string;
}

/** The inode of /sys/block/loopN/loop, made anew by each attachment, and what was read then. */
const backings = new Map<number, { readonly attachment: number; readonly backingPath: string }>();

/**
 * Every attached loop device that has a size, in no order, for about 5 µs each: a node has one for each snapshot.
 * Who finds one of interest reads it by `readLoop`.
 */
export function listLoopBackings(): LoopBacking[] {
  return loopNumbers().flatMap((number) => {
    const path = `/dev/loop${number}`;
    const attachment = statSync(`/sys/block/loop${number}/loop`, { throwIfNoEntry: false })?.ino;
    if (attachment === undefined) {
      backings.delete(number);
      return [];
    }
    const known = backings.get(number);
    if (known?.attachment === attachment) return [{ path, backingPath: known.backingPath }];
    const status = readLoop(path);
    if (status === undefined) return [];
    backings.set(number, { attachment, backingPath: status.backingPath });
    return [{ path, backingPath: status.backingPath }];
  });
}

function loopNumbers(): number[] {
  return blockDeviceNames().flatMap((name) => {
    const number = /^loop(\d+)$/.exec(name)?.[1];
    return number === undefined ? [] : [Number(number)];
  });
}

/** What `/dev/loopN` is attached to; undefined when it is free. Reads sysfs only. */
export function readLoop(path: string): LoopStatus | undefined {
  const match = /^\/dev\/loop(\d+)$/.exec(path);
  if (match === null) return undefined;
  const directory = `/sys/block/loop${match[1]}`;
  try {
    const attribute = (name: string) => readFileSync(`${directory}/${name}`, "utf8").trimEnd();
    return {
      number: Number(match[1]),
      path,
      backingPath: attribute("loop/backing_file"),
      offsetBytes: Number(attribute("loop/offset")),
      sizeLimitBytes: Number(attribute("loop/sizelimit")),
      sizeBytes: Number(attribute("size")) * 512,
      readOnly: attribute("ro") === "1",
      directIo: attribute("loop/dio") === "1",
      deviceNumber: attribute("dev"),
    };
  } catch (error) {
    // The directory loop/ is there only while the device is attached; it may vanish between reads.
    if (isErrno(error, "ENOENT", "ENODEV", "ENXIO")) return undefined;
    throw error;
  }
}
