/**
 * Handles are made, moved and healed here. The second level of the tree is made on demand: before
 * the first handle below it, as far as this process has not seen it; so that no call fails first.
 */
import { AT_SYMLINK_NOFOLLOW, STATX_ALL } from "@mortar/linux";
import { Errno } from "./errno.ts";
import { writeGfidText } from "./handle-path.ts";
import { KNOWN } from "./inode-table.ts";
import type { Objects } from "./objects.ts";
import {
  addressAt, ATTRIBUTE_NAME, calls, handleAt, nameAt, S_IFLNK, scratch, statAt, statx, TARGET,
  TARGET_BYTES,
} from "./scratch.ts";
import { landfillPath } from "./side-paths.ts";

const HANDLE = 0;
const TAKEN_STAT = 4;
const SIDE = 1;
const UP = Buffer.from("../../");
const SLASH = 0x2f;
/** A bit for each directory of the second level that is there. */
const secondLevel = new Uint8Array(65_536 / 8);
/** Where the link that a handle really is gets read to, behind the one that it should be. */
const FOUND = TARGET + TARGET_BYTES / 2;

/** Link the handle of an entry that has none. */
export function linkHandle(objects: Objects, slot: number, parentFd: number, name: number): number {
  const { glusterfsFd } = objects.directory;
  const path = objects.handle(slot, HANDLE);
  needSecondLevel(objects, slot);
  const result = calls.linkat(parentFd, name, glusterfsFd, path, 0);
  if (result !== -Errno.ENOENT) return result;
  makeSecondLevel(objects);
  return calls.linkat(parentFd, name, glusterfsFd, path, 0);
}

/** Another object than a new one has the gfid: its handle has a name, or is a directory's. */
export function handleIsTaken(objects: Objects, slot: number): boolean {
  const { glusterfsFd } = objects.directory;
  const path = objects.handle(slot, HANDLE);
  const result = calls.statx(
    glusterfsFd, path, AT_SYMLINK_NOFOLLOW, STATX_ALL, addressAt(statAt(TAKEN_STAT)),
  );
  if (result < 0) return false;
  if (statx.nlink(statAt(TAKEN_STAT)) > 1) return true;
  const isLink = statx.kind(statAt(TAKEN_STAT)) === S_IFLNK;
  if (!isLink) return false;
  // A symbolic link of its own has a gfid; a directory's handle has none.
  return calls.lgetxattr(path, ATTRIBUTE_NAME.gfid, addressAt(FOUND), 16) < 0;
}

/** The handle of a directory: a link to where it is. EEXIST when the gfid is in use. */
export function linkDirectoryHandle(
  objects: Objects, slot: number, parent: number, name: number,
): number {
  const { glusterfsFd } = objects.directory;
  const path = objects.handle(slot, HANDLE);
  writeTarget(objects, parent, name);
  needSecondLevel(objects, slot);
  const result = calls.symlinkat(addressAt(TARGET), glusterfsFd, path);
  if (result !== -Errno.ENOENT) return result;
  makeSecondLevel(objects);
  return calls.symlinkat(addressAt(TARGET), glusterfsFd, path);
}

/** The same, in the place of what the handle was; at no time is there none. */
export function replaceDirectoryHandle(
  objects: Objects, slot: number, parent: number, name: number,
): number {
  const { glusterfsFd } = objects.directory;
  const side = landfillPath(objects.table.words, 4 * slot, SIDE);
  writeTarget(objects, parent, name);
  calls.unlinkat(glusterfsFd, side, 0);
  const made = calls.symlinkat(addressAt(TARGET), glusterfsFd, side);
  if (made < 0) return made;
  return renameToHandle(objects, slot, side);
}

/** What lies at a side path becomes the handle. */
export function renameToHandle(objects: Objects, slot: number, side: number): number {
  const { glusterfsFd } = objects.directory;
  const path = objects.handle(slot, HANDLE);
  needSecondLevel(objects, slot);
  const result = calls.renameat2(glusterfsFd, side, glusterfsFd, path, 0);
  if (result !== -Errno.ENOENT) return result;
  makeSecondLevel(objects);
  return calls.renameat2(glusterfsFd, side, glusterfsFd, path, 0);
}

/**
 * An entry was found by its name (attributes at `stat`): an operation that was cut off may have
 * left it without a handle, or a directory with that of another place.
 */
export function healHandle(
  objects: Objects, slot: number, parent: number, name: number, stat: number,
): void {
  if (!objects.isDirectory(slot)) {
    if (statx.nlink(statAt(stat)) !== 1) return;
    if (linkHandle(objects, slot, objects.fd(parent), addressAt(nameAt(name))) === 0) {
      objects.statChild(parent, name, stat);
    }
    return;
  }
  if (objects.table.has(slot, KNOWN.handle)) return;
  objects.table.set(slot, KNOWN.handle);
  const path = objects.handle(slot, HANDLE);
  const length = writeTarget(objects, parent, addressAt(nameAt(name)));
  const { glusterfsFd } = objects.directory;
  const found = calls.readlinkat(glusterfsFd, path, addressAt(FOUND), TARGET_BYTES / 2);
  if (found === length && sameTarget(length)) return;
  replaceDirectoryHandle(objects, slot, parent, addressAt(nameAt(name)));
}

function sameTarget(length: number): boolean {
  for (let index = 0; index < length; index++) {
    if (scratch.bytes[TARGET + index] !== scratch.bytes[FOUND + index]) return false;
  }
  return true;
}

/** "../../pp/qq/PARENT/NAME" with NUL into TARGET; its length. */
function writeTarget(objects: Objects, parent: number, name: number): number {
  const { bytes } = scratch;
  bytes.set(UP, TARGET);
  const text = TARGET + 12;
  const end = writeGfidText(bytes, text, objects.table.words, 4 * parent);
  bytes[TARGET + 6] = bytes[text]!;
  bytes[TARGET + 7] = bytes[text + 1]!;
  bytes[TARGET + 8] = SLASH;
  bytes[TARGET + 9] = bytes[text + 2]!;
  bytes[TARGET + 10] = bytes[text + 3]!;
  bytes[TARGET + 11] = SLASH;
  bytes[end] = SLASH;
  let to = end + 1;
  for (let from = name - scratch.address; bytes[from] !== 0; from++) bytes[to++] = bytes[from]!;
  bytes[to] = 0;
  return to - TARGET;
}

/** For the slot whose path is in handle HANDLE. */
function needSecondLevel(objects: Objects, slot: number): void {
  const level = objects.table.words[4 * slot]! >>> 16;
  const bit = 1 << (level & 7);
  if ((secondLevel[level >>> 3]! & bit) !== 0) return;
  secondLevel[level >>> 3]! |= bit;
  makeSecondLevel(objects);
}

/** Of the path in handle HANDLE. */
function makeSecondLevel(objects: Objects): void {
  const at = handleAt(HANDLE);
  scratch.bytes[at + 5] = 0;
  calls.mkdirat(objects.directory.glusterfsFd, addressAt(at), 0o700);
  scratch.bytes[at + 5] = SLASH;
}

