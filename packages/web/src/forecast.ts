/**
 * When a pool will be full, from what was measured of it. The slope is the median of the slopes of
 * all pairs of points (Theil and Sen): a night of deleting, or one large copy, moves it little.
 */

export interface Point {
  readonly atMs: number;
  readonly bytes: number;
}

export type Forecast =
  | { readonly kind: "unknown"; readonly why: string }
  | { readonly kind: "steady" }
  | { readonly kind: "filling"; readonly bytesPerDay: number; readonly fullAtMs: number };

const DAY_MS = 86_400_000;
/** Pairs are of the square of this. */
const POINTS_MAX = 200;
const SPAN_MS_MIN = 5 * 60_000;
const POINTS_MIN = 4;
/** Farther away than this is as good as never. */
const HORIZON_MS = 5 * 365 * DAY_MS;

export function forecastOf(points: readonly Point[], capacityBytes: number): Forecast {
  const used = thinned(points);
  const first = used[0];
  const last = used.at(-1);
  if (first === undefined || last === undefined || used.length < POINTS_MIN) {
    return { kind: "unknown", why: "not measured often enough yet" };
  }
  if (last.atMs - first.atMs < SPAN_MS_MIN) {
    return { kind: "unknown", why: "measured for less than five minutes" };
  }
  if (last.bytes >= capacityBytes) return { kind: "filling", bytesPerDay: 0, fullAtMs: last.atMs };
  const slope = medianSlope(used);
  const leftMs = (capacityBytes - last.bytes) / slope;
  if (!(slope > 0) || leftMs > HORIZON_MS) return { kind: "steady" };
  return { kind: "filling", bytesPerDay: slope * DAY_MS, fullAtMs: last.atMs + leftMs };
}

/** Bytes a millisecond. */
function medianSlope(points: readonly Point[]): number {
  const slopes: number[] = [];
  for (const [index, a] of points.entries()) {
    for (const b of points.slice(index + 1)) {
      if (b.atMs > a.atMs) slopes.push((b.bytes - a.bytes) / (b.atMs - a.atMs));
    }
  }
  slopes.sort((a, b) => a - b);
  const middle = slopes.length >> 1;
  if (slopes.length === 0) return 0;
  return slopes.length % 2 === 1
    ? slopes[middle]!
    : (slopes[middle - 1]! + slopes[middle]!) / 2;
}

/** Every nth, and the last. */
function thinned(points: readonly Point[]): readonly Point[] {
  const step = Math.ceil(points.length / POINTS_MAX);
  if (step <= 1) return points;
  return points.filter((_, index) => index % step === 0 || index === points.length - 1);
}
