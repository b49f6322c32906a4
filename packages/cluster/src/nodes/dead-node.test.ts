import assert from "node:assert/strict";
import { test } from "node:test";
import { EffectError, type NodeEffect } from "../effect.ts";
import { SimulatedCluster } from "../world/cluster.sim.ts";

const DEAD = "node-b";

/** From the first effect of this kind on the node does nothing any more. */
function diesAt(cluster: SimulatedCluster, kind: NodeEffect["kind"]): void {
  const node = cluster.world.node(DEAD);
  const perform = node.perform.bind(node);
  let isDead = false;
  node.perform = (effect) => {
    isDead ||= effect.kind === kind;
    if (!isDead) return perform(effect);
    throw new EffectError("unreachable", "no answer", { node: node.host, object: effect.kind });
  };
}

void test("what waits for a dead node is given up, its brick is replaced, and it goes", async () => {
  const cluster = await SimulatedCluster.start();
  const bricks = ["a:/b1/exp", "b:/b3/exp"];
  await cluster.must("volumeCreate", { name: "v", replica: 2, bricks, force: true });
  diesAt(cluster, "startBrick");
  assert.ok(!(await cluster.run("volumeStart", { volume: "v" })).ok);
  const change = { volume: "v", source: "b:/b3/exp", target: "a:/b2/exp" };
  const held = await cluster.run("volumeStart", { volume: "v", force: true });
  assert.ok(!held.ok && held.code === "busy", JSON.stringify(held));
  const refused = await cluster.run("nodeRemove", { host: "b", dead: true });
  assert.ok(!refused.ok && refused.code === "node-in-use", "its bricks are replaced first");
  assert.deepEqual([...cluster.stored.intents], []);
  const unforced = await cluster.run("volumeStart", { volume: "v" });
  assert.ok(!unforced.ok && unforced.code === "effect-failed", "one that does not answer is told");
  await cluster.must("volumeStart", { volume: "v", force: true });
  await cluster.must("volumeReplaceBrick", change);
  await cluster.must("nodeRemove", { host: "b", dead: true });
  assert.deepEqual([...cluster.stored.nodes.keys()], ["node-a"]);
  await cluster.must("recover", {});
  assert.deepEqual([...cluster.stored.intents], [], "nothing waits for it any more");
  assert.deepEqual([...cluster.world.node("node-a").frozen], []);
});

void test("bricks that were made on a dead node, and are not used, do not keep it", async () => {
  const cluster = await SimulatedCluster.start();
  await cluster.must("brickCreate", { brick: "b:/bricks/one/exp", sizeBytes: 2 ** 30, vg: "vg" });
  const alive = await cluster.run("nodeRemove", { host: "b" });
  assert.ok(!alive.ok && alive.code === "node-in-use");
  await cluster.must("nodeRemove", { host: "b", dead: true });
});
