/**
 * Which snapshots of a schedule stay: grandfather, father, son.
 *
 * Each frequency cuts time, in UTC, into buckets; the first snapshot of each of its newest N
 * buckets that have any stays. The first, because it never changes: what was let go is never
 * wanted later, and pruning twice is pruning once. The newest snapshot stays as well. An empty
 * policy keeps everything.
 */
export const frequencies = ["last", "hourly", "daily", "weekly", "monthly", "yearly"] as const;
export type Frequency = (typeof frequencies)[number];
/** How many of each; `last` counts snapshots, whatever their times. */
export type Retention = { readonly [F in Frequency]?: number };

export interface Kept {
  readonly name: string;
  readonly dueMs: number;
}

export interface PruneDecision {
  readonly name: string;
  readonly keep: boolean;
  /** `daily 2026-11-22`, `newest`; of one that goes: none. */
  readonly reasons: string[];
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** 1970-01-05 was a Monday. */
const MONDAY_MS = 4 * DAY_MS;

/** In the order of time, whatever the order given. */
export function planPrune(snapshots: readonly Kept[], keep: Retention): PruneDecision[] {
  const ordered = [...snapshots].sort((a, b) => a.dueMs - b.dueMs || (a.name < b.name ? -1 : 1));
  const reasons = new Map(ordered.map((it): [string, string[]] => [it.name, []]));
  if (frequencies.every((it) => keep[it] === undefined)) {
    for (const it of reasons.values()) it.push("the policy is empty");
  }
  const newest = ordered.at(-1);
  if (newest !== undefined) reasons.get(newest.name)!.push("newest");
  for (const frequency of frequencies) {
    const count = keep[frequency] ?? 0;
    if (count === 0) continue;
    const firsts = new Map<string, string>();
    for (const { name, dueMs } of ordered) {
      const bucket = frequency === "last" ? name : bucketOf(frequency, dueMs);
      if (!firsts.has(bucket)) firsts.set(bucket, name);
    }
    for (const [bucket, name] of [...firsts].slice(-count)) {
      reasons.get(name)!.push(`${frequency} ${bucket}`);
    }
  }
  return ordered.map(({ name }) => {
    const why = reasons.get(name)!;
    return { name, keep: why.length > 0, reasons: why };
  });
}

export function bucketOf(frequency: Exclude<Frequency, "last">, ms: number): string {
  const iso = (at: number) => new Date(at).toISOString();
  switch (frequency) {
    case "hourly":
      return `${iso(ms).slice(0, 13)}h`;
    case "daily":
      return iso(ms).slice(0, 10);
    case "weekly": {
      const week = Math.floor((ms - MONDAY_MS) / (7 * DAY_MS));
      return `from ${iso(week * 7 * DAY_MS + MONDAY_MS).slice(0, 10)}`;
    }
    case "monthly":
      return iso(ms).slice(0, 7);
    case "yearly":
      break;
  }
  return iso(ms).slice(0, 4);
}

const FREQUENCY_MAX = 100_000;

/** Undefined: valid. */
export function retentionDefect(keep: Retention): string | undefined {
  for (const [frequency, count] of Object.entries(keep)) {
    if (!(frequencies as readonly string[]).includes(frequency)) {
      return `${frequency} is not one of ${frequencies.join(", ")}.`;
    }
    if (!Number.isSafeInteger(count) || count < 1 || count > FREQUENCY_MAX) {
      return `Of ${frequency}, 1 to ${FREQUENCY_MAX} can be kept.`;
    }
  }
  return undefined;
}
