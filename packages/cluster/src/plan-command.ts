/** The plan of a destructive command: its arguments and payload, as the HTTP route has them. */
import type { PoolGain } from "./bricks/reclaim.ts";

export type PlannedCommand =
  | "snapshot delete" | "snapshot prune" | "snapshot deactivate" | "snapshot restore"
  | "volume stop" | "volume delete" | "volume remove-brick" | "volume replace-brick"
  | "volume reset-brick" | "peer detach" | "snapshot config" | "snapshot schedule delete"
  | "snapshot bookmark";

/** As the command itself takes them. */
export interface PlanArgs {
  readonly command: PlannedCommand;
  readonly snapshot?: string;
  readonly volume?: string;
  readonly all?: boolean;
  readonly safety?: boolean;
  readonly online?: boolean;
  /** HOST:/path; of replace-brick and reset-brick the former one and the new one. */
  readonly bricks?: readonly string[];
  readonly replica?: number;
  /** Of remove-brick and reset-brick. */
  readonly action?: "start" | "stop" | "status" | "commit" | "force";
  /** The node to be detached. */
  readonly host?: string;
  /** Of the schedule, or of the bookmark. */
  readonly name?: string;
  readonly autoDelete?: string;
  readonly hardLimit?: number;
  readonly softLimitPercent?: number;
}

export interface PlanStep {
  host?: string;
  action: "stop" | "unmount" | "remove" | "keep" | "replace" | "heal" | "move" | "lose";
  object: string;
  /** What it holds, or is to get. */
  bytes?: number;
}

export interface Plan {
  command: PlannedCommand;
  steps: PlanStep[];
  /** What the removed logical volumes give back, a pool. */
  pools: PoolGain[];
  freedBytes: number;
}

export interface PlanCommands {
  commandPlan: { args: PlanArgs; payload: Plan };
}
