/**
 * Whether the caller of a request may do what it asks for; 0 or an errno. Root may everything, and
 * costs one comparison.
 */
import {
  newEntryGid, newEntryMode, openWants, parseAcl, permits, setAttributesErrno, stickyPermits,
} from "@mortar/brick-services";
import type { Acl, Guarded } from "@mortar/brick-services";
import type { Brick } from "../brick.ts";
import { Errno } from "../store/errno.ts";
import { KNOWN } from "../store/inode-table.ts";
import type { NewObject } from "../store/new-object.ts";
import {
  addressAt, ATTRIBUTE_NAME, S_IFDIR, scratch, statAt, statx, VALUE, VALUE_BYTES,
} from "../store/scratch.ts";
import type { Call } from "../wire/call.ts";

const OWN_STAT = 3;
const S_IFMT = 0o170000;
const S_IFLNK = 0o120000;
const PERMISSIONS = 0o777;

/** One object serves all checks. */
const guarded = { uid: 0, gid: 0, mode: 0, acl: undefined as Acl | undefined };

/** The object whose attributes are at `stat`. */
export function guard(brick: Brick, slot: number, stat: number): Guarded {
  const at = statAt(stat);
  guarded.uid = statx.uid(at);
  guarded.gid = statx.gid(at);
  guarded.mode = statx.mode(at);
  guarded.acl = readAcl(brick, slot, ATTRIBUTE_NAME.aclAccess, KNOWN.noAclAccess);
  return guarded;
}

/** `absent` is set when there is none. */
export function readAcl(
  brick: Brick, slot: number, name: number, absent: number,
): Acl | undefined {
  const { objects } = brick;
  if (objects.table.has(slot, absent)) return undefined;
  const length = objects.getAttribute(slot, name, addressAt(VALUE), VALUE_BYTES);
  if (length >= 0) return parseAcl(scratch.bytes.subarray(VALUE, VALUE + length));
  if (length === -Errno.ENODATA || length === -Errno.EOPNOTSUPP) objects.table.set(slot, absent);
  return undefined;
}

/** `want` of the object whose attributes are at `stat`. */
export function wantAt(
  brick: Brick, call: Call, slot: number, stat: number, want: number,
): number {
  if (call.uid === 0 || !brick.options.checksAccess) return 0;
  return permits(call, guard(brick, slot, stat), want) ? 0 : Errno.EACCES;
}

/** The same, of an object whose attributes were not read. */
export function wantOf(brick: Brick, call: Call, slot: number, want: number): number {
  if (call.uid === 0 || !brick.options.checksAccess) return 0;
  const status = brick.objects.stat(slot, OWN_STAT);
  return status < 0 ? -status : wantAt(brick, call, slot, OWN_STAT, want);
}

export function wantOpen(brick: Brick, call: Call, slot: number, flags: number): number {
  return wantOf(brick, call, slot, openWants(flags));
}

/** An entry (attributes at `entryStat`) is to be taken away from a parent (at `stat`). */
export function wantRemoval(
  brick: Brick, call: Call, parent: number, stat: number, entryStat: number,
): number {
  if (call.uid === 0 || !brick.options.checksAccess) return 0;
  const refused = wantAt(brick, call, parent, stat, 3);
  if (refused !== 0) return refused;
  const entryUid = statx.uid(statAt(entryStat));
  return stickyPermits(call, guarded, entryUid) ? 0 : Errno.EACCES;
}

export function wantSetAttributes(
  brick: Brick, call: Call, slot: number, stat: number, valid: number, uid: number, gid: number,
  mode: number,
): number {
  if (call.uid === 0 || !brick.options.checksAccess) return 0;
  return setAttributesErrno(call, guard(brick, slot, stat), valid, uid, gid, mode);
}

/** Owner and mode of a new entry in a parent whose attributes are at `stat`. */
export function inherit(
  brick: Brick, call: Call, parent: number, stat: number, mode: number,
): NewObject {
  const object = brick.newObject;
  const from = guard(brick, parent, stat);
  object.call = call;
  object.accessAcl = undefined;
  object.defaultAcl = undefined;
  object.uid = call.uid;
  object.gid = newEntryGid(call, from);
  const isDirectory = (mode & S_IFMT) === S_IFDIR;
  object.mode = newEntryMode(call, from, permitted(brick, mode, isDirectory), isDirectory);
  return object;
}

/** What the volume lets a new object have, and makes it have. Links have no permissions. */
function permitted(brick: Brick, mode: number, isDirectory: boolean): number {
  if ((mode & S_IFMT) === S_IFLNK) return mode;
  const { options } = brick;
  const mask = isDirectory ? options.createDirectoryMask : options.createMask;
  const force = isDirectory ? options.forceDirectoryMode : options.forceCreateMode;
  return (mode & ~PERMISSIONS) | (mode & mask & PERMISSIONS) | force;
}
