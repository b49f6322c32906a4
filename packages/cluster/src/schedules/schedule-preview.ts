/** What a schedule would do if it were set so: its next runs, and what it would prune. A question. */
import type { CommandArgs, Step } from "../command.ts";
import { CommandFailure, errno } from "../failure.ts";
import { retentionDefect } from "./retention.ts";
import type { SchedulePreview } from "./schedule-command.ts";
import { decide, nextRuns } from "./schedule-commands.ts";
import { cronOfRetention, defectOf } from "./schedule-times.ts";
import { type CommandContext, performLocal } from "../steps.ts";

const RUNS = 5;

export function* schedulePreview(
  context: CommandContext,
  { name, ...settings }: CommandArgs<"schedulePreview">,
): Step<SchedulePreview> {
  const present = context.state.schedules.get(name)?.document;
  const keep = settings.keep ?? present?.keep ?? {};
  const cron = settings.cron ?? present?.cron ?? cronOfRetention(keep);
  if (cron === undefined) throw refusal("Give a cron expression, or how many to keep.");
  const times = {
    cron, timeZone: settings.timeZone ?? present?.timeZone ?? "UTC",
    jitterMs: settings.jitterMs ?? present?.jitterMs ?? 0,
  };
  const defect = retentionDefect(keep) ?? defectOf(times);
  if (defect !== undefined) throw refusal(defect);
  const { nowMs } = yield* performLocal("clock", {});
  const nextMs = nextRuns(times, nowMs, RUNS);
  return { cron, nextMs, decisions: yield* decide(context, { name, keep }) };
}

function refusal(message: string): CommandFailure {
  return new CommandFailure("bad-argument", errno.EINVAL, message);
}
