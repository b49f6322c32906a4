/** Pools, as health and gauges need them. */
import { forecastOf } from "./forecast.ts";
import type { PoolFill } from "./health.ts";
import type { Result } from "./routes.ts";

type Pools = Result<"poolList">;

/** A forecast is of all pairs of hundreds of points, and is asked for whenever something is drawn. */
const known = new WeakMap<Pools, PoolFill[]>();

export function poolFillsOf(pools: Pools): PoolFill[] {
  const fills = known.get(pools) ?? computed(pools);
  known.set(pools, fills);
  return fills;
}

function computed(pools: Pools): PoolFill[] {
  return pools.filter(({ sizeBytes }) => sizeBytes > 0).map((it) => ({
    host: it.host,
    name: `${it.vg}/${it.pool}`,
    state: it.state,
    usedBytes: it.usedBytes,
    sizeBytes: it.sizeBytes,
    metadataPercent: it.metadataPercent,
    forecast: forecastOf(it.history, it.sizeBytes),
  }));
}
