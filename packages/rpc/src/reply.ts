/**
 * A reply (RFC 5531 §9):
 *
 *     u32 xid, u32 1, then
 *       accepted: u32 0, u32 flavor, opaque verifier<400>, u32 accept status, then
 *         0 success: results   2 program mismatch: u32 low, u32 high   others: nothing
 *       denied:   u32 1, then
 *         0 version mismatch: u32 low, u32 high   1 authentication error: u32 why
 *
 * A GlusterFS client takes anything but success for a lost connection. A file operation that is not
 * supported is therefore a success whose results carry op_ret -1.
 */

import { XdrReader, XdrWriter } from "@mortar/binary";
import { messageKind, RPC_VERSION } from "./call.ts";
import { CREDENTIAL_BYTES_MAX } from "./credential.ts";
import { RpcError } from "./error.ts";
import { beginRecord, endRecord } from "./record-encoder.ts";

const REPLY = 1;
const ACCEPTED = 0;
const DENIED = 1;

/** RFC 5531's reasons for an authentication error. */
export const AUTH_STATUS = {
  badCredential: 1,
  rejectedCredential: 2,
  badVerifier: 3,
  rejectedVerifier: 4,
  tooWeak: 5,
} as const;

const ACCEPT_STATUS = {
  "program-unavailable": 1,
  "program-mismatch": 2,
  "procedure-unavailable": 3,
  "garbage-arguments": 4,
  "system-error": 5,
} as const;

export type ReplyOutcome =
  | { readonly kind: "success"; readonly results: Uint8Array }
  | { readonly kind: "program-unavailable" | "procedure-unavailable" }
  | { readonly kind: "garbage-arguments" | "system-error" }
  | { readonly kind: "program-mismatch"; readonly low: number; readonly high: number }
  | { readonly kind: "rpc-mismatch"; readonly low: number; readonly high: number }
  | { readonly kind: "authentication-error"; readonly why: number };

export type RpcReply = { readonly xid: number } & ReplyOutcome;

/** A whole record, mark included. `results` are copied into it. */
export function encodeReply(xid: number, outcome: ReplyOutcome): Uint8Array {
  const writer = new XdrWriter(outcome.kind === "success" ? 28 + outcome.results.length : 36);
  const start = beginRecord(writer);
  if (outcome.kind === "success") {
    writeSuccess(writer, xid);
    writer.raw(outcome.results);
  } else {
    writeFailure(writer, xid, outcome);
  }
  endRecord(writer, start);
  return writer.view();
}

/** The header of a successful reply: the results follow in the same writer. */
export function writeSuccess(writer: XdrWriter, xid: number): void {
  writer.u32(xid);
  writer.u32(REPLY);
  writer.u32(ACCEPTED);
  writer.u32(0);
  writer.u32(0);
  writer.u32(0);
}

type Failure = Exclude<ReplyOutcome, { kind: "success" }>;

function writeFailure(writer: XdrWriter, xid: number, outcome: Failure): void {
  writer.u32(xid);
  writer.u32(REPLY);
  switch (outcome.kind) {
    case "rpc-mismatch":
      writer.u32(DENIED);
      writer.u32(0);
      writer.u32(outcome.low);
      writer.u32(outcome.high);
      return;
    case "authentication-error":
      writer.u32(DENIED);
      writer.u32(1);
      writer.u32(outcome.why);
      return;
    default:
      writer.u32(ACCEPTED);
      writer.u32(0);
      writer.u32(0);
      writer.u32(ACCEPT_STATUS[outcome.kind]);
      if (outcome.kind !== "program-mismatch") return;
      writer.u32(outcome.low);
      writer.u32(outcome.high);
  }
}

/** Throws RpcError "malformed" or "unexpected-message". Results are a view into the record. */
export function decodeReply(record: Uint8Array): RpcReply {
  if (messageKind(record) !== "reply") {
    throw new RpcError("unexpected-message", "a call came where a reply was expected");
  }
  const reader = new XdrReader(record);
  const xid = reader.u32();
  reader.u32();
  try {
    return { xid, ...readOutcome(reader, xid) };
  } catch (error) {
    if (error instanceof RpcError) throw error;
    throw new RpcError("malformed", "the header of a reply is cut", xid, { cause: error });
  }
}

function readOutcome(reader: XdrReader, xid: number): ReplyOutcome {
  const status = reader.u32();
  if (status === DENIED) return readDenial(reader, xid);
  if (status !== ACCEPTED) throw new RpcError("malformed", `reply status ${status}`, xid);
  reader.u32();
  reader.opaque(CREDENTIAL_BYTES_MAX);
  const accept = reader.u32();
  switch (accept) {
    case 0:
      return { kind: "success", results: reader.rest() };
    case 1:
      return { kind: "program-unavailable" };
    case 2:
      return { kind: "program-mismatch", low: reader.u32(), high: reader.u32() };
    case 3:
      return { kind: "procedure-unavailable" };
    case 4:
      return { kind: "garbage-arguments" };
    case 5:
      return { kind: "system-error" };
    default:
      throw new RpcError("malformed", `accept status ${accept}`, xid);
  }
}

function readDenial(reader: XdrReader, xid: number): ReplyOutcome {
  const reason = reader.u32();
  if (reason === 0) return { kind: "rpc-mismatch", low: reader.u32(), high: reader.u32() };
  if (reason === 1) return { kind: "authentication-error", why: reader.u32() };
  throw new RpcError("malformed", `denied for reason ${reason}`, xid);
}

/** What to answer to a call that decodeCall refused; undefined: only closing is left. */
export function denialOf(error: RpcError): Uint8Array | undefined {
  if (error.code !== "rpc-version" || error.xid === undefined) return undefined;
  return encodeReply(error.xid, { kind: "rpc-mismatch", low: RPC_VERSION, high: RPC_VERSION });
}
