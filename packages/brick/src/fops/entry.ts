import { encodeAcl, inheritAcl, WANT } from "@mortar/brick-services";
import type { Brick } from "../brick.ts";
import type { Client } from "../server/client.ts";
import { RENAME_TARGET_STAT } from "../store/entries.ts";
import { Errno } from "../store/errno.ts";
import { takeGfidRequest } from "../store/new-object.ts";
import { KNOWN } from "../store/inode-table.ts";
import {
  addressAt, ATTRIBUTE_NAME, S_IFDIR, S_IFREG, scratch, statAt, statx, TARGET, TARGET_BYTES,
} from "../store/scratch.ts";
import { learnStartTimes, touch, touchParent } from "../store/times.ts";
import type { Call } from "../wire/call.ts";
import { IATT_BYTES, writeIatt } from "../wire/iatt.ts";
import type { Out } from "../wire/out.ts";
import { XDATA } from "../wire/xdata.ts";
import { inherit, readAcl, wantAt, wantRemoval } from "./access-check.ts";
import { doubtName, isMissing, mayBeBehind, notEmptyHere, PID_SELF_HEAL } from "./doubt.ts";
import { DONE } from "./handler.ts";
import type { Handler } from "./handler.ts";
import { linkKnown, moveKnown } from "./known.ts";
import { isSameText, nameAddress, takeEntry } from "./names.ts";
import { isStaleLayout, writeStaleMkdir } from "./preop.ts";
import { answerLocks } from "./reply-xdata.ts";

const OBJECT = 0;
const BEFORE = 1;
const AFTER = 2;
const OTHER_BEFORE = 3;
const NAME = 0;
const OTHER_NAME = 1;
const S_IFMT = 0o170000;
const PERMISSIONS = 0o7777;
const PATH_MAX = 4096;
const CHANGE = WANT.write | WANT.execute;

/** Where the parent's attributes and the new object's start are known. An errno, or 0. */
function begin(brick: Brick, call: Call, parent: number, mode: number): number {
  const { objects, xdata } = brick;
  const status = objects.stat(parent, BEFORE);
  if (status < 0) return -status;
  if (!takeGfidRequest(call, xdata)) return Errno.EINVAL;
  if (brick.space.isFull && call.pid >= 0) return Errno.ENOSPC;
  const refused = wantAt(brick, call, parent, BEFORE, CHANGE);
  if (refused !== 0) return refused;
  inherit(brick, call, parent, BEFORE, mode);
  inheritDefaultAcl(brick, parent);
  return 0;
}

/**
 * The kernel lets a new entry inherit its directory's default ACL; one that is made in landfill
 * has to be given it.
 */
function inheritDefaultAcl(brick: Brick, parent: number): void {
  const object = brick.newObject;
  const acl = readAcl(brick, parent, ATTRIBUTE_NAME.aclDefault, KNOWN.noAclDefault);
  if (acl === undefined || (object.mode & S_IFMT) === 0) return;
  const inherited = inheritAcl(acl, object.mode);
  object.mode = inherited.mode;
  object.accessAcl = encodeAcl(inherited.access);
  if ((object.mode & S_IFMT) === S_IFDIR) object.defaultAcl = encodeAcl(acl);
}

/** The three iatts of a new entry. All but MKDIR tell of the parent's locks. */
function finish(
  brick: Brick, client: Client, call: Call, out: Out, slot: number, parent: number, tellsLocks = true,
): number {
  const { objects } = brick;
  brick.seenNames.note(client.id, objects, parent, NAME);
  let status = objects.statChild(parent, NAME, OBJECT);
  if (status === 0) status = objects.stat(parent, AFTER);
  if (status < 0) return -status;
  out.i32(0);
  out.i32(0);
  if (tellsLocks) answerLocks(brick, call, out, parent);
  else out.noDictionary();
  out.reserve(3 * IATT_BYTES);
  writeIatt(out, objects, slot, OBJECT);
  writeIatt(out, objects, parent, BEFORE);
  touchParent(objects, parent, call, AFTER);
  writeIatt(out, objects, parent, AFTER);
  return DONE;
}

function finishNew(
  brick: Brick, client: Client, call: Call, out: Out, slot: number, parent: number, tellsLocks = true,
): number {
  const { objects } = brick;
  if (slot === -Errno.EEXIST) doubtName(brick, client, call, parent, NAME);
  if (slot < 0) return -slot;
  if (call.timeFlags !== 0) learnStartTimes(objects, slot, call);
  if (objects.statChild(parent, NAME, OBJECT) === 0) objects.enterAtStat(OBJECT);
  return finish(brick, client, call, out, slot, parent, tellsLocks);
}

