/**
 * A call (RFC 5531 §9):
 *
 *     u32 xid, u32 0, u32 2, u32 program, u32 version, u32 procedure,
 *     u32 flavor, opaque credential<400>, u32 flavor, opaque verifier<400>, arguments
 *
 * The arguments are what is left of the record: their layout is the program's business.
 */

import { XdrReader, XdrWriter } from "@mortar/binary";
import { CREDENTIAL_BYTES_MAX } from "./credential.ts";
import type { RawCredential } from "./credential.ts";
import { RpcError } from "./error.ts";
import { beginRecord, endRecord } from "./record-encoder.ts";

export const RPC_VERSION = 2;
const CALL = 0;
const REPLY = 1;
const EMPTY = new Uint8Array(0);

export interface CallTarget {
  readonly xid: number;
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
}

export interface RpcCall extends CallTarget {
  readonly credential: RawCredential;
  /** A view into the record. */
  readonly args: Uint8Array;
}

/** Both directions of a connection may carry calls: a client must look before it decodes. */
export function messageKind(record: Uint8Array): "call" | "reply" {
  if (record.length < 8) throw new RpcError("malformed", `a message of ${record.length} bytes`);
  const kind = new DataView(record.buffer, record.byteOffset, record.length).getUint32(4, false);
  if (kind === CALL) return "call";
  if (kind === REPLY) return "reply";
  throw new RpcError("malformed", `message type ${kind} is neither call nor reply`);
}

/**
 * Throws RpcError: "rpc-version" with the xid, to be answered with a denial; "malformed" and
 * "unexpected-message", after which the connection is closed.
 */
export function decodeCall(record: Uint8Array): RpcCall {
  if (messageKind(record) !== "call") {
    throw new RpcError("unexpected-message", "a reply came where a call was expected");
  }
  const reader = new XdrReader(record);
  const xid = reader.u32();
  reader.u32();
  try {
    return readCall(reader, xid);
  } catch (error) {
    if (error instanceof RpcError) throw error;
    throw new RpcError("malformed", "the header of a call is cut or too long", xid, {
      cause: error,
    });
  }
}

function readCall(reader: XdrReader, xid: number): RpcCall {
  const rpcVersion = reader.u32();
  if (rpcVersion !== RPC_VERSION) {
    throw new RpcError("rpc-version", `RPC version ${rpcVersion}, only 2 is spoken`, xid);
  }
  const program = reader.u32();
  const version = reader.u32();
  const procedure = reader.u32();
  const flavor = reader.u32();
  const body = reader.opaque(CREDENTIAL_BYTES_MAX);
  reader.u32();
  reader.opaque(CREDENTIAL_BYTES_MAX);
  return { xid, program, version, procedure, credential: { flavor, body }, args: reader.rest() };
}

/** A whole record, mark included. The verifier is always AUTH_NONE. */
export function encodeCall(
  target: CallTarget,
  credential: RawCredential,
  args: Uint8Array = EMPTY,
): Uint8Array {
  const writer = new XdrWriter(64 + credential.body.length + args.length);
  const start = beginRecord(writer);
  writer.u32(target.xid);
  writer.u32(CALL);
  writer.u32(RPC_VERSION);
  writer.u32(target.program);
  writer.u32(target.version);
  writer.u32(target.procedure);
  writer.u32(credential.flavor);
  writer.opaque(credential.body);
  writer.u32(0);
  writer.u32(0);
  writer.raw(args);
  endRecord(writer, start);
  return writer.view();
}
