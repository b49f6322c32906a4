/** Schedules: adding, changing, showing them, and the pruning of what they made. */
import type { Step } from "../command.ts";
import { readClusterTime } from "../nodes/cluster-clock.ts";
import { CommandFailure, errno } from "../failure.ts";
import { changeOf } from "../key-space.ts";
import { planPrune, type PruneDecision, retentionDefect } from "./retention.ts";
import type { SchedulePrunePlan, ScheduleReport, ScheduleSettings } from "./schedule-command.ts";
import type { ScheduleDocument } from "./schedule-document.ts";
import { cronOfRetention, defectOf, nextDue } from "./schedule-times.ts";
import { removeMany } from "../snapshots/snapshot-delete.ts";
import { findSnapshot, snapshotsInOrder } from "../snapshots/snapshot-find.ts";
import { whyKept } from "../snapshots/snapshot-keep.ts";
import { type ClusterState, SCHEMA, type SnapshotDocument } from "../state.ts";
import { commit, type CommandContext, event, performLocal } from "../steps.ts";
import { text } from "../stock-text.ts";

const NEXT_RUNS = 3;
/** With the names of volumes and the timestamp it becomes the name of snapshots. */
const NAME_MAX = 64;

export function* scheduleAdd(
  context: CommandContext,
  args: ScheduleSettings & { readonly name: string; readonly volumes: readonly string[] },
): Step<ScheduleReport> {
  const { name, volumes, keep = {}, timeZone = "UTC", jitterMs = 0, missed = "once" } = args;
  if (name.length > NAME_MAX || !/^[A-Za-z0-9_-]+$/.test(name)) {
    throw badArgument(`A schedule's name has 1 to ${NAME_MAX} letters, digits, "-" and "_".`);
  }
  if (context.state.schedules.has(name)) {
    const message = `The schedule ${name} exists already. Change it with "schedule edit".`;
    throw new CommandFailure("schedule-exists", errno.EINVAL, message);
  }
  const cron = args.cron ?? cronOfRetention(keep);
  if (cron === undefined) throw badArgument("Give a cron expression, or how many to keep.");
  const times = { cron, timeZone, jitterMs };
  const { nowMs } = yield* performLocal("clock", {});
  const schedule: ScheduleDocument = {
    schema: SCHEMA, name, volumes, ...times, keep, missed, enabled: true, claimedMs: nowMs,
  };
  return yield* store(context, schedule, nowMs);
}

/** Instants before the change are not run any more. */
export function* scheduleEdit(
  context: CommandContext,
  { name, ...settings }: ScheduleSettings & { readonly name: string },
): Step<ScheduleReport> {
  const present = findSchedule(context.state, name);
  const { nowMs } = yield* performLocal("clock", {});
  const { attempts: _, retryAtMs: _at, runningMs: _begun, ...rest } = present;
  return yield* store(context, { ...rest, ...settings, claimedMs: nowMs }, nowMs);
}

function* store(
  context: CommandContext,
  schedule: ScheduleDocument,
  nowMs: number,
): Step<ScheduleReport> {
  const defect = retentionDefect(schedule.keep) ?? defectOf(schedule);
  if (defect !== undefined) throw badArgument(defect);
  if (schedule.volumes.length === 0) throw badArgument("Give the volumes of the schedule.");
  for (const volume of schedule.volumes) {
    if (context.state.volumes.has(volume)) continue;
    const message = text.snapVolumeMissing(volume);
    throw new CommandFailure("volume-missing", errno.EG_NOVOL, message);
  }
  yield* commit(context, [changeOf.schedule(context.state, schedule)]);
  yield* event("SCHEDULE_CHANGED", { schedule: schedule.name });
  return reportOf(context.state, schedule, nowMs);
}

/** Its snapshots stay, and are nobody's to prune any more. */
export function* scheduleDelete(
  context: CommandContext,
  { name }: { readonly name: string },
): Step<{ name: string }> {
  findSchedule(context.state, name);
  yield* commit(context, [changeOf.scheduleGone(context.state, name)]);
  yield* event("SCHEDULE_DELETED", { schedule: name });
  return { name };
}

