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

void test("no snapshot is taken while a client is in the middle of a step over bricks", async () => {
  for (const order of [[0, 1], [1, 0], [2, 0, 1]]) {
    const cluster = await startedCluster();
    const { step, done } = lockingClient(cluster, order);
    cluster.onStep = step;
    for (const name of ["s1", "s2", "s3"]) {
      await cluster.must("snapshotCreate", { name, volume: "v", timestamp: false });
      const { drain, volumes } = cluster.stored.snapshots.get(name)!.document;
      assert.equal(drain?.complete, true);
      const writes = volumes[0]!.bricks.map(({ node, thin }) =>
        cluster.world.node(node).lvs.get(`vg/${thin!.lv}`)!.fs.writes);
      const touched = order.map((index) => writes[index]!);
      for (const each of touched) assert.deepEqual(each, touched[0], "all bricks or none");
    }
    const before = done();
    for (let count = 0; count < 50; count++) cluster.onStep();
    assert.ok(done() > before, "it goes on afterwards");
    cluster.onStep = () => undefined;
  }
});

void test("a client that gives nothing back delays a snapshot, and is told of", async () => {
  const cluster = await startedCluster();
  const claim = { process: "hung", owner: "01", domain: "v-replicate-0" };
  assert.ok(cluster.world.node("node-b").locks.lock("/b3/exp", claim));
  await cluster.must("snapshotCreate", { name: "s", volume: "v", timestamp: false });
  const { drain } = cluster.stored.snapshots.get("s")!.document;
  assert.ok(drain?.complete === false && drain.left === 1 && drain.tookMs >= 2000);
  cluster.checkAtRest();
});

/**
 * A client that locks under DHT on one brick, then on every one for the translator below, writes
 * the same to all of them, and gives the locks back.
 */
function lockingClient(
  cluster: SimulatedCluster,
  order: readonly number[],
): { readonly step: () => void; readonly done: () => number } {
  let number = 0;
  const places = order.map((index) => bricks[index]!);
  const outer = { process: "c", owner: "dd", domain: "dht.layout.heal" };
  const inner = () => ({ process: "c", owner: String(number), domain: "v-replicate-0" });
  const locks = (node: string) => cluster.world.node(node).locks;
  let at = 0;
  const steps = [
    () => locks(places[0]!.node).lock(places[0]!.path, outer),
    ...places.map(({ node, path }) => () => locks(node).lock(path, inner())),
    ...places.map(({ node, path }) => () => cluster.world.node(node).write(path, number)),
    ...places.map(({ node, path }) => () => (locks(node).unlock(path, inner()), true)),
    () => (locks(places[0]!.node).unlock(places[0]!.path, outer), true),
  ];
  const step = (): void => {
    if (!steps[at]!()) return;
    at = (at + 1) % steps.length;
    if (at === 0) number++;
  };
  return { step, done: () => number };
}

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
