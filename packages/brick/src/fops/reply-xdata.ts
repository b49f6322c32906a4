/**
 * What a request's dictionary asks to be told of an object, written into the reply's. Attributes
 * that are known to be absent are not asked for again: whatever changes them passes through here.
 */
import type { Brick } from "../brick.ts";
import { Errno } from "../store/errno.ts";
import { INDEX_KIND } from "../store/index-directory.ts";
import { KNOWN } from "../store/inode-table.ts";
import {
  addressAt, ATTRIBUTE_NAME, MDATA, nameAt, S_IFREG, scratch, statAt, statx, VALUE, VALUE_BYTES,
} from "../store/scratch.ts";
import { MDATA_BYTES, writeMdata } from "../store/times.ts";
import type { Call } from "../wire/call.ts";
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
/**
 * Which questions a fop answers, as glusterfsd has it: copies that are told different things by two
 * bricks are taken for different. `locks`: how many there are; `pending`: is there anything to
 * heal. Extended attributes are told by all.
 */
export const TELLS = {
  extendedOnly: 0, locks: 1, pending: 2, content: 4, size: 8, openFile: 9, openFileState: 11,
  lookup: 15,
} as const;
const LOCK_COUNTS: ReadonlySet<number> = new Set([
  XDATA.inodelkCount, XDATA.entrylkCount, XDATA.posixlkCount, XDATA.inodelkDomPrefix,
]);
/** What the locks of a CREATE's reply do not leave of the request. */
const LOCK_QUESTIONS: ReadonlySet<number> = new Set([
  ...LOCK_COUNTS, XDATA.inodelkDomCount, XDATA.parentEntrylk, XDATA.multipleDomains,
]);
const WRITE_COUNTS: ReadonlySet<number> = new Set([
  ...LOCK_COUNTS, XDATA.openFdCount, XDATA.openActiveFdCount,
]);
const INODELK_COUNT_KEY = keyBytes("glusterfs.inodelk-count");
const PENDING_COUNT = "glusterfs.xattrop_index_count";
const NAMESPACES = ["trusted.", "user.", "security.", "system."];
/** Where an object is: of this brick only, and not a client's to copy. */
const PARENT_LINK = "trusted.gfid2path.";
const UNLISTED = new Set(["trusted.gfid", "trusted.glusterfs.volume-id", "security.selinux"]);

/**
 * The reply's dictionary for the object whose attributes are at `stat`. A LOOKUP's may have the
 * content, and is there even when nothing was asked for: disperse's healing takes an object whose
 * LOOKUP has none for one without counters, and leaves them. LATER: the content has to be fetched
 * from the disk first.
 */
export function answerXdata(
  brick: Brick, call: Call, out: Out, slot: number, stat: number, tells: number,
): number {
  const { xdata } = brick;
  if (xdata.count === 0 && tells !== TELLS.lookup) {
    out.noDictionary();
    return 0;
  }
  const start = out.beginDictionary();
  let count = (tells & TELLS.locks) === 0 ? 0 : answerDomainCount(brick, out, slot);
  xdata.rewind();
  while (xdata.next()) {
    if (xdata.id === XDATA.gfidRequest) continue;
    const added = answer(brick, call, out, slot, stat, tells);
    if (added === LATER) return LATER;
    count += added;
  }
  out.endDictionary(start, count);
  return 0;
}

/** The reply's dictionary of a write. `isAppended`: it began at the end, or behind it. */
export function answerWrite(
  brick: Brick, call: Call, out: Out, slot: number, isAppended: boolean,
): void {
  answerCounts(brick, call, out, slot, WRITE_COUNTS, isAppended);
}

/** The reply's dictionary of what tells of locks only: those of the parent, for a name's. */
export function answerLocks(brick: Brick, call: Call, out: Out, slot: number): void {
  answerCounts(brick, call, out, slot, LOCK_COUNTS, false);
}

function answerCounts(
  brick: Brick, call: Call, out: Out, slot: number, ids: ReadonlySet<number>, isAppended: boolean,
): void {
  if (brick.xdata.count === 0) {
    out.noDictionary();
    return;
  }
  out.reserve(2048);
  const start = out.beginDictionary();
  const count = addCounts(brick, call, out, slot, ids, isAppended);
  if (count > 0) {
    out.endDictionary(start, count);
  } else {
    out.at = start;
    out.noDictionary();
  }
}

/** Into a dictionary that is begun. How many pairs were written. */
export function addLocks(brick: Brick, call: Call, out: Out, slot: number): number {
  if (brick.xdata.count === 0) return 0;
  out.reserve(2048);
  return addCounts(brick, call, out, slot, LOCK_COUNTS, false);
}

/** The request's own pairs but for questions about locks, and the answers to those. */
export function addEcho(brick: Brick, call: Call, out: Out, slot: number): number {
  const { xdata } = brick;
  let count = 0;
  xdata.rewind();
  while (xdata.next()) {
    if (LOCK_QUESTIONS.has(xdata.id)) continue;
    const from = xdata.keyAt - 4;
    const end = (xdata.valueAt + xdata.valueLength + 3) & ~3;
    out.reserve(end - from);
    out.copy(call.memory.bytes, from, end - from);
    count++;
  }
  return count + addLocks(brick, call, out, slot);
}

