/** The plan of a destructive command: its arguments and payload, as the HTTP route has them. */
import type { PoolGain } from "./reclaim.ts";

export type PlannedCommand =
  | "snapshot delete" | "snapshot prune" | "snapshot deactivate" | "snapshot restore"
  | "volume stop" | "volume delete";

/** As the command itself takes them. */
export interface PlanArgs {
  readonly command: PlannedCommand;
  readonly snapshot?: string;
  readonly volume?: string;
  readonly all?: boolean;
  readonly safety?: boolean;
  readonly online?: boolean;
}

export interface PlanStep {
  host?: string;
  action: "stop" | "unmount" | "remove" | "keep" | "replace";
  object: string;
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
