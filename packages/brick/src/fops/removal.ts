/** UNLINK and RMDIR. */
import type { Brick } from "../brick.ts";
import { Errno } from "../store/errno.ts";
import { S_IFDIR, S_IFREG, statAt, statx } from "../store/scratch.ts";
import { touch, touchParent } from "../store/times.ts";
import type { Call } from "../wire/call.ts";
import { IATT_BYTES, writeIatt } from "../wire/iatt.ts";
import { keyBytes, Out } from "../wire/out.ts";
import { VALUE as TYPE, XDATA } from "../wire/xdata.ts";
import { wantRemoval } from "./access-check.ts";
import { notEmptyHere } from "./doubt.ts";
import { DONE } from "./handler.ts";
import type { Handler } from "./handler.ts";
import { rmdirIndex, unlinkIndex } from "./index-fops.ts";
import { nameAddress, takeEntry } from "./names.ts";
import { addLocks, answerLocks } from "./reply-xdata.ts";
import { refuseUnlink } from "./unlink-conditions.ts";

const OBJECT = 0;
const BEFORE = 1;
const AFTER = 2;
const NAME = 0;
const LINK_COUNT_KEY = keyBytes("get-link-count");
const REMAINING_KEYS = ["virt-gf-poststat", "dht-get-iatt-in-xattr"].map(keyBytes);
const IATT_LINKS_AT = 128;
const remaining = new Out(IATT_BYTES);

export const unlink: Handler = (brick, _client, call, out) => {
  const { objects, xdata } = brick;
  const args = call.at;
  const parentAt = call.gfid();
  const nameAt = call.opaque();
  call.u32();
  xdata.begin(call);
  const parent = takeEntry(objects, call, parentAt, nameAt, NAME);
  if (parent === -Errno.ESTALE) return unlinkIndex(brick, call, out, args);
  if (parent < 0) return -parent;
  let status = objects.statChild(parent, NAME, OBJECT);
  if (status === 0) status = objects.stat(parent, BEFORE);
  if (status < 0) return -status;
  const refused = wantRemoval(brick, call, parent, BEFORE, OBJECT);
  if (refused !== 0) return refused;
  const slot = objects.slotOfChild(parent, NAME, OBJECT);
  if (slot < 0 && slot !== -Errno.ENODATA) return -slot;
  const open = slot < 0 ? undefined : brick.openOf(slot);
  if (xdata.count > 0) {
    const unmet = refuseUnlink(brick, slot, open !== undefined);
    if (unmet !== 0) return unmet;
  }
  const links = statx.nlink(statAt(OBJECT));
  const isToldObject = takeRemaining(brick, slot);
  const result = brick.entries.unlink(
    parent, nameAddress(NAME), Math.max(slot, -1), OBJECT, open,
  );
  if (result < 0) return -result;
  // An object with other names, or open, lives on.
  if (slot >= 0 && (links > 2 || open !== undefined)) touch(objects, slot, call, OBJECT, -1);
  const isCounted = xdata.find(XDATA.getLinkCount) && (links > 2 || open !== undefined);
  out.i32(0);
  out.i32(0);
  const dictionary = out.beginDictionary();
  out.raw(LINK_COUNT_KEY);
  out.i32(TYPE.uint);
  // How many names it has had: 0 is of one that is gone now, and of who has not asked.
  out.u64(isCounted ? links - 1 : 0);
  let told = 1 + addLocks(brick, call, out, parent);
  if (isToldObject) told += addRemaining(out);
  out.endDictionary(dictionary, told);
  return finishRemoval(brick, call, out, parent);
};

/**
 * A removal that is asked for the file's attributes tells what it has with one name less. They are
 * taken before: there may be no object afterwards. False: not asked.
 */
function takeRemaining(brick: Brick, slot: number): boolean {
  const { xdata } = brick;
  if (slot < 0 || xdata.count === 0 || !xdata.find(XDATA.iattInXattr)) return false;
  if (statx.kind(statAt(OBJECT)) !== S_IFREG) return false;
  remaining.at = 0;
  writeIatt(remaining, brick.objects, slot, OBJECT);
  const links = remaining.view.getUint32(IATT_LINKS_AT, false);
  remaining.view.setUint32(IATT_LINKS_AT, Math.max(links - 1, 0), false);
  return true;
}

function addRemaining(out: Out): number {
  for (const key of REMAINING_KEYS) {
    out.raw(key);
    out.reserve(4 + IATT_BYTES);
    out.i32(TYPE.iatt);
    out.copy(remaining.bytes, 0, IATT_BYTES);
  }
  return REMAINING_KEYS.length;
}

export const rmdir: Handler = (brick, client, call, out) => {
  const { objects } = brick;
  const args = call.at;
  const parentAt = call.gfid();
  const flags = call.i32();
  const nameAt = call.opaque();
  brick.xdata.begin(call);
  const parent = takeEntry(objects, call, parentAt, nameAt, NAME);
  if (parent === -Errno.ESTALE) return rmdirIndex(brick, call, out, args);
  if (parent < 0) return -parent;
  let status = objects.statChild(parent, NAME, OBJECT);
  if (status === 0) status = objects.stat(parent, BEFORE);
  if (status < 0) return -status;
  if (statx.kind(statAt(OBJECT)) !== S_IFDIR) return Errno.ENOTDIR;
  const refused = wantRemoval(brick, call, parent, BEFORE, OBJECT);
  if (refused !== 0) return refused;
  const slot = objects.slotOfChild(parent, NAME, OBJECT);
  if (slot < 0 && slot !== -Errno.ENODATA) return -slot;
  const result = flags === 0 || slot < 0
    ? brick.entries.rmdir(parent, nameAddress(NAME), Math.max(slot, -1))
    : brick.entries.removeTree(parent, nameAddress(NAME), slot);
  if (result < 0) return notEmptyHere(brick, client, call, -result);
  out.i32(0);
  out.i32(0);
  answerLocks(brick, call, out, parent);
  return finishRemoval(brick, call, out, parent);
};

/** What is behind the dictionary. */
function finishRemoval(brick: Brick, call: Call, out: Out, parent: number): number {
  const { objects } = brick;
  const status = objects.stat(parent, AFTER);
  if (status < 0) return -status;
  out.reserve(2 * IATT_BYTES);
  writeIatt(out, objects, parent, BEFORE);
  touchParent(objects, parent, call, AFTER);
  writeIatt(out, objects, parent, AFTER);
  return DONE;
}
