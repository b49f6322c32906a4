// What a scrape answers: both formats, in time, with what can be told although something hangs.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import type { ClusterState, NodeEffect } from "@mortar/cluster";
import { NodeMetrics, type NodeMetricsOptions } from "./node-metrics.ts";
import { secondsToFull } from "./pool-metrics.ts";

const uuid = "aa";
const brick = { id: "v-client-0", node: uuid, host: "h", path: '/b "1"', thin: { vg: "vg0", lv: "b" } };
const volume = {
  name: "v", id: "1", kind: "replicate", status: "Started", bricks: [brick],
  options: [{ name: "diagnostics.count-fop-hits", value: "on" }],
};
const snapshot = {
  name: "s", kind: "user", createdAtMs: 5_000, pauseMs: 40,
  scheduled: { schedule: "hourly", dueMs: 4_000 },
  volumes: [{ originId: "1", bricks: [{ ...brick, thin: { vg: "vg0", lv: "s" } }] }],
};
const schedule = { name: "hourly", enabled: true, lastRun: { dueMs: 9_000, error: "no" } };

function state(): ClusterState {
  const documents = (...of: readonly { readonly name: string }[]) =>
    new Map(of.map((document) => [document.name, { document, revision: 1 }]));
  return {
    nodes: new Map([[uuid, { document: { uuid, hostname: "h" }, revision: 1 }]]),
    volumes: documents(volume), snapshots: documents(snapshot), schedules: documents(schedule),
    intents: new Map(),
  } as unknown as ClusterState;
}

function optionsOf(change: Partial<NodeMetricsOptions> = {}): NodeMetricsOptions {
  const book = {
    bytesRead: 7, bytesWritten: 8, duration: 1, readSizes: [], writeSizes: [],
    fops: [{
      name: "READ", count: 4, least: 1, mean: 500_000, most: 1_000_000,
      // Three below 1,024 µs, one below 2^20.
      latency: Array.from({ length: 28 }, (_, bucket) => (bucket === 10 ? 3 : bucket === 20 ? 1 : 0)),
    }],
  };
  const answers: Partial<Record<NodeEffect["kind"], object>> = {
    inspectStorage: {
      groups: [{ name: "vg0", elsewhere: false, pools: [{ name: "p", sizeBytes: 100, promisedBytes: 300 }] }],
    },
    poolStatus: { state: "ok", dataPercent: 50, metadataPercent: 2 },
    brickStatus: { running: true, detail: { totalBytes: 10, freeBytes: 4, inodeCount: 3, inodeFree: 2 } },
    healIndex: { count: 3 },
    askBrick: { cumulative: book, interval: book, intervalNumber: 0 },
  };
  return {
    uuid, state,
    status: () => ({ version: "1", host: "h", startedAt: 1, glusterClients: 2 }) as never,
    peers: () => [{
      uuid: "bb", hostname: "h2", self: false, connected: false, clockSkewMs: -500, state: 3, stateName: "",
    }],
    servers: () => [{ spec: { path: brick.path, volfileId: "v" }, state: "online", restarts: 2 }] as never,
    events: { log: { counts: new Map([["brick-down", 2]]) }, feed: { readers: 1 }, starts: 3 } as never,
    history: { of: () => [{ atMs: 0, bytes: 0 }, { atMs: 1_000_000, bytes: 50 }] },
    perform: async ({ kind }) => answers[kind],
    tasks: () => [{ state: "running" }, { state: "done" }], etcdPid: () => process.pid,
    reclaimable: async (lvs) => [{
      vg: "vg0", pool: "p", freedBytes: 0,
      lvs: lvs.map(({ lv }) => ({ lv, deviceId: 1, mappedBytes: 6, exclusiveBytes: 2, sharedBytes: 4 })),
    }] as never,
    ...change,
  };
}

const expected = [
  'mortar_volume_snapshots{volume="v"} 1',
  'mortar_volume_last_snapshot_pause_seconds{volume="v"} 0.04',
  'mortar_schedule_last_success_timestamp_seconds{schedule="hourly"} 5',
  'mortar_schedule_last_run_failed{schedule="hourly"} 1',
  'mortar_brick_up{volume="v",brick="h:/b \\"1\\""} 1',
  'mortar_brick_restarts_total{volume="v",brick="h:/b \\"1\\""} 2',
  'mortar_brick_fop_seconds_total{volume="v",brick="h:/b \\"1\\"",fop="READ"} 2',
  'mortar_brick_fop_latency_seconds_bucket{volume="v",brick="h:/b \\"1\\"",fop="READ",le="0.001024"} 3',
  'mortar_brick_fop_latency_seconds_bucket{volume="v",brick="h:/b \\"1\\"",fop="READ",le="1.048576"} 4',
  'mortar_brick_fop_latency_seconds_bucket{volume="v",brick="h:/b \\"1\\"",fop="READ",le="+Inf"} 4',
  'mortar_heal_pending{volume="v",brick="h:/b \\"1\\""} 3',
  'mortar_pool_used_bytes{vg="vg0",pool="p"} 50',
  'mortar_pool_full_seconds{vg="vg0",pool="p"} 1000',
  'mortar_snapshot_exclusive_bytes{snapshot="s"} 2',
  'mortar_peer_connected{peer="h2"} 0',
  'mortar_tasks{state="running"} 1',
  "mortar_etcd_member_up 1",
  'mortar_events_total{kind="brick-down",severity="error"} 2',
];

test("everything is told in both formats, and promtool has nothing against it", async () => {
  const metrics = new NodeMetrics(optionsOf());
  const open = await metrics.text("openMetrics");
  assert.match(open.contentType, /openmetrics/);
  assert.ok(open.text.endsWith("# EOF\n"));
  const plain = await metrics.text("prometheus");
  for (const line of expected) {
    assert.ok(open.text.includes(`${line}\n`), line);
    assert.ok(plain.text.includes(`${line}\n`), line);
  }
  const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], {
    input: plain.text, encoding: "utf8",
  });
  assert.equal(status, 0, stdout + stderr);
});

test("a disk that hangs keeps nobody from the other figures, and is said to be missing", async () => {
  const hangs: Promise<never> = new Promise(() => undefined);
  let asked = 0;
  const perform = (): Promise<never> => {
    asked += 1;
    return hangs;
  };
  const metrics = new NodeMetrics(optionsOf({ limitMs: 50, perform }));
  const [{ text }] = await Promise.all([metrics.text("openMetrics"), metrics.text("openMetrics")]);
  assert.match(text, /mortar_scrape_source_up\{source="bricks"\} 0/);
  assert.match(text, /mortar_scrape_source_up\{source="pools"\} 0/);
  assert.match(text, /mortar_scrape_source_up\{source="state"\} 1/);
  assert.ok(text.includes("mortar_brick_up"));
  assert.equal(asked, 2, "one brick, one look at the disks: scrapes at one time share them");
});

test("a pool that stays, empties or was seen for moments has no time to full; a full one has none left", () => {
  const line = (...bytes: number[]) =>
    bytes.map((it, index) => ({ atMs: index * 600_000, bytes: it }));
  assert.equal(secondsToFull(line(5, 5, 5), 9), undefined);
  assert.equal(secondsToFull(line(8, 5), 9), undefined);
  assert.equal(secondsToFull(line(5), 9), undefined);
  assert.equal(secondsToFull([], 9), undefined);
  assert.equal(secondsToFull(line(5, 9), 9), 0);
  assert.equal(secondsToFull(line(1, 2, 3), 9), 3_600);
});
