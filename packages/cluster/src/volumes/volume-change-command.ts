/** Commands that change the bricks of a volume, and those on where its files are. */
import type { RebalanceCounts } from "@mortar/gluster";
import type { VolumeRef } from "./volume-command.ts";

export interface AddBrickArgs {
  readonly volume: string;
  /** HOST:/absolute/path */
  readonly bricks: readonly string[];
  /** Copies from then on; the bricks are the further copies of every set. */
  readonly replica?: number;
  /** 1: the third copy has names only. */
  readonly arbiter?: number;
  readonly force?: boolean;
}

export interface RemoveBrickArgs {
  readonly volume: string;
  readonly bricks: readonly string[];
  readonly action: "start" | "status" | "stop" | "commit" | "force";
  /** Copies from then on. */
  readonly replica?: number;
}

export interface ReplaceBrickArgs {
  readonly volume: string;
  /** HOST:/absolute/path */
  readonly source: string;
  readonly target: string;
}

export interface ResetBrickArgs {
  readonly volume: string;
  readonly source: string;
  readonly action: "start" | "commit" | "force";
  /** Of `commit` and `force`: the same directory, perhaps by another name of its node. */
  readonly target?: string;
}

export interface RebalanceArgs {
  readonly volume: string;
  readonly action: "start" | "force" | "fix-layout" | "stop" | "status";
}

/** Of one node. */
export interface TaskProgress extends RebalanceCounts {
  host: string;
  peerId: string;
}

export interface VolumeTaskReport {
  name: string;
  /** Of the run; of `commit` and `force` there is none. */
  id?: string;
  fixLayout: boolean;
  status: TaskProgress["status"];
  nodes: TaskProgress[];
}

export interface VolumeChangeCommands {
  volumeAddBrick: { args: AddBrickArgs; payload: VolumeRef };
  volumeRemoveBrick: { args: RemoveBrickArgs; payload: VolumeTaskReport };
  volumeReplaceBrick: { args: ReplaceBrickArgs; payload: VolumeRef };
  volumeResetBrick: { args: ResetBrickArgs; payload: VolumeRef };
  volumeRebalance: { args: RebalanceArgs; payload: VolumeTaskReport };
}