export const mkdir: Handler = (brick, client, call, out) => {
  const parentAt = call.gfid();
  const mode = call.u32();
  call.u32();
  const nameAt = call.opaque();
  brick.xdata.begin(call);
  const parent = takeEntry(brick.objects, call, parentAt, nameAt, NAME);
  if (parent < 0) return -parent;
  if (isStaleLayout(brick, call, parent)) {
    writeStaleMkdir(out);
    return DONE;
  }
  const wrong = begin(brick, call, parent, (mode & PERMISSIONS) | S_IFDIR);
  if (wrong !== 0) return wrong;
  const moved = call.pid === PID_SELF_HEAL ? moveKnown(brick, parent, NAME) : -Errno.ESTALE;
  const slot = moved === -Errno.ESTALE
    ? brick.entries.mkdir(parent, nameAddress(NAME), brick.newObject) : moved;
  return finishNew(brick, client, call, out, slot, parent, false);
};

export const mknod: Handler = (brick, client, call, out) => {
  const parentAt = call.gfid();
  call.u32();
  const device = call.u32();
  const mode = call.u32();
  call.u32();
  const nameAt = call.opaque();
  brick.xdata.begin(call);
  const parent = takeEntry(brick.objects, call, parentAt, nameAt, NAME);
  if (parent < 0) return -parent;
  const kind = (mode & S_IFMT) === 0 ? S_IFREG : mode & S_IFMT;
  if (kind === S_IFDIR) return Errno.EINVAL;
  const wrong = begin(brick, call, parent, (mode & PERMISSIONS) | kind);
  if (wrong !== 0) return wrong;
  if (brick.xdata.find(XDATA.internalFop)) {
    const known = linkKnown(brick, parent, NAME);
    if (known >= 0) return finish(brick, client, call, out, known, parent);
    if (known !== -Errno.ESTALE) return -known;
  }
  const slot = brick.entries.mknod(parent, nameAddress(NAME), brick.newObject, device);
  return finishNew(brick, client, call, out, slot, parent);
};

export const symlink: Handler = (brick, client, call, out) => {
  const parentAt = call.gfid();
  const nameAt = call.opaque();
  call.u32();
  const targetAt = call.opaque();
  brick.xdata.begin(call);
  const parent = takeEntry(brick.objects, call, parentAt, nameAt, NAME);
  if (parent < 0) return -parent;
  const length = call.view.getUint32(targetAt, false);
  if (length >= PATH_MAX) return Errno.ENAMETOOLONG;
  const wrong = begin(brick, call, parent, 0);
  if (wrong !== 0) return wrong;
  const { bytes } = call.memory;
  scratch.bytes.set(bytes.subarray(targetAt + 4, targetAt + 4 + length), TARGET);
  scratch.bytes[TARGET + length] = 0;
  if (bytes.subarray(targetAt + 4, targetAt + 4 + length).includes(0)) return Errno.EINVAL;
  const slot = brick.entries.symlink(
    parent, nameAddress(NAME), brick.newObject, addressAt(TARGET),
  );
  return finishNew(brick, client, call, out, slot, parent);
};

export const readlink: Handler = (brick, _client, call, out) => {
  const { objects } = brick;
  const slot = objects.resolve(call.view, call.gfid());
  const size = call.u32();
  if (slot < 0) return -slot;
  const length = objects.readLink(slot, Math.min(size, TARGET_BYTES));
  if (length < 0) return -length;
  const status = objects.stat(slot, OBJECT);
  if (status < 0) return -status;
  out.common(length);
  out.reserve(IATT_BYTES + length + 8);
  writeIatt(out, objects, slot, OBJECT);
  out.u32(length);
  out.copy(scratch.bytes, TARGET, length);
  out.pad(length);
  return DONE;
};

export const link: Handler = (brick, client, call, out) => {
  const { objects } = brick;
  const slot = objects.resolve(call.view, call.gfid());
  const parentAt = call.gfid();
  const nameAt = call.opaque();
  brick.xdata.begin(call);
  const parent = takeEntry(objects, call, parentAt, nameAt, NAME);
  if (slot < 0) {
    doubtName(brick, client, call, parent, NAME);
    return -slot;
  }
  if (parent < 0) return -parent;
  let status = objects.stat(parent, BEFORE);
  if (status === 0) status = objects.stat(slot, OBJECT);
  if (status < 0) return -status;
  const refused = wantAt(brick, call, parent, BEFORE, CHANGE);
  if (refused !== 0) return refused;
  const { maxHardlinks } = brick.options;
  if (maxHardlinks > 0 && statx.nlink(statAt(OBJECT)) - 1 >= maxHardlinks) return Errno.EMLINK;
  const result = brick.entries.link(slot, parent, nameAddress(NAME));
  if (result < 0) return -result;
  if (objects.stat(slot, OBJECT) === 0) touch(objects, slot, call, OBJECT, -1);
  return finish(brick, client, call, out, slot, parent);
};

