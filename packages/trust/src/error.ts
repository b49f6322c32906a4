export type TrustErrorCode = "bad-request" | "bad-certificate" | "bad-token" | "wrong-key";

export class TrustError extends Error {
  override readonly name = "TrustError";
  readonly code: TrustErrorCode;
  constructor(code: TrustErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
