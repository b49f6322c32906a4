/** Which LVs are compared with which, and what is said of those that cannot be. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedCluster } from "../world/cluster.sim.ts";
import { EffectError, type SingleEffect } from "../effect.ts";

async function up(): Promise<{ cluster: SimulatedCluster; asked: SingleEffect[] }> {
  const cluster = await SimulatedCluster.start();
  const bricks = ["a:/b1/exp", "a:/b2/exp", "b:/b3/exp"];
  await cluster.must("volumeCreate", { name: "v", bricks });
  await cluster.must("volumeStart", { volume: "v" });
  for (const name of ["s", "t"]) {
    await cluster.must("snapshotCreate", { name, volume: "v", timestamp: false });
  }
  const asked: SingleEffect[] = [];
  const { world } = cluster;
  const perform = world.perform.bind(world);
  world.perform = (effect) => {
    asked.push(effect);
    return perform(effect);
  };
  return { cluster, asked };
}

void test("each brick's LV of the one is compared with the other's, on its node", async () => {
  const { cluster, asked } = await up();
  const diff = await cluster.must("snapshotDiff", { from: "s", to: "t" });
  assert.deepEqual(
    diff.bricks.map((it) => [it.volume, it.host, it.path, it.writtenBytes, it.ranges.length]),
    [["v", "a", "/b1/exp", 200, 0], ["v", "a", "/b2/exp", 200, 0], ["v", "b", "/b3/exp", 200, 0]],
  );
  assert.deepEqual([diff.writtenBytes, diff.discardedBytes, diff.complete], [600, 300, true]);
  const lvOf = (name: string) =>
    cluster.stored.snapshots.get(name)!.document.volumes[0]!.bricks.map((it) => it.thin!.lv);
  const compared = asked.flatMap((it) =>
    it.kind === "lvDelta" ? [[it.node, it.from, it.to]] : []);
  const [s, t] = [lvOf("s"), lvOf("t")];
  const nodes = ["node-a", "node-a", "node-b"];
  assert.deepEqual(compared, nodes.map((node, index) => [node, s[index], t[index]]));
  assert.ok(!asked.some((it) => it.kind === "syncFileSystem"), "snapshots do not change");
});

void test("against the present, what is dirty is written back first", async () => {
  const { cluster, asked } = await up();
  for (const to of ["live", "v"]) {
    asked.length = 0;
    const diff = await cluster.must("snapshotDiff", { from: "s", to, ranges: true });
    assert.deepEqual(diff.bricks.map((it) => it.ranges.length), [1, 1, 1]);
    const kinds = asked.map((it) => it.kind).filter((it) => /^(sync|lvD)/.test(it));
    const thrice = (kind: string): string[] => [kind, kind, kind];
    assert.deepEqual(kinds, [...thrice("syncFileSystem"), ...thrice("lvDelta")]);
  }
});

void test("a node that is away is named, and the sum is not called complete", async () => {
  const { cluster } = await up();
  const { world } = cluster;
  const perform = world.perform.bind(world);
  world.perform = (effect) => {
    if ("node" in effect && effect.node === "node-b") {
      throw new EffectError("unreachable", "no answer", { node: "b", object: effect.kind });
    }
    return perform(effect);
  };
  const answer = await cluster.run("snapshotDiff", { from: "s", to: "t" });
  assert.ok(answer.ok);
  assert.equal(answer.payload.bricks.length, 2);
  assert.equal(answer.payload.complete, false);
  assert.deepEqual(answer.details.map((it) => it.node), ["b"]);
});

void test("what is not of the same volume is refused or named, never compared", async () => {
  const { cluster, asked } = await up();
  await cluster.must("volumeCreate", { name: "w", bricks: ["a:/b4/exp"] });
  await cluster.must("volumeStart", { volume: "w" });
  await cluster.must("snapshotCreate", { name: "u", volume: "w", timestamp: false });
  asked.length = 0;
  for (const [from, to] of [["s", "w"], ["s", "u"], ["s", "none"], ["none", "s"]] as const) {
    assert.ok(!(await cluster.run("snapshotDiff", { from, to })).ok, `${from} ${to}`);
  }
  assert.ok(!asked.some((it) => it.kind === "lvDelta"));
});
