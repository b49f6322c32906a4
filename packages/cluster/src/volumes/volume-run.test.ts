// A volume is stopped and started while a node of its bricks does not answer.
import assert from "node:assert/strict";
import { test } from "node:test";
import { EffectError } from "../effect.ts";
import { endUnwanted, SimulatedCluster } from "../world/cluster.sim.ts";

const bricks = ["a:/b1/exp", "b:/b3/exp"];

/** Node b refuses from now on; gives what takes that back. */
function refusing(it: SimulatedCluster, code: "unreachable" | "failed"): () => void {
  const { world } = it;
  const perform = world.perform.bind(world);
  world.perform = (effect) => {
    if ("node" in effect && effect.node === "node-b") {
      throw new EffectError(code, "not now", { node: "node-b", object: effect.kind });
    }
    return perform(effect);
  };
  return () => {
    world.perform = perform;
  };
}

void test("a node that is away keeps nobody from stopping a volume, and follows when it is back", async () => {
  const it = await SimulatedCluster.start();
  await it.must("volumeCreate", { name: "v", bricks });
  await it.must("volumeStart", { volume: "v" });
  const answers = refusing(it, "failed");
  assert.ok(!(await it.run("volumeStop", { volume: "v" })).ok, "one that answers and cannot does");
  answers();
  assert.equal(it.stored.volumes.get("v")?.document.status, "Started");
  const isBack = refusing(it, "unreachable");
  const answer = await it.run("volumeStop", { volume: "v" });
  assert.ok(answer.ok);
  assert.match(answer.warnings.join(), /node-b: not now/);
  assert.equal(it.stored.volumes.get("v")?.document.status, "Stopped");
  assert.equal(it.stored.intents.size, 0);
  isBack();
  endUnwanted(it.world, it.stored);
  it.checkAtRest();
});

void test("it is started without the bricks of a node that is away, which come up with it", async () => {
  const it = await SimulatedCluster.start();
  await it.must("volumeCreate", { name: "v", bricks });
  const answers = refusing(it, "failed");
  assert.ok(!(await it.run("volumeStart", { volume: "v" })).ok, "one that answers and cannot keeps it down");
  answers();
  const isBack = refusing(it, "unreachable");
  const answer = await it.run("volumeStart", { volume: "v" });
  assert.ok(answer.ok);
  assert.match(answer.warnings.join(), /node-b: not now/);
  assert.equal(it.world.node("node-b").running.size, 0);
  isBack();
  await it.must("volumeStart", { volume: "v", force: true });
  it.checkAtRest();
});
