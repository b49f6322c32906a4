/**
 * What a new object starts with, all of it before it gets its name: owner, mode, gfid, times, the
 * attributes that the request brought.
 */
import type { Call } from "../wire/call.ts";
import { XDATA } from "../wire/xdata.ts";
import type { Xdata } from "../wire/xdata.ts";
import type { Objects } from "./objects.ts";
import { addressAt, ATTRIBUTE_NAME, calls, GFID, MDATA, scratch, VALUE } from "./scratch.ts";
import { MDATA_BYTES, startTimes } from "./times.ts";

const PERMISSIONS = 0o7777;
const SPECIAL_BITS = 0o7000;
const STORED_PREFIXES = ["user.", "trusted.", "security.", "system.posix_acl_"];
/** Told to us, or ours to set. */
const NOT_STORED = new Set([
  "trusted.gfid", "trusted.glusterfs.volume-id", "trusted.glusterfs.mdata",
]);

export interface NewObject {
  call: Call;
  xdata: Xdata;
  /** S_IFMT bits and permissions. */
  mode: number;
  uid: number;
  gid: number;
  /** Encoded; only of what is made in landfill. */
  accessAcl: Uint8Array | undefined;
  defaultAcl: Uint8Array | undefined;
}

/** The gfid that the request wants into scratch GFID; false when it has none. */
export function takeGfidRequest(call: Call, xdata: Xdata): boolean {
  if (!xdata.find(XDATA.gfidRequest) || xdata.valueLength !== 16) return false;
  for (let word = 0; word < 16; word += 4) {
    scratch.view.setUint32(GFID + word, call.view.getUint32(xdata.valueAt + word, false), false);
  }
  return true;
}

/** The slot of scratch GFID. */
export function slotOfRequest(objects: Objects): number {
  return objects.table.enter(scratch.view, GFID);
}

/** Everything onto an open object; 0 or a negated errno. */
export function dressFd(fd: number, object: NewObject): number {
  // What this process makes is root's already.
  const isOwned = object.uid === 0 && object.gid === 0;
  let result = isOwned ? 0 : calls.fchown(fd, object.uid, object.gid);
  // A change of owner takes the special bits away.
  if (result === 0 && (object.mode & SPECIAL_BITS) !== 0) {
    result = calls.fchmod(fd, object.mode & PERMISSIONS);
  }
  if (result === 0) result = calls.fsetxattr(fd, ATTRIBUTE_NAME.gfid, addressAt(GFID), 16, 0);
  if (result === 0 && object.call.timeFlags !== 0) {
    startTimes(object.call);
    result = calls.fsetxattr(fd, ATTRIBUTE_NAME.mdata, addressAt(MDATA), MDATA_BYTES, 0);
  }
  if (result === 0 && object.accessAcl !== undefined) {
    result = setFd(fd, ATTRIBUTE_NAME.aclAccess, object.accessAcl);
  }
  if (result === 0 && object.defaultAcl !== undefined) {
    result = setFd(fd, ATTRIBUTE_NAME.aclDefault, object.defaultAcl);
  }
  const { xdata } = object;
  if (xdata.count > 1) {
    xdata.rewind();
    while (result === 0 && xdata.next()) {
      if (!isStored(xdata)) continue;
      const base = object.call.memory.address;
      result = calls.fsetxattr(
        fd, base + xdata.keyAt, base + xdata.valueAt, xdata.valueLength, 0,
      );
    }
  }
  return result;
}

/** Everything onto what a path relative to `.glusterfs` leads to. */
export function dressPath(glusterfsFd: number, path: number, object: NewObject): number {
  const NOFOLLOW = 0x100;
  let result = calls.fchownat(glusterfsFd, path, object.uid, object.gid, NOFOLLOW);
  if (result === 0 && (object.mode & SPECIAL_BITS) !== 0) {
    result = calls.fchmodat(glusterfsFd, path, object.mode & PERMISSIONS, 0);
  }
  if (result === 0) result = calls.lsetxattr(path, ATTRIBUTE_NAME.gfid, addressAt(GFID), 16, 0);
  if (result === 0 && object.call.timeFlags !== 0) {
    startTimes(object.call);
    result = calls.lsetxattr(path, ATTRIBUTE_NAME.mdata, addressAt(MDATA), MDATA_BYTES, 0);
  }
  if (result === 0 && object.accessAcl !== undefined) {
    scratch.bytes.set(object.accessAcl, VALUE);
    const { length } = object.accessAcl;
    result = calls.lsetxattr(path, ATTRIBUTE_NAME.aclAccess, addressAt(VALUE), length, 0);
  }
  const { xdata } = object;
  xdata.rewind();
  while (result === 0 && xdata.next()) {
    if (!isStored(xdata)) continue;
    const base = object.call.memory.address;
    result = calls.lsetxattr(path, base + xdata.keyAt, base + xdata.valueAt, xdata.valueLength, 0);
  }
  return result;
}

function setFd(fd: number, name: number, value: Uint8Array): number {
  scratch.bytes.set(value, VALUE);
  return calls.fsetxattr(fd, name, addressAt(VALUE), value.length, 0);
}

function isStored(xdata: Xdata): boolean {
  if (xdata.id !== XDATA.other && xdata.id !== XDATA.aclAccess && xdata.id !== XDATA.aclDefault) {
    return false;
  }
  const key = xdata.key();
  if (key === xdata.skippedKey) return false;
  return STORED_PREFIXES.some((prefix) => key.startsWith(prefix)) && !NOT_STORED.has(key);
}
