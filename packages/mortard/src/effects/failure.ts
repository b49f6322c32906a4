/** Turns what system calls, volume groups and bricks throw into the errors that commands expect. */
import { EffectError, type EffectErrorCode } from "@mortar/cluster";
import { BrickError } from "../bricks/brick-error.ts";

export interface Where {
  /** Host name of this node. */
  readonly node: string;
  /** Brick, device, mount point or LV. */
  readonly object: string;
}

/** Runs `work`; whatever it throws comes out as an `EffectError` about `where`. */
export async function effect<T>(where: Where, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asEffectError(error, where);
  }
}

export function asEffectError(error: unknown, where: Where): EffectError {
  if (error instanceof EffectError) return error;
  if (error instanceof BrickError) {
    const code: EffectErrorCode = error.code === "operation-timeout" ? "unreachable" : "failed";
    return new EffectError(code, error.message, {
      ...where,
      cause: error,
      ...(error.nextStep === undefined ? {} : { nextStep: error.nextStep }),
    });
  }
  const message = error instanceof Error ? error.message : String(error);
  const name = codeOf(error);
  const busy = name === "EBUSY" || name === "in-use";
  const isErrno = name !== undefined && /^E[A-Z0-9]+$/.test(name);
  return new EffectError(busy ? "busy" : "failed", message, {
    ...where,
    cause: error,
    ...(isErrno ? { errno: name } : {}),
  });
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}
