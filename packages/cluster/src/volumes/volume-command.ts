/** Commands on volumes: their arguments and payloads, as the HTTP routes have them. */
import type { BrickProfile, BrickReport, BrickSpace } from "../bricks/brick-effects.ts";
import type { VolumeStatus } from "../state.ts";
import type { LockChoice } from "../bricks/brick-top.ts";
import type { ClearLocksReport, VolumeTopArgs, VolumeTopReport } from "./volume-top.ts";

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
  kind: "brick" | "snapshot-daemon" | "self-heal-daemon";
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
  tasks: { kind: string; id: string; status: string; bricks: string[] }[];
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

export interface VolumeCommands {
  volumeCreate: { args: VolumeCreateArgs; payload: VolumeRef };
  volumeStart: { args: { readonly volume: string; readonly force?: boolean }; payload: VolumeRef };
  volumeStop: { args: { readonly volume: string; readonly force?: boolean }; payload: VolumeRef };
  volumeDelete: { args: { readonly volume: string }; payload: VolumeRef };
  volumeList: { args: object; payload: string[] };
  /** Without a volume: all of them. */
  volumeInfo: { args: { readonly volume?: string }; payload: VolumeInfo[] };
  volumeStatus: { args: VolumeStatusArgs; payload: VolumeStatusReport[] };
  volumeProfile: { args: VolumeProfileArgs; payload: VolumeProfileReport };
  volumeTop: { args: VolumeTopArgs; payload: VolumeTopReport };
  volumeClearLocks: {
    args: { readonly volume: string; readonly locks: LockChoice };
    payload: ClearLocksReport;
  };
  /** The files that the bricks wrote. */
  volumeStatedump: { args: { readonly volume: string }; payload: VolumeFiles };
  /** The former logs, under their new names; of all bricks, or one: `HOST:/path`. */
  volumeLogRotate: {
    args: { readonly volume: string; readonly brick?: string };
    payload: VolumeFiles;
  };
  /** Starts healing; `full`: of everything. */
  volumeHeal: {
    args: { readonly volume: string; readonly full?: boolean };
    payload: VolumeRef;
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
}
