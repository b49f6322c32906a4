/** Figures of the bricks of this node: their servers, their file systems, what was asked of them. */
import type {
  BrickHealIndex, BrickProcessStatus, BrickProfile, BrickRef, ClusterState, NodeEffect,
} from "@mortar/cluster";
import { isSelfHealDaemon } from "../bricks/self-heal-daemon.ts";
import type { BrickView } from "../bricks/supervisor.ts";
import type { Labels, MetricSet } from "./metric-set.ts";

export interface BrickSource {
  readonly uuid: string;
  readonly state: ClusterState;
  readonly servers: readonly Pick<BrickView, "spec" | "state" | "restarts">[];
  readonly perform: (effect: NodeEffect) => Promise<unknown>;
}

const COUNTS = "diagnostics.count-fop-hits";
/** Bricks are asked side by side, so many at a time. */
const ASKED_AT_ONCE = 8;
const MICROSECONDS = 1_000_000;
const LATENCY_POWERS = [6, 8, 10, 12, 14, 16, 18, 20, 22];

/** What mortard knows without asking. */
export function serverMetrics(set: MetricSet, { uuid, state, servers }: BrickSource): void {
  const known = new Map(servers.map((it) => [it.spec.path, it]));
  for (const { brick, isStarted } of bricksHere(state, uuid)) {
    if (!isStarted) continue;
    const labels = labelsOf(brick);
    const server = known.get(brick.path);
    const isUp = server?.state === "online" ? 1 : 0;
    set.gauge("mortar_brick_up", "1: the server of the brick runs", isUp, labels);
    set.counter(
      "mortar_brick_restarts_total", "How often mortard started its server again",
      server?.restarts ?? 0, labels,
    );
  }
  for (const { spec, state: of } of servers.filter((it) => isSelfHealDaemon(it.spec))) {
    const isUp = of === "online" ? 1 : 0;
    set.gauge("mortar_heal_daemon_up", "1: the self-heal daemon runs", isUp, { volume: spec.volume });
  }
}

/** A brick that does not answer is left out. */
export async function brickMetrics(set: MetricSet, source: BrickSource): Promise<void> {
  const all = bricksHere(source.state, source.uuid).filter((it) => it.isStarted);
  const asking = all.values();
  await Promise.all(Array.from({ length: ASKED_AT_ONCE }, async () => {
    for (const brick of asking) await askBrick(set, source, brick);
  }));
}

interface BrickHere {
  readonly brick: BrickRef;
  readonly isStarted: boolean;
  readonly isCounted: boolean;
  /** Siblings may have missed something, and the brick has it in its index. */
  readonly isHealed: boolean;
}

function bricksHere(state: ClusterState, node: string): BrickHere[] {
  return [...state.volumes.values()].flatMap(({ document: volume }) => {
    const { name, id, options, status, kind } = volume;
    const isCounted = options.some((it) => it.name === COUNTS && it.value === "on");
    return volume.bricks.filter((it) => it.node === node).map(({ host, path }) => ({
      brick: { volume: name, volumeId: id, host, path },
      isStarted: status === "Started", isCounted, isHealed: kind !== "distribute",
    }));
  });
}

async function askBrick(set: MetricSet, source: BrickSource, it: BrickHere): Promise<void> {
  const { brick } = it;
  const { uuid: node, perform } = source;
  const labels = labelsOf(brick);
  await left(async () => {
    const status = { kind: "brickStatus", node, brick, detail: true } as const;
    const { detail } = (await perform(status)) as BrickProcessStatus;
    set.gauge("mortar_brick_size_bytes", "Of its file system", detail?.totalBytes, labels);
    set.gauge("mortar_brick_free_bytes", "Of its file system", detail?.freeBytes, labels);
    set.gauge("mortar_brick_inodes", "Of its file system", detail?.inodeCount, labels);
    set.gauge("mortar_brick_inodes_free", "Of its file system", detail?.inodeFree, labels);
  });
  if (it.isHealed) {
    await left(async () => {
      const question = { kind: "healIndex", node, brick, entriesMax: 0 } as const;
      const { count } = (await perform(question)) as BrickHealIndex;
      set.gauge(
        "mortar_heal_pending", "Objects of which other bricks of the set have missed something",
        count, labels,
      );
    });
  }
  if (!it.isCounted) return;
  await left(async () => {
    const question = { kind: "askBrick", node, brick, question: "profile" } as const;
    profileMetrics(set, labels, (await perform(question)) as BrickProfile);
  });
}

function profileMetrics(set: MetricSet, labels: Labels, { cumulative }: BrickProfile): void {
  const { bytesRead, bytesWritten, fops } = cumulative;
  set.counter("mortar_brick_read_bytes_total", "While profiling is on", bytesRead, labels);
  set.counter("mortar_brick_written_bytes_total", "While profiling is on", bytesWritten, labels);
  for (const { name: fop, count, mean, most, latency } of fops) {
    const of = { ...labels, fop };
    set.counter("mortar_brick_fops_total", "Operations, while profiling is on", count, of);
    const total = (mean * count) / MICROSECONDS;
    set.counter("mortar_brick_fop_seconds_total", "Time that operations took together", total, of);
    set.gauge(
      "mortar_brick_fop_longest_seconds", "The longest operation since profiling is on",
      most / MICROSECONDS, of,
    );
    if (latency === undefined) continue;
    set.histogram(
      "mortar_brick_fop_latency_seconds", "How long operations took, while profiling is on",
      { upTo: upTo(latency), count, sum: total }, of,
    );
  }
}

/** Bucket n is of those below 2^n microseconds: bounds of 64 µs to 4 s, each four times the one before. */
function upTo(latency: readonly number[]): { bound: number; count: number }[] {
  return LATENCY_POWERS.map((power) => ({
    bound: 2 ** power / MICROSECONDS,
    count: latency.slice(0, power + 1).reduce((sum, it) => sum + it, 0),
  }));
}

/** What cannot be asked now has no figure. */
async function left(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch {
    // `mortar_brick_up` tells of the brick.
  }
}

function labelsOf({ volume, host, path }: BrickRef): Labels {
  return { volume, brick: `${host}:${path}` };
}
