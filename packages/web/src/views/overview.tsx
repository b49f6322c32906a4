/** Health at a glance: four figures, what needs attention, and where everything is. */
import type { VolumeInfo, VolumeStatus } from "@mortar/api";
import { findingsOf, type Finding } from "../health.ts";
import { bytesText, countText, percentText } from "../format.ts";
import { NextStep } from "../parts/command-line.tsx";
import { Card, Empty, PageHead } from "../parts/frame.tsx";
import { Gauge } from "../parts/gauge.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { Note, Status } from "../parts/status.tsx";
import { poolFillsOf } from "../pool-fill.ts";
import { useResource } from "../resource.ts";
import { hashOf } from "../router.ts";
import { NodePicture } from "./node-picture.tsx";

const NO_POOLS: Parameters<typeof poolFillsOf>[0] = [];

/** What is wrong in the cluster; also counted beside the name of the place. */
export function useFindings(): readonly Finding[] {
  const peers = useResource("peerList").data;
  const volumes = useResource("volumeInfoAll").data;
  const statuses = useResource("volumeStatusAll", { query: { detail: true } }).data;
  const schedules = useResource("scheduleList").data;
  const snapshots = useResource("snapshotList").data;
  const pools = poolFillsOf(useResource("poolList", {}, { everyMs: 15_000 }).data ?? NO_POOLS);
  return findingsOf({
    peers, volumes, statuses, schedules, snapshots, pools, nowMs: Date.now(),
  });
}

export function Overview() {
  const peers = useResource("peerList");
  const findings = useFindings();
  const isKnown = peers.data !== undefined;
  const worst = findings[0]?.level ?? "ok";
  return (
    <>
      <PageHead title="Overview">
        {!isKnown ? null : (
          <Status level={worst}>
            {worst === "ok" ? "All is well" : `${countText(findings.length, "thing")} to look at`}
          </Status>
        )}
      </PageHead>
      <div class="stack">
        {peers.problem === undefined ? null : <ProblemNote problem={peers.problem} />}
        <Tiles />
        {!isKnown ? null : <Attention findings={findings} />}
        <NodePicture />
        <FullestPools />
      </div>
    </>
  );
}

function Attention({ findings }: { readonly findings: readonly Finding[] }) {
  if (findings.length === 0) {
    return (
      <Note level="ok">
        <strong>Nothing needs you</strong>
        <p>All nodes answer, all bricks of started volumes are served, no pool is short of room.</p>
      </Note>
    );
  }
  return (
    <section class="stack tight" aria-label="What needs attention">
      {findings.map(({ level, title, detail, nextStep, path }) => (
        <Note key={title} level={level}>
          <strong class="break">
            <span class="unseen">{level === "bad" ? "Danger: " : "Warning: "}</span>
            <a href={hashOf(path)}>{title}</a>
          </strong>
          <p class="break">{detail}</p>
          <NextStep text={nextStep} />
        </Note>
      ))}
    </section>
  );
}

function Tiles() {
  const peers = useResource("peerList").data;
  const volumes = useResource("volumeInfoAll").data;
  const statuses = useResource("volumeStatusAll", { query: { detail: true } }).data;
  const snapshots = useResource("snapshotList").data;
  const pools = poolFillsOf(useResource("poolList", {}, { everyMs: 15_000 }).data ?? NO_POOLS);
  const answering = peers?.filter(({ connected }) => connected).length;
  const bricks = brickCounts(volumes, statuses);
  const used = pools.reduce((sum, it) => sum + it.usedBytes, 0);
  const size = pools.reduce((sum, it) => sum + it.sizeBytes, 0);
  const started = volumes?.filter(({ status }) => status === "Started").length;
  const held = snapshots?.filter(({ holds, lock }) => holds !== undefined || lock !== undefined);
  return (
    <div class="tiles">
      <Tile
        label="Nodes" path={["nodes"]} figure={answering} of={peers?.length}
        isBad={answering !== peers?.length} below="answering"
      />
      <Tile
        label="Bricks" path={["nodes"]} figure={bricks?.online} of={bricks?.all}
        isBad={bricks !== undefined && bricks.online < bricks.all}
        below={started === undefined ? "" : `of ${countText(started, "started volume")}`}
      />
      <Tile
        label="Pools" path={["pools"]}
        figure={size === 0 ? undefined : percentText(used, size)}
        below={size === 0 ? "" : `${bytesText(size - used)} free of ${bytesText(size)}`}
      />
      <Tile
        label="Snapshots" path={["volumes"]} figure={snapshots?.length}
        below={held === undefined ? "" : `${held.length} held or locked`}
      />
    </div>
  );
}

interface TileProps {
  readonly label: string;
  readonly path: readonly string[];
  readonly figure: number | string | undefined;
  readonly of?: number | undefined;
  readonly isBad?: boolean;
  readonly below: string;
}

function Tile({ label, path, figure, of, isBad = false, below }: TileProps) {
  return (
    <a class="card tile" href={hashOf(path)}>
      <span class="label">{label}</span>
      <span class={`figure ${isBad ? "bad" : ""}`}>
        {figure ?? "–"}{of === undefined ? null : <small> / {of}</small>}
      </span>
      <span class="muted small">{isBad ? <Status level="bad">{below}</Status> : below}</span>
    </a>
  );
}

/** Of started volumes: others have no brick to be served. */
export function brickCounts(
  volumes: readonly VolumeInfo[] | undefined, statuses: readonly VolumeStatus[] | undefined,
): { online: number; all: number } | undefined {
  if (volumes === undefined || statuses === undefined) return undefined;
  const started = volumes.filter(({ status }) => status === "Started");
  const online = statuses
    .flatMap(({ processes }) => processes)
    .filter((it) => it.kind === "brick" && it.online).length;
  return { online, all: started.reduce((sum, { brickCount }) => sum + brickCount, 0) };
}

function FullestPools() {
  const answer = useResource("poolList", {}, { everyMs: 15_000 });
  const pools = poolFillsOf(answer.data ?? NO_POOLS)
    .toSorted((a, b) => b.usedBytes / b.sizeBytes - a.usedBytes / a.sizeBytes)
    .slice(0, 4);
  return (
    <Card title="Fullest pools" aside={<a href="#/pools">All pools</a>}>
      {pools.length === 0 ? <Empty>{answer.isLoading ? "Asking…" : "There is no thin pool."}</Empty> : (
        <div class="columns">
          {pools.map((it) => (
            <Gauge
              key={`${it.host}${it.name}`} label={`${it.name} on ${it.host}`}
              usedBytes={it.usedBytes} totalBytes={it.sizeBytes}
            />
          ))}
        </div>
      )}
    </Card>
  );
}
