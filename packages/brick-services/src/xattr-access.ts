/** Who may read, set and remove extended attributes. ACLs are the owner's business. */

import { permits, WANT } from "./access.ts";
import type { Caller, Guarded } from "./access.ts";

export const ACL_ACCESS_KEY = "system.posix_acl_access";
export const ACL_DEFAULT_KEY = "system.posix_acl_default";

const EPERM = 1;
const EACCES = 13;

export function isAclKey(key: string): boolean {
  return key === ACL_ACCESS_KEY || key === ACL_DEFAULT_KEY;
}

/** 0 or an errno. `key` empty: all of them are listed. */
export function getXattrErrno(caller: Caller, object: Guarded, key: string): number {
  return isAclKey(key) || permits(caller, object, WANT.read) ? 0 : EACCES;
}

/** 0 or an errno, for one key of those that are to be set. */
export function setXattrErrno(caller: Caller, object: Guarded, key: string): number {
  if (caller.uid === 0) return 0;
  if (isAclKey(key)) return caller.uid === object.uid ? 0 : EPERM;
  return permits(caller, object, WANT.write) ? 0 : EACCES;
}

export function removeXattrErrno(caller: Caller, object: Guarded, key: string): number {
  return setXattrErrno(caller, object, key);
}
