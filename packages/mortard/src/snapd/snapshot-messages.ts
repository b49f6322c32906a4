/** What the daemon's main thread and the thread of an open snapshot tell each other. */
import type { GfapiEntry, GfapiStat, GfapiUsage } from "@mortar/linux";

export interface Found {
  readonly gfid: Uint8Array;
  readonly stat: GfapiStat;
}

/** By name: arguments and result. Gfids are those in the snapshot. */
export interface SnapshotOperations {
  lookup: { args: { readonly parent: Uint8Array; readonly name: Uint8Array }; result: Found };
  stat: { args: { readonly gfid: Uint8Array }; result: GfapiStat };
  readlink: { args: { readonly gfid: Uint8Array }; result: Uint8Array };
  /** Without a name: the names, each with its NUL. */
  getXattr: {
    args: { readonly gfid: Uint8Array; readonly name?: string };
    result: Uint8Array;
  };
  read: {
    args: { readonly gfid: Uint8Array; readonly offset: number; readonly sizeBytes: number };
    result: Uint8Array;
  };
  usage: { args: object; result: GfapiUsage };
  /** `fd` is the asker's number for it. EBADF: the thread knows no such listing. */
  openDirectory: { args: { readonly gfid: Uint8Array; readonly fd: number }; result: null };
  closeDirectory: { args: { readonly fd: number }; result: null };
  rewind: { args: { readonly fd: number }; result: null };
  list: { args: { readonly fd: number; readonly countMax: number }; result: GfapiEntry[] };
  /** The thread ends. */
  close: { args: object; result: null };
}

export type SnapshotOperation = keyof SnapshotOperations;

export interface SnapshotRequest {
  readonly id: number;
  readonly operation: SnapshotOperation;
  readonly args: object;
}

export type SnapshotAnswer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly errno: number };
