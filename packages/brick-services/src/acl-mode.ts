/**
 * How an ACL and the mode follow each other. The mode's group bits are the mask's, where there is
 * one, else the group's; its owner and other bits are theirs.
 */

import { ACL_TAG } from "./acl.ts";
import type { Acl } from "./acl.ts";

const PERMISSIONS = 0o777;

/** The mode after setting an access ACL: its nine permission bits are the ACL's. */
export function modeWithAcl(mode: number, acl: Acl): number {
  let bits = 0;
  for (let index = 0; index < acl.tags.length; index++) {
    const shift = shiftOf(acl, index);
    if (shift >= 0) bits |= acl.permissions[index]! << shift;
  }
  return (mode & ~PERMISSIONS) | bits;
}

/**
 * What a new object gets whose parent has a default ACL: no umask applies, and each of the two has
 * what both the ACL and the asked mode allow. A directory also gets the default ACL as its own.
 */
export function inheritAcl(parentDefault: Acl, mode: number): { mode: number; access: Acl } {
  const access = narrowed(parentDefault, mode);
  return { mode: modeWithAcl(mode, access), access };
}

/** Where an entry's permissions are in the mode; -1: nowhere. */
function shiftOf(acl: Acl, index: number): number {
  const tag = acl.tags[index]!;
  if (tag === ACL_TAG.owner) return 6;
  if (tag === ACL_TAG.other) return 0;
  return tag === (acl.mask < 0 ? ACL_TAG.group : ACL_TAG.mask) ? 3 : -1;
}

function narrowed(acl: Acl, mode: number): Acl {
  const permissions = acl.permissions.slice();
  let { mask } = acl;
  for (let index = 0; index < permissions.length; index++) {
    const shift = shiftOf(acl, index);
    if (shift < 0) continue;
    permissions[index]! &= mode >> shift;
    if (acl.tags[index] === ACL_TAG.mask) mask = permissions[index]!;
  }
  return { tags: acl.tags, ids: acl.ids, permissions, mask };
}
