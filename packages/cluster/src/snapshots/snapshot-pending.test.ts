/** Deleting what cannot all be reached, and the plans and bytes that are told before. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedCluster } from "../world/cluster.sim.ts";
import { EffectError } from "../effect.ts";

async function up(): Promise<SimulatedCluster> {
  const cluster = await SimulatedCluster.start();
  const bricks = ["a:/b1/exp", "a:/b2/exp", "b:/b3/exp"];
  await cluster.must("volumeCreate", { name: "v", bricks });
  await cluster.must("volumeStart", { volume: "v" });
  await cluster.must("snapshotCreate", { name: "s", volume: "v", timestamp: false });
  return cluster;
}

/** The node does not answer until this is undone. */
function cutOff(cluster: SimulatedCluster, uuid: string): () => void {
  const { world } = cluster;
  const perform = world.perform.bind(world);
  world.perform = (effect) => {
    if ("node" in effect && effect.node === uuid) {
      throw new EffectError("unreachable", "no answer", { node: "b", object: effect.kind });
    }
    return perform(effect);
  };
  return () => {
    world.perform = perform;
  };
}

const lvsOf = (cluster: SimulatedCluster, node: string): string[] =>
  [...cluster.world.node(node).lvs.keys()].filter((it) => /^vg\/[0-9a-f]{32}/.test(it));

void test("a deletion does what it can, says what it waits for, and is finished later", async () => {
  const cluster = await up();
  await cluster.must("snapshotActivate", { snapshot: "s" });
  const back = cutOff(cluster, "node-b");
  const answer = await cluster.run("snapshotDelete", { snapshot: "s" });
  assert.ok(answer.ok);
  assert.equal(answer.payload.pending, true);
  assert.match(answer.warnings.join(), /recorded, and waits for b/);
  assert.deepEqual(lvsOf(cluster, "node-a"), [], "the other node's are gone");
  assert.equal(lvsOf(cluster, "node-b").length, 1);

  const [listed] = await cluster.must("snapshotList", {});
  assert.deepEqual(listed!.deleting!.left.map(({ host }) => host), ["b"]);
  const { snapshots } = await cluster.must("snapshotInfo", { snapshot: "s" });
  assert.equal(snapshots[0]!.deleting!.left.length, 1);
  const [status] = await cluster.must("snapshotStatus", { snapshot: "s" });
  assert.equal(status!.activated, false);
  const again = await cluster.run("snapshotDelete", { snapshot: "s" });
  assert.ok(again.ok && again.payload.pending === true, "asked again, it says the same");

  back();
  await cluster.must("recover", {});
  assert.deepEqual(await cluster.must("snapshotList", {}), []);
  assert.deepEqual(lvsOf(cluster, "node-b"), []);
  cluster.checkAtRest();
});

void test("one that is being deleted counts no more, and nothing else is done with it", async () => {
  const cluster = await up();
  await cluster.must("snapshotConfigSet", { volume: "v", hardLimit: 1 });
  const back = cutOff(cluster, "node-b");
  await cluster.must("snapshotDelete", { snapshot: "s" });
  for (const name of ["snapshotActivate", "snapshotRestore"] as const) {
    assert.ok(!(await cluster.run(name, { snapshot: "s" })).ok, name);
  }
  back();
  const [info] = await cluster.must("volumeInfo", { volume: "v" });
  assert.equal(info!.snapshotCount, 0);
  await cluster.must("snapshotCreate", { name: "t", volume: "v", timestamp: false });
});

void test("a deletion goes with the node that leaves the pool for good", async () => {
  const cluster = await up();
  await cluster.must("volumeStop", { volume: "v" });
  cutOff(cluster, "node-b");
  await cluster.must("snapshotDelete", { snapshot: "s" });
  await cluster.must("volumeDelete", { volume: "v" });
  await cluster.must("nodeRemove", { host: "b" });
  await cluster.must("recover", {});
  assert.deepEqual(await cluster.must("snapshotList", {}), []);
  assert.equal(cluster.stored.intents.size, 0);
});

void test("a plan names what the command then does, and changes nothing", async () => {
  const cluster = await up();
  await cluster.must("snapshotActivate", { snapshot: "s" });
  const before = JSON.stringify([...cluster.stored.snapshots]);
  const plan = await cluster.must("commandPlan", { command: "snapshot delete", snapshot: "s" });
  const count = (action: string): number => plan.steps.filter((it) => it.action === action).length;
  assert.deepEqual([count("stop"), count("unmount"), count("remove")], [3, 3, 3 + 1]);
  // What the pools of the model tell: 100 a volume, and one for the set.
  assert.deepEqual(plan.pools.map((it) => [it.host, it.freedBytes]), [["a", 201], ["b", 101]]);
  assert.equal(plan.freedBytes, 302);
  assert.equal(JSON.stringify([...cluster.stored.snapshots]), before);

  const restore = { command: "snapshot restore", snapshot: "s" } as const;
  assert.ok(!(await cluster.run("commandPlan", restore)).ok, "as the command, it needs --online");
  const online = await cluster.must("commandPlan", { ...restore, online: true });
  assert.equal(online.steps.filter((it) => it.action === "keep").length, 3);
  assert.equal(online.freedBytes, 0);
  const bare = await cluster.must("commandPlan", { ...restore, online: true, safety: false });
  assert.equal(bare.freedBytes, 302);
  assert.equal((await cluster.must("commandPlan", { command: "volume stop", volume: "v" })).steps.length, 3);
  await cluster.must("volumeStop", { volume: "v" });
  const deletion = await cluster.must("commandPlan", { command: "volume delete", volume: "v" });
  assert.deepEqual(deletion.steps.map((it) => it.action), ["keep", "keep", "keep", "remove"]);
});

void test("space is told of each snapshot, and of a set", async () => {
  const cluster = await up();
  await cluster.must("snapshotCreate", { name: "t", volume: "v", timestamp: false });
  const spaces = await cluster.must("snapshotSpace", { volume: "v" });
  const space = { referencedBytes: 900, exclusiveBytes: 300, sharedBytes: 600 };
  assert.deepEqual(spaces.map((it) => [it.name, it.space]), [["s", space], ["t", space]]);
  const { freedBytes } = await cluster.must("snapshotReclaim", { snapshots: ["s", "t"] });
  assert.equal(freedBytes, 401 + 201);
  const back = cutOff(cluster, "node-b");
  const partly = await cluster.run("snapshotSpace", { snapshot: "s" });
  assert.ok(partly.ok && partly.payload[0]!.space === undefined && partly.details.length === 1);
  back();
});

void test("what a daemon looks into is activated for it, and stays for whoever asked by name", async () => {
  const cluster = await up();
  const view = (open: boolean) => cluster.must("snapshotView", { snapshot: "s", open });
  const activated = () => cluster.stored.snapshots.get("s")!.document.volumes[0]!.status;
  await view(true);
  assert.equal(activated(), "Started");
  await view(false);
  assert.equal(activated(), "Stopped");
  await view(true);
  await cluster.must("snapshotActivate", { snapshot: "s" });
  await view(false);
  assert.equal(activated(), "Started");
  await cluster.must("snapshotDeactivate", { snapshot: "s" });
  cluster.checkAtRest();
});
