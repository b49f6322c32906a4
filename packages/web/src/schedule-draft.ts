/** A schedule while it is edited. */
import type { Retention, ScheduleEditBody } from "@mortar/api";

export interface Draft {
  readonly name: string;
  readonly volumes: readonly string[];
  /** Empty: what is kept implies it. */
  readonly cron: string;
  readonly timeZone: string;
  readonly keep: Retention;
}

/** As the daemon takes it. */
export function settingsOf({ volumes, cron, timeZone, keep }: Draft): ScheduleEditBody {
  return {
    keep, timeZone: timeZone.trim() === "" ? "UTC" : timeZone.trim(),
    ...(volumes.length === 0 ? {} : { volumes: [...volumes] }),
    ...(cron.trim() === "" ? {} : { cron: cron.trim() }),
  };
}
