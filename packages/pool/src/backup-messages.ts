/** What the main thread tells the thread that copies a pool's metadata, and what it answers. */
import type { DeviceSpec, SegmentSpec } from "./spec.ts";

export interface BackupRequest {
  /** Is made; the caller gives it its last name. */
  readonly path: string;
  /** Of the state to copy, whose trees somebody keeps in place. */
  readonly superblock: Uint8Array;
  readonly devices: readonly DeviceSpec[];
  readonly metadata: readonly SegmentSpec[];
}

export type BackupAnswer = { readonly ok: true } | { readonly ok: false; readonly reason: string };
