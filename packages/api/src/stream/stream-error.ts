/** Why a snapshot stream is not believed. */

export type StreamErrorCode =
  /** A checksum does not fit, or what it says cannot be. */
  | "damaged"
  /** It ended before its end. */
  | "cut-off"
  /** It is no snapshot stream. */
  | "not-a-stream"
  /** A newer version wrote it. */
  | "unknown-version";

export class StreamError extends Error {
  override readonly name = "StreamError";
  readonly code: StreamErrorCode;
  constructor(code: StreamErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
