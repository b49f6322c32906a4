/** Why the engine refused or failed. Match on the code, never on the text. */
export type ThinErrorCode =
  | "pool-full" // no free data block, even after a commit; grow the data device or delete something
  | "metadata-full" // the change could not be committed with the metadata blocks that are left
  | "read-only" // the pool takes no changes: needs check, or opened so
  | "pool-failed" // metadata could not be read back after a failure; only a new open can help
  | "device-missing"
  | "device-exists"
  | "device-busy" // a handle is open
  | "transaction-mismatch" // compare-and-swap of the transaction id failed
  | "snapshot-held" // there already is a metadata snapshot
  | "snapshot-missing" // there is no metadata snapshot
  | "invalid-argument"
  | "unformatted" // block 0 of the metadata device is all zero
  | "unsupported" // features of the format that this engine does not know
  | "corrupt" // a checksum, a block number or a structure is wrong; the message names the block
  | "metadata-io"; // the metadata device failed; `cause` is what it threw

/** An operating error of the pool. What the data device throws passes through unchanged. */
export class ThinError extends Error {
  override readonly name = "ThinError";
  readonly code: ThinErrorCode;

  constructor(code: ThinErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
