/** Commands on snapshots: their arguments and payloads, as the HTTP routes have them. */
import type { SnapshotKept } from "../schedules/schedule-command.ts";
import type { LvRange } from "../bricks/storage-effects.ts";
import type { PoolGain } from "../bricks/reclaim.ts";
import type { Consistency } from "../state.ts";
import type { VolumeRef } from "../volumes/volume-command.ts";

export interface SnapshotRef extends SnapshotKept {
  name: string;
  uuid: string;
  /** Origin volume; the first of several. */
  volume: string;
  /** When it is of several. */
  volumes?: string[];
  /** Seconds since 1970. */
  createdAt: number;
  safety: boolean;
  deleting?: SnapshotDeleting;
}

/** Its deletion was decided, and is not finished. */
export interface SnapshotDeleting {
  /** Seconds since 1970. */
  since: number;
  /** What there is still to do. */
  left: { host: string; object: string }[];
}

export interface SnapshotCreated {
  name: string;
  uuid: string;
  volume: string;
  pauseMs?: number;
  softLimitReached: boolean;
  autoDeleted: string[];
}

export interface SnapshotChanged {
  name: string;
  uuid: string;
  /** Of a deletion: recorded, and finished when all can be reached. */
  pending?: boolean;
}

export interface SnapVolumeInfo {
  name: string;
  status: "Started" | "Stopped";
  originVolume: string;
  snapsTaken: number;
  snapsAvailable: number;
}

export interface SnapshotInfo extends SnapshotKept {
  name: string;
  uuid: string;
  description?: string;
  createdAt: number;
  safety: boolean;
  consistency?: Consistency;
  pauseMs?: number;
  phases?: Record<string, number>;
  hooks?: { node: string; name: string; error?: string }[];
  drain?: { complete: boolean; tookMs: number; left: number };
  snapVolumes: SnapVolumeInfo[];
  deleting?: SnapshotDeleting;
}

export interface SnapshotInfoList {
  volume?: { name: string; snapsTaken: number; snapsAvailable: number };
  snapshots: SnapshotInfo[];
}

export interface SnapshotBrickStatus {
  host: string;
  path: string;
  volumeGroup?: string;
  running?: boolean;
  pid?: number;
  dataPercent?: string;
  lvSize?: string;
}

export interface SnapshotStatusReport {
  name: string;
  uuid: string;
  activated: boolean;
  deleting?: SnapshotDeleting;
  bricks: SnapshotBrickStatus[];
}

export interface SnapshotRestored {
  name: string;
  uuid: string;
  volume: string;
  volumeId: string;
  safetySnapshot?: string;
  /** Of a snapshot of several volumes. */
  others?: { volume: string; volumeId: string; safetySnapshot?: string }[];
}

export interface SnapshotReclaim {
  snapshots: string[];
  pools: PoolGain[];
  /** Of all pools. */
  freedBytes: number;
}

export interface SnapshotSpace {
  name: string;
  uuid: string;
  /** Absent: not all of its logical volumes could be asked about. */
  space?: { referencedBytes: number; exclusiveBytes: number; sharedBytes: number };
}

export interface SnapshotDiffBrick {
  volume: string;
  host: string;
  path: string;
  writtenBytes: number;
  discardedBytes: number;
  rangeCount: number;
  chunkBytes: number;
  ranges: LvRange[];
}

export interface SnapshotDiff {
  from: string;
  to: string;
  bricks: SnapshotDiffBrick[];
  writtenBytes: number;
  discardedBytes: number;
  /** False: the details name the bricks that are missing. */
  complete: boolean;
}

export interface SnapshotRemoval {
  name: string;
  uuid: string;
  removed: boolean;
  /** Recorded, and finished when all can be reached. */
  pending?: boolean;
  opErrno?: number;
  opErrstr?: string;
}

export interface SnapshotConfigReport {
  system: {
    hardLimit: number;
    softLimitPercent: number;
    autoDelete: boolean;
    activateOnCreate: boolean;
    /** The two as they were typed: `on`; `enable` or `disable` when nobody did. */
    words: { autoDelete: string; activateOnCreate: string };
  };
  volumes: {
    name: string;
    hardLimit: number;
    effectiveHardLimit: number;
    effectiveSoftLimit: number;
  }[];
}

export interface SnapshotCommands {
  snapshotCreate: {
    args: {
      readonly name: string;
      readonly volume: string;
      /** Further volumes, of the same moment, under the same name. */
      readonly volumes?: readonly string[];
      /** Default true: `_GMT-YYYY.MM.DD-HH.MM.SS` is appended. */
      readonly timestamp?: boolean;
      readonly description?: string;
    };
    payload: SnapshotCreated;
  };
  snapshotList: {
    args: { readonly volume?: string; readonly safety?: boolean };
    payload: SnapshotRef[];
  };
  snapshotInfo: {
    args: { readonly snapshot?: string; readonly volume?: string };
    payload: SnapshotInfoList;
  };
  snapshotStatus: {
    args: { readonly snapshot?: string; readonly volume?: string };
    payload: SnapshotStatusReport[];
  };
  /** What deleting these, all together, gives back. */
  snapshotReclaim: {
    args: { readonly snapshots: readonly string[] };
    payload: SnapshotReclaim;
  };
  /** Of one, of those of a volume, or of all. */
  snapshotSpace: {
    args: { readonly snapshot?: string; readonly volume?: string; readonly safety?: boolean };
    payload: SnapshotSpace[];
  };
  /** `to`: a snapshot, `live`, or a volume that `from` is of. */
  snapshotDiff: {
    args: { readonly from: string; readonly to: string; readonly ranges?: boolean };
    payload: SnapshotDiff;
  };
  snapshotActivate: {
    args: { readonly snapshot: string; readonly force?: boolean };
    payload: SnapshotChanged;
  };
  /** The snapshot daemon of the node that is asked looks into it, or does so no more. */
  snapshotView: {
    args: { readonly snapshot: string; readonly open: boolean; readonly reader?: "files" };
    payload: SnapshotChanged;
  };
  snapshotDeactivate: { args: { readonly snapshot: string }; payload: SnapshotChanged };
  snapshotDelete: { args: { readonly snapshot: string }; payload: SnapshotChanged };
  /** Of one volume, or all; safety snapshots are spared. */
  snapshotDeleteMany: {
    args: { readonly all?: boolean; readonly volume?: string };
    payload: SnapshotRemoval[];
  };
  snapshotRestore: {
    /** Of a snapshot of several volumes: all of them, or one. */
    args: {
      readonly snapshot: string;
      readonly volume?: string;
      readonly safety?: boolean;
      /** Also of a started volume: its clients lose their bricks for a moment. */
      readonly online?: boolean;
    };
    payload: SnapshotRestored;
  };
  snapshotClone: {
    /** `volume`: of a snapshot of several, which one. */
    args: { readonly snapshot: string; readonly name: string; readonly volume?: string };
    payload: VolumeRef;
  };
  snapshotConfigGet: { args: { readonly volume?: string }; payload: SnapshotConfigReport };
  snapshotConfigSet: {
    args: {
      readonly volume?: string;
      readonly hardLimit?: number;
      readonly softLimitPercent?: number;
      readonly autoDelete?: string;
      readonly activateOnCreate?: string;
    };
    payload: SnapshotConfigReport;
  };
  /** Removes safety snapshots that are too old or too many; to be run now and then. */
  snapshotPrune: { args: object; payload: SnapshotRemoval[] };
}
