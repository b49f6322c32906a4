/**
 * Who calls. A credential is a flavor and a body of at most 400 bytes.
 *
 * | flavor | body |
 * |---|---|
 * | 0 AUTH_NONE | empty |
 * | 1 AUTH_UNIX | u32 stamp, string machine<255>, u32 uid, u32 gid, u32 groups<16> |
 * | 5 GlusterFS v1 | u64 lock owner, u32 pid, u32 uid, u32 gid, u32 count, u32 groups[16] |
 * | 390039 GlusterFS v2 | i32 pid, u32 uid, u32 gid, u32 groups<>, opaque lock owner<> |
 * | 390040 GlusterFS v3 | i32 pid, u32 uid, u32 gid, u32 flags, u32 ctime nsec, u64 ctime sec, |
 * |  | u32 groups<>, opaque lock owner<> |
 *
 * A negative pid is a client of the trusted pool's own (rebalance -3, self-heal -6, …).
 */

import { XdrReader, XdrWriter, xdr } from "@mortar/binary";
import type { XdrValue } from "@mortar/binary";
import { RpcError } from "./error.ts";

export const AUTH = {
  none: 0,
  unix: 1,
  gluster1: 5,
  gluster2: 390_039,
  gluster3: 390_040,
} as const;

export const CREDENTIAL_BYTES_MAX = 400;

/** Which stored times a file operation has to set to the caller's; bits of `timeFlags`. */
export const TIME_FLAG = {
  change: 0x1,
  modify: 0x2,
  access: 0x4,
  parentChange: 0x8,
  parentModify: 0x10,
} as const;

/** A credential as it is on the wire. */
export interface RawCredential {
  readonly flavor: number;
  readonly body: Uint8Array;
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

interface GlusterOwner extends Owner {
  readonly pid: number;
  readonly lockOwner: Uint8Array;
}

export type Credential =
  | { readonly kind: "none" }
  | ({ readonly kind: "unix"; readonly stamp: number; readonly machine: string } & Owner)
  | ({ readonly kind: "gluster1" } & GlusterOwner)
  | ({ readonly kind: "gluster2" } & GlusterOwner)
  | ({
      readonly kind: "gluster3";
      readonly timeFlags: number;
      readonly timeSeconds: number;
      readonly timeNanoseconds: number;
    } & GlusterOwner);

const unixBody = xdr.record({
  stamp: xdr.u32,
  machine: xdr.text,
  uid: xdr.u32,
  gid: xdr.u32,
  groups: xdr.array(xdr.u32, 16),
});

const gluster1Body = xdr.record({
  lockOwner: xdr.opaqueFixed(8),
  pid: xdr.i32,
  uid: xdr.u32,
  gid: xdr.u32,
  groupCount: xdr.u32,
  groups: xdr.opaqueFixed(64),
});

const gluster2Body = xdr.record({
  pid: xdr.i32,
  uid: xdr.u32,
  gid: xdr.u32,
  groups: xdr.array(xdr.u32),
  lockOwner: xdr.opaque,
});

const gluster3Body = xdr.record({
  pid: xdr.i32,
  uid: xdr.u32,
  gid: xdr.u32,
  timeFlags: xdr.u32,
  timeNanoseconds: xdr.u32,
  timeSeconds: xdr.u64,
  groups: xdr.array(xdr.u32),
  lockOwner: xdr.opaque,
});

/** Throws RpcError "unknown-credential" or "malformed". */
export function decodeCredential(raw: RawCredential): Credential {
  try {
    return decodeBody(raw);
  } catch (error) {
    if (error instanceof RpcError) throw error;
    const text = `credential of flavor ${raw.flavor} is malformed`;
    throw new RpcError("malformed", text, undefined, { cause: error });
  }
}

function decodeBody(raw: RawCredential): Credential {
  const reader = new XdrReader(raw.body);
  switch (raw.flavor) {
    case AUTH.none:
      return { kind: "none" };
    case AUTH.unix:
      return { kind: "unix", ...unixBody.read(reader) };
    case AUTH.gluster1:
      return decodeGluster1(gluster1Body.read(reader));
    case AUTH.gluster2:
      return { kind: "gluster2", ...gluster2Body.read(reader) };
    case AUTH.gluster3:
      return { kind: "gluster3", ...gluster3Body.read(reader) };
    default:
      throw new RpcError("unknown-credential", `credential flavor ${raw.flavor} is not known`);
  }
}

function decodeGluster1(value: XdrValue<typeof gluster1Body>): Credential {
  const { groupCount, groups, ...body } = value;
  if (groupCount > 16) throw new RpcError("malformed", `${groupCount} groups, at most 16 fit`);
  const reader = new XdrReader(groups);
  return {
    kind: "gluster1",
    ...body,
    groups: Array.from({ length: groupCount }, () => reader.u32()),
  };
}

/** Throws RpcError "malformed" when the body does not fit 400 bytes. */
export function encodeCredential(credential: Credential): RawCredential {
  const writer = new XdrWriter(CREDENTIAL_BYTES_MAX);
  const flavor = writeBody(writer, credential);
  if (writer.length > CREDENTIAL_BYTES_MAX) {
    const text = `credential of ${writer.length} bytes, limit ${CREDENTIAL_BYTES_MAX}`;
    throw new RpcError("malformed", `${text}: give fewer groups`);
  }
  return { flavor, body: writer.copy() };
}

function writeBody(writer: XdrWriter, credential: Credential): number {
  switch (credential.kind) {
    case "none":
      return AUTH.none;
    case "unix":
      unixBody.write(writer, credential);
      return AUTH.unix;
    case "gluster1":
      gluster1Body.write(writer, {
        ...credential,
        groupCount: credential.groups.length,
        groups: fixedGroups(credential.groups),
      });
      return AUTH.gluster1;
    case "gluster2":
      gluster2Body.write(writer, credential);
      return AUTH.gluster2;
    case "gluster3":
      gluster3Body.write(writer, credential);
      break;
  }
  return AUTH.gluster3;
}

function fixedGroups(groups: readonly number[]): Uint8Array {
  const { length } = groups;
  if (length > 16) throw new RpcError("malformed", `${length} groups, at most 16 fit`);
  const bytes = new Uint8Array(64);
  const view = new DataView(bytes.buffer);
  groups.forEach((group, index) => view.setUint32(index * 4, group, false));
  return bytes;
}