export function* scheduleSet(
  context: CommandContext,
  { name, enabled }: { readonly name?: string; readonly enabled: boolean },
): Step<ScheduleReport[]> {
  const { nowMs } = yield* performLocal("clock", {});
  const changed = chosenSchedules(context.state, name)
    .filter((it) => it.enabled !== enabled)
    // What was due while it was disabled was not missed.
    .map((it) => ({ ...it, enabled, claimedMs: enabled ? nowMs : it.claimedMs }));
  if (changed.length > 0) {
    yield* commit(context, changed.map((it) => changeOf.schedule(context.state, it)));
  }
  return chosenSchedules(context.state, name).map((it) => reportOf(context.state, it, nowMs));
}

export function* scheduleList(
  context: CommandContext,
  { name }: { readonly name?: string },
): Step<ScheduleReport[]> {
  const { nowMs } = yield* performLocal("clock", {});
  return chosenSchedules(context.state, name).map((it) => reportOf(context.state, it, nowMs));
}

function reportOf(state: ClusterState, schedule: ScheduleDocument, nowMs: number): ScheduleReport {
  const {
    schema: _schema, claimedMs, lastRun, volumes, attempts: _, runningMs, ...rest
  } = schedule;
  const nextMs = nextRuns(schedule, Math.max(nowMs, claimedMs), NEXT_RUNS);
  return {
    ...rest,
    volumes: [...volumes],
    nextMs: schedule.enabled ? nextMs : [],
    snapshots: madeBy(state, schedule.name).length,
    ...(lastRun === undefined ? {} : { lastRun }),
    interrupted: runningMs !== undefined,
  };
}

export function nextRuns(
  times: Parameters<typeof nextDue>[0], afterMs: number, count: number,
): number[] {
  const nextMs: number[] = [];
  for (let at: number | undefined = afterMs; nextMs.length < count; ) {
    at = nextDue(times, at);
    if (at === undefined) break;
    nextMs.push(at);
  }
  return nextMs;
}

export function* schedulePrune(
  context: CommandContext,
  { name, dryRun }: { readonly name?: string; readonly dryRun?: boolean },
): Step<SchedulePrunePlan[]> {
  const plans: SchedulePrunePlan[] = [];
  for (const schedule of chosenSchedules(context.state, name)) {
    const decisions = yield* decide(context, schedule);
    const doomed = decisions.filter((it) => !it.keep);
    const snapshots = doomed.map((it) => findSnapshot(context.state, it.name));
    const removals = dryRun === true ? [] : yield* removeMany(context, snapshots);
    plans.push({ schedule: schedule.name, decisions, removals });
  }
  return plans;
}

/** Of its own snapshots only; those that are held or locked stay beside what the policy keeps. */
export function* decide(
  context: CommandContext,
  schedule: Pick<ScheduleDocument, "name" | "keep">,
): Step<PruneDecision[]> {
  const clusterMs = yield* readClusterTime(context.state);
  const own = madeBy(context.state, schedule.name);
  const dated = own.map((it) => ({ name: it.name, dueMs: it.scheduled!.dueMs }));
  return planPrune(dated, schedule.keep).map((decision): PruneDecision => {
    const kept = whyKept(findSnapshot(context.state, decision.name), clusterMs);
    if (kept === undefined) return decision;
    return { ...decision, keep: true, reasons: [...decision.reasons, kept.detail] };
  });
}

export function madeBy(state: ClusterState, schedule: string): SnapshotDocument[] {
  return snapshotsInOrder(state, "user").filter(
    (it) => it.scheduled?.schedule === schedule && it.deletingSinceMs === undefined,
  );
}

export function chosenSchedules(state: ClusterState, name: string | undefined): ScheduleDocument[] {
  if (name !== undefined) return [findSchedule(state, name)];
  const all = [...state.schedules.values()].map((it) => it.document);
  return all.sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function findSchedule(state: ClusterState, name: string): ScheduleDocument {
  const found = state.schedules.get(name)?.document;
  if (found !== undefined) return found;
  const message = `There is no schedule ${name}. Those that there are: "snapshot schedule list".`;
  throw new CommandFailure("schedule-missing", errno.ENOENT, message);
}

function badArgument(message: string): CommandFailure {
  return new CommandFailure("bad-argument", errno.EINVAL, message);
}
