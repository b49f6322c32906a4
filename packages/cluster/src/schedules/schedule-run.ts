/**
 * Running what is due. Commands that change something have the cluster's turn, so one node at a
 * time does this, and every node may try. The instant is claimed by a commit of its own before the
 * snapshot is begun. A run that failed, or that was interrupted by the death of its coordinator, is
 * begun again a few times, unless there is a snapshot of its instant: so none is made twice.
 */
import type { Step } from "../command.ts";
import { advanceClock, hasLocks } from "../nodes/cluster-clock.ts";
import { asFailure } from "../failure.ts";
import { changeOf } from "../key-space.ts";
import type { ScheduleRun } from "./schedule-command.ts";
import { chosenSchedules, schedulePrune } from "./schedule-commands.ts";
import type { ScheduleDocument } from "./schedule-document.ts";
import { dueNow } from "./schedule-times.ts";
import { snapshotCreate } from "../snapshots/snapshot-create.ts";
import type { ClusterState } from "../state.ts";
import { commit, type CommandContext, event, performLocal } from "../steps.ts";

/** The cluster's clock is renewed this often. */
const CLOCK_EVERY_MS = 60_000;
/** A run that is later than this, jitter apart, was missed. */
const LATE_MS = 10 * 60_000;
/** After the first failure, the second, …; after the last of these it is given up. */
const RETRY_AFTER_MS = [10_000, 30_000, 90_000, 270_000] as const;

/** Whether a tick would do anything; for timers, which ask often and have the state at hand. */
export function isTickDue(
  state: ClusterState,
  at: { readonly nowMs: number; readonly sinceTickMs: number },
): boolean {
  if (at.sinceTickMs >= CLOCK_EVERY_MS && hasLocks(state)) return true;
  for (const { document } of state.schedules.values()) {
    if (!document.enabled) continue;
    if (retryDue(document, at.nowMs) !== undefined) return true;
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
    if (dueMs === undefined) {
      const again = retryDue(schedule, nowMs);
      if (again !== undefined) runs.push(yield* run(context, schedule, again));
      continue;
    }
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
  const { name } = schedule;
  const attempts = (schedule.claimedMs === dueMs ? (schedule.attempts ?? 0) : 0) + 1;
  const { retryAtMs: _reached, ...begun } = {
    ...schedule, claimedMs: dueMs, runningMs: dueMs, attempts,
  };
  yield* commit(context, [changeOf.schedule(context.state, begun)]);
  const made = madeAt(context.state, name, dueMs);
  const outcome = made === undefined ? yield* take(context, schedule, dueMs) : { snapshot: made };
  const { runningMs: _over, attempts: _all, ...idle } = begun;
  const over = { ...idle, lastRun: { dueMs, ...outcome } };
  if (outcome.error === undefined) {
    yield* commit(context, [changeOf.schedule(context.state, over)]);
    return yield* succeeded(context, schedule, { schedule: name, dueMs, ...outcome });
  }
  const delayMs = RETRY_AFTER_MS[attempts - 1];
  const { nowMs } = yield* performLocal("clock", {});
  const failed =
    delayMs === undefined ? over : { ...over, attempts, retryAtMs: nowMs + delayMs };
  yield* commit(context, [changeOf.schedule(context.state, failed)]);
  yield* event("SCHEDULE_FAILED", { schedule: name, error: outcome.error });
  return { schedule: name, dueMs, ...outcome, removals: [] };
}

/** At once, whatever the time and whether or not it is enabled; its instants stay as they are. */
export function* scheduleRun(
  context: CommandContext,
  { name }: { readonly name: string },
): Step<ScheduleRun> {
  const [schedule] = chosenSchedules(context.state, name);
  const { nowMs: dueMs } = yield* performLocal("clock", {});
  const made = yield* create(context, schedule!, dueMs);
  return yield* succeeded(context, schedule!, { schedule: name, dueMs, snapshot: made });
}

function* succeeded(
  context: CommandContext,
  { name, volumes }: ScheduleDocument,
  made: Omit<ScheduleRun, "removals">,
): Step<ScheduleRun> {
  yield* event("SCHEDULE_RUN", { schedule: name, volumes: volumes.join(" ") });
  const [plan] = yield* schedulePrune(context, { name });
  return { ...made, removals: plan?.removals ?? [] };
}

/** The instant of a run that is to be begun again; its coordinator died, or it failed. */
function retryDue(
  { claimedMs, runningMs, attempts = 0, retryAtMs }: ScheduleDocument,
  nowMs: number,
): number | undefined {
  if (attempts > RETRY_AFTER_MS.length) return undefined;
  if (runningMs !== undefined) return runningMs;
  const delayMs = RETRY_AFTER_MS[attempts - 1];
  if (retryAtMs === undefined || delayMs === undefined) return undefined;
  // A clock that was set back makes nobody wait longer.
  return nowMs >= retryAtMs || retryAtMs - nowMs > delayMs ? claimedMs : undefined;
}

function madeAt(state: ClusterState, schedule: string, dueMs: number): string | undefined {
  for (const { document } of state.snapshots.values()) {
    const { scheduled } = document;
    if (scheduled?.schedule === schedule && scheduled.dueMs === dueMs) return document.name;
  }
  return undefined;
}

function* take(
  context: CommandContext,
  schedule: ScheduleDocument,
  dueMs: number,
): Step<{ snapshot?: string; error?: string }> {
  try {
    return { snapshot: yield* create(context, schedule, dueMs) };
  } catch (error) {
    const { message, details } = asFailure(error);
    context.details.push(...details);
    return { error: message };
  }
}

/** Stock's name for it: `Scheduled-JOB-VOLUME_GMT-…`. */
function* create(
  context: CommandContext,
  { name, volumes }: ScheduleDocument,
  dueMs: number,
): Step<string> {
  const [volume = "", ...others] = volumes;
  const created = yield* snapshotCreate(context, {
    name: `Scheduled-${name}-${volume}`,
    volume,
    volumes: others,
    scheduled: { schedule: name, dueMs },
  });
  return created.name;
}