/** Object, then old and new parent, before and after each. */
export const rename: Handler = (brick, client, call, out) => {
  const { objects } = brick;
  const oldParentAt = call.gfid();
  const newParentAt = call.gfid();
  const oldNameAt = call.opaque();
  const newNameAt = call.opaque();
  brick.xdata.begin(call);
  const oldParent = takeEntry(objects, call, oldParentAt, oldNameAt, NAME);
  const newParent = takeEntry(objects, call, newParentAt, newNameAt, OTHER_NAME);
  let status = Math.max(-oldParent, 0);
  if (status === 0) status = Math.max(-newParent, 0);
  if (status === 0) status = renameEntry(brick, client, call, out, oldParent, newParent);
  if (isMissing(status)) doubtName(brick, client, call, newParent, OTHER_NAME);
  return status;
};

function renameEntry(
  brick: Brick, client: Client, call: Call, out: Out, oldParent: number, newParent: number,
): number {
  const { objects } = brick;
  if (mayBeBehind(client, call) &&
    brick.seenNames.isDoubtful(client.id, client.cameMs, objects, oldParent, NAME)) {
    return Errno.ESTALE;
  }
  // Opening the second may have closed the first.
  let status = objects.openDirectory(oldParent);
  if (status < 0) return -status;
  status = objects.statChild(oldParent, NAME, OBJECT);
  if (status === 0) status = objects.stat(oldParent, BEFORE);
  if (status === 0) status = objects.stat(newParent, OTHER_BEFORE);
  if (status < 0) return -status;
  const slot = objects.slotOfChild(oldParent, NAME, OBJECT);
  if (slot < 0) return -slot;
  const refused = wantRemoval(brick, call, oldParent, BEFORE, OBJECT);
  if (refused !== 0) return refused;
  const result = move(brick, call, oldParent, newParent, slot);
  if (result < 0) return notEmptyHere(brick, client, call, -result);
  brick.seenNames.note(client.id, objects, newParent, OTHER_NAME);
  return writeRenamed(brick, call, out, slot, oldParent, newParent);
}

function move(
  brick: Brick, call: Call, oldParent: number, newParent: number, slot: number,
): number {
  const { objects } = brick;
  const found = objects.statChild(newParent, OTHER_NAME, RENAME_TARGET_STAT);
  if (found < 0 && found !== -Errno.ENOENT) return found;
  const refused = found === 0
    ? wantRemoval(brick, call, newParent, OTHER_BEFORE, RENAME_TARGET_STAT)
    : wantAt(brick, call, newParent, OTHER_BEFORE, CHANGE);
  if (refused !== 0) return -refused;
  let target = -1;
  if (found === 0) {
    if (statx.ino(statAt(RENAME_TARGET_STAT)) === statx.ino(statAt(OBJECT))) {
      return renameToItself(brick, call, oldParent, newParent, slot);
    }
    target = objects.slotOfChild(newParent, OTHER_NAME, RENAME_TARGET_STAT);
    if (target < 0) return target;
  }
  const open = target < 0 ? undefined : brick.openOf(target);
  return brick.entries.rename(
    oldParent, nameAddress(NAME), newParent, nameAddress(OTHER_NAME), slot, target, open,
  );
}

/**
 * Two names of one file: rename(2) does nothing. But healing puts a name aside by renaming it into
 * a directory of its own, where the file may lie already, put there from another of its names: left
 * alone, the name would stay here for good, and not be there on the other copies.
 */
function renameToItself(
  brick: Brick, call: Call, oldParent: number, newParent: number, slot: number,
): number {
  const isSameName = oldParent === newParent && isSameText(NAME, OTHER_NAME);
  if (call.pid !== PID_SELF_HEAL || isSameName || brick.objects.isDirectory(slot)) return 0;
  return brick.entries.unlink(oldParent, nameAddress(NAME), slot, OBJECT, undefined);
}

function writeRenamed(
  brick: Brick, call: Call, out: Out, slot: number, oldParent: number, newParent: number,
): number {
  const { objects } = brick;
  let status = objects.stat(slot, OBJECT);
  if (status < 0) return -status;
  touch(objects, slot, call, OBJECT, -1);
  out.i32(0);
  out.i32(0);
  answerLocks(brick, call, out, oldParent);
  out.reserve(5 * IATT_BYTES);
  writeIatt(out, objects, slot, OBJECT);
  writeIatt(out, objects, oldParent, BEFORE);
  status = objects.stat(oldParent, BEFORE);
  if (status < 0) return -status;
  touchParent(objects, oldParent, call, BEFORE);
  writeIatt(out, objects, oldParent, BEFORE);
  writeIatt(out, objects, newParent, OTHER_BEFORE);
  status = objects.stat(newParent, OTHER_BEFORE);
  if (status < 0) return -status;
  if (newParent !== oldParent) touchParent(objects, newParent, call, OTHER_BEFORE);
  writeIatt(out, objects, newParent, OTHER_BEFORE);
  return DONE;
}
