/**
 * Times as `--select` takes them. What is left out on the right makes a range: "2026-11" is all of
 * November. Undefined for what is not a time.
 *
 *     2026-11-22 21:20:51 +01:00     each part may be left out from right to left
 *     @1795382451                    seconds since 1970
 *     today, yesterday, noon, midnight, monday, "2 weeks 3 days ago", "10 min ago"
 */

/** Seconds since 1970, both ends included. */
export interface TimeRange {
  readonly begin: number;
  readonly end: number;
}

const UNIT_SECONDS: Readonly<Record<string, number>> = {
  s: 1, sec: 1, secs: 1, second: 1, seconds: 1,
  m: 60, min: 60, mins: 60, minute: 60, minutes: 60,
  h: 3600, hr: 3600, hrs: 3600, hour: 3600, hours: 3600,
  d: 86_400, day: 86_400, days: 86_400,
  w: 604_800, week: 604_800, weeks: 604_800,
};

const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/** `now`: milliseconds since 1970. */
export function parseTime(text: string, now: number): TimeRange | undefined {
  const trimmed = text.trim().toLowerCase();
  const [, seconds] = /^@(\d{1,15})$/.exec(trimmed) ?? [];
  if (seconds !== undefined) return { begin: Number(seconds), end: Number(seconds) };
  return parseStandard(trimmed) ?? parseAgo(trimmed, now) ?? parseWord(trimmed, now);
}

const STANDARD =
  /^(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:\s+(\d{1,2})(?::(\d{2})(?::(\d{2}))?)?)?(?:\s*([+-]\d{2}):?(\d{2})?)?$/;

function parseStandard(text: string): TimeRange | undefined {
  const match = STANDARD.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, zoneHours, zoneMinutes] = match;
  if (hour !== undefined && day === undefined) return undefined;
  const given = [year, month, day, hour, minute, second].filter((part) => part !== undefined);
  const parts = given.map(Number);
  const begin = toSeconds(parts, zoneHours, zoneMinutes);
  if (begin === undefined) return undefined;
  const next = [...parts.slice(0, -1), (parts.at(-1) ?? 0) + 1];
  const after = toSeconds(next, zoneHours, zoneMinutes, true);
  return after === undefined ? undefined : { begin, end: after - 1 };
}

/** `overflow`: parts may be one too large, as the begin of what comes after a range is. */
function toSeconds(
  parts: readonly number[],
  zoneHours: string | undefined,
  zoneMinutes: string | undefined,
  overflow = false,
): number | undefined {
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts;
  const local = new Date(year, month - 1, day, hour, minute, second);
  const isExact =
    local.getFullYear() === year &&
    local.getMonth() === month - 1 &&
    local.getDate() === day &&
    hour < 24 && minute < 60 && second < 60;
  if (!isExact && !overflow) return undefined;
  if (zoneHours === undefined) return Math.floor(local.getTime() / 1000);
  const offset = Number(zoneHours) * 60 + Math.sign(Number(zoneHours)) * Number(zoneMinutes ?? 0);
  return Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - offset * 60;
}

/** "2 weeks 3 days ago": from that moment; years are counted on the calendar. */
function parseAgo(text: string, now: number): TimeRange | undefined {
  if (!/^(?:\d{1,6}\s*[a-z]+\s+)+ago$/.test(text)) return undefined;
  const date = new Date(now);
  let seconds = 0;
  for (const [, number, unit = ""] of text.matchAll(/(\d{1,6})\s*([a-z]+)/g)) {
    const count = Number(number);
    if (/^years?$/.test(unit)) date.setFullYear(date.getFullYear() - count);
    else if (/^months?$/.test(unit)) date.setMonth(date.getMonth() - count);
    else if (Object.hasOwn(UNIT_SECONDS, unit)) seconds += count * (UNIT_SECONDS[unit] ?? 0);
    else return undefined;
  }
  const moment = Math.floor(date.getTime() / 1000) - seconds;
  return { begin: moment, end: moment };
}

function parseWord(text: string, now: number): TimeRange | undefined {
  const today = new Date(now);
  const startOfDay = (daysBack: number) =>
    new Date(today.getFullYear(), today.getMonth(), today.getDate() - daysBack).getTime() / 1000;
  const whole = (daysBack: number) => ({
    begin: startOfDay(daysBack),
    end: startOfDay(daysBack - 1) - 1,
  });
  const at = (seconds: number) => ({ begin: seconds, end: seconds });
  if (text === "today") return whole(0);
  if (text === "yesterday") return whole(1);
  if (text === "midnight") return at(startOfDay(0));
  if (text === "noon") return at(startOfDay(0) + 12 * 3600);
  const weekday = WEEKDAYS.findIndex((name) => name === text || name.slice(0, 3) === text);
  if (weekday < 0) return undefined;
  return whole((today.getDay() - weekday + 7) % 7);
}
