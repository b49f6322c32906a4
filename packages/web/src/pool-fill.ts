/** Pools, as health and gauges need them. */
import { forecastOf } from "./forecast.ts";
import type { PoolFill } from "./health.ts";
import type { Result } from "./routes.ts";

export function poolFillsOf(pools: Result<"poolList">): PoolFill[] {
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
