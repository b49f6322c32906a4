/**
 * POSIX ACLs as the extended attributes `system.posix_acl_access` and `system.posix_acl_default`
 * hold them (linux/posix_acl_xattr.h), little-endian:
 *
 *     u32 version 2, then 8 bytes an entry: u16 tag | u16 permissions (r 4, w 2, x 1) | u32 id
 *
 * | tag | entry | how often |
 * |---|---|---|
 * | 0x01 | the owner | once |
 * | 0x02 | a user, by id | any |
 * | 0x04 | the file's group | once |
 * | 0x08 | a group, by id | any |
 * | 0x10 | mask: what 0x02, 0x04 and 0x08 get at most | once, if there is a 0x02 or 0x08 |
 * | 0x20 | everybody else | once |
 *
 * in this order. Three entries say no more than the mode does.
 */

export const ACL_TAG = {
  owner: 0x01, user: 0x02, group: 0x04, namedGroup: 0x08, mask: 0x10, other: 0x20,
} as const;

/** Entries by index. Never changed once made: keep it for as long as the attribute is the same. */
export interface Acl {
  readonly tags: Uint8Array;
  readonly permissions: Uint8Array;
  readonly ids: Uint32Array;
  /** The mask's permissions; -1: it has none. */
  readonly mask: number;
}

const VERSION = 2;
const HEAD_BYTES = 4;
const ENTRY_BYTES = 8;
const ID_NONE = 0xffff_ffff;
/** Entries of an ACL that says no more than the mode. */
export const ACL_MINIMAL = 3;
/** What fits in an attribute of 64 KiB. */
const ENTRIES_MAX = 8191;

/** Undefined when the bytes are no valid ACL. Zero entries are none: that is how one is removed. */
export function parseAcl(bytes: Uint8Array): Acl | undefined {
  const count = (bytes.length - HEAD_BYTES) / ENTRY_BYTES;
  if (!Number.isInteger(count) || count < ACL_MINIMAL || count > ENTRIES_MAX) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== VERSION) return undefined;
  const tags = new Uint8Array(count);
  const permissions = new Uint8Array(count);
  const ids = new Uint32Array(count);
  let mask = -1;
  for (let index = 0; index < count; index++) {
    const at = HEAD_BYTES + ENTRY_BYTES * index;
    const tag = view.getUint16(at, true);
    const permission = view.getUint16(at + 2, true);
    const id = view.getUint32(at + 4, true);
    const named = tag === ACL_TAG.user || tag === ACL_TAG.namedGroup;
    if (permission > 7 || tag > 0xff || (named && id === ID_NONE)) return undefined;
    if (tag === ACL_TAG.mask) mask = permission;
    tags[index] = tag;
    permissions[index] = permission;
    ids[index] = id;
  }
  return isOrdered(tags) ? { tags, permissions, ids, mask } : undefined;
}

export function encodeAcl(acl: Acl): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + ENTRY_BYTES * acl.tags.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, VERSION, true);
  for (let index = 0; index < acl.tags.length; index++) {
    const at = HEAD_BYTES + ENTRY_BYTES * index;
    view.setUint16(at, acl.tags[index]!, true);
    view.setUint16(at + 2, acl.permissions[index]!, true);
    view.setUint32(at + 4, acl.ids[index]!, true);
  }
  return bytes;
}

/** Each tag as often as it may be, in order. */
function isOrdered(tags: Uint8Array): boolean {
  let at = 0;
  const take = (tag: number): number => {
    const from = at;
    while (tags[at] === tag) at++;
    return at - from;
  };
  if (take(ACL_TAG.owner) !== 1) return false;
  let named = take(ACL_TAG.user);
  if (take(ACL_TAG.group) !== 1) return false;
  named += take(ACL_TAG.namedGroup);
  const masks = take(ACL_TAG.mask);
  if (masks > 1 || (named > 0 && masks === 0)) return false;
  return take(ACL_TAG.other) === 1 && at === tags.length;
}
