/** The one place where errors of the engine and the devices become errors of a file. */
import { Errno } from "@mortar/fuse";
import { LinuxError } from "@mortar/linux";
import { ThinError } from "@mortar/thin";
import type { ThinErrorCode } from "@mortar/thin";
import type { PoolErrorCode } from "./pool-error.ts";
import { PoolError } from "./pool-error.ts";

const errnoOfThin: Record<ThinErrorCode, number> = {
  "pool-full": Errno.ENOSPC,
  "metadata-full": Errno.ENOSPC,
  "read-only": Errno.EROFS,
  "pool-failed": Errno.EIO,
  "device-missing": Errno.EIO,
  "device-exists": Errno.EIO,
  "device-busy": Errno.EBUSY,
  "transaction-mismatch": Errno.EIO,
  "snapshot-held": Errno.EBUSY,
  "snapshot-missing": Errno.EIO,
  "invalid-argument": Errno.EINVAL,
  unformatted: Errno.EIO,
  unsupported: Errno.EIO,
  corrupt: Errno.EIO,
  "metadata-io": Errno.EIO,
};

const codeOfThin: Record<ThinErrorCode, PoolErrorCode> = {
  "pool-full": "pool-full",
  "metadata-full": "metadata-full",
  "read-only": "read-only",
  "pool-failed": "device-error",
  "device-missing": "not-found",
  "device-exists": "exists",
  "device-busy": "busy",
  "transaction-mismatch": "transaction-mismatch",
  "snapshot-held": "exists",
  "snapshot-missing": "not-found",
  "invalid-argument": "bad-request",
  unformatted: "corrupt",
  unsupported: "corrupt",
  corrupt: "corrupt",
  "metadata-io": "device-error",
};

/** A full backing file system is no space; whatever else a device says is an input/output error. */
export function errnoOf(error: unknown): number {
  if (error instanceof ThinError) return errnoOfThin[error.code];
  if (error instanceof LinuxError && error.errno === Errno.ENOSPC) return Errno.ENOSPC;
  return Errno.EIO;
}

/** One that the world caused, not a fault of the program. */
export function isOperatingError(error: unknown): error is PoolError | ThinError | LinuxError {
  return error instanceof PoolError || error instanceof ThinError || error instanceof LinuxError;
}

/**
 * For the control socket. An error that is none of ours is a fault of the program, and named so.
 */
export function poolErrorOf(error: unknown, subject: string): PoolError {
  if (error instanceof PoolError) return error;
  const message = `${subject}: ${(error as Error).message}`;
  if (error instanceof ThinError)
    return new PoolError(codeOfThin[error.code], message, { cause: error });
  return new PoolError("device-error", message, { cause: error });
}
