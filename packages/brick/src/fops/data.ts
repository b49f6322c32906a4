import { constants } from "node:fs";
import { WANT } from "@mortar/brick-services";
import { fileIo } from "@mortar/linux";
import type { Brick } from "../brick.ts";
import type { Client } from "../server/client.ts";
import { Errno } from "../store/errno.ts";
import { addressAt, calls, scratch, statAt, statx, TIMES as OFFSETS } from "../store/scratch.ts";
import { touch } from "../store/times.ts";
import type { Call } from "../wire/call.ts";
import { Malformed } from "../wire/call.ts";
import { IATT_BYTES, writeIatt } from "../wire/iatt.ts";
import type { Out } from "../wire/out.ts";
import { wantOf } from "./access-check.ts";
import { pretendChange } from "./arbiter.ts";
import { readOrWait } from "./content.ts";
import { fdOf, slotOfFd } from "./descriptors.ts";
import { DONE, LATER, SYNCING } from "./handler.ts";
import type { Handler } from "./handler.ts";
import { answerLocks, answerWrite } from "./reply-xdata.ts";

const BEFORE = 0;
const AFTER = 1;
/** op_ret, op_errno, iatt, size, empty dictionary. */
const READ_HEAD_BYTES = 172;
const NO_DICTIONARY_BYTES = 12;
const READ_BYTES_MAX = 32 * 1024 * 1024;
const SYNC_FLAGS = constants.O_SYNC | constants.O_DSYNC;
const io = fileIo();

/** The data goes from the file to its place in the reply. */
export const read: Handler = (brick, client, call, out) => {
  const { objects } = brick;
  const gfidAt = call.gfid();
  const number = call.i64();
  const offset = call.u64();
  const size = call.u32();
  call.u32();
  brick.xdata.begin(call);
  const slot = slotOfFd(brick, client, call, gfidAt, number);
  if (slot < 0) return -slot;
  if (brick.options.isArbiter) return Errno.ENOSYS;
  if (size > READ_BYTES_MAX || !Number.isSafeInteger(offset)) return Errno.EINVAL;
  const fd = fdOf(brick, client, slot, number, false);
  if (fd < 0) return -fd;
  out.reserve(READ_HEAD_BYTES + size);
  const head = out.at;
  const known = objects.statFd(fd, BEFORE);
  if (known < 0) return -known;
  const end = statx.size(statAt(BEFORE));
  const address = out.address + head + READ_HEAD_BYTES;
  const count = readOrWait(brick, call, fd, address, size, offset, end);
  if (count === LATER) return LATER;
  if (count < 0) return -count;
  touch(objects, slot, call, BEFORE, -1);
  brick.statistics.read(count);
  brick.top.read(slot, count);
  out.i32(count);
  out.i32(offset + count >= end ? Errno.ENOENT : 0);
  writeIatt(out, objects, slot, BEFORE);
  out.u32(count);
  if (brick.xdata.count === 0) out.noDictionary();
  else answerBeforeData(brick, call, out, slot, count);
  out.at += count;
  return DONE;
};

/** The reply's dictionary, where the data is already behind the place of an empty one. */
function answerBeforeData(
  brick: Brick, call: Call, out: Out, slot: number, count: number,
): void {
  const start = out.at;
  const dataAt = start + NO_DICTIONARY_BYTES;
  out.at = dataAt + count;
  answerLocks(brick, call, out, slot);
  const told = out.bytes.slice(dataAt + count, out.at);
  out.bytes.copyWithin(start + told.length, dataAt, dataAt + count);
  out.at = start;
  out.copy(told, 0, told.length);
}

/** The data goes from where it was received to the file. */
export const write: Handler = (brick, client, call, out) => {
  const { objects, xdata } = brick;
  const gfidAt = call.gfid();
  const number = call.i64();
  const offset = call.u64();
  const size = call.u32();
  const flag = call.u32();
  xdata.begin(call);
  if (size > call.remaining) throw new Malformed(`${size} bytes to write, ${call.remaining} came`);
  const slot = slotOfFd(brick, client, call, gfidAt, number);
  if (slot < 0) return -slot;
  if (!Number.isSafeInteger(offset)) return Errno.EINVAL;
  const fd = fdOf(brick, client, slot, number, true);
  if (fd < 0) return -fd;
  if (brick.options.isArbiter) return pretendChange(brick, call, out, slot, size);
  let status = objects.statFd(fd, BEFORE);
  if (status < 0) return -status;
  const oldSize = statx.size(statAt(BEFORE));
  if (brick.space.isFull && call.pid >= 0 && offset + size > oldSize) return Errno.ENOSPC;
  const count = writeAll(fd, call.memory.address + call.at, size, offset);
  if (count < 0) return -count;
  const flags = flag | (client.file(number)?.flags ?? 0);
  brick.lastWriteFlags = flags;
  brick.statistics.write(count);
  brick.top.wrote(slot, count);
  status = objects.statFd(fd, AFTER);
  if (status < 0) return -status;
  out.i32(count);
  out.i32(0);
  answerWrite(brick, call, out, slot, offset >= oldSize);
  out.reserve(2 * IATT_BYTES);
  writeIatt(out, objects, slot, BEFORE);
  touch(objects, slot, call, AFTER, fd);
  writeIatt(out, objects, slot, AFTER);
  return (flags & SYNC_FLAGS) === 0
    ? DONE : durably(brick, fd, (flags & constants.O_SYNC) !== constants.O_SYNC);
};

