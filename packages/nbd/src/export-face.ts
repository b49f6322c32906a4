/**
 * What a session serves, and what is asked of it. Everything is synchronous. A method returns 0, a
 * number of `NbdError`, or PARKED; it may also throw, and `NbdExports.errorOf` is asked then. The
 * session has checked the range against `sizeBytes` as it was when the export was opened.
 */

/**
 * Of what changes data: it cannot be done now, though it may soon (a full pool that is about to
 * grow). The session keeps the request and tries it again: see NbdSession.retryParked.
 */
export const PARKED = -1;

/**
 * Of `flush`: it is under way. The host calls NbdSession.flushed when it is done, in the order in
 * which flushes of this session were begun.
 */
export const PENDING = -2;

/** A metadata context that a client has chosen. */
export interface NbdContext {
  readonly name: string;
  /** As of `NbdExport.run`, with the sign for whatever the context tells. */
  run(offset: number, lengthBytes: number): number;
  /** The state on the wire of runs with positive and with negative length. */
  readonly positiveState: number;
  readonly negativeState: number;
}

/** One export as one connection has it open. */
export interface NbdExport {
  readonly name: string;
  readonly description: string;
  readonly sizeBytes: number;
  readonly readOnly: boolean;
  /** A power of two of at least 512: transfers with this alignment are the cheapest. */
  readonly preferredBytes: number;
  /** Long discards and zeroings are done in pieces that end at multiples of it. */
  readonly pieceBytes: number;
  read(offset: number, target: Uint8Array): number;
  /**
   * How many bytes from here on, `lengthBytes` at most and 1 at least, are of one kind: a positive
   * number of bytes with data, or a negated number of bytes that read as zeros and take no space.
   * The next run may be of the same kind. Throws when it cannot be known.
   */
  run(offset: number, lengthBytes: number): number;
  write(offset: number, source: Uint8Array): number;
  flush(): number;
  trim(offset: number, lengthBytes: number): number;
  /** `provisioned`: the space is taken, so that later writes cannot fail for want of it. */
  zero(offset: number, lengthBytes: number, provisioned: boolean): number;
  /** Whether `zero` takes less time than writing the zeros. */
  zeroIsFast(offset: number, lengthBytes: number, provisioned: boolean): boolean;
  close(): void;
}

export interface NbdExports {
  list(): readonly { readonly name: string; readonly description: string }[];
  /** Undefined when there is no such export. An empty name asks for the default one. */
  open(name: string): NbdExport | undefined;
  /** Names of the contexts of an export besides `base:allocation`. */
  contextNames(exported: NbdExport): readonly string[];
  /** Undefined when the export has no such context. */
  context(exported: NbdExport, name: string): NbdContext | undefined;
  /** The `NbdError` of whatever a method threw. */
  errorOf(error: unknown): number;
}
