/** What hooks make of a snapshot. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedCluster } from "../world/cluster.sim.ts";
import type { HookReport } from "./hold-effects.ts";

async function up(): Promise<SimulatedCluster> {
  const cluster = await SimulatedCluster.start();
  await cluster.must("volumeCreate", { name: "v", bricks: ["a:/b1/exp", "b:/b3/exp"] });
  await cluster.must("volumeStart", { volume: "v" });
  return cluster;
}

const report = (change: Partial<HookReport>): HookReport => ({
  name: "db", phase: "before", required: false, tookMs: 1, ...change,
});

const take = { name: "s", volume: "v", timestamp: false };

void test("all hooks succeed: the snapshot is consistent for the application", async () => {
  const cluster = await up();
  cluster.world.node("node-b").hookReports = [report({})];
  await cluster.must("snapshotCreate", take);
  const { consistency, hooks } = cluster.stored.snapshots.get("s")!.document;
  assert.equal(consistency, "application");
  assert.deepEqual(hooks, [{ node: "b", name: "db" }]);
  cluster.checkAtRest();
});

void test("a hook fails that is not required: the record says so, and so does the answer", async () => {
  const cluster = await up();
  cluster.world.node("node-b").hookReports = [report({ error: "no database" })];
  const answer = await cluster.run("snapshotCreate", take);
  assert.ok(answer.ok);
  assert.deepEqual(answer.warnings, ["The hook db on b failed: no database"]);
  const { snapshots } = await cluster.must("snapshotInfo", { snapshot: "s" });
  assert.equal(snapshots[0]?.consistency, "file-system-frozen");
  assert.deepEqual(snapshots[0]?.hooks, [{ node: "b", name: "db", error: "no database" }]);
  cluster.checkAtRest();
});

void test("a required hook fails: no snapshot, and nothing is left quiet", async () => {
  const cluster = await up();
  cluster.world.node("node-a").hookReports = [report({ required: true, error: "no database" })];
  const answer = await cluster.run("snapshotCreate", take);
  assert.ok(!answer.ok);
  assert.equal(answer.opErrstr, "The hook db on a failed. The snapshot was not taken.");
  assert.deepEqual(answer.details[0]?.detail, "no database");
  assert.equal(cluster.stored.snapshots.size, 0);
  cluster.checkAtRest();
});

void test("woken by its watchdog before the snapshot was there: not for the application", async () => {
  const cluster = await up();
  const node = cluster.world.node("node-b");
  node.hookReports = [report({})];
  cluster.onStep = () => {
    if (node.frozen.size > 0) node.quiet.clear();
  };
  await cluster.must("snapshotCreate", take);
  assert.equal(cluster.stored.snapshots.get("s")!.document.consistency, "file-system-frozen");
  cluster.checkAtRest();
});
