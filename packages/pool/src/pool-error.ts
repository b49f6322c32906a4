/**
 * - `bad-request`: a spec or request that is malformed, or names devices and sizes that do not fit
 * - `busy`: the LV is open (a loop device is attached), or LVs of a pool to be stopped are
 * - `exists`, `not-found`: the thin device or LV
 * - `transaction-mismatch`: the pool's transaction id is not the expected one; nothing was done
 * - `pool-full`, `metadata-full`, `read-only`, `needs-check`, `corrupt`, `device-error`: the pool's
 *   state
 * - `start-failed`: the processes did not come up; the message quotes the log
 * - `unreachable`: no server answers on the control socket
 */
export type PoolErrorCode =
  | "bad-request"
  | "busy"
  | "exists"
  | "not-found"
  | "transaction-mismatch"
  | "pool-full"
  | "metadata-full"
  | "read-only"
  | "needs-check"
  | "corrupt"
  | "device-error"
  | "start-failed"
  | "unreachable";

export class PoolError extends Error {
  override readonly name = "PoolError";
  readonly code: PoolErrorCode;
  constructor(code: PoolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
