/** `volume heal`: whom it asks, what it asks for, and when it is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedCluster } from "../world/cluster.sim.ts";
import { EffectError, type NodeEffect } from "../effect.ts";
import { healingNodes } from "./self-heal.ts";

type Order = NodeEffect<"startHeal">;

async function replicated(bricks: readonly string[]): Promise<SimulatedCluster> {
  const cluster = await SimulatedCluster.start();
  await cluster.must("volumeCreate", { name: "v", bricks, replica: 2, force: true });
  return cluster;
}

const twoSets = ["a:/b1/exp", "b:/b3/exp", "a:/b2/exp", "a:/b4/exp"];

/** Every order that reaches a node; nodes in `away` do not answer. */
function watch(cluster: SimulatedCluster, away: readonly string[] = []): Order[] {
  const orders: Order[] = [];
  const perform = cluster.world.perform.bind(cluster.world);
  cluster.world.perform = (effect) => {
    if (effect.kind !== "startHeal") return perform(effect);
    if (away.includes(effect.node)) {
      throw new EffectError("unreachable", "away", { node: effect.node, object: effect.volume });
    }
    orders.push(effect);
    return perform(effect);
  };
  return orders;
}

async function refusal(cluster: SimulatedCluster): Promise<string> {
  const answer = await cluster.run("volumeHeal", { volume: "v" });
  assert.ok(!answer.ok, "it is refused");
  return answer.opErrstr;
}

test("an index is read by each node with a brick of the set, all of a set by its highest node", async () => {
  const cluster = await replicated(twoSets);
  await cluster.must("volumeStart", { volume: "v" });
  const orders = watch(cluster);
  await cluster.must("volumeHeal", { volume: "v" });
  assert.deepEqual(orders.map((it) => [it.node, it.sets, it.full]), [
    ["node-a", [0, 1], false], ["node-b", [0], false],
  ]);
  orders.length = 0;
  await cluster.must("volumeHeal", { volume: "v", full: true });
  assert.deepEqual(orders.map((it) => [it.node, it.sets, it.full]), [
    ["node-b", [0], true], ["node-a", [1], true],
  ]);
  cluster.checkAtRest();
});

test("where the highest node is away, the next one walks over the set", async () => {
  const cluster = await replicated(twoSets);
  await cluster.must("volumeStart", { volume: "v" });
  const orders = watch(cluster, ["node-b"]);
  const answer = await cluster.run("volumeHeal", { volume: "v", full: true });
  assert.ok(answer.ok, "all sets are walked over");
  assert.match(answer.details.map((it) => it.detail).join("\n"), /away/);
  assert.deepEqual(orders.map((it) => [it.node, it.sets]), [["node-a", [1]], ["node-a", [0]]]);
  watch(cluster, ["node-a", "node-b"]);
  assert.ok(!(await cluster.run("volumeHeal", { volume: "v", full: true })).ok);
});

test("one daemon that heals is enough; without any the heal fails", async () => {
  const cluster = await replicated(twoSets);
  await cluster.must("volumeStart", { volume: "v" });
  const orders = watch(cluster, ["node-b"]);
  const answer = await cluster.run("volumeHeal", { volume: "v" });
  assert.ok(answer.ok, "the other heals");
  assert.match(answer.details.map((it) => it.detail).join("\n"), /away/);
  assert.deepEqual(orders.map((it) => it.node), ["node-a"]);
  watch(cluster, ["node-a", "node-b"]);
  assert.ok(!(await cluster.run("volumeHeal", { volume: "v" })).ok);
});

test("what is not started, has no copies or is switched off is not healed", async () => {
  const cluster = await replicated(twoSets);
  const orders = watch(cluster);
  assert.equal(await refusal(cluster), "Volume v is not started.");
  assert.deepEqual(healingNodes(cluster.stored.volumes.get("v")!.document), []);
  await cluster.must("volumeStart", { volume: "v" });
  const switchTo = (value: string) =>
    cluster.must("volumeOptionSet", {
      volume: "v", options: [{ name: "cluster.self-heal-daemon", value }],
    });
  await switchTo("disable");
  assert.equal(
    await refusal(cluster),
    "Self-heal-daemon is disabled. Heal will not be triggered on volume v",
  );
  assert.deepEqual(orders, []);
  await switchTo("enable");
  await cluster.must("volumeHeal", { volume: "v" });
  assert.equal(orders.length, 2);

  const plain = await SimulatedCluster.start();
  await plain.must("volumeCreate", { name: "v", bricks: ["a:/b1/exp", "b:/b3/exp"] });
  await plain.must("volumeStart", { volume: "v" });
  assert.equal(
    await refusal(plain), "Self-heal-daemon is disabled. Heal will not be triggered on volume v");
});
