import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedCluster } from "../world/cluster.sim.ts";
import type { Answer } from "../command.ts";

const GiB = 1024 ** 3;
const brick = "b:/m1/brick";

function refusal(answer: Answer<unknown>): string {
  assert.ok(!answer.ok, "it is refused");
  assert.ok(answer.details.every((it) => it.nextStep !== undefined), "each says what to do");
  return [answer.opErrstr, ...answer.details.map((it) => it.detail)].join("\n");
}

test("a brick that was made is listed, can be a volume's, and is kept while it is one", async () => {
  const cluster = await SimulatedCluster.start();
  const plan = await cluster.must("brickCreate", { brick, sizeBytes: GiB });
  assert.deepEqual([plan.vg, plan.pool, plan.lv, plan.mountPoint], ["vg", "pool", "m1", "/m1"]);
  await cluster.must("volumeCreate", { name: "v", bricks: [brick] });
  await cluster.must("volumeStart", { volume: "v" });
  const [listed] = await cluster.must("brickList", {});
  assert.deepEqual([listed?.brick, listed?.usedBy], [brick, ["volume v"]]);
  assert.match(refusal(await cluster.run("brickDelete", { brick })), /used by volume v/);
  assert.deepEqual(await cluster.must("brickReadiness", {}), [
    { volume: "v", brick, node: "b", obstacles: [], notes: [] },
  ]);
  await cluster.must("snapshotCreate", { name: "s", volume: "v", timestamp: false });
  await cluster.must("volumeStop", { volume: "v" });
  await cluster.must("snapshotRestore", { snapshot: "s" });
  assert.match(refusal(await cluster.run("brickDelete", { brick })), /used by snapshot /);
  cluster.checkAtRest();
});

test("a dry run changes nothing and says the steps", async () => {
  const cluster = await SimulatedCluster.start();
  const before = cluster.stored;
  const { steps } = await cluster.must("brickCreate", { brick, sizeBytes: GiB, dryRun: true });
  assert.deepEqual(steps, [
    `lvcreate -V ${GiB}b -T vg/pool -n m1`,
    "mkfs.xfs -i size=512 -n size=8192 /dev/vg/m1",
    "mount /dev/vg/m1 /m1",
    "mkdir /m1/brick",
  ]);
  assert.equal(cluster.stored, before);
  cluster.checkAtRest();
});

test("what cannot be made is refused with its reason, and nothing is left", async () => {
  const cluster = await SimulatedCluster.start();
  await cluster.must("brickCreate", { brick, sizeBytes: GiB });
  const create = async (args: object) =>
    refusal(await cluster.run("brickCreate", { brick: "b:/m2/brick", sizeBytes: GiB, ...args }));
  assert.match(await create({ brick: "b:/m1/other" }), /is where the brick b:\/m1\/brick is/);
  assert.match(await create({ brick: "b:/brick" }), /file system of its own/);
  assert.match(await create({ brick: "b:/b3/brick" }), /is a mount point/);
  assert.match(await create({ brick: "zz:/m2/brick" }), /Failed to find host zz/);
  assert.match(await create({ sizeBytes: 1024 }), /300 MiB/);
  assert.match(await create({ vg: "none" }), /no volume group none/);
  assert.match(await create({ vg: "vg", device: "/dev/sdx" }), /vg is there already/);
  assert.match(await create({ device: "sdx" }), /no absolute path/);
  assert.match(await create({ device: "/dev/sdx", file: "/f" }), /device or of a file/);
  assert.match(await create({ name: "b3" }), /logical volume vg\/b3/);
  assert.match(await create({ name: "-x" }), /no name for LVM/);
  assert.match(refusal(await cluster.run("brickDelete", { brick: "b:/b3/exp" })), /not one that Mortar/);
  assert.equal((await cluster.must("brickList", {})).length, 1);
  cluster.checkAtRest();
});

test("more than a pool has is warned of", async () => {
  const cluster = await SimulatedCluster.start();
  const answer = await cluster.run("brickCreate", { brick, sizeBytes: 200 * GiB });
  assert.ok(answer.ok && answer.warnings.some((it) => it.includes("The pool vg/pool has")));
});

