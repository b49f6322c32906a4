/** Thin pools: how full, how they came to it, and when there is no room any more. */
import { agoText, bytesText, countText, timeText } from "../format.ts";
import { type Forecast, forecastOf } from "../forecast.ts";
import { Card, Empty, Loaded, PageHead } from "../parts/frame.tsx";
import { Gauge, PercentGauge } from "../parts/gauge.tsx";
import { CommandLine } from "../parts/command-line.tsx";
import { HistoryChart } from "../parts/history-chart.tsx";
import { Status } from "../parts/status.tsx";
import { useResource } from "../resource.ts";
import type { Result } from "../routes.ts";

type Pool = Result<"poolList">[number];

const DAY_MS = 86_400_000;

export function Pools() {
  const pools = useResource("poolList", {}, { everyMs: 15_000 });
  return (
    <>
      <PageHead title="Pools">
        {pools.data === undefined ? null : (
          <span class="muted">{countText(pools.data.length, "thin pool")}</span>
        )}
      </PageHead>
      <div class="stack">
        <Loaded of={pools}>
          {(all) => all.length === 0
            ? <Card title="No pool"><Empty>No node has an active thin pool.</Empty></Card>
            : (
              <div class="pool-grid">
                {all.map((it) => <PoolCard key={`${it.host} ${it.vg}/${it.pool}`} pool={it} />)}
              </div>
            )}
        </Loaded>
      </div>
    </>
  );
}

function PoolCard({ pool }: { readonly pool: Pool }) {
  const { host, vg, usedBytes, sizeBytes, history } = pool;
  const name = `${vg}/${pool.pool}`;
  const forecast = forecastOf(history, sizeBytes);
  const isShort = usedBytes / sizeBytes >= 0.8;
  return (
    <Card title={`${name} on ${host}`} class="pool-card" aside={<ForecastText of={forecast} />}>
      <Gauge label="Data" usedBytes={usedBytes} totalBytes={sizeBytes} />
      <PercentGauge label="Metadata" percent={pool.metadataPercent} />
      <HistoryChart
        label={`Bytes used in ${name} on ${host}`} points={history} capacityBytes={sizeBytes}
        forecast={forecast}
      />
      <dl class="facts small">
        {pool.state === "ok" ? null : <><dt>State</dt><dd class="bad">{pool.state}</dd></>}
        <dt>Free</dt><dd>{bytesText(sizeBytes - usedBytes)}</dd>
        {forecast.kind !== "filling" ? null : (
          <>
            <dt>Grows by</dt><dd>{bytesText(forecast.bytesPerDay)} a day</dd>
            <dt>Full at</dt><dd>{timeText(forecast.fullAtMs)}, if it goes on like this</dd>
          </>
        )}
      </dl>
      {!isShort ? null : (
        <div class="stack tight">
          <span class="small">Delete snapshots, or give it more room:</span>
          <CommandLine text={`lvextend -L +10G ${name}`} />
        </div>
      )}
    </Card>
  );
}

function ForecastText({ of }: { readonly of: Forecast }) {
  if (of.kind === "unknown") return <span class="muted small">No forecast: {of.why}</span>;
  if (of.kind === "steady") return <Status level="ok">Not filling up</Status>;
  const leftMs = of.fullAtMs - Date.now();
  if (leftMs <= 0) return <Status level="bad">Full</Status>;
  return (
    <Status level={leftMs < DAY_MS ? "bad" : leftMs < 14 * DAY_MS ? "warn" : "ok"}>
      Full {agoText(of.fullAtMs, Date.now())}
    </Status>
  );
}
