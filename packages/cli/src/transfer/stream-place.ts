/** Where snapshot streams come from and go to: a pipe, a directory, an object store. */

import type { Problem } from "@mortar/api";

export interface StreamSink {
  /** Resolves when more may be written. */
  write(bytes: Uint8Array): Promise<void>;
  /** All of it was written: it counts from now on. */
  finish(): Promise<void>;
}

/** The daemon's refusal. Stock's sentence for a step that failed does not say which. */
export function refusalOf({ type, opErrstr, detail, nextStep }: Problem): TransferError {
  const reasons = type === "effect-failed" ? detail.slice(opErrstr.length).trim() : "";
  return new TransferError(reasons === "" ? opErrstr : reasons, nextStep);
}

export type StreamSource = AsyncIterable<Uint8Array>;

/** Refused with a sentence for the user, and what to do now. */
export class TransferError extends Error {
  override readonly name = "TransferError";
  readonly nextStep: string | undefined;
  constructor(message: string, nextStep?: string, options?: ErrorOptions) {
    super(message, options);
    this.nextStep = nextStep;
  }
}
