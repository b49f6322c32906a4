/**
 * Clients write one after the other to changing bricks, each write begun after the one before was
 * acknowledged. What is in a snapshot must be a beginning of that sequence, over all bricks.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedCluster } from "./cluster.sim.ts";

const bricks = [
  { node: "node-a", path: "/b1/exp" },
  { node: "node-a", path: "/b2/exp" },
  { node: "node-b", path: "/b3/exp" },
];

async function startedCluster(): Promise<SimulatedCluster> {
  const cluster = await SimulatedCluster.start();
  const names = ["a:/b1/exp", "a:/b2/exp", "b:/b3/exp"];
  await cluster.must("volumeCreate", { name: "v", bricks: names });
  await cluster.must("volumeStart", { volume: "v" });
  return cluster;
}

/** A client that writes at every step, waiting where it is held up. */
function client(cluster: SimulatedCluster, turn: (number: number) => number): () => number {
  let next = 0;
  cluster.onStep = () => {
    for (let tries = 0; tries < 4; tries++) {
      const { node, path } = bricks[turn(next) % bricks.length]!;
      if (!cluster.world.node(node).write(path, next)) return;
      next++;
    }
  };
  return () => next;
}

void test("a snapshot holds a beginning of what was acknowledged, over all bricks", async () => {
  for (let turn = 1; turn < 8; turn++) {
    const cluster = await startedCluster();
    const written = client(cluster, (number) => number * turn + (number >> 2));
    for (const name of ["s1", "s2"]) {
      const before = written();
      await cluster.must("snapshotCreate", { name, volume: "v", timestamp: false });
      const snapshot = cluster.stored.snapshots.get(name)!.document;
      const inIt = snapshot.volumes[0]!.bricks
        .flatMap(({ node, thin }) => cluster.world.node(node).lvs.get(`vg/${thin!.lv}`)!.fs.writes)
        .sort((a, b) => a - b);
      assert.deepEqual(inIt, Array.from({ length: inIt.length }, (_, number) => number));
      assert.ok(inIt.length >= before, "what was acknowledged before the command is in it");
    }
    const sofar = written();
    cluster.onStep();
    assert.ok(written() > sofar, "clients go on afterwards");
  }
});

void test("a watchdog that fired before the snapshot was complete fails it", async () => {
  for (const release of ["frozen", "barred"] as const) {
    const cluster = await startedCluster();
    let fired = false;
    cluster.onStep = () => {
      const node = cluster.world.node("node-b");
      if (node.lvs.size < 2 || fired) return;
      // The last brick's snapshot was taken: its watchdog fires now, before the thaw.
      fired = true;
      node[release].clear();
    };
    const answer = await cluster.run("snapshotCreate", { name: "s", volume: "v" });
    assert.ok(fired && !answer.ok, release);
    assert.match(answer.details[0]!.detail, /released by its watchdog/);
    assert.equal(answer.details[0]!.node, "b");
    cluster.onStep = () => undefined;
    cluster.checkAtRest();
  }
});

void test("the pause is measured from the first barrier to the last release", async () => {
  const cluster = await startedCluster();
  cluster.onStep = () => {
    if (cluster.world.nodes.some((it) => it.barred.size > 0)) cluster.world.nowMs += 10;
  };
  const { pauseMs } = await cluster.must("snapshotCreate", { name: "s", volume: "v" });
  assert.ok(pauseMs !== undefined && pauseMs >= 10 && pauseMs < 500, String(pauseMs));
});
