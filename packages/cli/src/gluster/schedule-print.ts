/** Schedules as text. */
import type { Schedule, SchedulePrunePlan, ScheduleRun, SnapshotRemoval } from "@mortar/api";
import { keepText } from "./schedule-settings.ts";
import { localText, utcText } from "./time-argument.ts";

export function schedulesText(schedules: readonly Schedule[]): string {
  if (schedules.length === 0) return "No schedules\n";
  return schedules.map(scheduleText).join("\n");
}

export function scheduleText(schedule: Schedule): string {
  const { name, volumes, cron, timeZone, jitterMs, keep, missed, snapshots, nextMs } = schedule;
  const jitter = jitterMs === 0 ? "" : `, up to ${jitterMs / 1000} s later`;
  const rows: [string, string][] = [
    ["Volumes", volumes.join(", ")],
    ["When", `${cron} (${timeZone})${jitter}`],
    ["Keeps", `${keepText(keep)}; there are ${snapshots}`],
    ["Missed runs", missed === "once" ? "made up for by one" : "skipped"],
    ...nextMs.map((ms, index): [string, string] => [
      index === 0 ? "Next" : "", `${utcText(ms)} = ${localText(ms, timeZone)}`,
    ]),
    ["Last", lastText(schedule)],
  ];
  const state = schedule.enabled ? "enabled" : "disabled";
  const lines = rows.map(([label, value]) => `  ${label.padEnd(11)} : ${value}\n`);
  return `${name} (${state})\n${lines.join("")}`;
}

function lastText({ lastRun, interrupted, retryAtMs }: Schedule): string {
  const under = interrupted ? "; one is under way, or was interrupted" : "";
  if (lastRun === undefined) return `never run${under}`;
  const { dueMs, snapshot, error } = lastRun;
  const again = retryAtMs === undefined ? "" : `; tried again at ${utcText(retryAtMs)}`;
  const outcome = error === undefined ? (snapshot ?? "") : `failed: ${error}${again}`;
  return `${utcText(dueMs)}: ${outcome}${under}`;
}

export function runText({ schedule, snapshot, removals }: ScheduleRun): string {
  return `Schedule ${schedule}: snapshot ${snapshot ?? ""}\n${removalsText(removals)}`;
}

export function pruneText(plans: readonly SchedulePrunePlan[], dryRun: boolean): string {
  if (plans.length === 0) return "No schedules\n";
  return plans.map((plan) => planText(plan, dryRun)).join("");
}

function planText({ schedule, decisions, removals }: SchedulePrunePlan, dryRun: boolean): string {
  if (!dryRun) {
    const nothing = removals.length === 0 ? "  nothing to remove\n" : "";
    return `Schedule ${schedule}\n${removalsText(removals)}${nothing}`;
  }
  const lines = decisions.map(({ name, keep, reasons }) =>
    `  ${keep ? "keeps  " : "removes"} ${name}${keep ? ` (${reasons.join(", ")})` : ""}\n`,
  );
  return `Schedule ${schedule}: dry run, nothing was changed\n${lines.join("")}`;
}

function removalsText(removals: readonly SnapshotRemoval[]): string {
  return removals
    .map(({ name, removed, opErrstr }) =>
      removed ? `  removed ${name}\n` : `  could not remove ${name}: ${opErrstr ?? ""}\n`)
    .join("");
}
