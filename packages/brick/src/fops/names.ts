/** Names of the wire: one component, never a path. */
import type { Objects } from "../store/objects.ts";
import { addressAt, nameAt, NAME_BYTES_MAX, scratch } from "../store/scratch.ts";
import { Errno } from "../store/errno.ts";
import type { Call } from "../wire/call.ts";

const SLASH = 0x2f;
const DOT = 0x2e;
const HIDDEN = Buffer.from(".glusterfs\0");

/** Copies the name at `at` (its length; the bytes follow) to a scratch name. 0 or an errno. */
export function takeName(call: Call, at: number, index: number): number {
  const length = call.view.getUint32(at, false);
  if (length === 0) return Errno.EINVAL;
  if (length > NAME_BYTES_MAX) return Errno.ENAMETOOLONG;
  const source = call.memory.bytes;
  const target = scratch.bytes;
  const to = nameAt(index);
  for (let position = 0; position < length; position++) {
    const value = source[at + 4 + position]!;
    if (value === SLASH) return Errno.EPERM;
    if (value === 0) return Errno.EINVAL;
    target[to + position] = value;
  }
  target[to + length] = 0;
  if (target[to] === DOT && (length === 1 || (length === 2 && target[to + 1] === DOT))) {
    return Errno.EINVAL;
  }
  return 0;
}

/** The brick's own directory is nobody's business. */
export function isHidden(objects: Objects, parent: number, index: number): boolean {
  const to = nameAt(index);
  if (scratch.bytes[to] !== DOT || !objects.table.isRoot(parent)) return false;
  for (let position = 0; position < HIDDEN.length; position++) {
    if (scratch.bytes[to + position] !== HIDDEN[position]) return false;
  }
  return true;
}

/** Whether two scratch names are the same. */
export function isSameText(index: number, other: number): boolean {
  const { bytes } = scratch;
  const from = nameAt(index);
  const to = nameAt(other);
  for (let position = 0; ; position++) {
    if (bytes[from + position] !== bytes[to + position]) return false;
    if (bytes[from + position] === 0) return true;
  }
}

export function nameAddress(index: number): number {
  return addressAt(nameAt(index));
}

/**
 * The parent's gfid is at `gfidAt`, the name at `at`: the parent's slot, or a negated errno. In what
 * is no directory nothing is permitted, as of glusterfsd.
 */
export function takeEntry(
  objects: Objects, call: Call, gfidAt: number, at: number, index: number,
): number {
  const parent = objects.resolveDirectory(call.view, gfidAt);
  if (parent < 0) return parent === -Errno.ENOTDIR ? -Errno.EPERM : parent;
  const wrong = takeName(call, at, index);
  if (wrong !== 0) return -wrong;
  return isHidden(objects, parent, index) ? -Errno.EPERM : parent;
}