/** Does a request ask about locks? */
export function asksLocks(xdata: Xdata): boolean {
  xdata.rewind();
  while (xdata.next()) {
    if (LOCK_QUESTIONS.has(xdata.id)) return true;
  }
  return false;
}

function addCounts(
  brick: Brick, call: Call, out: Out, slot: number, ids: ReadonlySet<number>, isAppended: boolean,
): number {
  const { xdata } = brick;
  let count = answerDomainCount(brick, out, slot);
  xdata.rewind();
  while (xdata.next()) {
    if (xdata.id === XDATA.writeIsAppend) {
      if (isAppended) count += answerNumber(call, out, xdata, 1, TYPE.uint);
    } else if (ids.has(xdata.id)) {
      count += answer(brick, call, out, slot, 0, TELLS.locks);
    }
  }
  return count;
}

/** How many locks of a domain there are is told under the key that asks for all. */
function answerDomainCount(brick: Brick, out: Out, slot: number): number {
  const { xdata } = brick;
  if (!xdata.find(XDATA.inodelkDomCount)) return 0;
  const domain = xdata.text();
  if (xdata.find(XDATA.inodelkCount)) return 0;
  out.raw(INODELK_COUNT_KEY);
  out.i32(TYPE.int);
  out.u64(brick.locks.inode.count(brick.objects.table.words, 4 * slot, domain));
  return 1;
}

/** How many pairs were written. */
function answer(
  brick: Brick, call: Call, out: Out, slot: number, stat: number, tells: number,
): number {
  const { xdata } = brick;
  const { words } = brick.objects.table;
  if (LOCK_COUNTS.has(xdata.id) && (tells & TELLS.locks) === 0) return 0;
  switch (xdata.id) {
    case XDATA.capability:
    case XDATA.ima:
    case XDATA.selinux:
    case XDATA.aclAccess:
    case XDATA.aclDefault:
      return answerCached(brick, call, out, slot);
    case XDATA.mdata:
      // Whoever is told of none proposes the same to all bricks, see `learnTimes`: times that each
      // brick makes up itself differ, and disperse finds no two copies alike.
      if (!writeMdata(brick.objects, slot)) return 0;
      out.key(call.memory.bytes, xdata.keyAt, xdata.keyLength);
      bytesValue(out, scratch.bytes, MDATA, MDATA_BYTES);
      return 1;
    case XDATA.content:
      return (tells & TELLS.content) !== 0 ? answerContent(brick, call, out, slot, stat) : 0;
    case XDATA.openFdCount:
    case XDATA.openActiveFdCount:
      return answerNumber(call, out, xdata, brick.openOf(slot)?.openCount ?? 0, TYPE.uint);
    case XDATA.inodelkCount:
      return answerNumber(call, out, xdata, brick.locks.inode.count(words, 4 * slot));
    case XDATA.entrylkCount:
      return answerNumber(call, out, xdata, brick.locks.entry.count(words, 4 * slot));
    case XDATA.posixlkCount:
      return answerNumber(call, out, xdata, brick.locks.posix.count(words, 4 * slot));
    case XDATA.inodelkDomPrefix: {
      const held = brick.locks.inode.count(words, 4 * slot, xdata.keyDomain());
      return answerNumber(call, out, xdata, held);
    }
    case XDATA.getSize:
      if ((tells & TELLS.size) === 0 || statx.kind(statAt(stat)) !== S_IFREG) return 0;
      return answerNumber(call, out, xdata, statx.size(statAt(stat)), TYPE.uint);
    case XDATA.parentEntrylk:
      if ((tells & TELLS.content) === 0 || brick.lookupParent < 0) return 0;
      return answerNumber(call, out, xdata, isNameLocked(brick) ? 1 : 0);
    case XDATA.linkCount:
      return (tells & TELLS.pending) === 0 ? 0 : answerLinkCount(brick, call, out);
    case XDATA.listXattr:
      return answerList(brick, out, slot);
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

/** Is there anything to heal? */
function answerLinkCount(brick: Brick, call: Call, out: Out): number {
  const { xdata } = brick;
  if (xdata.text() !== PENDING_COUNT) return 0;
  const isAny = brick.index.directory.count(INDEX_KIND.pending) > 0;
  return answerNumber(call, out, xdata, isAny ? 1 : 0);
}

function answerNumber(
  call: Call, out: Out, xdata: Xdata, value: number, type: number = TYPE.int,
): number {
  out.key(call.memory.bytes, xdata.keyAt, xdata.keyLength);
  out.i32(type);
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
    if (UNLISTED.has(name) || name.startsWith(PARENT_LINK)) continue;
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
  const names = wholeScratch.toString("utf8", VALUE, VALUE + length).split("\0");
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

