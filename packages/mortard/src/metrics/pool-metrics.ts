/** Figures of this node's thin pools, and of the thin LVs that bricks and snapshots are on. */
import type { PoolReclaim, ReclaimableBody } from "@mortar/api";
import type { ClusterState, NodeEffect, PoolFacts, StorageFacts } from "@mortar/cluster";
import type { HistoryPoint, SeenPool } from "../pool-history.ts";
import type { MetricSet } from "./metric-set.ts";

const FORECAST_MS = 24 * 3600 * 1000;
const SPAN_MS_MIN = 10 * 60 * 1000;
/** Farther away is as good as never. */
const HORIZON_SECONDS = 366 * 24 * 3600;

export interface PoolSource {
  readonly uuid: string;
  readonly host: string;
  readonly perform: (effect: NodeEffect) => Promise<unknown>;
  readonly history: (pool: SeenPool) => readonly HistoryPoint[];
}

export interface PoolReading {
  readonly vg: string;
  readonly pool: string;
  readonly sizeBytes: number;
  readonly promisedBytes: number;
  /** Absent: it does not tell. */
  readonly facts?: PoolFacts;
}

/** All disks are looked at for it. Rejects when the node's groups cannot be read. */
export async function readPools(
  { uuid: node, perform }: Pick<PoolSource, "uuid" | "perform">,
): Promise<PoolReading[]> {
  const readings: PoolReading[] = [];
  const { groups } = (await perform({ kind: "inspectStorage", node })) as StorageFacts;
  for (const { name: vg, pools } of groups.filter((it) => !it.elsewhere)) {
    for (const { name: pool, sizeBytes, promisedBytes } of pools) {
      const asked = perform({ kind: "poolStatus", node, vg, pool });
      const facts = await asked.then((it) => ({ facts: it as PoolFacts }), () => ({}));
      readings.push({ vg, pool, sizeBytes, promisedBytes, ...facts });
    }
  }
  return readings;
}

export function poolMetrics(
  set: MetricSet, source: Pick<PoolSource, "host" | "history">, readings: readonly PoolReading[],
): void {
  for (const reading of readings) {
    const { vg, pool, sizeBytes, promisedBytes, facts } = reading;
    const labels = { vg, pool };
    set.gauge("mortar_pool_size_bytes", "What the pool can hold", sizeBytes, labels);
    set.gauge("mortar_pool_promised_bytes", "Sizes of its thin LVs", promisedBytes, labels);
    if (facts !== undefined) poolFigures(set, source, reading, facts);
  }
}

function poolFigures(
  set: MetricSet, source: Pick<PoolSource, "host" | "history">,
  { vg, pool, sizeBytes }: PoolReading, facts: PoolFacts,
): void {
  const labels = { vg, pool };
  const { state, dataPercent, metadataPercent } = facts;
  const isUsable = state === "ok" || state === "inactive";
  set.gauge("mortar_pool_ok", "0: full, read-only, failed, or to be checked", isUsable ? 1 : 0, labels);
  set.gauge("mortar_pool_state", "1: the pool is in this state", 1, { ...labels, state });
  if (state === "inactive") return;
  const usedBytes = facts.usedBytes ?? Math.round((sizeBytes * dataPercent) / 100);
  set.gauge("mortar_pool_used_bytes", "Chunks that something has data in", usedBytes, labels);
  set.gauge("mortar_pool_data_percent", "How full it is", dataPercent, labels);
  set.gauge("mortar_pool_metadata_percent", "How full its metadata is", metadataPercent, labels);
  const points = source.history({ host: source.host, vg, pool, usedBytes });
  set.gauge(
    "mortar_pool_full_seconds", "Until it is full, if it goes on as in the last day; absent: never",
    secondsToFull(points, sizeBytes), labels,
  );
}

/** By a line through the points of the last day; undefined: it does not fill up, or not foreseeably. */
export function secondsToFull(
  points: readonly HistoryPoint[], sizeBytes: number,
): number | undefined {
  const last = points.at(-1);
  if (last === undefined) return undefined;
  if (last.bytes >= sizeBytes) return 0;
  const recent = points.filter((it) => last.atMs - it.atMs <= FORECAST_MS);
  const first = recent[0];
  if (first === undefined || last.atMs - first.atMs < SPAN_MS_MIN) return undefined;
  const meanMs = recent.reduce((sum, it) => sum + (it.atMs - first.atMs), 0) / recent.length;
  const meanBytes = recent.reduce((sum, it) => sum + it.bytes, 0) / recent.length;
  let together = 0;
  let spread = 0;
  for (const { atMs, bytes } of recent) {
    const offMs = atMs - first.atMs - meanMs;
    together += offMs * (bytes - meanBytes);
    spread += offMs * offMs;
  }
  const bytesPerMs = together / spread;
  if (!(bytesPerMs > 0)) return undefined;
  const seconds = (sizeBytes - last.bytes) / bytesPerMs / 1000;
  return seconds > HORIZON_SECONDS ? undefined : seconds;
}

type Lv = ReclaimableBody["lvs"][number];

interface NamedLv extends Lv {
  readonly snapshot?: string;
}

/** Thin LVs of this node that bricks are on. */
export function thinLvsOf(state: ClusterState, node: string): NamedLv[] {
  const found: NamedLv[] = [];
  for (const { document } of state.volumes.values()) {
    for (const { node: of, thin } of document.bricks) {
      if (of === node && thin !== undefined) found.push({ vg: thin.vg, lv: thin.lv });
    }
  }
  for (const { document } of state.snapshots.values()) {
    for (const { node: of, thin } of document.volumes.flatMap((it) => it.bricks)) {
      if (of !== node || thin === undefined) continue;
      found.push({ vg: thin.vg, lv: thin.lv, snapshot: document.name });
    }
  }
  return found;
}

/** `reclaimable` is asked once a group; what a group does not tell is left out. */
export async function lvMetrics(
  set: MetricSet, lvs: readonly NamedLv[], reclaimable: (lvs: Lv[]) => Promise<readonly PoolReclaim[]>,
): Promise<void> {
  const exclusive = new Map<string, number>();
  for (const vg of new Set(lvs.map((it) => it.vg))) {
    const own = lvs.filter((it) => it.vg === vg);
    const pools = await reclaimable(own.map(({ lv }) => ({ vg, lv }))).catch(() => []);
    const spaces = new Map(pools.flatMap((pool) => pool.lvs).map((it) => [it.lv, it]));
    for (const { lv, snapshot } of own) {
      const space = spaces.get(lv);
      if (space === undefined) continue;
      const labels = { vg, lv };
      set.gauge("mortar_lv_mapped_bytes", "What the LV has of its pool", space.mappedBytes, labels);
      set.gauge(
        "mortar_lv_exclusive_bytes", "What removing this LV alone frees", space.exclusiveBytes, labels,
      );
      if (snapshot === undefined) continue;
      exclusive.set(snapshot, (exclusive.get(snapshot) ?? 0) + space.exclusiveBytes);
    }
  }
  for (const [snapshot, bytes] of exclusive) {
    set.gauge(
      "mortar_snapshot_exclusive_bytes", "What the snapshot alone holds, of this node's pools", bytes,
      { snapshot },
    );
  }
}
