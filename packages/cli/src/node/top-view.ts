/** What `mortar top` shows: two readings of the counters and what lies between them, as text. Pure. */
import type { PoolUse, VolumeProfile } from "@mortar/api";
import { table } from "../table.ts";

/** What was read at one moment. */
export interface TopReading {
  readonly atMs: number;
  readonly pools: readonly PoolUse[];
  /** Of volumes whose operations are counted. */
  readonly profiles: readonly VolumeProfile[];
  /** Started volumes whose operations nobody counts. */
  readonly uncounted: readonly string[];
}

export interface TopBrick {
  readonly volume: string;
  readonly brick: string;
  readonly operationsPerSecond: number;
  readonly readBytesPerSecond: number;
  readonly writtenBytesPerSecond: number;
  readonly meanMicroseconds: number;
}

export interface TopOperation {
  readonly fop: string;
  readonly perSecond: number;
  readonly meanMicroseconds: number;
}

export interface TopPool {
  readonly host: string;
  readonly pool: string;
  readonly state: string;
  readonly dataPercent: number;
  readonly metadataPercent: number;
  readonly usedBytes: number;
  readonly sizeBytes: number;
  readonly growthBytesPerSecond: number;
}

/** The names of `--once --json`. */
export interface TopView {
  readonly atMs: number;
  readonly seconds: number;
  readonly pools: readonly TopPool[];
  /** The busiest first. */
  readonly bricks: readonly TopBrick[];
  readonly operations: readonly TopOperation[];
  readonly uncounted: readonly string[];
}

interface Counts {
  readonly volume: string;
  readonly brick: string;
  readonly read: number;
  readonly written: number;
  /** Of each operation: how many, and microseconds together. */
  readonly fops: ReadonlyMap<string, { readonly count: number; readonly total: number }>;
}

export function topView(before: TopReading, now: TopReading): TopView {
  const seconds = Math.max((now.atMs - before.atMs) / 1000, 0.001);
  const earlier = new Map(countsOf(before).map((it) => [`${it.volume} ${it.brick}`, it]));
  const operations = new Map<string, { count: number; total: number }>();
  const bricks = countsOf(now).map((it): TopBrick => {
    const last = earlier.get(`${it.volume} ${it.brick}`);
    let [count, total] = [0, 0];
    for (const [fop, have] of it.fops) {
      const had = last?.fops.get(fop) ?? { count: 0, total: 0 };
      // A brick that was started again counts from its beginning.
      const made = last === undefined ? 0 : Math.max(have.count - had.count, 0);
      const took = made === 0 ? 0 : Math.max(have.total - had.total, 0);
      const sum = operations.get(fop) ?? { count: 0, total: 0 };
      operations.set(fop, { count: sum.count + made, total: sum.total + took });
      count += made;
      total += took;
    }
    const rate = (have: number, had: number | undefined): number =>
      had === undefined ? 0 : Math.max(have - had, 0) / seconds;
    return {
      volume: it.volume, brick: it.brick, operationsPerSecond: count / seconds,
      readBytesPerSecond: rate(it.read, last?.read),
      writtenBytesPerSecond: rate(it.written, last?.written),
      meanMicroseconds: count === 0 ? 0 : total / count,
    };
  });
  return {
    atMs: now.atMs, seconds, uncounted: now.uncounted,
    pools: now.pools.map((pool) => poolRow(pool, before, seconds)),
    bricks: bricks.toSorted((one, other) => other.operationsPerSecond - one.operationsPerSecond),
    operations: [...operations]
      .filter(([, { count }]) => count > 0)
      .map(([fop, { count, total }]) => ({ fop, perSecond: count / seconds, meanMicroseconds: total / count }))
      .toSorted((one, other) => other.perSecond - one.perSecond),
  };
}

function countsOf({ profiles }: TopReading): Counts[] {
  return profiles.flatMap(({ name: volume, bricks }) => bricks.flatMap(({ host, path, profile }) => {
    if (profile === undefined) return [];
    const { bytesRead: read, bytesWritten: written, fops } = profile.cumulative;
    const counted = fops.map((it) => [it.name, { count: it.count, total: it.count * it.mean }] as const);
    return [{ volume, brick: `${host}:${path}`, read, written, fops: new Map(counted) }];
  }));
}

function poolRow(pool: PoolUse, before: TopReading, seconds: number): TopPool {
  const { host, vg, pool: name, state, usedBytes, sizeBytes, metadataPercent } = pool;
  const last = before.pools.find((it) => it.host === host && it.vg === vg && it.pool === name);
  return {
    host, pool: `${vg}/${name}`, state, metadataPercent, usedBytes, sizeBytes,
    dataPercent: sizeBytes === 0 ? 0 : (usedBytes / sizeBytes) * 100,
    growthBytesPerSecond: last === undefined ? 0 : (usedBytes - last.usedBytes) / seconds,
  };
}

export function topText({ atMs, pools, bricks, operations, uncounted }: TopView): string {
  const parts = [`mortar top  ${new Date(atMs).toISOString().slice(0, 19).replace("T", " ")} UTC\n`];
  if (pools.length > 0) {
    const rows = pools.map((it) => [
      it.host, it.pool, it.state, `${it.dataPercent.toFixed(2)}%`, `${it.metadataPercent.toFixed(2)}%`,
      `${it.growthBytesPerSecond < 0 ? "-" : "+"}${perSecond(Math.abs(it.growthBytesPerSecond))}`,
    ]);
    parts.push(table([["NODE", "POOL", "STATE", "DATA", "METADATA", "GROWS"], ...rows]));
  }
  if (bricks.length > 0) {
    const rows = bricks.map((it) => [
      it.volume, it.brick, it.operationsPerSecond.toFixed(0), perSecond(it.readBytesPerSecond),
      perSecond(it.writtenBytesPerSecond), duration(it.meanMicroseconds),
    ]);
    parts.push(table([["VOLUME", "BRICK", "OPS/S", "READ", "WRITTEN", "MEAN"], ...rows]));
  }
  if (operations.length > 0) {
    const rows = operations.map((it) => [it.fop, it.perSecond.toFixed(0), duration(it.meanMicroseconds)]);
    parts.push(table([["OPERATION", "OPS/S", "MEAN"], ...rows]));
  }
  for (const volume of uncounted) {
    parts.push(`Operations of ${volume} are not counted. Next: mortar volume profile ${volume} start\n`);
  }
  return parts.join("\n");
}

function perSecond(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1);
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}/s`;
}

function duration(microseconds: number): string {
  return microseconds < 1000 ? `${microseconds.toFixed(0)} us` : `${(microseconds / 1000).toFixed(1)} ms`;
}
