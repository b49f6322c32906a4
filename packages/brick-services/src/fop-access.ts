/**
 * Which file operation wants what of which object, as data. Operations on an open file want
 * nothing: it was opened. What is not here is for everybody who is let in: STAT, READLINK, STATFS,
 * the locks, XATTROP.
 *
 * Where the errno is not EACCES, or the answer depends on more than these, `decidedBy` names the
 * function.
 */

import type { fops } from "@mortar/gluster";
import { WANT } from "./access.ts";

export type FopName = keyof typeof fops;

export interface AccessRule {
  readonly on: "object" | "parent" | "oldParent" | "newParent";
  /** WANT bits. */
  readonly want: number;
  /** Takes an entry away: stickyPermits must agree. Of `newParent`: if the name is taken. */
  readonly sticky: boolean;
}

export interface FopAccess {
  readonly rules: readonly AccessRule[];
  readonly decidedBy?:
    | "openWants" | "setAttributesErrno" | "getXattrErrno" | "setXattrErrno" | "removeXattrErrno"
    | "mask";
}

const change = WANT.write | WANT.execute;
const reads = { rules: [{ on: "object", want: WANT.read, sticky: false }] } as const;
const writes = { rules: [{ on: "object", want: WANT.write, sticky: false }] } as const;
const adds = { rules: [{ on: "parent", want: change, sticky: false }] } as const;
const removes = { rules: [{ on: "parent", want: change, sticky: true }] } as const;

export const fopAccess: Partial<Record<FopName, FopAccess>> = {
  /** Not of a lookup by gfid alone. */
  lookup: { rules: [{ on: "parent", want: WANT.execute, sticky: false }] },
  /** The request's mask on the object. */
  access: { rules: [], decidedBy: "mask" },
  open: { rules: [], decidedBy: "openWants" },
  opendir: reads,
  readdir: reads,
  readdirp: reads,
  truncate: writes,
  mkdir: adds,
  mknod: adds,
  symlink: adds,
  /** Of a name that exists, `openWants` of the file besides. */
  create: { ...adds, decidedBy: "openWants" },
  put: adds,
  namelink: adds,
  unlink: removes,
  rmdir: removes,
  link: { rules: [{ on: "newParent", want: change, sticky: false }] },
  rename: {
    rules: [
      { on: "oldParent", want: change, sticky: true },
      { on: "newParent", want: change, sticky: true },
    ],
  },
  setattr: { rules: [], decidedBy: "setAttributesErrno" },
  fsetattr: { rules: [], decidedBy: "setAttributesErrno" },
  getxattr: { rules: [], decidedBy: "getXattrErrno" },
  setxattr: { rules: [], decidedBy: "setXattrErrno" },
  removexattr: { rules: [], decidedBy: "removeXattrErrno" },
};
