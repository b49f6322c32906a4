/** Times and durations as people type them, and as they are shown. */
import { UsageError } from "./command.ts";

const unitsMs: Readonly<Record<string, number>> = {
  s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000, y: 365 * 86_400_000,
};

/** `90s`, `12h`, `30d`; milliseconds. Throws UsageError. */
export function durationMs(text: string): number {
  const [, count = "", unit = ""] = /^([0-9]{1,6})([smhdwy])$/.exec(text) ?? [];
  const unitMs = unitsMs[unit];
  if (unitMs !== undefined) return Number(count) * unitMs;
  throw new UsageError(`${text} is not a duration: 90s, 15m, 12h, 30d, 8w, 1y.`);
}

/** `2027-01-31`, `2027-01-31T06:00Z`, or a duration from now; UTC milliseconds. */
export function untilMs(text: string, nowMs: number): number {
  if (/^[0-9]+[a-z]$/.test(text)) return nowMs + durationMs(text);
  // A time without a zone would mean another instant on every machine.
  const isWhole = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  const ms = isWhole ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  throw new UsageError(`${text} is no time: 2027-01-31, 2027-01-31T06:00Z, or 30d from now.`);
}

/** `2026-11-22 16:02:49 UTC`. */
export function utcText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** `2026-11-22 17:02:49 Europe/Berlin`. */
export function localText(ms: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat("sv-SE", {
    timeZone, dateStyle: "short", timeStyle: "medium",
  });
  return `${parts.format(ms)} ${timeZone}`;
}

export function machineTimeZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}
