/**
 * Calls that a server makes to its clients, over the connection that the client opened, with
 * AUTH_NONE. They have no reply.
 */

import { xdr } from "@mortar/binary";
import { flock, gfid, iatt3 } from "./attributes.ts";
import { dictionary } from "./dictionary.ts";
import { nothing, procedure } from "./procedure.ts";
import { PROGRAM } from "./program.ts";

const signal = (number: number, name: string) =>
  procedure(PROGRAM.callback, number, name, nothing, nothing);

/** Bits of `flags` of cacheInvalidation. */
export const UPCALL_FLAG = {
  nlink: 0x1,
  mode: 0x2,
  owner: 0x4,
  size: 0x8,
  times: 0x10,
  atime: 0x20,
  permissions: 0x40,
  rename: 0x80,
  forget: 0x100,
  parentTimes: 0x200,
  xattr: 0x400,
  xattrRemoved: 0x800,
  explicitLookup: 0x1000,
  invalidateAttributes: 0x2000,
} as const;

export const callback = {
  /** The volfile has changed: fetch it again. From the management daemon. */
  fetchSpec: signal(1, "FETCHSPEC"),
  inodeFlush: signal(2, "INO_FLUSH"),
  eventNotify: procedure(
    PROGRAM.callback,
    3,
    "EVENT_NOTIFY",
    xdr.record({ op: xdr.i32, dictionary }),
    nothing,
  ),
  /** The list of a volume's snapshots has changed. To the snapshot daemon. */
  getSnapshots: signal(4, "GET_SNAPS"),
  cacheInvalidation: procedure(
    PROGRAM.callback,
    5,
    "CACHE_INVALIDATION",
    xdr.record({
      gfid: xdr.text,
      eventType: xdr.u32,
      flags: xdr.u32,
      expireTimeAttribute: xdr.u32,
      stat: iatt3,
      parentStat: iatt3,
      oldParentStat: iatt3,
      xdata: dictionary,
    }),
    nothing,
  ),
  childUp: signal(6, "CHILD_UP"),
  childDown: signal(7, "CHILD_DOWN"),
  recallLease: procedure(
    PROGRAM.callback,
    8,
    "RECALL_LEASE",
    xdr.record({ gfid, leaseType: xdr.u32, transaction: xdr.opaqueFixed(16), xdata: dictionary }),
    nothing,
  ),
  statedump: procedure(
    PROGRAM.callback,
    9,
    "STATEDUMP",
    xdr.record({ pid: xdr.u32 }),
    nothing,
  ),
  inodeLockContention: procedure(
    PROGRAM.callback,
    10,
    "INODELK_CONTENTION",
    xdr.record({ gfid, flock, pid: xdr.u32, domain: xdr.text, xdata: dictionary }),
    nothing,
  ),
  entryLockContention: procedure(
    PROGRAM.callback,
    11,
    "ENTRYLK_CONTENTION",
    xdr.record({
      gfid,
      type: xdr.u32,
      pid: xdr.u32,
      name: xdr.opaque,
      domain: xdr.text,
      xdata: dictionary,
    }),
    nothing,
  ),
} as const;
