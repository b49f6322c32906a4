/**
 * `/metrics`: what this node knows of itself, and of the cluster's state as it holds it. No other node
 * is asked: each is scraped by itself.
 *
 * Every scrape gathers anew, each source in a time of its own. One that takes longer is left out, and
 * `mortar_scrape_source_up` says so. Scrapes that come together share one answer. For figures of pools
 * all disks are looked at: they may be half a minute old, and some minutes while the disks are slow.
 */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { NodeStatus, Peer, PoolReclaim, ReclaimableBody, Task } from "@mortar/api";
import { eventKinds } from "@mortar/api";
import type { ClusterState, NodeEffect } from "@mortar/cluster";
import type { BrickView } from "../bricks/supervisor.ts";
import type { NodeEvents } from "../events/node-events.ts";
import type { PoolHistory } from "../pool-history.ts";
import { brickMetrics, serverMetrics } from "./brick-metrics.ts";
import { type MetricFormat, MetricSet } from "./metric-set.ts";
import { lvMetrics, poolMetrics, type PoolReading, readPools, thinLvsOf } from "./pool-metrics.ts";
import { stateMetrics } from "./state-metrics.ts";

export interface NodeMetricsOptions {
  readonly uuid: string;
  readonly status: () => NodeStatus;
  readonly state: () => ClusterState;
  readonly peers: () => readonly Peer[];
  readonly servers: () => readonly BrickView[];
  readonly events: Pick<NodeEvents, "log" | "feed" | "starts">;
  readonly history: Pick<PoolHistory, "of">;
  /** Effects of this node. */
  readonly perform: (effect: NodeEffect) => Promise<unknown>;
  readonly reclaimable: (lvs: ReclaimableBody["lvs"]) => Promise<readonly PoolReclaim[]>;
  /** Of the cluster. */
  readonly tasks: () => readonly Pick<Task, "state">[];
  /** Process of the member that runs here; undefined: none does. */
  readonly etcdPid: () => number | undefined;
  /** Default 5 s, below what Prometheus waits. */
  readonly limitMs?: number;
}

export type MetricsText = Awaited<ReturnType<MetricSet["text"]>>;

const LIMIT_MS = 5_000;
const POOLS_FRESH_MS = 30_000;
const POOLS_KNOWN_MS = 300_000;
/** Where more snapshots than this are, the figures of each are not gathered. */
const LVS_MAX = 4_000;

export class NodeMetrics {
  readonly #options: NodeMetricsOptions;
  #pools: { readonly atMs: number; readonly readings: readonly PoolReading[] } | undefined;
  #readingPools: Promise<void> | undefined;
  readonly #underWay = new Map<MetricFormat, Promise<MetricsText>>();

  constructor(options: NodeMetricsOptions) {
    this.#options = options;
  }

  async text(format: MetricFormat): Promise<MetricsText> {
    let scrape = this.#underWay.get(format);
    if (scrape === undefined) {
      scrape = this.#gather(format).finally(() => this.#underWay.delete(format));
      this.#underWay.set(format, scrape);
    }
    return await scrape;
  }