test("bricks are placed on different nodes, and only where there is room", async () => {
  const cluster = await SimulatedCluster.start();
  const plans = await cluster.must("brickPlace", { volume: "v", sizeBytes: GiB, setSize: 2, setCount: 2 });
  assert.deepEqual(
    plans.map((it) => it.brick),
    ["a:/a/v-1/brick", "b:/b/v-2/brick", "a:/a/v-3/brick", "b:/b/v-4/brick"],
  );
  const each = await cluster.must("brickPlace", { volume: "w", sizeBytes: GiB, setSize: 1 });
  assert.deepEqual(each.map((it) => it.node).toSorted(), ["a", "b"]);
  const place = async (args: object) =>
    refusal(await cluster.run("brickPlace", { volume: "x", sizeBytes: GiB, setSize: 2, ...args }));
  assert.match(await place({ setSize: 3 }), /1 x 3 bricks .* find no room on 2 node/);
  assert.match(await place({ sizeBytes: 1000 * GiB }), /1 x 2 bricks of 1000 GiB find no room[^]*a has room for [\d.]+ GiB in vg/);
  assert.match(await place({ vg: "none" }), /a has no volume group none/);
  assert.match(await place({ nodes: ["b"] }), /find no room on 1 node/);
  cluster.checkAtRest();
});

test("nodes of one zone are one failure domain; the label outlives a declaration", async () => {
  const cluster = await SimulatedCluster.start();
  for (const host of ["a", "b"]) await cluster.must("nodeLabel", { host, zone: "rack1" });
  await cluster.must("nodeDeclare", {
    uuid: "node-a", hostname: "a", address: "a2", snapMountRoot: "/run/gluster/snaps",
  });
  assert.equal(cluster.stored.nodes.get("node-a")?.document.zone, "rack1");
  await cluster.must("nodeLabel", { host: "a", zone: "" });
  assert.equal(cluster.stored.nodes.get("node-a")?.document.zone, undefined);
  assert.ok(!(await cluster.run("nodeLabel", { host: "zz", zone: "x" })).ok);
  assert.ok(!(await cluster.run("nodeLabel", { host: "a", zone: "a b" })).ok);
});

test("a node with bricks that were made stays in the cluster", async () => {
  const cluster = await SimulatedCluster.start();
  await cluster.must("brickCreate", { brick, sizeBytes: GiB });
  assert.ok(!(await cluster.run("nodeRemove", { host: "b" })).ok);
  await cluster.must("brickDelete", { brick });
  await cluster.must("nodeRemove", { host: "b" });
});

test("each brick says why it takes no snapshot, and what to type", async () => {
  const cluster = await SimulatedCluster.start();
  const bricks = ["a:/b1/exp", "a:/b1/exp2", "a:/thick/exp", "b:/b3/exp"];
  await cluster.must("volumeCreate", { name: "v", bricks });
  const told = async () => {
    const all = await cluster.must("brickReadiness", { volume: "v" });
    return all.map((it) => it.obstacles.map(({ detail, nextStep }) => {
      assert.ok(nextStep.length > 0);
      return detail;
    }).join("; "));
  };
  assert.match((await told())[0]!, /^it shares vg\/b1 with a:\/b1\/exp2 of volume v; the volume is not started/);
  await cluster.must("volumeStart", { volume: "v" });
  assert.match((await told())[2]!, /^not on a thin logical volume: /);
  assert.equal((await told())[3], "");
  const node = cluster.world.node("node-b");
  node.running.delete("/b3/exp");
  node.pool = { state: "out-of-data", dataPercent: 100, metadataPercent: 97 };
  assert.equal((await told())[3],
    "the process of b:/b3/exp is not running; " +
      "the thin pool vg/pool takes no snapshot: its state is out-of-data");
  node.pool = { state: "ok", dataPercent: 10, metadataPercent: 97 };
  assert.match((await told())[3]!, /its metadata is 97\.00 % full/);
  node.mounts.delete("/b3");
  assert.match((await told())[3]!, /does not exist \(is it mounted/);
});
