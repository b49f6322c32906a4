/**
 * Running what is due. Commands that change something have the cluster's turn, so one node at a
 * time does this, and every node may try. The instant is claimed by a commit of its own before the
 * snapshot is begun. A run that failed, or that was interrupted by the death of its coordinator, is
 * begun again a few times, unless there is a snapshot of its instant: so none is made twice.
 */
import type { Step } from "./command.ts";
import { advanceClock, hasLocks } from "./cluster-clock.ts";
import { asFailure } from "./failure.ts";
import { changeOf } from "./key-space.ts";
import type { ScheduleRun } from "./schedule-command.ts";
import { chosenSchedules, schedulePrune } from "./schedule-commands.ts";
import type { ScheduleDocument } from "./schedule-document.ts";
import { dueNow } from "./schedule-times.ts";
import { snapshotCreate } from "./snapshot-create.ts";
import type { ClusterState } from "./state.ts";
import { commit, type CommandContext, event, performLocal } from "./steps.ts";

/** The cluster's clock is renewed this often. */
const CLOCK_EVERY_MS = 60_000;
/** A run that is later than this, jitter apart, was missed. */
const LATE_MS = 10 * 60_000;

/** Whether a tick would do anything; for timers, which ask often and have the state at hand. */
export function isTickDue(
  state: ClusterState,
  at: { readonly nowMs: number; readonly sinceTickMs: number },
): boolean {
  if (at.sinceTickMs >= CLOCK_EVERY_MS && hasLocks(state)) return true;
  for (const { document } of state.schedules.values()) {
    if (!document.enabled) continue;
    const { name, claimedMs } = document;
    if (dueNow(name, document, { claimedMs, nowMs: at.nowMs }) !== undefined) return true;
  }
  return false;
}

export function* scheduleTick(context: CommandContext, _args: object): Step<ScheduleRun[]> {
  if (hasLocks(context.state)) {
    const { change } = yield* advanceClock(context.state);
    yield* commit(context, [change]);
  }
  const runs: ScheduleRun[] = [];
  for (const { name } of chosenSchedules(context.state, undefined)) {
    const schedule = context.state.schedules.get(name)!.document;
    if (!schedule.enabled) continue;
    const { nowMs } = yield* performLocal("clock", {});
    const dueMs = dueNow(name, schedule, { claimedMs: schedule.claimedMs, nowMs });
    if (dueMs === undefined) continue;
    const isMissed = nowMs - dueMs > LATE_MS + schedule.jitterMs;
    if (isMissed && schedule.missed === "skip") {
      const skipped = { ...schedule, claimedMs: dueMs };
      yield* commit(context, [changeOf.schedule(context.state, skipped)]);
      continue;
    }
    runs.push(yield* run(context, schedule, dueMs));
  }
  return runs;
}

function* run(
  context: CommandContext,
  schedule: ScheduleDocument,
  dueMs: number,
): Step<ScheduleRun> {
  const { name, volumes } = schedule;
  const claimed = { ...schedule, claimedMs: dueMs, runningMs: dueMs };
  yield* commit(context, [changeOf.schedule(context.state, claimed)]);
  const outcome = yield* take(context, schedule, dueMs);
  const { runningMs: _over, ...idle } = claimed;
  const over = { ...idle, lastRun: { dueMs, ...outcome } };
  yield* commit(context, [changeOf.schedule(context.state, over)]);
  if (outcome.error !== undefined) {
    yield* event("SCHEDULE_FAILED", { schedule: name, error: outcome.error });
    return { schedule: name, dueMs, ...outcome, removals: [] };
  }
  yield* event("SCHEDULE_RUN", { schedule: name, volumes: volumes.join(" ") });
  const [plan] = yield* schedulePrune(context, { name });
  return { schedule: name, dueMs, ...outcome, removals: plan?.removals ?? [] };
}

/** Stock's name for it: `Scheduled-JOB-VOLUME_GMT-…`. */
function* take(
  context: CommandContext,
  { name, volumes }: ScheduleDocument,
  dueMs: number,
): Step<{ snapshot?: string; error?: string }> {
  const [volume = "", ...others] = volumes;
  try {
    const created = yield* snapshotCreate(context, {
      name: `Scheduled-${name}-${volume}`,
      volume,
      volumes: others,
      scheduled: { schedule: name, dueMs },
    });
    return { snapshot: created.name };
  } catch (error) {
    const { message, details } = asFailure(error);
    context.details.push(...details);
    return { error: message };
  }
}
