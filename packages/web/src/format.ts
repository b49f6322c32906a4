/** Numbers and times as people read them. Sizes are binary, as LVM's and GlusterFS's tools print. */

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] as const;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

/** Three digits at the most: `1.5 GiB`, `15.2 MiB`, `700 KiB`. */
export function bytesText(bytes: number): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  // What would be rounded to 1000 and more is written in the next unit.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  const number = digits === 0 ? value.toFixed(0) : value.toFixed(digits).replace(/\.?0+$/, "");
  return `${number} ${UNITS[unit]}`;
}

/** Never 100 % of what is not full, nor 0 % of what is not empty. */
export function percentText(part: number, whole: number): string {
  if (whole <= 0) return "–";
  const percent = (100 * part) / whole;
  if (percent > 0 && percent < 1) return "< 1 %";
  if (percent > 99 && percent < 100) return "> 99 %";
  return `${Math.round(percent)} %`;
}

/** The two largest units: `3 d 4 h`, `2 min`, `450 ms`. */
export function durationText(ms: number): string {
  if (ms < SECOND) return `${Math.round(ms)} ms`;
  if (ms < MINUTE) return `${Math.round(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.round(ms / MINUTE)} min`;
  if (ms < DAY) return pair(ms, HOUR, "h", MINUTE, "min");
  if (ms < YEAR) return ms >= 30 * DAY ? `${Math.round(ms / DAY)} d` : pair(ms, DAY, "d", HOUR, "h");
  return `${Math.round(ms / YEAR)} y`;
}

function pair(ms: number, large: number, largeName: string, small: number, name: string): string {
  const smallCount = Math.round(ms / small);
  const perLarge = large / small;
  const rest = smallCount % perLarge;
  const head = `${Math.floor(smallCount / perLarge)} ${largeName}`;
  return rest === 0 ? head : `${head} ${rest} ${name}`;
}

export function agoText(atMs: number, nowMs: number): string {
  const difference = nowMs - atMs;
  if (Math.abs(difference) < 5 * SECOND) return "now";
  const text = durationText(Math.abs(difference));
  return difference >= 0 ? `${text} ago` : `in ${text}`;
}

const stamp = new Intl.DateTimeFormat("sv-SE", {
  year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
  second: "2-digit",
});

/** In the reader's time zone, in the order in which it sorts: `2026-11-23 03:14:07`. */
export function timeText(ms: number): string {
  return stamp.format(ms);
}

const whole = new Intl.NumberFormat("en");

export function countText(count: number, one: string, many = `${one}s`): string {
  return `${whole.format(count)} ${count === 1 ? one : many}`;
}

/** What the schedule's timestamp adds to a name says nothing that the time beside it does not. */
export function shortName(name: string): string {
  return name.replace(/_GMT-\d{4}\.\d\d\.\d\d-\d\d\.\d\d\.\d\d$/, "");
}
