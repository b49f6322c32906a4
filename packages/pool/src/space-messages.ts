/** What the server's main thread and the keeper of the books say to each other. */
import type { DeviceSpec, SegmentSpec } from "./spec.ts";
import type { SpaceReport } from "./space.ts";

/** Read the trees under this superblock, then keep the books by the log. */
export interface KeepRequest {
  readonly kind: "keep";
  readonly log: SharedArrayBuffer;
  readonly superblock: Uint8Array;
  readonly chunkBytes: number;
  readonly devices: readonly DeviceSpec[];
  readonly metadata: readonly SegmentSpec[];
}

export interface SpaceQuestion {
  readonly kind: "ask";
  readonly id: number;
  readonly sets: readonly (readonly number[])[];
}

export type ToKeeper = KeepRequest | SpaceQuestion;

export type FromKeeper =
  /** The trees are read. */
  | { readonly kind: "scanned"; readonly tookMs: number }
  | { readonly kind: "answer"; readonly id: number; readonly report: SpaceReport }
  /** The engine went back in time, or ahead too fast: it has to be followed anew. */
  | { readonly kind: "lost" }
  | { readonly kind: "failed"; readonly reason: string };
