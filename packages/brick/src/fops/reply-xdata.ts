/**
 * What a request's dictionary asks to be told of an object, written into the reply's. Attributes
 * that are known to be absent are not asked for again: whatever changes them passes through here.
 */
import type { Brick } from "../brick.ts";
import { Errno } from "../store/errno.ts";
import { KNOWN } from "../store/inode-table.ts";
import {
  addressAt, ATTRIBUTE_NAME, MDATA, nameAt, S_IFREG, scratch, statAt, statx, VALUE, VALUE_BYTES,
} from "../store/scratch.ts";
import { MDATA_BYTES, writeMdata, writeSynthetic } from "../store/times.ts";
import type { Call } from "../wire/call.ts";
import { writeIatt } from "../wire/iatt.ts";
import type { Out } from "../wire/out.ts";
import { keyBytes } from "../wire/out.ts";
import { VALUE as TYPE, XDATA } from "../wire/xdata.ts";
import type { Xdata } from "../wire/xdata.ts";
import { readContent } from "./content.ts";
import { LATER } from "./handler.ts";

const CACHED: ReadonlyMap<number, { readonly name: number; readonly absent: number }> = new Map([
  [XDATA.capability, { name: ATTRIBUTE_NAME.capability, absent: KNOWN.noCapability }],
  [XDATA.ima, { name: ATTRIBUTE_NAME.ima, absent: KNOWN.noIma }],
  [XDATA.selinux, { name: ATTRIBUTE_NAME.selinux, absent: KNOWN.noSelinux }],
  [XDATA.aclAccess, { name: ATTRIBUTE_NAME.aclAccess, absent: KNOWN.noAclAccess }],
  [XDATA.aclDefault, { name: ATTRIBUTE_NAME.aclDefault, absent: KNOWN.noAclDefault }],
]);
const NAMESPACES = ["trusted.", "user.", "security.", "system."];
const UNLISTED = new Set(["trusted.gfid", "trusted.glusterfs.volume-id", "security.selinux"]);

/**
 * The reply's dictionary for the object whose attributes are at `stat`. LATER: its content has to
 * be fetched from the disk first.
 */
export function answerXdata(
  brick: Brick, call: Call, out: Out, slot: number, stat: number, withContent: boolean,
): number {
  const { xdata } = brick;
  if (xdata.count === 0) {
    out.noDictionary();
    return 0;
  }
  const start = out.beginDictionary();
  let count = 0;
  xdata.rewind();
  while (xdata.next()) {
    if (xdata.id === XDATA.gfidRequest) continue;
    const added = answer(brick, call, out, slot, stat, withContent);
    if (added === LATER) return LATER;
    count += added;
  }
  out.endDictionary(start, count);
  return 0;
}

/** How many pairs were written. */
function answer(
  brick: Brick, call: Call, out: Out, slot: number, stat: number, withContent: boolean,
): number {
  const { xdata } = brick;
  const { words } = brick.objects.table;
  switch (xdata.id) {
    case XDATA.capability:
    case XDATA.ima:
    case XDATA.selinux:
    case XDATA.aclAccess:
    case XDATA.aclDefault:
      return answerCached(brick, call, out, slot);
    case XDATA.mdata:
      if (!writeMdata(brick.objects, slot)) writeSynthetic(stat);
      out.key(call.memory.bytes, xdata.keyAt, xdata.keyLength);
      bytesValue(out, scratch.bytes, MDATA, MDATA_BYTES);
      return 1;
    case XDATA.content:
      return withContent ? answerContent(brick, call, out, slot, stat) : 0;
    case XDATA.openFdCount:
    case XDATA.openActiveFdCount:
      return answerNumber(call, out, xdata, brick.openOf(slot)?.openCount ?? 0);
    case XDATA.inodelkCount:
      return answerNumber(call, out, xdata, brick.locks.inode.count(words, 4 * slot));
    case XDATA.entrylkCount:
      return answerNumber(call, out, xdata, brick.locks.entry.count(words, 4 * slot));
    case XDATA.parentEntrylk:
      return answerNumber(call, out, xdata, isNameLocked(brick) ? 1 : 0);
    case XDATA.linkCount:
      return answerNumber(call, out, xdata, 0);
    case XDATA.listXattr:
      return answerList(brick, out, slot);
    case XDATA.iattInXattr:
      out.key(call.memory.bytes, xdata.keyAt, xdata.keyLength);
      out.i32(TYPE.iatt);
      writeIatt(out, brick.objects, slot, stat);
      return 1;
    case XDATA.other:
      return answerAttribute(brick, call, out, slot);
    default:
      return 0;
  }
}

