/** What the server's main thread and its worker say to each other. */
import type { Negotiated } from "@mortar/fuse";
import type { ControlReply, ControlRequest, NbdControlRequest } from "./control.ts";
import type { NbdWorkerRequest } from "./nbd-host.ts";
import type { PoolErrorCode } from "./pool-error.ts";
import type { EngineStatus, RequestCounters, VolumeStatus } from "./status.ts";

export interface WorkerSetup {
  readonly directory: string;
  /** How many servers there were before on this mount. */
  readonly restarts: number;
  /** Int32: element 0 is set when mappings may have changed since it was last cleared. */
  readonly touched: SharedArrayBuffer;
  /** See LaneWords. */
  readonly lanes: SharedArrayBuffer;
}

/** What an executor is started with. */
export interface ExecutorSetup {
  readonly lane: number;
  /** See LaneWords. */
  readonly shared: SharedArrayBuffer;
  /** Path: see RecordedFlushFailure. */
  readonly flushFailure: string;
}

/**
 * `commit`: the timer. `leave`: commit and end, whoever uses the LVs, for another server takes
 * over. `follow`: write every change of who owns which data block into this log; the reply is the
 * superblock it begins with. `scanned`: the trees of that state need not be kept any more.
 */
export type WorkerRequest =
  | Exclude<ControlRequest, NbdControlRequest | { verb: "space" }>
  | { readonly verb: "commit" }
  /** Keep the committed state readable until `unpin`, which tells whether it stayed so. */
  | { readonly verb: "pin" }
  | { readonly verb: "unpin" }
  | { readonly verb: "leave" }
  | { readonly verb: "follow"; readonly log: SharedArrayBuffer }
  | { readonly verb: "scanned" }
  | { readonly verb: "unfollow" };

export interface ToWorker {
  readonly id: number;
  readonly request: WorkerRequest | NbdWorkerRequest;
}

export interface WorkerStatus {
  readonly pool?: EngineStatus;
  readonly volumes: readonly VolumeStatus[];
  readonly requests: RequestCounters;
}

/** The answer to `pin`. */
export interface PinnedState {
  readonly superblock: Uint8Array;
  readonly transactionId: number;
  /** Blocks of metadata that hold something. */
  readonly usedBlocks: number;
}

/** The answer to `commit`. */
export interface PoolFill {
  /** Absent for a server of linear LVs. */
  readonly pool?: EngineStatus | undefined;
  /** Requests that wait for room in the pool. */
  readonly waiting: number;
  /** Told once: they waited as long as they may. */
  readonly timedOut: boolean;
}

export type FromWorker =
  | { readonly kind: "ready"; readonly negotiated: Negotiated }
  | { readonly kind: "refused"; readonly code: PoolErrorCode; readonly message: string }
  | { readonly kind: "reply"; readonly id: number; readonly reply: ControlReply }
  /** NBD requests wait for room in the pool, and want to be tried again. */
  | { readonly kind: "nbd-parked" }
  /** fdatasync these, and tell by `nbd-flushed`. */
  | { readonly kind: "nbd-flush"; readonly fds: readonly number[] }
  /** Requests wait for room in the pool. */
  | { readonly kind: "waiting" }
  | { readonly kind: "unmounted" };
