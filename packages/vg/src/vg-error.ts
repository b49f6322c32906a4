/**
 * What can go wrong with a volume group of this machine. `message` is a sentence for the operator,
 * LVM's own where LVM has one; `exitCode` is what LVM's command would leave with.
 *
 * Errors of the format itself (bad names, no space, unknown LV) are Lvm2Error of the lvm2 package
 * and pass through unchanged; both have `code`, `message` and `exitCode`.
 */
export type VgErrorCode =
  | "vg-missing"
  | "vg-exists"
  | "lv-missing"
  | "pv-missing"
  | "pv-in-use"
  | "duplicate-name"
  | "in-use"
  | "not-supported"
  | "lock-timeout"
  | "pool-failed"
  | "pool-full"
  | "not-root"
  | "device-failed"
  /** Whoever asked for it does not want it any more; nothing was changed. */
  | "abandoned"
  | "damaged";

export class VgError extends Error {
  override readonly name = "VgError";
  readonly code: VgErrorCode;
  readonly exitCode = 5;
  constructor(code: VgErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
