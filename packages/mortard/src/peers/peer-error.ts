/** Why something asked of another node was not done. */
export type PeerErrorCode =
  /** No connection, or no answer in time: it may have been done. */
  | "unreachable"
  /** It is not the node that it should be. */
  | "stranger"
  /** It answered: no. */
  | "refused";

/** What a node says of a route that it does not have, being of another version. */
export const NO_ROUTE = "There is no such route.";

export class PeerError extends Error {
  override readonly name = "PeerError";
  readonly code: PeerErrorCode;
  /** What kind of refusal, in a word. */
  readonly reason: string | undefined;
  /** Of the certificate that the other end showed, where it answered. */
  readonly fingerprint: string | undefined;
  constructor(code: PeerErrorCode, message: string, reason?: string, fingerprint?: string) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.fingerprint = fingerprint;
  }
}
