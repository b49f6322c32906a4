/**
 * When a schedule is due.
 *
 * Instants are UTC milliseconds. The cron expression is read in the schedule's time zone: a local
 * time that daylight saving leaves out is due at the moment after the gap, one that it repeats is
 * due once. Jitter is a delay that depends on the schedule and the instant alone, so that every
 * node computes the same.
 */
import { Cron } from "croner";
import type { Frequency, Retention } from "./retention.ts";

export interface ScheduleTimes {
  /** Five fields, or six with seconds first. */
  readonly cron: string;
  /** IANA name, `Europe/Berlin`. */
  readonly timeZone: string;
  /** Runs are delayed by less than this. */
  readonly jitterMs: number;
}

/** Newest first, the frequency that decides how often snapshots are made. */
const cronOf: readonly (readonly [Frequency, string])[] = [
  ["hourly", "0 * * * *"],
  ["daily", "0 0 * * *"],
  ["weekly", "0 0 * * 0"],
  ["monthly", "0 0 1 * *"],
  ["yearly", "0 0 1 1 *"],
];

/** What a policy implies when no expression is given; undefined: it implies none. */
export function cronOfRetention(keep: Retention): string | undefined {
  return cronOf.find(([frequency]) => keep[frequency] !== undefined)?.[1];
}

/** Undefined: valid. Otherwise what is wrong. */
export function defectOf(times: ScheduleTimes): string | undefined {
  if (!Number.isSafeInteger(times.jitterMs) || times.jitterMs < 0) {
    return "The jitter is not a whole number of milliseconds.";
  }
  try {
    return nextDue(times, 0) === undefined ? "The schedule is never due." : undefined;
  } catch (error) {
    return `The schedule is not valid: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** The first instant after this one. */
export function nextDue(times: ScheduleTimes, afterMs: number): number | undefined {
  return cron(times).nextRun(new Date(afterMs))?.getTime();
}

/**
 * The newest instant after `claimedMs` whose delay is over at `nowMs`. Those between are missed
 * runs: one run stands for all of them.
 */
export function dueNow(
  name: string,
  times: ScheduleTimes,
  at: { readonly claimedMs: number; readonly nowMs: number },
): number | undefined {
  const pattern = cron(times);
  // Instants that may still wait for their delay, then the newest that cannot.
  let next = pattern.nextRun(new Date(Math.max(at.claimedMs, newestSurely(pattern, times, at))));
  let due: number | undefined;
  while (next !== null && next.getTime() <= at.nowMs) {
    const ms = next.getTime();
    if (ms > at.claimedMs && ms + jitterOf(name, ms, times.jitterMs) <= at.nowMs) due = ms;
    next = pattern.nextRun(next);
  }
  return due;
}

/** Just before the newest instant whose delay is over for certain. */
function newestSurely(pattern: Cron, { jitterMs }: ScheduleTimes, at: { nowMs: number }): number {
  // A reference is itself left out, hence the second later; what is too new is sorted out above.
  const reference = new Date(at.nowMs - jitterMs + 1000);
  const [newest] = pattern.previousRuns(1, reference);
  const [before] = pattern.previousRuns(2, reference).slice(1);
  return (before ?? newest)?.getTime() ?? Number.NEGATIVE_INFINITY;
}

export function jitterOf(name: string, dueMs: number, jitterMs: number): number {
  if (jitterMs === 0) return 0;
  let hash = 0x811c9dc5;
  for (const character of `${name}@${dueMs}`) {
    hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  }
  return (hash >>> 0) % jitterMs;
}

const parsed = new Map<string, Cron>();
const PARSED_MAX = 256;

function cron({ cron: expression, timeZone }: ScheduleTimes): Cron {
  const key = `${timeZone} ${expression}`;
  const known = parsed.get(key);
  if (known !== undefined) return known;
  if (parsed.size >= PARSED_MAX) parsed.clear();
  const made = new Cron(expression, { timezone: timeZone, paused: true });
  parsed.set(key, made);
  return made;
}