/** What was done is answered when it is on the disk. */
function durably(brick: Brick, fd: number, dataOnly: boolean): number {
  if (brick.workers.sync(fd, dataOnly)) return SYNCING;
  const status = dataOnly ? io.fdatasync(fd) : calls.fsync(fd);
  return status < 0 ? -status : DONE;
}

/** The count; an error only when nothing was written. */
function writeAll(fd: number, address: number, size: number, offset: number): number {
  let done = 0;
  while (done < size) {
    const count = io.pwrite(fd, address + done, size - done, offset + done);
    if (count < 0) return done > 0 ? done : count;
    done += count;
  }
  return done;
}

/** What a descriptor closes does not wait for anything here. */
export const flush: Handler = (brick, client, call, out) => {
  const gfidAt = call.gfid();
  const number = call.i64();
  brick.xdata.begin(call);
  const slot = slotOfFd(brick, client, call, gfidAt, number);
  if (slot < 0) return -slot;
  const { words } = brick.objects.table;
  const { posix } = brick.locks;
  if (posix.any(words, 4 * slot)) {
    posix.flush(words, 4 * slot, client.id, call.owner());
  }
  out.i32(0);
  out.i32(0);
  answerLocks(brick, call, out, slot);
  return DONE;
};

/** A worker does the waiting. */
export const fsync: Handler = (brick, client, call, out) => {
  const { objects } = brick;
  const gfidAt = call.gfid();
  const number = call.i64();
  const dataOnly = call.u32();
  brick.xdata.begin(call);
  const slot = slotOfFd(brick, client, call, gfidAt, number);
  if (slot < 0) return -slot;
  const fd = fdOf(brick, client, slot, number, false);
  if (fd < 0) return -fd;
  const status = objects.statFd(fd, BEFORE);
  if (status < 0) return -status;
  out.i32(0);
  out.i32(0);
  answerLocks(brick, call, out, slot);
  out.reserve(2 * IATT_BYTES);
  writeIatt(out, objects, slot, BEFORE);
  writeIatt(out, objects, slot, BEFORE);
  return durably(brick, fd, dataOnly !== 0);
};

export const fsyncdir: Handler = (brick, client, call, out) => {
  const gfidAt = call.gfid();
  const number = call.i64();
  const slot = slotOfFd(brick, client, call, gfidAt, number);
  if (slot < 0) return -slot;
  const fd = fdOf(brick, client, slot, number, false);
  if (fd < 0) return -fd;
  out.common(0);
  return durably(brick, fd, false);
};

export const truncate: Handler = (brick, client, call, out) => {
  const { objects } = brick;
  const slot = objects.resolve(call.view, call.gfid());
  const offset = call.u64();
  brick.xdata.begin(call);
  if (slot < 0) return -slot;
  if (objects.isDirectory(slot)) return Errno.EISDIR;
  const refused = wantOf(brick, call, slot, WANT.write);
  if (refused !== 0) return refused;
  const fd = fdOf(brick, client, slot, -2, true);
  if (fd < 0) return -fd;
  return changeSize(brick, call, out, slot, fd, offset);
};

export const ftruncate: Handler = (brick, client, call, out) => {
  const gfidAt = call.gfid();
  const number = call.i64();
  const offset = call.u64();
  brick.xdata.begin(call);
  const slot = slotOfFd(brick, client, call, gfidAt, number);
  if (slot < 0) return -slot;
  const fd = fdOf(brick, client, slot, number, true);
  if (fd < 0) return -fd;
  return changeSize(brick, call, out, slot, fd, offset);
};

function changeSize(
  brick: Brick, call: Call, out: Out, slot: number, fd: number, size: number,
): number {
  if (!Number.isSafeInteger(size)) return Errno.EINVAL;
  return change(brick, call, out, slot, fd, false, () => calls.ftruncate(fd, size));
}

const KEEP_SIZE = 1;
const PUNCH_HOLE = 2;
const ZERO_RANGE = 16;

export const fallocate: Handler = (brick, client, call, out) => {
  const gfidAt = call.gfid();
  const number = call.i64();
  const mode = call.u32();
  const isKeeping = (mode & KEEP_SIZE) !== 0;
  return allocate(brick, client, call, out, gfidAt, number, isKeeping ? KEEP_SIZE : 0);
};

export const discard: Handler = (brick, client, call, out) => {
  const gfidAt = call.gfid();
  return allocate(brick, client, call, out, gfidAt, call.i64(), KEEP_SIZE | PUNCH_HOLE);
};