/** Of the name that a LOOKUP came by. */
function isNameLocked(brick: Brick): boolean {
  const parent = brick.lookupParent;
  if (parent < 0) return false;
  const at = nameAt(0);
  const name = scratch.bytes.subarray(at, scratch.bytes.indexOf(0, at));
  return brick.locks.entry.isNameLocked(brick.objects.table.words, 4 * parent, name);
}

function answerNumber(call: Call, out: Out, xdata: Xdata, value: number): number {
  out.key(call.memory.bytes, xdata.keyAt, xdata.keyLength);
  out.i32(TYPE.int);
  out.u64(value);
  return 1;
}

function answerCached(brick: Brick, call: Call, out: Out, slot: number): number {
  const { objects, xdata } = brick;
  const { name, absent } = CACHED.get(xdata.id)!;
  if (objects.table.has(slot, absent)) return 0;
  const length = objects.getAttribute(slot, name, addressAt(VALUE), VALUE_BYTES);
  if (length < 0) {
    if (length === -Errno.ENODATA || length === -Errno.EOPNOTSUPP) objects.table.set(slot, absent);
    return 0;
  }
  out.key(call.memory.bytes, xdata.keyAt, xdata.keyLength);
  bytesValue(out, scratch.bytes, VALUE, length);
  return 1;
}

/** Any attribute: its name is used where it lies. */
function answerAttribute(brick: Brick, call: Call, out: Out, slot: number): number {
  const { xdata } = brick;
  const key = xdata.key();
  if (!NAMESPACES.some((prefix) => key.startsWith(prefix))) return 0;
  const name = call.memory.address + xdata.keyAt;
  const length = brick.objects.getAttribute(slot, name, addressAt(VALUE), VALUE_BYTES);
  if (length < 0) return 0;
  out.key(call.memory.bytes, xdata.keyAt, xdata.keyLength);
  bytesValue(out, scratch.bytes, VALUE, length);
  return 1;
}

function answerList(brick: Brick, out: Out, slot: number): number {
  const { objects } = brick;
  let count = 0;
  for (const name of attributeNames(brick, slot)) {
    if (UNLISTED.has(name)) continue;
    const key = keyBytes(name);
    wholeScratch.set(key.subarray(4), VALUE);
    const length = objects.getAttribute(
      slot, addressAt(VALUE), addressAt(VALUE + 512), VALUE_BYTES - 512,
    );
    if (length < 0) continue;
    out.raw(key);
    bytesValue(out, scratch.bytes, VALUE + 512, length);
    count++;
  }
  return count;
}

const wholeScratch = Buffer.from(scratch.bytes.buffer);

/** All attributes of an object, in the file system's order. */
export function attributeNames(brick: Brick, slot: number): string[] {
  const length = brick.objects.listAttributes(slot, addressAt(VALUE), VALUE_BYTES);
  if (length <= 0) return [];
  const names = wholeScratch.toString("latin1", VALUE, VALUE + length).split("\0");
  return names.filter((name) => name !== "");
}

function answerContent(
  brick: Brick, call: Call, out: Out, slot: number, stat: number,
): number {
  const { xdata } = brick;
  const at = statAt(stat);
  const size = statx.size(at);
  if (statx.kind(at) !== S_IFREG || size === 0 || !(size <= xdata.number())) return 0;
  const start = out.at;
  out.reserve(size + 256);
  out.key(call.memory.bytes, xdata.keyAt, xdata.keyLength);
  out.i32(TYPE.bytes);
  out.u32(size);
  const count = readContent(brick, call, slot, out.address + out.at, size);
  if (count === LATER) return LATER;
  if (count !== size) {
    out.at = start;
    return 0;
  }
  out.at += size;
  out.pad(size);
  return 1;
}

/** Type and value of a pair. */
function bytesValue(out: Out, source: Uint8Array, from: number, length: number): void {
  out.reserve(length + 64);
  out.i32(TYPE.bytes);
  out.u32(length);
  out.copy(source, from, length);
  out.pad(length);
}

