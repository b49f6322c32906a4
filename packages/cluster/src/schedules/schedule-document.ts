/** Schedules as they are stored: when snapshots of which volumes are made, and how many stay. */
import type { Retention } from "./retention.ts";
import type { ScheduleTimes } from "./schedule-times.ts";

export interface ScheduleDocument extends ScheduleTimes {
  readonly schema: 1;
  readonly name: string;
  /** Of one moment, under one name, when they are several. */
  readonly volumes: readonly string[];
  /** Empty: all stay. */
  readonly keep: Retention;
  /** A run that nobody could make in time: made once, later; or not at all. */
  readonly missed: "once" | "skip";
  readonly enabled: boolean;
  /**
   * No instant before this one is run any more. Committed before its snapshot is begun; that there
   * is none of this instant is looked up before a run is begun again, so none is made twice.
   */
  readonly claimedMs: number;
  /** A run that was begun and has no outcome: it goes on, or was interrupted. */
  readonly runningMs?: number;
  /** How often the run of `claimedMs` was begun; absent: never, or it is over. */
  readonly attempts?: number;
  /** It failed, and is begun again then. */
  readonly retryAtMs?: number;
  readonly lastRun?: {
    readonly dueMs: number;
    readonly snapshot?: string;
    readonly error?: string;
  };
}
