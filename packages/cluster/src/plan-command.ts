/** The plan of a destructive command: its arguments and payload, as the HTTP route has them. */
import type { PoolGain } from "./bricks/reclaim.ts";

export type PlannedCommand =
  | "snapshot delete" | "snapshot prune" | "snapshot deactivate" | "snapshot restore"
  | "volume stop" | "volume delete" | "volume remove-brick" | "volume replace-brick";

/** As the command itself takes them. */
export interface PlanArgs {
  readonly command: PlannedCommand;
  readonly snapshot?: string;
  readonly volume?: string;
  readonly all?: boolean;
  readonly safety?: boolean;
  readonly online?: boolean;
  /** HOST:/path; of replace-brick the former one and the new one. */
  readonly bricks?: readonly string[];
  readonly replica?: number;
}

export interface PlanStep {
  host?: string;
  action: "stop" | "unmount" | "remove" | "keep" | "replace" | "heal";
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
