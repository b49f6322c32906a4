/**
 * Directories are listed by the kernel's own cookies. The directory that belongs to the brick
 * itself is left out; the root's ".." is the root.
 *
 *     struct linux_dirent64: u64 ino | i64 cookie | u16 length | u8 type | name, NUL
 */
import { seekExact } from "@mortar/linux";
import type { Brick } from "../brick.ts";
import type { Client } from "../server/client.ts";
import { TOP } from "../services/top-counts.ts";
import { Errno } from "../store/errno.ts";
import { healHandle } from "../store/handles.ts";
import { calls, nameAt, S_IFDIR, scratch, statAt, statx } from "../store/scratch.ts";
import { allocate } from "../wire/memory.ts";
import type { Call } from "../wire/call.ts";
import { IATT_BYTES, writeIatt } from "../wire/iatt.ts";
import type { Out } from "../wire/out.ts";
import { XDATA } from "../wire/xdata.ts";
import { fdOf, slotOfFd } from "./descriptors.ts";
import { DONE } from "./handler.ts";
import type { Handler } from "./handler.ts";
import { listIndex } from "./index-fops.ts";
import { isHidden } from "./names.ts";
import { answerXdata, TELLS } from "./reply-xdata.ts";

const NAME = 0;
const ENTRY = 0;
const DIRENT_BYTES = 32_768;
const SIZE_MAX = 1024 * 1024;
/** Presence, inode number, cookie, length, type, and the name's length. */
const ENTRY_HEAD_BYTES = 32;
const PLUS_BYTES = IATT_BYTES + 12;
const DOT = 0x2e;
const DT_OF_MODE_SHIFT = 12;
const dirents = allocate(DIRENT_BYTES);

export const readdir: Handler = (brick, client, call, out) => list(brick, client, call, out, false);

export const readdirp: Handler = (brick, client, call, out) => list(brick, client, call, out, true);

function list(brick: Brick, client: Client, call: Call, out: Out, isPlus: boolean): number {
  const { objects, xdata } = brick;
  const args = call.at;
  const gfidAt = call.gfid();
  const number = call.i64();
  const offsetHigh = call.u32();
  const offsetLow = call.u32();
  const size = Math.min(call.u32(), SIZE_MAX);
  xdata.begin(call);
  const slot = slotOfFd(brick, client, call, gfidAt, number);
  if (slot === -Errno.ESTALE && !isPlus) return listIndex(brick, client, call, out, args);
  if (slot < 0) return -slot;
  if (!objects.isDirectory(slot)) return Errno.ENOTDIR;
  const fd = fdOf(brick, client, slot, number, false);
  if (fd < 0) return -fd;
  const directoryFd = objects.openDirectory(slot);
  if (directoryFd < 0) return -directoryFd;
  const sought = seekExact(fd, offsetHigh, offsetLow);
  if (sought < 0) return -sought;
  if (isPlus) brick.top.count(TOP.readdir, slot);
  const skipsDirectories = xdata.find(XDATA.skipDirectories);
  const head = out.at;
  out.common(0);
  const count = fill(brick, call, out, slot, fd, size, isPlus, skipsDirectories);
  if (count < 0) return -count;
  out.u32(0);
  out.view.setInt32(head, count, false);
  out.view.setInt32(head + 4, isAtEnd ? Errno.ENOENT : 0, false);
  return DONE;
}

/** Told by `fill`, beside its count: nothing comes after these entries. */
let isAtEnd = false;

function fill(
  brick: Brick, call: Call, out: Out, slot: number, fd: number, size: number, isPlus: boolean,
  skipsDirectories: boolean,
): number {
  const start = out.at;
  let count = 0;
  isAtEnd = false;
  for (;;) {
    const length = calls.getdents(fd, dirents.address, DIRENT_BYTES);
    if (length < 0) return length;
    if (length === 0) {
      isAtEnd = true;
      return count;
    }
    for (let at = 0; at < length; at += dirents.view.getUint16(at + 16, true)) {
      const nameLength = takeDirentName(at);
      if (nameLength === 0 || isHidden(brick.objects, slot, NAME)) continue;
      const cost = ENTRY_HEAD_BYTES + nameLength + (isPlus ? PLUS_BYTES : 0);
      if (out.at - start + cost > size) return count;
      if (writeEntry(brick, call, out, slot, at, nameLength, isPlus, skipsDirectories)) count++;
    }
  }
}

/** The name at `at` of the kernel's list into scratch name NAME: its length. */
function takeDirentName(at: number): number {
  const from = at + 19;
  const to = nameAt(NAME);
  let length = 0;
  while (dirents.bytes[from + length] !== 0) {
    scratch.bytes[to + length] = dirents.bytes[from + length]!;
    length++;
  }
  scratch.bytes[to + length] = 0;
  return length;
}

function isParentName(length: number): boolean {
  const at = nameAt(NAME);
  return length === 2 && scratch.bytes[at] === DOT && scratch.bytes[at + 1] === DOT;
}

function isOwnName(length: number): boolean {
  return length === 1 && scratch.bytes[nameAt(NAME)] === DOT;
}

function writeEntry(
  brick: Brick, call: Call, out: Out, parent: number, at: number, nameLength: number,
  isPlus: boolean, skipsDirectories: boolean,
): boolean {
  const { objects } = brick;
  const isSelf = isOwnName(nameLength) ||
    (isParentName(nameLength) && objects.table.isRoot(parent));
  const status = isSelf ? objects.stat(parent, ENTRY) : objects.statChild(parent, NAME, ENTRY);
  if (status < 0) return false;
  const kind = statx.kind(statAt(ENTRY));
  const isDots = isSelf || isParentName(nameLength);
  if (skipsDirectories && kind === S_IFDIR && !isDots) return false;
  const slot = isSelf ? parent : objects.slotOfChild(parent, NAME, ENTRY);
  if (slot >= 0 && !isDots) healHandle(objects, slot, parent, NAME, ENTRY);
  out.reserve(ENTRY_HEAD_BYTES + nameLength + 1024);
  out.u32(1);
  const base = 4 * slot;
  out.u32(slot < 0 ? 0 : objects.table.words[base + 2]!);
  out.u32(slot < 0 ? 0 : objects.table.words[base + 3]!);
  out.u32(dirents.view.getUint32(at + 12, true));
  out.u32(dirents.view.getUint32(at + 8, true));
  out.u32(nameLength);
  out.u32(kind >>> DT_OF_MODE_SHIFT);
  out.u32(nameLength);
  out.copy(scratch.bytes, nameAt(NAME), nameLength);
  out.pad(nameLength);
  if (isPlus) writePlus(brick, call, out, slot);
  return true;
}

function writePlus(brick: Brick, call: Call, out: Out, slot: number): void {
  if (slot < 0) {
    out.zeros(PLUS_BYTES);
    return;
  }
  writeIatt(out, brick.objects, slot, ENTRY);
  answerXdata(brick, call, out, slot, ENTRY, TELLS.openFile);
}
