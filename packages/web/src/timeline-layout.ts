/**
 * Where snapshots stand on the line of time. Those that would stand on each other share a mark. The
 * height of a mark is the root of its exclusive bytes: the area tells what deleting would free.
 */

export interface TimelineItem {
  readonly name: string;
  readonly atMs: number;
  /** Absent: not known. */
  readonly exclusiveBytes?: number;
}

export interface TimelineMark {
  /** From the left edge. */
  readonly x: number;
  readonly height: number;
  /** In the order of time. */
  readonly names: readonly string[];
  readonly exclusiveBytes: number;
  readonly isKnown: boolean;
}

export interface TimelineTick {
  readonly x: number;
  readonly atMs: number;
  readonly text: string;
}

export interface TimelineScale {
  readonly fromMs: number;
  readonly toMs: number;
  readonly width: number;
}

const MARK_WIDTH = 14;
const HEIGHT_MIN = 6;
const TICK_SPACE = 96;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY,
  14 * DAY, 30 * DAY, 91 * DAY, 182 * DAY, 365 * DAY,
];

/** From the first snapshot to now, with room at both edges; a minute at least. */
export function scaleOf(
  items: readonly TimelineItem[], nowMs: number, width: number,
): TimelineScale {
  const first = items.reduce((least, { atMs }) => Math.min(least, atMs), nowMs - MINUTE);
  const room = (nowMs - first) * (MARK_WIDTH / Math.max(width - 2 * MARK_WIDTH, MARK_WIDTH));
  return { fromMs: first - room, toMs: nowMs + room, width };
}

export function xOf({ fromMs, toMs, width }: TimelineScale, atMs: number): number {
  return ((atMs - fromMs) / (toMs - fromMs)) * width;
}

export function marksOf(
  items: readonly TimelineItem[], scale: TimelineScale, heightMax: number,
): TimelineMark[] {
  const sorted = [...items].sort((a, b) => a.atMs - b.atMs);
  const groups: { x: number; members: TimelineItem[] }[] = [];
  for (const item of sorted) {
    const x = xOf(scale, item.atMs);
    const group = groups.at(-1);
    if (group !== undefined && x - group.x < MARK_WIDTH) group.members.push(item);
    else groups.push({ x, members: [item] });
  }
  const summed = groups.map(({ x, members }) => ({
    x,
    names: members.map(({ name }) => name),
    exclusiveBytes: members.reduce((sum, it) => sum + (it.exclusiveBytes ?? 0), 0),
    isKnown: members.every((it) => it.exclusiveBytes !== undefined),
  }));
  const most = summed.reduce((max, it) => Math.max(max, it.exclusiveBytes), 0);
  return summed.map((it) => {
    const share = most === 0 ? 0 : Math.sqrt(it.exclusiveBytes / most);
    return { ...it, height: HEIGHT_MIN + share * (heightMax - HEIGHT_MIN) };
  });
}

/** At whole hours and days of the reader's time zone. */
export function ticksOf(scale: TimelineScale, zoneOffsetMs: number): TimelineTick[] {
  const span = scale.toMs - scale.fromMs;
  const countMax = Math.max(1, Math.floor(scale.width / TICK_SPACE));
  const step = STEPS.find((it) => span / it <= countMax) ?? STEPS.at(-1)!;
  const ticks: TimelineTick[] = [];
  const first = Math.ceil((scale.fromMs + zoneOffsetMs) / step) * step - zoneOffsetMs;
  for (let atMs = first; atMs <= scale.toMs; atMs += step) {
    const iso = new Date(atMs + zoneOffsetMs).toISOString();
    const text = step >= DAY ? iso.slice(5, 10) : iso.slice(11, 16);
    // The first tick of a day, and of the line, says the day.
    const isDay = step < DAY && (ticks.length === 0 || iso.slice(11, 16) === "00:00");
    ticks.push({ atMs, x: xOf(scale, atMs), text: isDay ? `${iso.slice(5, 10)} ${text}` : text });
  }
  return ticks;
}