  async #gather(format: MetricFormat): Promise<MetricsText> {
    const { uuid, state, servers, perform, history, reclaimable } = this.#options;
    const set = new MetricSet(format);
    const bricks = { uuid, state: state(), servers: servers(), perform };
    const own = state().nodes.get(uuid)?.document;
    const host = own?.contact ?? own?.hostname ?? "";
    const lvs = thinLvsOf(state(), uuid);
    await Promise.all([
      this.#source(set, "node", async (it) => this.#node(it)),
      this.#source(set, "state", async (it) => {
        stateMetrics(it, state());
        serverMetrics(it, bricks);
      }),
      this.#source(set, "bricks", (it) => brickMetrics(it, bricks)),
      this.#source(set, "pools", async (it) => {
        poolMetrics(it, { host, history: (pool) => history.of(pool) }, await this.#poolsNow());
      }),
      ...(lvs.length > LVS_MAX
        ? []
        : [this.#source(set, "lvs", (it) => lvMetrics(it, lvs, async (of) => await reclaimable(of)))]),
    ]);
    return await set.text();
  }

  /** Rejects when they were not read for long. */
  async #poolsNow(): Promise<readonly PoolReading[]> {
    const { limitMs = LIMIT_MS } = this.#options;
    const ageMs = (): number => performance.now() - (this.#pools?.atMs ?? Number.NEGATIVE_INFINITY);
    if (ageMs() > POOLS_FRESH_MS) {
      this.#readingPools ??= this.#readPools().finally(() => {
        this.#readingPools = undefined;
      });
      const reading = this.#readingPools.catch(() => undefined);
      // There is time left to tell those that were known.
      await Promise.race([reading, sleep(limitMs * 0.8, undefined, { ref: false })]);
    }
    if (this.#pools === undefined || ageMs() > POOLS_KNOWN_MS) throw new Error("pools are not read");
    return this.#pools.readings;
  }

  async #readPools(): Promise<void> {
    const readings = await readPools(this.#options);
    this.#pools = { atMs: performance.now(), readings };
  }

  async #source(
    set: MetricSet, source: string, gather: (set: MetricSet) => Promise<void>,
  ): Promise<void> {
    const startMs = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), this.#options.limitMs ?? LIMIT_MS);
    });
    const done = gather(set).then(() => true, () => false);
    const isUp = await Promise.race([done, late]);
    clearTimeout(timer);
    const labels = { source };
    set.gauge("mortar_scrape_source_up", "0: these figures are missing", isUp ? 1 : 0, labels);
    const tookSeconds = (performance.now() - startMs) / 1000;
    set.gauge("mortar_scrape_source_seconds", "How long gathering took", tookSeconds, labels);
  }

  #node(set: MetricSet): void {
    const { status, peers, events } = this.#options;
    const { version, host, startedAt, glusterClients, clusterState } = status();
    set.gauge("mortar_info", "Which mortard answers", 1, { version, host });
    set.gauge("mortar_start_timestamp_seconds", "When mortard came up", startedAt);
    set.counter("mortar_starts_total", "How often mortard came up on this node", events.starts);
    set.gauge("process_resident_memory_bytes", "Of mortard", process.memoryUsage.rss());
    const { user, system } = process.cpuUsage();
    set.counter("process_cpu_seconds_total", "Of mortard", (user + system) / 1_000_000);
    set.gauge("mortar_gluster_clients", "Connections to the management port", glusterClients);
    const isWritable = clusterState?.writable === false ? 0 : 1;
    set.gauge("mortar_cluster_writable", "0: nothing can be changed: no majority", isWritable);
    for (const peer of peers().filter((it) => !it.self)) {
      const labels = { peer: peer.hostname };
      set.gauge("mortar_peer_connected", "1: the node answers", peer.connected ? 1 : 0, labels);
      const skew = peer.clockSkewMs === undefined ? undefined : peer.clockSkewMs / 1000;
      set.gauge("mortar_peer_clock_skew_seconds", "Its clock less ours", skew, labels);
    }
    for (const state of ["running", "failed", "interrupted"] as const) {
      const count = this.#options.tasks().filter((it) => it.state === state).length;
      set.gauge("mortar_tasks", "Of those that are kept, of all nodes", count, { state });
    }
    const etcdPid = this.#options.etcdPid();
    set.gauge("mortar_etcd_member_up", "1: a member of etcd runs here", etcdPid === undefined ? 0 : 1);
    set.gauge("mortar_etcd_resident_memory_bytes", "Of that member", residentBytes(etcdPid));
    set.gauge("mortar_event_streams", "Who follows the events now", events.feed.readers);
    for (const [kind, { severity }] of Object.entries(eventKinds)) {
      const count = events.log.counts.get(kind) ?? 0;
      set.counter("mortar_events_total", "Events since mortard came up", count, { kind, severity });
    }
  }
}

/** Undefined: there is no such process. */
function residentBytes(pid: number | undefined): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid ?? 0}/status`, "latin1");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1]) * 1024;
  } catch {
    return undefined;
  }
}
