export type GlusterErrorCode =
  | "malformed-message"
  | "malformed-volfile"
  | "brick-refused"
  | "bad-volume"
  | "unknown-option"
  | "bad-option-value";

/** Bytes, text or options that are not what GlusterFS's formats allow. */
export class GlusterError extends Error {
  override readonly name = "GlusterError";
  readonly code: GlusterErrorCode;
  constructor(code: GlusterErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
