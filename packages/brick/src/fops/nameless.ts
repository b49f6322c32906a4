/**
 * ICREATE makes a regular file that has a gfid and no name; NAMELINK gives a name to what has the
 * gfid that its dictionary wants.
 */
import { WANT } from "@mortar/brick-services";
import { Errno } from "../store/errno.ts";
import { GFID, scratch, statAt, statx } from "../store/scratch.ts";
import { takeGfidRequest } from "../store/new-object.ts";
import { learnStartTimes, touch, touchParent } from "../store/times.ts";
import { IATT_BYTES, writeIatt } from "../wire/iatt.ts";
import { wantAt } from "./access-check.ts";
import { DONE } from "./handler.ts";
import type { Handler } from "./handler.ts";
import { nameAddress, takeEntry } from "./names.ts";

const OBJECT = 0;
const BEFORE = 1;
const AFTER = 2;
const NAME = 0;
const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
const CHANGE = WANT.write | WANT.execute;

export const icreate: Handler = (brick, _client, call, out) => {
  const { objects } = brick;
  const gfidAt = call.gfid();
  const mode = call.u32();
  brick.xdata.begin(call);
  const kind = mode & S_IFMT;
  if (kind !== 0 && kind !== S_IFREG) return Errno.EINVAL;
  if (brick.space.isFull && call.pid >= 0) return Errno.ENOSPC;
  if (objects.resolve(call.view, gfidAt) >= 0) return Errno.EEXIST;
  scratch.bytes.set(call.memory.bytes.subarray(gfidAt, gfidAt + 16), GFID);
  const object = brick.newObject;
  object.call = call;
  object.uid = call.uid;
  object.gid = call.gid;
  object.mode = (mode & 0o7777) | S_IFREG;
  object.accessAcl = undefined;
  object.defaultAcl = undefined;
  const slot = brick.entries.makeNameless(object);
  if (slot < 0) return -slot;
  if (call.timeFlags !== 0) learnStartTimes(objects, slot, call);
  const status = objects.stat(slot, OBJECT);
  if (status < 0) return -status;
  objects.enterAtStat(OBJECT);
  out.common(0);
  out.reserve(IATT_BYTES);
  writeIatt(out, objects, slot, OBJECT);
  return DONE;
};

export const namelink: Handler = (brick, _client, call, out) => {
  const { objects, xdata } = brick;
  const parentAt = call.gfid();
  const nameAt = call.opaque();
  xdata.begin(call);
  const parent = takeEntry(objects, call, parentAt, nameAt, NAME);
  if (parent < 0) return -parent;
  if (!takeGfidRequest(call, xdata)) return Errno.EINVAL;
  const slot = objects.resolve(scratch.view, GFID);
  if (slot < 0) return -slot;
  let status = objects.openDirectory(parent);
  if (status >= 0) status = objects.stat(parent, BEFORE);
  if (status < 0) return -status;
  const refused = wantAt(brick, call, parent, BEFORE, CHANGE);
  if (refused !== 0) return refused;
  status = brick.entries.link(slot, parent, nameAddress(NAME));
  if (status < 0) return -status;
  if (objects.stat(slot, OBJECT) === 0 && statx.nlink(statAt(OBJECT)) > 0) {
    touch(objects, slot, call, OBJECT, -1);
  }
  status = objects.stat(parent, AFTER);
  if (status < 0) return -status;
  out.common(0);
  out.reserve(2 * IATT_BYTES);
  writeIatt(out, objects, parent, BEFORE);
  touchParent(objects, parent, call, AFTER);
  writeIatt(out, objects, parent, AFTER);
  return DONE;
};
