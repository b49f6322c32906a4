/**
 * The times of an object, kept by the clients' clocks so that replicas agree:
 *
 *     trusted.glusterfs.mdata    u8 version 1 | u64 flags | change, modification, access:
 *                                i64 seconds, i64 nanoseconds each; big-endian; 57 bytes
 *
 * A request tells by its credential which of them it sets, and to what. They only go forward,
 * except where a user sets them. An object without the attribute has the times of its inode.
 */
import type { Mdata } from "@mortar/gluster";
import { TIME_FLAG } from "@mortar/rpc";
import type { Call } from "../wire/call.ts";
import { KNOWN } from "./inode-table.ts";
import type { Objects } from "./objects.ts";
import { addressAt, ATTRIBUTE_NAME, calls, MDATA, scratch, statAt, statx } from "./scratch.ts";

export const MDATA_BYTES = 57;
export const CHANGE = 0;
export const MODIFY = 1;
export const ACCESS = 2;
const VERSION = 1;
const FIRST = 9;
const TWO_32 = 2 ** 32;
const { view } = scratch;

/** Read the times of a slot if they are not known. The object's attributes are at `stat`. */
export function loadTimes(objects: Objects, slot: number): void {
  const { table } = objects;
  if (table.has(slot, KNOWN.times)) return;
  if (!objects.keepsTimes) {
    table.set(slot, KNOWN.times | KNOWN.noMdata);
    return;
  }
  const length = objects.getAttribute(slot, ATTRIBUTE_NAME.mdata, addressAt(MDATA), MDATA_BYTES);
  if (length === MDATA_BYTES && view.getUint8(MDATA) === VERSION) {
    for (let index = 0; index < 3; index++) {
      const at = MDATA + FIRST + 16 * index;
      table.seconds[3 * slot + index] =
        view.getInt32(at, false) * TWO_32 + view.getUint32(at + 4, false);
      table.nanoseconds[3 * slot + index] = view.getUint32(at + 12, false);
    }
    table.clear(slot, KNOWN.noMdata);
  } else {
    table.set(slot, KNOWN.noMdata);
  }
  table.set(slot, KNOWN.times);
}

/** Without an attribute: start from the inode's times, whose attributes are at `stat`. */
function startFromInode(objects: Objects, slot: number, stat: number): void {
  const { table } = objects;
  if (!table.has(slot, KNOWN.noMdata)) return;
  const at = statAt(stat);
  set(objects, slot, CHANGE, statx.changeSeconds(at), statx.changeNanoseconds(at));
  set(objects, slot, MODIFY, statx.modifySeconds(at), statx.modifyNanoseconds(at));
  set(objects, slot, ACCESS, statx.accessSeconds(at), statx.accessNanoseconds(at));
  table.clear(slot, KNOWN.noMdata);
}

/** What the request says of the object's own times. `fd`: an open one of it, or -1. */
export function touch(objects: Objects, slot: number, call: Call, stat: number, fd: number): void {
  const flags = call.timeFlags & (TIME_FLAG.change | TIME_FLAG.modify | TIME_FLAG.access);
  if (flags !== 0) apply(objects, slot, call, flags, stat, fd);
}

/** What it says of the parent's. */
export function touchParent(objects: Objects, slot: number, call: Call, stat: number): void {
  const flags = (call.timeFlags & (TIME_FLAG.parentChange | TIME_FLAG.parentModify)) >>> 3;
  if (flags !== 0) apply(objects, slot, call, flags, stat, -1);
}

function apply(
  objects: Objects, slot: number, call: Call, flags: number, stat: number, fd: number,
): void {
  loadTimes(objects, slot);
  startFromInode(objects, slot, stat);
  let changed = false;
  for (let index = 0; index < 3; index++) {
    if ((flags & (1 << index)) === 0 || !isNewer(objects, slot, index, call)) continue;
    set(objects, slot, index, call.timeSeconds, call.timeNanoseconds);
    changed = true;
  }
  if (changed) store(objects, slot, fd);
}

/** Of a new object: all three. Only in the table: the attribute is in scratch MDATA afterwards. */
export function startTimes(call: Call): void {
  head();
  for (let index = 0; index < 3; index++) {
    put(MDATA + FIRST + 16 * index, call.timeSeconds, call.timeNanoseconds);
  }
}

export function learnStartTimes(objects: Objects, slot: number, call: Call): void {
  for (let index = 0; index < 3; index++) {
    set(objects, slot, index, call.timeSeconds, call.timeNanoseconds);
  }
  objects.table.set(slot, KNOWN.times);
  objects.table.clear(slot, KNOWN.noMdata);
}

