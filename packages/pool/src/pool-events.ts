/**
 * What happened to pools, for operators: RUN/events.jsonl, one JSON object a line, newest last.
 *
 * Every process appends whole lines with one write(2) each (O_APPEND), so lines of several pools do
 * not mix. Above EVENTS_BYTES_MAX the file becomes events.jsonl.1, in place of the last one of that
 * name: at most twice as much is kept. Two processes that do so at one time cost old lines at most.
 */
import { appendFileSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";

export type PoolEventKind =
  /** Fill passed the threshold, or another 5 % above it. */
  | "data-high"
  | "metadata-high"
  | "extended"
  | "extend-failed"
  /** Writes that need a new chunk wait. */
  | "full"
  /** They waited as long as they may: from now on they fail with ENOSPC. */
  | "full-timeout"
  | "not-full"
  | "needs-check"
  | "read-only"
  /** What was written since the last commit is in doubt. */
  | "flush-failed"
  | "backup-failed";

export type EventSeverity = "note" | "warning" | "error";

export interface PoolEvent {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly severity: EventSeverity;
  readonly kind: PoolEventKind;
  readonly vg: string;
  readonly pool: string;
  /** A sentence with the figures. */
  readonly message: string;
  /** What to type, where something is to be done. */
  readonly nextStep?: string;
}

const EVENTS_BYTES_MAX = 1024 * 1024;
const FILE = "events.jsonl";

/** Append to the events of a run directory (RUN). What cannot be written is lost, silently. */
export function appendPoolEvent(runDirectory: string, event: PoolEvent): void {
  const path = join(runDirectory, FILE);
  try {
    if (sizeOf(path) > EVENTS_BYTES_MAX) renameSync(path, `${path}.1`);
    appendFileSync(path, `${JSON.stringify(event)}\n`, { mode: 0o600 });
  } catch {
    // A full disk must not stop a pool; the log has the same sentence.
  }
}

/** The newest `countMax` events of a run directory, oldest first. Lines that are none are left out. */
export function readPoolEvents(runDirectory: string, countMax: number): PoolEvent[] {
  const path = join(runDirectory, FILE);
  const events = [`${path}.1`, path].flatMap((file) => eventsIn(file));
  return events.slice(Math.max(events.length - countMax, 0));
}

function eventsIn(path: string): PoolEvent[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return [];
  }
  return text.split("\n").flatMap((line) => {
    try {
      const event = JSON.parse(line) as PoolEvent | null;
      return typeof event?.kind === "string" && typeof event.message === "string" ? [event] : [];
    } catch {
      return [];
    }
  });
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
