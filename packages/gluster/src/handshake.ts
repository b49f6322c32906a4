/**
 * The handshake program: volfiles and facts from the management daemon, and how a client
 * introduces itself to a brick. All dictionaries here are of the untyped kind.
 */

import { xdr } from "@mortar/binary";
import { dictionary } from "./dictionary.ts";
import { procedure } from "./procedure.ts";
import { PROGRAM } from "./program.ts";

const result = { opRet: xdr.i32, opErrno: xdr.i32 } as const;

/** `flags` of GETSPEC: the client wants `servers-list` in the reply's `extra`. */
export const GETSPEC_SERVERS_LIST = 1;

/**
 * Sent to a brick, to the export named by `remote-subvolume`. Keys of the reply: ERROR,
 * process-uuid, volume-id, child_up, clnt-lk-version, transport-ptr.
 */
export const setVolume = procedure(
  PROGRAM.handshake,
  1,
  "SETVOLUME",
  xdr.record({ dictionary }),
  xdr.record({ ...result, dictionary }),
);

/**
 * Fetch a volfile by key. On success `opRet` is the length of `spec` in bytes, on failure -1.
 * `extra` of the request holds min-op-version and max-op-version in decimal, of a brick brick_name.
 */
export const getSpec = procedure(
  PROGRAM.handshake,
  2,
  "GETSPEC",
  xdr.record({ flags: xdr.u32, key: xdr.text, extra: dictionary }),
  xdr.record({ ...result, spec: xdr.text, extra: dictionary }),
);

export const setLockVersion = procedure(
  PROGRAM.handshake,
  4,
  "SET_LK_VER",
  xdr.record({ uid: xdr.text, lockVersion: xdr.i32 }),
  xdr.record({ ...result, lockVersion: xdr.i32 }),
);

/** A rebalance process tells how far it is (`op` 1). */
export const eventNotify = procedure(
  PROGRAM.handshake,
  5,
  "EVENT_NOTIFY",
  xdr.record({ op: xdr.i32, dictionary }),
  xdr.record({ ...result, dictionary }),
);

/** Keys volname, flags (1: the uuid is wanted); the reply has volume_id as text. */
export const getVolumeInfo = procedure(
  PROGRAM.handshake,
  6,
  "GET_VOLUME_INFO",
  xdr.record({ dictionary }),
  xdr.record({ ...result, opErrstr: xdr.text, dictionary }),
);

/** Key volname; the reply has snap-count and, from N = 1, snapname.N, snap-id.N, snap-volname.N. */
export const getSnapshotInfo = procedure(
  PROGRAM.handshake,
  7,
  "GET_SNAPSHOT_INFO",
  xdr.record({ dictionary }),
  xdr.record({ ...result, opErrstr: xdr.text, dictionary }),
);
