import { WANT } from "@mortar/brick-services";
import { Errno } from "../store/errno.ts";
import { healHandle } from "../store/handles.ts";
import { takeGfidRequest } from "../store/new-object.ts";
import type { Brick } from "../brick.ts";

import type { Call } from "../wire/call.ts";
import { IATT_BYTES, writeIatt } from "../wire/iatt.ts";
import { XDATA } from "../wire/xdata.ts";
import { wantAt } from "./access-check.ts";
import { adoptForeign } from "./foreign.ts";
import { DONE } from "./handler.ts";
import type { Handler } from "./handler.ts";
import { lookupIndex } from "./index-fops.ts";
import { isHidden, takeName } from "./names.ts";
import { answerXdata, TELLS } from "./reply-xdata.ts";
import { openedFd, slotOfFd } from "./descriptors.ts";

const OBJECT = 0;
const PARENT = 1;
const NAME = 0;
const DOT = 0x2e;

/**
 * The reply's first iatt is the object, the second its parent; zeros when asked by gfid. A name is
 * answered with what it has, also if the request tells another gfid that the client expects there:
 * the client compares them itself, and only so does replicate learn that this copy has another
 * object under the name. It then heals the name before anything is moved by it.
 */
export const lookup: Handler = (brick, client, call, out) => {
  const { objects, xdata } = brick;
  const args = call.at;
  const gfidAt = call.gfid();
  const parentAt = call.gfid();
  call.u32();
  const nameAt = call.opaque();
  xdata.begin(call);
  brick.lookupParent = -1;
  let parent = -1;
  let slot: number;
  const isOwnName = isDot(call, nameAt);
  if (isOwnName || call.view.getUint32(nameAt, false) === 0) {
    slot = objects.resolve(call.view, isOwnName ? parentAt : gfidAt);
    if (slot === -Errno.ESTALE) return notGone(lookupIndex(brick, call, out, args));
    if (slot < 0) return -slot;
    const status = objects.stat(slot, OBJECT);
    if (status < 0) return notGone(-status);
  } else {
    parent = objects.resolveDirectory(call.view, parentAt);
    if (parent === -Errno.ESTALE) return lookupIndex(brick, call, out, args);
    if (parent < 0) return parent === -Errno.ENOTDIR ? Errno.EPERM : -parent;
    const wrong = takeName(call, nameAt, NAME);
    if (wrong !== 0) return wrong;
    if (isHidden(objects, parent, NAME)) return Errno.EPERM;
    brick.lookupParent = parent;
    slot = findChild(brick, call, parent);
    if (slot < 0) return -slot;
    healHandle(objects, slot, parent, NAME, OBJECT);
    const status = objects.stat(parent, PARENT);
    if (status < 0) return -status;
    const refused = wantAt(brick, call, parent, PARENT, WANT.execute);
    if (refused !== 0) return refused;
    brick.seenNames.note(client.id, objects, parent, NAME);
  }
  out.i32(0);
  out.i32(0);
  const later = answerXdata(brick, call, out, slot, OBJECT, TELLS.lookup);
  if (later !== 0) return later;
  out.reserve(2 * IATT_BYTES);
  writeIatt(out, objects, slot, OBJECT);
  if (parent >= 0) writeIatt(out, objects, parent, PARENT);
  else out.zeros(IATT_BYTES);
  return DONE;
};

/** As glusterfsd has it of what is asked for by its gfid: not there, rather than gone. */
function notGone(status: number): number {
  return status === Errno.ESTALE ? Errno.ENOENT : status;
}

/** libgfapi asks for "." by its name: the directory itself. */
function isDot(call: Call, at: number): boolean {
  return call.view.getUint32(at, false) === 1 && call.memory.bytes[at + 4] === DOT;
}

/** The entry of scratch name NAME; one that was put there behind our back gets its gfid now. */
function findChild(brick: Brick, call: Call, parent: number): number {
  const { objects, xdata } = brick;
  const found = objects.statChild(parent, NAME, OBJECT);
  if (found < 0) return found;
  const slot = objects.slotOfChild(parent, NAME, OBJECT);
  if (slot !== -Errno.ENODATA) return slot;
  if (xdata.find(XDATA.gfidlessLookup) || !takeGfidRequest(call, xdata)) return -Errno.ENODATA;
  return adoptForeign(brick, parent, NAME, OBJECT);
}

export const stat: Handler = (brick, _client, call, out) => {
  const { objects, xdata } = brick;
  const slot = objects.resolve(call.view, call.gfid());
  xdata.begin(call);
  if (slot < 0) return -slot;
  const status = objects.stat(slot, OBJECT);
  if (status < 0) return -status;
  out.i32(0);
  out.i32(0);
  answerXdata(brick, call, out, slot, OBJECT, TELLS.size);
  out.reserve(IATT_BYTES);
  writeIatt(out, objects, slot, OBJECT);
  return DONE;
};

export const fstat: Handler = (brick, client, call, out) => {
  const { objects, xdata } = brick;
  const gfidAt = call.gfid();
  const number = call.i64();
  xdata.begin(call);
  const slot = slotOfFd(brick, client, call, gfidAt, number);
  if (slot < 0) return -slot;
  const fd = openedFd(client, number);
  const status = fd >= 0 ? objects.statFd(fd, OBJECT) : objects.stat(slot, OBJECT);
  if (status < 0) return -status;
  out.i32(0);
  out.i32(0);
  answerXdata(brick, call, out, slot, OBJECT, TELLS.openFileState);
  out.reserve(IATT_BYTES);
  writeIatt(out, objects, slot, OBJECT);
  return DONE;
};

