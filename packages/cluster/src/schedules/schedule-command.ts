/** Commands on schedules, holds and locks: their arguments and payloads, as HTTP has them. */
import type { PruneDecision, Retention } from "./retention.ts";
import type { SnapshotChanged, SnapshotRemoval } from "../snapshots/snapshot-command.ts";

export interface ScheduleSettings {
  readonly volumes?: readonly string[];
  /** Absent of a new one: what `keep` implies. */
  readonly cron?: string;
  /** IANA name; default UTC. */
  readonly timeZone?: string;
  readonly jitterMs?: number;
  readonly keep?: Retention;
  readonly missed?: "once" | "skip";
}

export interface ScheduleReport {
  name: string;
  volumes: string[];
  cron: string;
  timeZone: string;
  jitterMs: number;
  keep: Retention;
  missed: "once" | "skip";
  enabled: boolean;
  /** UTC milliseconds; without jitter. */
  nextMs: number[];
  /** Snapshots of it that there are. */
  snapshots: number;
  lastRun?: { dueMs: number; snapshot?: string; error?: string };
  /** The run that was begun last has no outcome: it was interrupted, or is going on. */
  interrupted: boolean;
  /** UTC milliseconds: when the run that failed last is begun again. */
  retryAtMs?: number;
}

export interface ScheduleRun {
  schedule: string;
  /** UTC milliseconds. */
  dueMs: number;
  snapshot?: string;
  error?: string;
  removals: SnapshotRemoval[];
}

export interface SchedulePrunePlan {
  schedule: string;
  decisions: PruneDecision[];
  /** Empty of a dry run. */
  removals: SnapshotRemoval[];
}

export interface SchedulePreview {
  /** What `keep` implies, when none was given. */
  cron: string;
  /** UTC milliseconds; without jitter. */
  nextMs: number[];
  decisions: PruneDecision[];
}

export interface SnapshotUnlocked extends SnapshotChanged {
  /** False: recorded, and to be confirmed by another operator. */
  unlocked: boolean;
  /** UTC milliseconds, by the cluster's clock. */
  confirmAfterMs: number;
}

/** What keeps a snapshot, as it was recorded; a time that is over keeps no more. */
export interface SnapshotKept {
  holds?: { owner: string; reason: string; sinceMs: number; untilMs?: number }[];
  lock?: {
    untilMs: number;
    removal?: { operator: string; requestedMs: number; stated?: boolean };
  };
  /** The schedule that made it. */
  schedule?: string;
}

export interface ScheduleCommands {
  scheduleAdd: {
    args: ScheduleSettings & { readonly name: string; readonly volumes: readonly string[] };
    payload: ScheduleReport;
  };
  scheduleEdit: { args: ScheduleSettings & { readonly name: string }; payload: ScheduleReport };
  scheduleDelete: { args: { readonly name: string }; payload: { name: string } };
  /** Of one, or of all. */
  scheduleSet: {
    args: { readonly name?: string; readonly enabled: boolean };
    payload: ScheduleReport[];
  };
  scheduleList: { args: { readonly name?: string }; payload: ScheduleReport[] };
  schedulePrune: {
    args: { readonly name?: string; readonly dryRun?: boolean };
    payload: SchedulePrunePlan[];
  };
  /** As if it were set so; nothing is changed. */
  schedulePreview: {
    args: ScheduleSettings & { readonly name: string };
    payload: SchedulePreview;
  };
  /** Makes one at once, and prunes. */
  scheduleRun: { args: { readonly name: string }; payload: ScheduleRun };
  /** Runs what is due and renews the cluster's clock; to be run now and then, on every node. */
  scheduleTick: { args: object; payload: ScheduleRun[] };
  snapshotHold: {
    args: {
      readonly snapshot: string;
      readonly owner: string;
      readonly reason: string;
      readonly untilMs?: number;
    };
    payload: SnapshotChanged;
  };
  snapshotRelease: {
    args: { readonly snapshot: string; readonly owner: string };
    payload: SnapshotChanged;
  };
  snapshotLock: {
    args: { readonly snapshot: string; readonly untilMs: number };
    payload: SnapshotChanged;
  };
  snapshotUnlock: {
    args: {
      readonly snapshot: string;
      readonly operator: string;
      /** The operator is who it says, and nothing vouches for it. */
      readonly stated?: boolean;
    };
    payload: SnapshotUnlocked;
  };
}
