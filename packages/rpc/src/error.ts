export type RpcErrorCode =
  | "record-too-large"
  | "malformed"
  | "unexpected-message"
  | "rpc-version"
  | "unknown-credential";

/** A byte stream that is not ONC RPC version 2. After "record-too-large" the stream is useless. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: RpcErrorCode;
  /** The call's transaction, where it could be read: an answer can still be given. */
  readonly xid: number | undefined;
  constructor(code: RpcErrorCode, message: string, xid?: number, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.xid = xid;
  }
}
