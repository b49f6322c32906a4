/** Looked into while a node is away: with what is left, as long as that is all of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EffectError } from "../effect.ts";
import type { SnapVolumeDocument } from "../state.ts";
import { SimulatedCluster } from "../world/cluster.sim.ts";
import { canBeRead } from "./snapshot-readable.ts";

function setOf(kind: "distribute" | "replicate" | "disperse", nodes: string, redundancyCount = 0): SnapVolumeDocument {
  const count = nodes.length;
  const volume = { kind, replicaCount: kind === "replicate" ? count : 1, disperseCount: count, redundancyCount };
  return { volume, bricks: nodes.split("").map((node) => ({ node })) } as unknown as SnapVolumeDocument;
}

void test("what clients can read of a set: their quorum of copies, enough fragments, every lone brick", () => {
  const away = new Set(["b"]);
  assert.ok(canBeRead(setOf("replicate", "abc"), away));
  assert.ok(canBeRead(setOf("replicate", "ab"), away), "half of it, with its first brick");
  assert.ok(!canBeRead(setOf("replicate", "ba"), away));
  assert.ok(!canBeRead(setOf("replicate", "abc"), new Set(["a", "b"])));
  assert.ok(canBeRead(setOf("disperse", "abc", 1), away));
  assert.ok(!canBeRead(setOf("disperse", "abc", 1), new Set(["a", "b"])));
  assert.ok(!canBeRead(setOf("distribute", "ab"), away));
  assert.ok(canBeRead(setOf("distribute", "ac"), away));
});

async function snapped(bricks: string[]): Promise<SimulatedCluster> {
  const cluster = await SimulatedCluster.start();
  await cluster.must("volumeCreate", { name: "v", bricks, replica: 2, force: true });
  await cluster.must("volumeStart", { volume: "v" });
  await cluster.must("snapshotCreate", { name: "s", volume: "v", timestamp: false });
  return cluster;
}

function withoutB(cluster: SimulatedCluster): () => void {
  const { world } = cluster;
  const perform = world.perform.bind(world);
  world.perform = (effect) => {
    if (!("node" in effect) || effect.node !== "node-b") return perform(effect);
    throw new EffectError("unreachable", "no answer", { node: "b", object: effect.kind });
  };
  return () => {
    world.perform = perform;
  };
}

void test("the node that was away brings up its part when it is back; then it is taken down as a whole", async () => {
  const cluster = await snapped(["a:/b1/exp", "b:/b3/exp"]);
  const back = withoutB(cluster);
  const viewed = await cluster.run("snapshotView", { snapshot: "s", open: true });
  assert.ok(viewed.ok);
  assert.match(viewed.details.map(({ detail }) => detail).join(), /no answer/);
  const status = () => cluster.stored.snapshots.get("s")!.document.volumes[0]!.status;
  assert.equal(status(), "Started");
  back();
  const ran = cluster.world.node("node-b").running.size;
  const [ladder] = cluster.stored.snapshots.get("s")!.document.volumes;
  assert.ok(!cluster.world.node("node-b").running.has(ladder!.bricks[1]!.path));
  await cluster.must("snapshotActivate", { snapshot: "s" });
  await cluster.must("snapshotActivate", { snapshot: "s", force: true });
  assert.equal(cluster.world.node("node-b").running.size, ran + 1);
  await cluster.must("snapshotDeactivate", { snapshot: "s" });
  cluster.checkAtRest();
});

void test("without enough it is not activated, and nothing of it is left up", async () => {
  const cluster = await snapped(["b:/b3/exp", "a:/b1/exp"]);
  const back = withoutB(cluster);
  assert.ok(!(await cluster.run("snapshotView", { snapshot: "s", open: true })).ok);
  assert.ok(!(await cluster.run("snapshotActivate", { snapshot: "s" })).ok, "by name it needs all of its bricks");
  back();
  await cluster.must("recover", {});
  assert.equal(cluster.stored.snapshots.get("s")!.document.volumes[0]!.status, "Stopped");
  cluster.checkAtRest();
});
