/**
 * The control socket's language: one JSON object a line, one reply a request, a request a
 * connection. Both sides bound the line. Every request is idempotent, so a client whose server died
 * in between simply asks again.
 */
import type { PoolErrorCode } from "./pool-error.ts";
import type { LinearVolumeSpec, PoolMessage, PoolSpec, VolumeSpec } from "./spec.ts";

export type ControlRequest =
  | { readonly verb: "status" }
  | {
      readonly verb: "message";
      readonly messages: readonly PoolMessage[];
      readonly transactionId: number;
    }
  | { readonly verb: "activate"; readonly volume: VolumeSpec | LinearVolumeSpec }
  | { readonly verb: "deactivate"; readonly name: string }
  | { readonly verb: "resize"; readonly name: string; readonly sizeBytes: number }
  | { readonly verb: "reload"; readonly spec: PoolSpec }
  | { readonly verb: "stop" };

export type ControlReply =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly code: PoolErrorCode; readonly message: string };

/** Long enough for a spec of ten thousand LVs and segments. */
export const LINE_BYTES_MAX = 8 * 1024 * 1024;
