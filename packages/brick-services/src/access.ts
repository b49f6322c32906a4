/**
 * May this caller do that? Decided in the brick, by the credential of the request: clients check
 * too, but only some mounts, and libgfapi never.
 *
 * | caller is | gets |
 * |---|---|
 * | uid 0 | everything |
 * | the owner | the mode's owner bits |
 * | a named user of the ACL | that entry, at most the mask |
 * | in the file's group or named ones | all, if one of those entries, at most the mask, has all |
 * | else | the mode's other bits |
 *
 * The first line that fits decides, as POSIX.1e has it; Linux alone skips the ACL where the mask is
 * nothing, and gives named users and groups what everybody gets. Nothing here allocates.
 */

import { ACL_MINIMAL, ACL_TAG } from "./acl.ts";
import type { Acl } from "./acl.ts";

/** Of a credential. Groups are `groups[0]` to `groups[groupCount - 1]`. */
export interface Caller {
  readonly uid: number;
  readonly gid: number;
  readonly groups: ArrayLike<number>;
  readonly groupCount: number;
}

/** Of an object. `acl`: its access ACL, if it has one. */
export interface Guarded {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly acl: Acl | undefined;
}

export const WANT = { execute: 1, write: 2, read: 4 } as const;

const EPERM = 1;
const EACCES = 13;
const MODE_PERMISSIONS = 0o7777;
const MODE_SETUID = 0o4000;
const MODE_SETGID = 0o2000;
const MODE_STICKY = 0o1000;
const MODE_GROUP_EXECUTE = 0o0010;

const OPEN_ACCESS = 0o3;
const OPEN_WRITE_ONLY = 0o1;
const OPEN_EXECUTE = 0o40;
const OPEN_TRUNCATE = 0o1000;

/** SETATTR's `valid`. */
export const SET_ATTRIBUTE = {
  mode: 0x1, uid: 0x2, gid: 0x4, size: 0x8, atime: 0x10, mtime: 0x20, ctime: 0x40,
  atimeNow: 0x80, mtimeNow: 0x100,
} as const;

export function isInGroup(caller: Caller, gid: number): boolean {
  if (caller.gid === gid) return true;
  for (let index = 0; index < caller.groupCount; index++) {
    if (caller.groups[index] === gid) return true;
  }
  return false;
}

/** `want`: WANT bits, all of which must be granted. */
export function permits(caller: Caller, object: Guarded, want: number): boolean {
  if (caller.uid === 0) return true;
  const { mode, acl } = object;
  if (caller.uid === object.uid) return ((mode >> 6) & want) === want;
  if (acl !== undefined && acl.tags.length > ACL_MINIMAL) {
    return aclPermits(caller, object, acl, want);
  }
  const bits = isInGroup(caller, object.gid) ? mode >> 3 : mode;
  return (bits & want) === want;
}

function aclPermits(caller: Caller, object: Guarded, acl: Acl, want: number): boolean {
  const mask = acl.mask < 0 ? 7 : acl.mask;
  let isMember = false;
  for (let index = 0; index < acl.tags.length; index++) {
    const tag = acl.tags[index]!;
    const id = acl.ids[index]!;
    if (tag === ACL_TAG.user) {
      if (id === caller.uid) return (acl.permissions[index]! & mask & want) === want;
    } else if (tag === ACL_TAG.group || tag === ACL_TAG.namedGroup) {
      if (!isInGroup(caller, tag === ACL_TAG.group ? object.gid : id)) continue;
      if ((acl.permissions[index]! & mask & want) === want) return true;
      isMember = true;
    }
  }
  return !isMember && (object.mode & want) === want;
}

/** In a sticky directory only the owner of the entry or of the directory takes an entry away. */
export function stickyPermits(caller: Caller, parent: Guarded, entryUid: number): boolean {
  return (parent.mode & MODE_STICKY) === 0 || caller.uid === 0
    || caller.uid === parent.uid || caller.uid === entryUid;
}

/** What OPEN's flags want of the file. */
export function openWants(flags: number): number {
  const access = flags & OPEN_ACCESS;
  let want: number = access === OPEN_WRITE_ONLY ? WANT.write : WANT.read;
  if (access > OPEN_WRITE_ONLY) want = WANT.read | WANT.write;
  if (access === 0 && (flags & OPEN_EXECUTE) !== 0) want = WANT.execute;
  return (flags & OPEN_TRUNCATE) === 0 ? want : want | WANT.write;
}

/** 0 or the errno of SETATTR and FSETATTR. `uid`, `gid`, `mode`: what they are to become. */
export function setAttributesErrno(
  caller: Caller, object: Guarded, valid: number, uid: number, gid: number, mode: number,
): number {
  if (caller.uid === 0) return 0;
  const owns = caller.uid === object.uid;
  if ((valid & SET_ATTRIBUTE.mode) !== 0 && !owns && !maySoftenMode(caller, object, mode)) return EPERM;
  if ((valid & SET_ATTRIBUTE.size) !== 0 && !permits(caller, object, WANT.write)) return EACCES;
  if ((valid & (SET_ATTRIBUTE.atime | SET_ATTRIBUTE.mtime)) !== 0 && !owns
    && !permits(caller, object, WANT.write)) return EACCES;
  if ((valid & SET_ATTRIBUTE.uid) !== 0 && uid !== object.uid) return EPERM;
  if ((valid & SET_ATTRIBUTE.gid) !== 0 && (!owns || !isInGroup(caller, gid))) return EPERM;
  return 0;
}

/** A writer's kernel takes setuid and setgid away before it writes, in the writer's name. */
function maySoftenMode(caller: Caller, object: Guarded, mode: number): boolean {
  const changed = (object.mode ^ mode) & MODE_PERMISSIONS;
  return (changed & ~(MODE_SETUID | MODE_SETGID)) === 0 && (changed & mode) === 0
    && permits(caller, object, WANT.write);
}

/** The mode that chmod sets: one who is not in the file's group cannot make it setgid. */
export function chmodMode(caller: Caller, object: Guarded, mode: number): number {
  return caller.uid === 0 || isInGroup(caller, object.gid) ? mode : mode & ~MODE_SETGID;
}

/** The group of a new entry: a setgid directory gives its own. */
export function newEntryGid(caller: Caller, parent: Guarded): number {
  return (parent.mode & MODE_SETGID) === 0 ? caller.gid : parent.gid;
}

/** The mode of a new entry: directories in a setgid directory are setgid. */
export function newEntryMode(
  caller: Caller, parent: Guarded, mode: number, isDirectory: boolean,
): number {
  if ((parent.mode & MODE_SETGID) === 0) return mode;
  if (isDirectory) return mode | MODE_SETGID;
  const runsAsGroup = (mode & MODE_SETGID) !== 0 && (mode & MODE_GROUP_EXECUTE) !== 0;
  return runsAsGroup ? chmodMode(caller, parent, mode) : mode;
}
