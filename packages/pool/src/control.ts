/**
 * The control socket's language: one JSON object a line, one reply a request, a request a
 * connection. Both sides bound the line. Every request is idempotent, so a client whose server died
 * in between simply asks again.
 */
import type { NbdAddress } from "./nbd-listener.ts";
import type { PoolErrorCode } from "./pool-error.ts";
import type { LinearVolumeSpec, PoolMessage, PoolSpec, VolumeSpec } from "./spec.ts";

export type ControlRequest =
  | { readonly verb: "status" }
  /** Who owns how much, and what deleting each of these sets of thin devices would free. */
  | { readonly verb: "space"; readonly sets: readonly (readonly number[])[] }
  | {
      readonly verb: "message";
      readonly messages: readonly PoolMessage[];
      readonly transactionId: number;
    }
  | { readonly verb: "activate"; readonly volume: VolumeSpec | LinearVolumeSpec }
  | { readonly verb: "deactivate"; readonly name: string }
  | { readonly verb: "resize"; readonly name: string; readonly sizeBytes: number }
  | { readonly verb: "reload"; readonly spec: PoolSpec }
  /** Keep today's metadata readable for a tool, or let it go. */
  | { readonly verb: "hold-metadata"; readonly hold: boolean }
  | { readonly verb: "stop" }
  | NbdControlRequest;

/** What the server's main thread answers by itself. */
export type NbdControlRequest =
  | {
      readonly verb: "nbd-export";
      readonly address: NbdAddress;
      readonly volume: string;
      readonly tlsDirectory: string | null;
    }
  /** `address` null: everywhere. */
  | { readonly verb: "nbd-unexport"; readonly address: NbdAddress | null; readonly volume: string }
  | { readonly verb: "nbd-list" };

export type ControlReply =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly code: PoolErrorCode; readonly message: string };

/** Long enough for a spec of ten thousand LVs and segments. */
export const LINE_BYTES_MAX = 8 * 1024 * 1024;
