export { RpcError } from "./error.ts";
export type { RpcErrorCode } from "./error.ts";
export { RECORD_BYTES_MAX, RecordDecoder } from "./record-decoder.ts";
export type { RecordDecoderOptions } from "./record-decoder.ts";
export { beginRecord, encodeRecord, endRecord } from "./record-encoder.ts";
export {
  AUTH, CREDENTIAL_BYTES_MAX, decodeCredential, encodeCredential, TIME_FLAG,
} from "./credential.ts";
export type { Credential, RawCredential } from "./credential.ts";
export { decodeCall, encodeCall, messageKind, RPC_VERSION } from "./call.ts";
export type { CallTarget, RpcCall } from "./call.ts";
export { AUTH_STATUS, decodeReply, denialOf, encodeReply, writeSuccess } from "./reply.ts";
export type { ReplyOutcome, RpcReply } from "./reply.ts";
