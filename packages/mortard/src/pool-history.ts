/**
 * How pools filled up, as this node has seen it: what forecasts are made of.
 *
 * A point is taken every minute. Points of the last two hours stay as they are; older ones are
 * thinned to one in a quarter of an hour, and those of before a week go. That is some 800 points a
 * pool. They are written to a file now and then, so that a restart loses ten minutes at most; a
 * file that cannot be read is no history, and nothing worse.
 */
import { readFileSync } from "node:fs";
import type { Log } from "./log.ts";
import { writeDurably } from "./durable-file.ts";

export interface SeenPool {
  readonly host: string;
  readonly vg: string;
  readonly pool: string;
  readonly usedBytes: number;
}

export interface HistoryPoint {
  atMs: number;
  bytes: number;
}

export interface PoolHistoryOptions {
  readonly file: string;
  /** All pools as they are now. */
  readonly look: () => Promise<readonly SeenPool[]>;
  readonly nowMs: () => number;
  readonly log: Log;
}

const MINUTE_MS = 60_000;
const FINE_MS = 120 * MINUTE_MS;
const COARSE_STEP_MS = 15 * MINUTE_MS;
const KEPT_MS = 7 * 24 * 60 * MINUTE_MS;
const WRITE_EVERY = 10;
/** Points closer than this to the last one say nothing new. */
const APART_MS = 45_000;

export class PoolHistory {
  readonly #options: PoolHistoryOptions;
  readonly #points: Map<string, HistoryPoint[]>;
  #timer: NodeJS.Timeout | undefined;
  #taken = 0;

  constructor(options: PoolHistoryOptions) {
    this.#options = options;
    this.#points = read(options.file);
  }

  open(): void {
    this.#timer = setInterval(() => void this.#take(), MINUTE_MS);
    this.#timer.unref();
    void this.#take();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#write();
  }

  /** With what it holds now as the last point. */
  of(pool: SeenPool): HistoryPoint[] {
    const points = this.#points.get(keyOf(pool)) ?? [];
    return [...points, { atMs: this.#options.nowMs(), bytes: pool.usedBytes }];
  }

  note(pools: readonly SeenPool[]): void {
    const atMs = this.#options.nowMs();
    for (const pool of pools) {
      const key = keyOf(pool);
      const points = this.#points.get(key) ?? [];
      const last = points.at(-1);
      // A clock that was set back leaves points of the future.
      const before = points.filter((it) => it.atMs <= atMs);
      if (last !== undefined && Math.abs(atMs - last.atMs) < APART_MS) continue;
      before.push({ atMs, bytes: pool.usedBytes });
      this.#points.set(key, thinned(before, atMs));
    }
    for (const [key, points] of this.#points) {
      if (atMs - (points.at(-1)?.atMs ?? 0) > KEPT_MS) this.#points.delete(key);
    }
  }

  async #take(): Promise<void> {
    try {
      this.note(await this.#options.look());
      this.#taken += 1;
      if (this.#taken % WRITE_EVERY === 0) this.#write();
    } catch (error) {
      this.#options.log.debug({ err: error }, "pools were not looked at");
    }
  }

  #write(): void {
    try {
      writeDurably(this.#options.file, JSON.stringify(Object.fromEntries(this.#points)));
    } catch (error) {
      this.#options.log.warn({ err: error }, "the history of pools is not written");
    }
  }
}

/** The first point of each quarter of an hour. */
export function thinned(points: readonly HistoryPoint[], nowMs: number): HistoryPoint[] {
  let step = Number.NEGATIVE_INFINITY;
  return points.filter(({ atMs }) => {
    if (nowMs - atMs <= FINE_MS) return true;
    if (nowMs - atMs > KEPT_MS) return false;
    const own = Math.floor(atMs / COARSE_STEP_MS);
    if (own === step) return false;
    step = own;
    return true;
  });
}

function keyOf({ host, vg, pool }: SeenPool): string {
  return `${host} ${vg}/${pool}`;
}

function read(file: string): Map<string, HistoryPoint[]> {
  try {
    const told = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
    return new Map(Object.entries(told).map(([key, points]) => [key, checked(points)]));
  } catch {
    return new Map();
  }
}

function checked(points: unknown): HistoryPoint[] {
  if (!Array.isArray(points)) return [];
  return points.filter((it): it is HistoryPoint =>
    Number.isFinite(it?.atMs) && Number.isSafeInteger(it?.bytes) && it.bytes >= 0);
}
