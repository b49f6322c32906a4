/** What the server's main thread and its worker say to each other. */
import type { Negotiated } from "@mortar/fuse";
import type { ControlReply, ControlRequest } from "./control.ts";
import type { PoolErrorCode } from "./pool-error.ts";
import type { EngineStatus, RequestCounters, VolumeStatus } from "./status.ts";

export interface WorkerSetup {
  readonly directory: string;
  /** How many servers there were before on this mount. */
  readonly restarts: number;
  /** Int32: element 0 is set when mappings may have changed since it was last cleared. */
  readonly touched: SharedArrayBuffer;
}

/**
 * `commit`: the timer. `leave`: commit and end, whoever uses the LVs, for another server takes
 * over.
 */
export type WorkerRequest =
  ControlRequest | { readonly verb: "commit" } | { readonly verb: "leave" };

export interface ToWorker {
  readonly id: number;
  readonly request: WorkerRequest;
}

export interface WorkerStatus {
  readonly pool?: EngineStatus;
  readonly volumes: readonly VolumeStatus[];
  readonly requests: RequestCounters;
}

export type FromWorker =
  | { readonly kind: "ready"; readonly negotiated: Negotiated }
  | { readonly kind: "refused"; readonly code: PoolErrorCode; readonly message: string }
  | { readonly kind: "reply"; readonly id: number; readonly reply: ControlReply }
  | { readonly kind: "unmounted" };
