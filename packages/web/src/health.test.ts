import assert from "node:assert/strict";
import { test } from "node:test";
import type { Peer, VolumeInfo, VolumeStatus } from "@mortar/api";
import { findingsOf, lostSets } from "./health.ts";

const bricks = ["a", "b", "c", "d", "e", "f"].map((host) => ({
  host, path: "/b", hostUuid: host, isArbiter: false,
}));

function info(fields: Partial<VolumeInfo>): VolumeInfo {
  return {
    name: "v", id: "1", type: "Distribute", status: "Started", snapshotCount: 0, brickCount: 6,
    distCount: 6, replicaCount: 1, arbiterCount: 0, disperseCount: 0, redundancyCount: 0,
    transport: "tcp", bricks, options: [], ...fields,
  };
}

function status(away: readonly string[]): VolumeStatus {
  return {
    name: "v", started: true, tasks: [],
    processes: bricks.map(({ host, path }) => ({
      kind: "brick" as const, host, path, peerId: host, online: !away.includes(host),
    })),
  };
}

function down(...hosts: string[]) {
  return hosts.map((host) => ({ host, path: "/b" }));
}

test("a set is lost when more of its bricks are away than it can do without", () => {
  const replica = info({ replicaCount: 3, distCount: 2 });
  assert.equal(lostSets(replica, down("a")), 0);
  assert.equal(lostSets(replica, down("a", "d")), 0);
  assert.equal(lostSets(replica, down("a", "b")), 1);
  assert.equal(lostSets(info({ replicaCount: 2 }), down("a")), 1);
  assert.equal(lostSets(info({}), down("f")), 1);
  const disperse = info({ disperseCount: 6, redundancyCount: 2, distCount: 1 });
  assert.equal(lostSets(disperse, down("a", "b")), 0);
  assert.equal(lostSets(disperse, down("a", "b", "c")), 1);
});

test("what is well has no findings", () => {
  const volumes = [info({ replicaCount: 3 })];
  const pools = [{ host: "a", name: "vg/pool", usedBytes: 10, sizeBytes: 100 }];
  assert.deepEqual(findingsOf({ volumes, statuses: [status([])], pools, nowMs: 0 }), []);
  assert.deepEqual(findingsOf({ nowMs: 0 }), []);
});

test("what is worst comes first, and everything says what to type", () => {
  const away: Peer = {
    uuid: "b", hostname: "b", self: false, connected: false, state: 3, stateName: "",
  };
  const findings = findingsOf({
    nowMs: 0, peers: [away], volumes: [info({ replicaCount: 3, distCount: 2 })],
    statuses: [status(["b"])],
    pools: [
      { host: "a", name: "vg/pool", usedBytes: 85, sizeBytes: 100 },
      { host: "c", name: "vg/pool", usedBytes: 99, sizeBytes: 100, metadataPercent: 82 },
    ],
  });
  assert.deepEqual(findings.map(({ level }) => level), ["bad", "bad", "warn", "warn", "warn"]);
  for (const { nextStep, title, path } of findings) {
    assert.match(nextStep, /(mortar|lvextend) /);
    assert.ok(title !== "" && path.length > 0);
  }
});

test("a pool that is full in two days is told of while it is half empty", () => {
  const forecast = { kind: "filling", bytesPerDay: 1, fullAtMs: 2 * 86_400_000 } as const;
  const pool = { host: "a", name: "vg/pool", usedBytes: 50, sizeBytes: 100, forecast };
  assert.match(findingsOf({ pools: [pool], nowMs: 0 })[0]?.detail ?? "", /full in 2 d/);
});
