/**
 * Commands and answers. Names, arguments and payloads are those of the HTTP routes; a payload is
 * plain data that can be sent as it is.
 */
import type { BrickProfile, BrickReport, BrickSpace, Effect } from "./effect.ts";
import type { Consistency, VolumeStatus } from "./state.ts";

/** A step of a command: yields effects, is given their results. */
export type Step<Result> = Generator<Effect, Result, unknown>;

/** One of several things worth saying: where, what, and what to do now. */
export interface Detail {
  node?: string;
  object?: string;
  detail: string;
  nextStep?: string;
}

/** Stable names of the kinds of failure. */
export type FailureCode =
  | "bad-argument"
  | "volume-missing"
  | "volume-exists"
  | "volume-started"
  | "volume-not-started"
  | "volume-has-snapshots"
  | "brick-refused"
  | "bricks-down"
  | "option-unknown"
  | "option-refused"
  | "host-unknown"
  | "snapshot-missing"
  | "snapshot-exists"
  | "snapshot-active"
  | "snapshot-inactive"
  | "limit-reached"
  | "not-thin"
  | "pool-unfit"
  | "busy"
  | "unsupported"
  | "node-in-use"
  | "node-unfit"
  | "no-majority"
  | "effect-failed";

export type Answer<Payload> =
  | {
      readonly ok: true;
      readonly payload: Payload;
      readonly warnings: string[];
      readonly details: Detail[];
    }
  | {
      readonly ok: false;
      readonly code: FailureCode;
      /** GlusterFS's number: an errno, or 30800 and up. */
      readonly opErrno: number;
      /** What stock prints behind `failed: `, to the letter. */
      readonly opErrstr: string;
      readonly warnings: string[];
      readonly details: Detail[];
    };

export interface VolumeCreateArgs {
  readonly name: string;
  /** HOST:/absolute/path */
  readonly bricks: readonly string[];
  readonly replica?: number;
  readonly arbiter?: number;
  readonly disperse?: number;
  readonly disperseData?: number;
  readonly redundancy?: number;
  readonly transport?: string;
  readonly force?: boolean;
}

export interface VolumeRef {
  name: string;
  id: string;
}

export type VolumeTypeName =
  | "Distribute"
  | "Replicate"
  | "Disperse"
  | "Distributed-Replicate"
  | "Distributed-Disperse";

export interface VolumeInfo {
  name: string;
  id: string;
  type: VolumeTypeName;
  status: VolumeStatus;
  /** Safety snapshots not counted. */
  snapshotCount: number;
  brickCount: number;
  /** Bricks divided by the size of one set. */
  distCount: number;
  replicaCount: number;
  arbiterCount: number;
  disperseCount: number;
  redundancyCount: number;
  transport: string;
  bricks: { host: string; path: string; hostUuid: string; isArbiter: boolean }[];
  options: { name: string; value: string }[];
}

export interface VolumeProcess {
  kind: "brick";
  host: string;
  path: string;
  peerId: string;
  online: boolean;
  port?: number;
  pid?: number;
  detail?: BrickSpace;
  report?: BrickReport;
}

export interface VolumeStatusReport {
  name: string;
  /** False: `Volume V is not started`, and no processes. */
  started: boolean;
  processes: VolumeProcess[];
  tasks: { kind: string; id: string; status: string }[];
}

export interface OptionValue {
  name: string;
  value: string;
}

export interface OptionHelp {
  name: string;
  defaultValue: string;
  description: string;
}

export interface SnapshotRef {
  name: string;
  uuid: string;
  /** Origin volume. */
  volume: string;
  /** Seconds since 1970. */
  createdAt: number;
  safety: boolean;
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
}

export interface VolumeStatusArgs {
  readonly volume?: string;
  readonly detail?: boolean;
  readonly brick?: string;
  /** What the bricks themselves are asked for. */
  readonly view?: keyof BrickReport;
}

export interface VolumeProfileArgs {
  readonly volume: string;
  readonly action: "start" | "stop" | "info";
  /** Of `info`. Default: both books. `clear` empties them. */
  readonly part?: "incremental" | "cumulative" | "clear";
  /** The interval is not ended by being looked at. */
  readonly peek?: boolean;
}

export interface VolumeProfileReport {
  name: string;
  /** Empty unless they were asked for. */
  bricks: { host: string; path: string; profile?: BrickProfile }[];
}

export interface VolumeFiles {
  name: string;
  files: { host: string; file: string }[];
}

export interface SnapVolumeInfo {
  name: string;
  status: "Started" | "Stopped";
  originVolume: string;
  snapsTaken: number;
  snapsAvailable: number;
}

