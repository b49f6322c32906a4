/**
 * The directories of the index under their made-up gfids: what a self-heal daemon asks for. A
 * request comes here when no object has its gfid; each function gives ESTALE when no directory of
 * the index has it either.
 *
 * | request | answer |
 * |---|---|
 * | LOOKUP gfid | the directory |
 * | LOOKUP entry-changes, PARENT | the directory of that parent's names, with a gfid of its own |
 * | OPENDIR, READDIR, RELEASEDIR | its entries, without the base files |
 * | UNLINK | an entry that needs no healing any more |
 * | RMDIR entry-changes, PARENT | the same, of all names of a parent |
 */
import type { Stats } from "node:fs";
import { closeSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { seekExact } from "@mortar/linux";
import { fops, IATT_FLAGS_USUAL, NO_IATT, typed } from "@mortar/gluster";
import type { Iatt, TypedDictionary } from "@mortar/gluster";
import type { Brick } from "../brick.ts";
import type { Client } from "../server/client.ts";
import type { VirtualDirectory } from "../services/heal-index.ts";
import { Errno } from "../store/errno.ts";
import { gfidBytes } from "../store/handle-path.ts";
import { INDEX_KIND, isGfidText } from "../store/index-directory.ts";
import { KNOWN } from "../store/inode-table.ts";
import { calls } from "../store/scratch.ts";
import { allocate } from "../wire/memory.ts";
import type { Call } from "../wire/call.ts";
import type { Out } from "../wire/out.ts";
import { XDATA } from "../wire/xdata.ts";
import { OK } from "./declared.ts";
import { DONE } from "./handler.ts";

const ANONYMOUS = -2;
const DIRENT_BYTES = 32_768;
const SIZE_MAX = 131_072;
/** Presence, inode number, cookie, length, type, and the name's length. */
const ENTRY_HEAD_BYTES = 32;
const TWO_32 = 2 ** 32;
/** As GlusterFS numbers the kinds of objects in a reply's dictionary. */
const IA_REGULAR = 1;
const IA_DIRECTORY = 2;
const DT = { unknown: 0, directory: 4, file: 8, link: 10 } as const;
const NOT_A_FILE = KNOWN.special;
const dirents = allocate(DIRENT_BYTES);
const TYPE_RESPONSE = "glusterfs.index-ia-type-get-rsp";

/** `args`: where the arguments begin; the cursor may be anywhere. */
export function lookupIndex(brick: Brick, call: Call, out: Out, args: number): number {
  call.at = args;
  const request = fops.lookup.decodeRequest(call.rest());
  const name = Buffer.from(request.name).toString("latin1").replace(/\0$/, "");
  const directory = brick.index.find(name === "" ? request.gfid : request.parent);
  if (directory === undefined) return Errno.ESTALE;
  const path = name === "" ? directory.path : `${directory.path}/${name}`;
  if (name.includes("/")) return Errno.EPERM;
  const stat = brick.index.directory.lstat(path);
  if (stat === undefined) return Errno.ENOENT;
  const gfid = name === "" ? directory.gfid : gfidOfEntry(brick, directory, name);
  const xdata: TypedDictionary = name === "" && request.xdata.has("glusterfs.index-ia-type-get-req")
    ? new Map([[TYPE_RESPONSE, typed.uint(
      directory.kind === INDEX_KIND.entries ? IA_DIRECTORY : IA_REGULAR,
    )]])
    : new Map();
  out.raw(fops.lookup.encodeReply({ ...OK, xdata, before: iattOf(stat, gfid), after: NO_IATT }));
  return DONE;
}

function gfidOfEntry(brick: Brick, directory: VirtualDirectory, name: string): Uint8Array {
  const isParent = directory.kind === INDEX_KIND.entries && directory.parent === undefined;
  if (isParent && isGfidText(name)) return brick.index.gfidOfEntries(name);
  return Uint8Array.from(randomBytes(16));
}

export function openIndex(
  brick: Brick, client: Client, call: Call, out: Out, args: number,
): number {
  call.at = args;
  const gfidAt = call.gfid();
  const gfid = call.memory.bytes.slice(gfidAt, gfidAt + 16);
  const directory = brick.index.find(gfid);
  if (directory === undefined) return Errno.ESTALE;
  const fd = brick.index.directory.open(directory.path);
  if (fd < 0) return -fd;
  const words = new Uint32Array(4);
  for (let word = 0; word < 4; word++) {
    words[word] = call.view.getUint32(gfidAt + 4 * word, false);
  }
  out.common(0);
  out.u64(client.add(brick.openFiles.open(words, 0, fd, 0, true)));
  return DONE;
}

export function listIndex(
  brick: Brick, client: Client, call: Call, out: Out, args: number,
): number {
  call.at = args;
  const gfidAt = call.gfid();
  const directory = brick.index.find(call.memory.bytes.slice(gfidAt, gfidAt + 16));
  if (directory === undefined) return Errno.ESTALE;
  const number = call.i64();
  const offsetHigh = call.u32();
  const offsetLow = call.u32();
  const size = Math.min(call.u32(), SIZE_MAX);
  brick.xdata.begin(call);
  const isBorrowed = number === ANONYMOUS;
  const fd = isBorrowed
    ? brick.index.directory.open(directory.path) : (client.file(number)?.fd ?? -Errno.EBADF);
  if (fd < 0) return -fd;
  const sought = seekExact(fd, offsetHigh, offsetLow);
  const status = sought < 0 ? -sought : writeEntries(brick, out, directory, fd, size);
  if (isBorrowed) closeSync(fd);
  return status;
}

function writeEntries(
  brick: Brick, out: Out, directory: VirtualDirectory, fd: number, size: number,
): number {
  const withTypes = directory.parent === undefined && brick.xdata.find(XDATA.gfidTypes);
  if (directory.parent === undefined) brick.index.directory.purgeBases(directory.kind);
  const head = out.at;
  out.common(0);
  const start = out.at;
  let count = 0;
  let isAtEnd = false;
  for (let isFull = false; !isFull;) {
    const length = calls.getdents(fd, dirents.address, DIRENT_BYTES);
    if (length < 0) return -length;
    isAtEnd = length === 0;
    if (isAtEnd) break;
    for (let at = 0; at < length; at += dirents.view.getUint16(at + 16, true)) {
      const name = direntName(at);
      const isBase = directory.parent === undefined &&
        brick.index.directory.isBase(directory.kind, name);
      if (isBase) continue;
      isFull = out.at - start + ENTRY_HEAD_BYTES + name.length > size;
      if (isFull) break;
      writeEntry(out, at, name, withTypes ? typeOf(brick, name) : DT.unknown);
      count++;
    }
  }
  out.u32(0);
  out.view.setInt32(head, count, false);
  out.view.setInt32(head + 4, isAtEnd ? Errno.ENOENT : 0, false);
  return DONE;
}

function direntName(at: number): string {
  const from = at + 19;
  const to = dirents.bytes.indexOf(0, from);
  return Buffer.from(dirents.bytes.buffer, from, to - from).toString("latin1");
}

function writeEntry(out: Out, at: number, name: string, type: number): void {
  const bytes = Buffer.from(name, "latin1");
  out.reserve(ENTRY_HEAD_BYTES + bytes.length + 64);
  out.u32(1);
  out.u32(dirents.view.getUint32(at + 4, true));
  out.u32(dirents.view.getUint32(at, true));
  out.u32(dirents.view.getUint32(at + 12, true));
  out.u32(dirents.view.getUint32(at + 8, true));
  out.u32(bytes.length);
  out.u32(type);
  out.u32(bytes.length);
  out.copy(bytes, 0, bytes.length);
  out.pad(bytes.length);
}

/** Of the object that an entry stands for. */
function typeOf(brick: Brick, name: string): number {
  if (!isGfidText(name)) return DT.unknown;
  const gfid = gfidBytes(name);
  const { objects } = brick;
  const slot = objects.resolve(new DataView(gfid.buffer, gfid.byteOffset, gfid.length), 0);
  if (slot < 0 || objects.table.has(slot, NOT_A_FILE)) return DT.unknown;
  if (objects.isDirectory(slot)) return DT.directory;
  return objects.table.has(slot, KNOWN.symlink) ? DT.link : DT.file;
}

export function unlinkIndex(brick: Brick, call: Call, out: Out, args: number): number {
  call.at = args;
  const request = fops.unlink.decodeRequest(call.rest());
  return removeEntry(brick, request.parent, request.name, out, (directory, name) =>
    brick.index.removeName(directory, name));
}

export function rmdirIndex(brick: Brick, call: Call, out: Out, args: number): number {
  call.at = args;
  const request = fops.rmdir.decodeRequest(call.rest());
  return removeEntry(brick, request.parent, request.name, out, (directory, name) => {
    const isParent = directory.kind === INDEX_KIND.entries && directory.parent === undefined;
    if (!isParent || !isGfidText(name)) return -Errno.EINVAL;
    const index = brick.index.directory;
    return request.flags === 0 ? index.removeEntries(name) : index.wipeEntries(name);
  });
}

function removeEntry(
  brick: Brick, parent: Uint8Array, nameBytes: Uint8Array, out: Out,
  remove: (directory: VirtualDirectory, name: string) => number,
): number {
  const directory = brick.index.find(parent);
  if (directory === undefined) return Errno.ESTALE;
  const before = brick.index.directory.lstat(directory.path);
  if (before === undefined) return Errno.ENOENT;
  const name = Buffer.from(nameBytes).toString("latin1").replace(/\0$/, "");
  const result = remove(directory, name);
  if (result < 0) return -result;
  const after = brick.index.directory.lstat(directory.path) ?? before;
  out.raw(fops.unlink.encodeReply({
    ...OK, before: iattOf(before, directory.gfid), after: iattOf(after, directory.gfid),
  }));
  return DONE;
}

const ALL_ONES = { high: 0xffff_ffff, low: 0xffff_ffff } as const;

/** Its inode number is none, as glusterfsd has it. */
function iattOf(stat: Stats, gfid: Uint8Array): Iatt {
  const seconds = (milliseconds: number): number => Math.floor(milliseconds / 1000);
  return {
    ...NO_IATT, gfid, flags: IATT_FLAGS_USUAL, ino: ALL_ONES,
    dev: { high: Math.floor(stat.dev / TWO_32), low: stat.dev % TWO_32 },
    size: stat.size, blocks: stat.blocks, atime: seconds(stat.atimeMs),
    mtime: seconds(stat.mtimeMs), ctime: seconds(stat.ctimeMs), nlink: stat.nlink, uid: stat.uid,
    gid: stat.gid, blksize: stat.blksize, mode: stat.mode,
  };
}
