/** A snapshot of several volumes: one moment, one name; restored together or one by one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedCluster } from "../world/cluster.sim.ts";

async function twoVolumes(): Promise<SimulatedCluster> {
  const cluster = await SimulatedCluster.start();
  await cluster.must("volumeCreate", { name: "v", bricks: ["a:/b1/exp", "b:/b3/exp"] });
  await cluster.must("volumeCreate", { name: "w", bricks: ["a:/b2/exp"] });
  for (const volume of ["v", "w"]) await cluster.must("volumeStart", { volume });
  return cluster;
}

const take = (cluster: SimulatedCluster) =>
  cluster.must("snapshotCreate", { name: "g", volume: "v", volumes: ["w"], timestamp: false });

const bricksOf = (cluster: SimulatedCluster, volume: string) =>
  cluster.stored.volumes.get(volume)!.document.bricks.map((it) => it.thin!.lv);

void test("writes over all volumes are in it up to one moment", async () => {
  const cluster = await twoVolumes();
  const places = [["node-a", "/b1/exp"], ["node-a", "/b2/exp"], ["node-b", "/b3/exp"]] as const;
  let next = 0;
  cluster.onStep = () => {
    const [node, path] = places[(next * 7) % 3]!;
    if (cluster.world.node(node).write(path, next)) next++;
  };
  await take(cluster);
  const { volumes } = cluster.stored.snapshots.get("g")!.document;
  assert.deepEqual(volumes.map((it) => it.origin), ["v", "w"]);
  const inIt = volumes
    .flatMap((it) => it.bricks)
    .flatMap(({ node, thin }) => cluster.world.node(node).lvs.get(`vg/${thin!.lv}`)!.fs.writes)
    .sort((a, b) => a - b);
  assert.ok(inIt.length > 0);
  assert.deepEqual(inIt, Array.from({ length: inIt.length }, (_, number) => number));
});

void test("it is listed under each of its volumes, and counts for each", async () => {
  const cluster = await twoVolumes();
  await take(cluster);
  for (const volume of ["v", "w"]) {
    const [only] = await cluster.must("snapshotList", { volume });
    assert.deepEqual(only?.volumes, ["v", "w"]);
    const [info] = await cluster.must("volumeInfo", { volume });
    assert.equal(info?.snapshotCount, 1);
  }
});

void test("restored together: both volumes in one transaction, two safety snapshots", async () => {
  const cluster = await twoVolumes();
  await take(cluster);
  const { volumes } = cluster.stored.snapshots.get("g")!.document;
  await cluster.must("volumeStop", { volume: "v" });
  const refused = await cluster.run("snapshotRestore", { snapshot: "g" });
  assert.ok(!refused.ok && refused.code === "volume-started", "w runs still");
  await cluster.must("volumeStop", { volume: "w" });
  const { others } = await cluster.must("snapshotRestore", { snapshot: "g" });
  assert.equal(others?.[0]?.volume, "w");
  for (const [index, volume] of ["v", "w"].entries()) {
    assert.deepEqual(bricksOf(cluster, volume), volumes[index]!.bricks.map((it) => it.thin!.lv));
  }
  assert.equal((await cluster.must("snapshotList", { safety: true })).length, 2);
  assert.ok(!cluster.stored.snapshots.has("g"));
  cluster.checkAtRest();
});

void test("restored one by one: the snapshot keeps what was not asked for", async () => {
  for (const activates of [false, true]) {
    const cluster = await twoVolumes();
    await take(cluster);
    if (activates) await cluster.must("snapshotActivate", { snapshot: "g" });
    await cluster.must("volumeStop", { volume: "w" });
    await cluster.must("snapshotRestore", { snapshot: "g", volume: "w" });
    const rest = cluster.stored.snapshots.get("g")!.document;
    assert.deepEqual(rest.volumes.map((it) => it.origin), ["v"]);
    assert.equal(rest.volumes[0]!.status, activates ? "Started" : "Stopped");
    cluster.checkAtRest();
    await cluster.must("volumeStop", { volume: "v" });
    await cluster.must("snapshotRestore", { snapshot: "g" });
    assert.ok(!cluster.stored.snapshots.has("g"));
    cluster.checkAtRest();
  }
});

void test("a clone is of one of its volumes, which has to be named", async () => {
  const cluster = await twoVolumes();
  await take(cluster);
  await cluster.must("snapshotActivate", { snapshot: "g" });
  const refused = await cluster.run("snapshotClone", { snapshot: "g", name: "c" });
  assert.ok(!refused.ok && /several volumes.*v, w/.test(refused.opErrstr));
  const strange = await cluster.run("snapshotClone", { snapshot: "g", name: "c", volume: "x" });
  assert.ok(!strange.ok && /not of volume x/.test(strange.opErrstr));
  await cluster.must("snapshotClone", { snapshot: "g", name: "c", volume: "w" });
  assert.equal(bricksOf(cluster, "c").length, 1);
  cluster.checkAtRest();
});

void test("a volume that is named twice is in it once", async () => {
  const cluster = await twoVolumes();
  await cluster.must("snapshotCreate", { name: "g", volume: "v", volumes: ["v"], timestamp: false });
  assert.equal(cluster.stored.snapshots.get("g")!.document.volumes.length, 1);
});