export const zerofill: Handler = (brick, client, call, out) => {
  const gfidAt = call.gfid();
  return allocate(brick, client, call, out, gfidAt, call.i64(), ZERO_RANGE);
};

function allocate(
  brick: Brick, client: Client, call: Call, out: Out, gfidAt: number, number: number, mode: number,
): number {
  const offset = call.u64();
  const size = call.u64();
  brick.xdata.begin(call);
  const slot = slotOfFd(brick, client, call, gfidAt, number);
  if (slot < 0) return -slot;
  const fd = fdOf(brick, client, slot, number, true);
  if (fd < 0) return -fd;
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(size)) return Errno.EINVAL;
  if (brick.space.isFull && call.pid >= 0 && (mode & PUNCH_HOLE) === 0) return Errno.ENOSPC;
  const tellsLocks = (mode & ~KEEP_SIZE) === 0;
  return change(
    brick, call, out, slot, fd, tellsLocks, () => io.fallocate(fd, mode, offset, size),
  );
}

/** Both attributes around a change of an open file. Not for hot paths: it takes a closure. */
function change(
  brick: Brick, call: Call, out: Out, slot: number, fd: number, tellsLocks: boolean,
  perform: () => number,
): number {
  const { objects } = brick;
  if (brick.options.isArbiter) return pretendChange(brick, call, out, slot, 0);
  let status = objects.statFd(fd, BEFORE);
  if (status === 0) status = perform();
  if (status < 0) return -status;
  status = objects.statFd(fd, AFTER);
  if (status < 0) return -status;
  out.i32(0);
  out.i32(0);
  if (tellsLocks) answerLocks(brick, call, out, slot);
  else out.noDictionary();
  out.reserve(2 * IATT_BYTES);
  writeIatt(out, objects, slot, BEFORE);
  touch(objects, slot, call, AFTER, fd);
  writeIatt(out, objects, slot, AFTER);
  return DONE;
}

const SEEK_DATA = 3;
const SEEK_HOLE = 4;

export const seek: Handler = (brick, client, call, out) => {
  const gfidAt = call.gfid();
  const number = call.i64();
  const offset = call.u64();
  const what = call.i32();
  brick.xdata.begin(call);
  const slot = slotOfFd(brick, client, call, gfidAt, number);
  if (slot < 0) return -slot;
  if (brick.options.isArbiter) return Errno.ENOSYS;
  const fd = fdOf(brick, client, slot, number, false);
  if (fd < 0) return -fd;
  if (what !== 0 && what !== 1) return Errno.EOPNOTSUPP;
  const found = calls.lseek(fd, offset, what === 0 ? SEEK_DATA : SEEK_HOLE);
  if (found < 0) return -found;
  out.i32(0);
  out.i32(0);
  answerLocks(brick, call, out, slot);
  out.u64(found);
  return DONE;
};

/** Source, then target before and after. */
export const copyFileRange: Handler = (brick, client, call, out) => {
  const { objects } = brick;
  const sourceAt = call.gfid();
  const targetAt = call.gfid();
  const sourceNumber = call.i64();
  const targetNumber = call.i64();
  const sourceOffset = call.u64();
  const targetOffset = call.u64();
  const size = call.u32();
  const source = slotOfFd(brick, client, call, sourceAt, sourceNumber);
  const target = slotOfFd(brick, client, call, targetAt, targetNumber);
  if (source < 0) return -source;
  if (target < 0) return -target;
  const sourceFd = client.file(sourceNumber)?.fd ?? -1;
  const targetFd = client.file(targetNumber)?.fd ?? -1;
  if (sourceFd < 0 || targetFd < 0) return Errno.EBADF;
  let status = objects.statFd(targetFd, BEFORE);
  if (status < 0) return -status;
  const count = copyRange(sourceFd, sourceOffset, targetFd, targetOffset, size);
  if (count < 0) return -count;
  status = Math.min(objects.statFd(targetFd, AFTER), objects.statFd(sourceFd, SOURCE));
  if (status < 0) return -status;
  out.common(count);
  out.reserve(3 * IATT_BYTES);
  writeIatt(out, objects, source, SOURCE);
  writeIatt(out, objects, target, BEFORE);
  touch(objects, target, call, AFTER, targetFd);
  writeIatt(out, objects, target, AFTER);
  return DONE;
};

const SOURCE = 2;

function putOffset(at: number, value: number): void {
  scratch.view.setUint32(at, value % 2 ** 32, true);
  scratch.view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}

function copyRange(
  sourceFd: number, sourceOffset: number, targetFd: number, targetOffset: number, size: number,
): number {
  putOffset(OFFSETS, sourceOffset);
  putOffset(OFFSETS + 8, targetOffset);
  return calls.copyFileRange(
    sourceFd, addressAt(OFFSETS), targetFd, addressAt(OFFSETS + 8), size, 0,
  );
}