export interface SnapshotInfo {
  name: string;
  uuid: string;
  description?: string;
  createdAt: number;
  safety: boolean;
  consistency?: Consistency;
  pauseMs?: number;
  snapVolumes: SnapVolumeInfo[];
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
  bricks: SnapshotBrickStatus[];
}

export interface SnapshotRestored {
  name: string;
  uuid: string;
  volume: string;
  volumeId: string;
  safetySnapshot?: string;
}

export interface SnapshotRemoval {
  name: string;
  uuid: string;
  removed: boolean;
  opErrno?: number;
  opErrstr?: string;
}

export interface SnapshotConfigReport {
  system: {
    hardLimit: number;
    softLimitPercent: number;
    autoDelete: boolean;
    activateOnCreate: boolean;
  };
  volumes: {
    name: string;
    hardLimit: number;
    effectiveHardLimit: number;
    effectiveSoftLimit: number;
  }[];
}

export interface NodeDeclaration {
  readonly uuid: string;
  readonly hostname: string;
  readonly address: string;
  readonly snapMountRoot: string;
  readonly contact?: string;
  readonly names?: readonly string[];
  readonly peerPort?: number;
}

/** What happened to commands that had been interrupted. */
export interface RecoveryReport {
  settled: { id: string; command: string; direction: "undo" | "finish" }[];
  /** Still there, to be tried again; the answer's details say why. */
  pending: { id: string; command: string; direction: "undo" | "finish" }[];
}

/** Every command: its arguments and the payload of its success. */
export interface CommandTable {
  volumeCreate: { args: VolumeCreateArgs; payload: VolumeRef };
  volumeStart: { args: { readonly volume: string; readonly force?: boolean }; payload: VolumeRef };
  volumeStop: { args: { readonly volume: string; readonly force?: boolean }; payload: VolumeRef };
  volumeDelete: { args: { readonly volume: string }; payload: VolumeRef };
  volumeList: { args: object; payload: string[] };
  /** Without a volume: all of them. */
  volumeInfo: { args: { readonly volume?: string }; payload: VolumeInfo[] };
  volumeStatus: { args: VolumeStatusArgs; payload: VolumeStatusReport[] };
  volumeProfile: { args: VolumeProfileArgs; payload: VolumeProfileReport };
  /** The files that the bricks wrote. */
  volumeStatedump: { args: { readonly volume: string }; payload: VolumeFiles };
  /** The former logs, under their new names; of all bricks, or one: `HOST:/path`. */
  volumeLogRotate: {
    args: { readonly volume: string; readonly brick?: string };
    payload: VolumeFiles;
  };
  volumeBarrier: {
    args: { readonly volume: string; readonly enable: boolean };
    payload: VolumeRef;
  };
  volumeOptionSet: {
    /** Volume `all`: options of the cluster. */
    args: {
      readonly volume: string;
      readonly options: readonly { readonly name: string; readonly value: string }[];
    };
    payload: VolumeRef;
  };
  volumeOptionGet: {
    args: { readonly volume: string; readonly key?: string };
    payload: OptionValue[];
  };
  volumeOptionReset: {
    args: { readonly volume: string; readonly key?: string; readonly force?: boolean };
    payload: VolumeRef;
  };
  volumeOptionHelp: { args: object; payload: OptionHelp[] };

  snapshotCreate: {
    args: {
      readonly name: string;
      readonly volume: string;
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
  snapshotActivate: {
    args: { readonly snapshot: string; readonly force?: boolean };
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
    args: { readonly snapshot: string; readonly safety?: boolean };
    payload: SnapshotRestored;
  };
  snapshotClone: {
    args: { readonly snapshot: string; readonly name: string };
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

  /** Keeps a node's own document; at every start of its daemon. */
  nodeDeclare: { args: NodeDeclaration; payload: { uuid: string } };
  /** Lets a node in, or keeps what has changed about it. */
  nodeAdd: { args: NodeDeclaration; payload: { uuid: string } };
  /**
   * Takes a node out: refused while it has bricks, of volumes or of snapshots. With `check` it is
   * only said whether it would be refused.
   */
  nodeRemove: {
    args: { readonly host: string; readonly check?: boolean };
    payload: { uuid: string };
  };
  /** Finishes or undoes what was interrupted; at every start, and again while some is left. */
  recover: { args: object; payload: RecoveryReport };
  /** Mounts and starts what the state says is started, on this node; after `recover`. */
  bringUp: { args: object; payload: { bricksStarted: number } };
}

export type CommandName = keyof CommandTable;
export type CommandArgs<Name extends CommandName> = CommandTable[Name]["args"];
export type CommandPayload<Name extends CommandName> = CommandTable[Name]["payload"];