/** A client proposes times to all bricks, as one of them has no attribute yet: later ones win. */
export function learnTimes(objects: Objects, slot: number, value: Mdata): void {
  if (!objects.keepsTimes) return;
  loadTimes(objects, slot);
  setLater(objects, slot, CHANGE, value.ctime, value.ctimeNsec);
  setLater(objects, slot, MODIFY, value.mtime, value.mtimeNsec);
  setLater(objects, slot, ACCESS, value.atime, value.atimeNsec);
  objects.table.clear(slot, KNOWN.noMdata);
  store(objects, slot, -1);
}

/** The attribute's bytes as another brick has them: later times win. False: it is none. */
export function mergeTimes(objects: Objects, slot: number, bytes: Uint8Array): boolean {
  if (bytes.length !== MDATA_BYTES || bytes[0] !== VERSION) return false;
  const from = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const { table } = objects;
  loadTimes(objects, slot);
  for (let index = 0; index < 3; index++) {
    const at = FIRST + 16 * index;
    const seconds = from.getInt32(at, false) * TWO_32 + from.getUint32(at + 4, false);
    const nanoseconds = from.getUint32(at + 12, false);
    setLater(objects, slot, index, seconds, nanoseconds);
  }
  table.clear(slot, KNOWN.noMdata);
  store(objects, slot, -1);
  return true;
}

/** A user sets a time: to whatever it is. Stored by `storeTimes`. */
export function setTime(
  objects: Objects, slot: number, index: number, seconds: number, nanoseconds: number,
): void {
  set(objects, slot, index, seconds, nanoseconds);
}

/** To the request's time, if that is later. Stored by `storeTimes`. */
export function advanceTime(objects: Objects, slot: number, index: number, call: Call): void {
  if (isNewer(objects, slot, index, call)) {
    set(objects, slot, index, call.timeSeconds, call.timeNanoseconds);
  }
}

/** Before `setTime`: the others are known. */
export function prepareTimes(objects: Objects, slot: number, stat: number): void {
  loadTimes(objects, slot);
  startFromInode(objects, slot, stat);
}

export function storeTimes(objects: Objects, slot: number): void {
  store(objects, slot, -1);
}

/** The attribute's bytes into scratch MDATA; false when the object has none. */
export function writeMdata(objects: Objects, slot: number): boolean {
  loadTimes(objects, slot);
  if (objects.table.has(slot, KNOWN.noMdata)) return false;
  encode(objects, slot);
  return true;
}

function isNewer(objects: Objects, slot: number, index: number, call: Call): boolean {
  const seconds = objects.table.seconds[3 * slot + index]!;
  if (call.timeSeconds !== seconds) return call.timeSeconds > seconds;
  return call.timeNanoseconds > objects.table.nanoseconds[3 * slot + index]!;
}

/** Unless what the attribute has is later. */
function setLater(
  objects: Objects, slot: number, index: number, seconds: number, nanoseconds: number,
): void {
  const { table } = objects;
  const known = table.seconds[3 * slot + index]!;
  const isLater = seconds > known ||
    (seconds === known && nanoseconds > table.nanoseconds[3 * slot + index]!);
  if (isLater || table.has(slot, KNOWN.noMdata)) set(objects, slot, index, seconds, nanoseconds);
}

function set(
  objects: Objects, slot: number, index: number, seconds: number, nanoseconds: number,
): void {
  objects.table.seconds[3 * slot + index] = seconds;
  objects.table.nanoseconds[3 * slot + index] = nanoseconds;
}

function store(objects: Objects, slot: number, fd: number): void {
  encode(objects, slot);
  if (fd >= 0) calls.fsetxattr(fd, ATTRIBUTE_NAME.mdata, addressAt(MDATA), MDATA_BYTES, 0);
  else objects.setAttribute(slot, ATTRIBUTE_NAME.mdata, addressAt(MDATA), MDATA_BYTES, 0);
}

function encode(objects: Objects, slot: number): void {
  const { seconds, nanoseconds } = objects.table;
  head();
  for (let index = 0; index < 3; index++) {
    put(MDATA + FIRST + 16 * index, seconds[3 * slot + index]!, nanoseconds[3 * slot + index]!);
  }
}

function head(): void {
  view.setUint8(MDATA, VERSION);
  view.setUint32(MDATA + 1, 0, false);
  view.setUint32(MDATA + 5, 0, false);
}

function put(at: number, seconds: number, nanoseconds: number): void {
  view.setInt32(at, Math.floor(seconds / TWO_32), false);
  view.setUint32(at + 4, seconds - Math.floor(seconds / TWO_32) * TWO_32, false);
  view.setUint32(at + 8, 0, false);
  view.setUint32(at + 12, nanoseconds, false);
}
