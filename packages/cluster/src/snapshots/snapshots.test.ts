/** What commands make of the state: names, places, limits, safety snapshots. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedCluster } from "../world/cluster.sim.ts";

const DAY_MS = 24 * 3600 * 1000;
const SNAPS = "/run/gluster/snaps";

async function up(): Promise<SimulatedCluster> {
  const cluster = await SimulatedCluster.start();
  const bricks = ["a:/b1/exp", "a:/b2/exp", "b:/b3/exp"];
  await cluster.must("volumeCreate", { name: "v", bricks });
  await cluster.must("volumeStart", { volume: "v" });
  return cluster;
}

const snap = (cluster: SimulatedCluster, name: string) =>
  cluster.must("snapshotCreate", { name, volume: "v", timestamp: false });

async function restore(cluster: SimulatedCluster, snapshot: string, safety = true) {
  await cluster.must("volumeStop", { volume: "v" });
  return cluster.must("snapshotRestore", { snapshot, safety });
}

const listed = async (cluster: SimulatedCluster, safety = false) =>
  (await cluster.must("snapshotList", { safety })).map((it) => it.name);

void test("names, LVs and mount points are stock's", async () => {
  const cluster = await up();
  const { name } = await cluster.must("snapshotCreate", { name: "KMVS1", volume: "v" });
  assert.equal(name, "KMVS1_GMT-2026.11.22-15.33.07");
  const { volumes } = cluster.stored.snapshots.get(name)!.document;
  const hex = volumes[0]!.name;
  assert.match(hex, /^[0-9a-f]{32}$/);
  assert.deepEqual(
    volumes[0]!.bricks.map((it) => [it.host, it.thin!.lv, it.path, it.mountOptions]),
    [
      ["a", `${hex}_0`, `${SNAPS}/${hex}/brick1/exp`, "rw,relatime,nouuid"],
      ["a", `${hex}_1`, `${SNAPS}/${hex}/brick2/exp`, "rw,relatime,nouuid"],
      ["b", `${hex}_0`, `${SNAPS}/${hex}/brick3/exp`, "rw,relatime,nouuid"],
    ],
  );
  assert.ok(cluster.world.node("node-a").lvs.get(`vg/${hex}_0`)!.active, "as lvcreate leaves it");
});

void test("volume info of a new volume is stock's", async () => {
  const cluster = await up();
  const [info] = await cluster.must("volumeInfo", { volume: "v" });
  assert.deepEqual(info!.options.map((it) => `${it.name}: ${it.value}`), [
    "storage.fips-mode-rchecksum: on",
    "transport.address-family: inet",
    "nfs.disable: on",
  ]);
  assert.deepEqual([info!.type, info!.distCount, info!.replicaCount], ["Distribute", 3, 1]);
});

void test("info and config count what is there and what is left", async () => {
  const cluster = await up();
  await snap(cluster, "s1");
  const { snapshots } = await cluster.must("snapshotInfo", { snapshot: "s1" });
  const { snapsTaken, snapsAvailable, status } = snapshots[0]!.snapVolumes[0]!;
  assert.deepEqual([snapsTaken, snapsAvailable, status], [1, 255, "Stopped"]);
  const { system, volumes } = await cluster.must("snapshotConfigGet", {});
  assert.deepEqual(system, {
    hardLimit: 256,
    softLimitPercent: 90,
    autoDelete: false,
    activateOnCreate: false,
    words: { autoDelete: "disable", activateOnCreate: "disable" },
  });
  assert.deepEqual(volumes, [
    { name: "v", hardLimit: 256, effectiveHardLimit: 256, effectiveSoftLimit: 230 },
  ]);
});

void test("above the soft limit: a warning, or with auto-delete the oldest goes", async () => {
  const cluster = await up();
  await cluster.must("snapshotConfigSet", { softLimitPercent: 50 });
  await cluster.must("snapshotConfigSet", { volume: "v", hardLimit: 4 });
  assert.equal((await snap(cluster, "s1")).softLimitReached, false);
  assert.equal((await snap(cluster, "s2")).softLimitReached, false);
  assert.equal((await snap(cluster, "s3")).softLimitReached, true);
  await cluster.must("snapshotConfigSet", { autoDelete: "enable" });
  const { softLimitReached, autoDeleted } = await snap(cluster, "s4");
  assert.deepEqual([softLimitReached, autoDeleted], [false, ["s1", "s2"]]);
  assert.deepEqual(await listed(cluster), ["s3", "s4"]);
  cluster.checkAtRest();
});

void test("a dry run of limits tells which snapshots go at the next one, and those go", async () => {
  const cluster = await up();
  for (const name of ["s1", "s2", "s3"]) await snap(cluster, name);
  await cluster.must("snapshotConfigSet", { softLimitPercent: 50 });
  const removed = async (args: object): Promise<string[]> => {
    const { steps } = await cluster.must("commandPlan", { command: "snapshot config", ...args });
    return steps.flatMap((it) => /^snapshot (\S+), at the next/.exec(it.object)?.[1] ?? []);
  };
  assert.deepEqual(await removed({ volume: "v", hardLimit: 4 }), [], "auto-delete is off");
  await cluster.must("snapshotConfigSet", { volume: "v", hardLimit: 4 });
  await cluster.must("snapshotHold", { snapshot: "s2", owner: "audit", reason: "case 7" });
  const before = JSON.stringify([...cluster.stored.snapshots, cluster.stored.snapshotConfig]);
  assert.deepEqual(await removed({ autoDelete: "enable" }), ["s1", "s3"]);
  assert.ok(!(await cluster.run("commandPlan", { command: "snapshot config", autoDelete: "disable" })).ok);
  assert.equal(JSON.stringify([...cluster.stored.snapshots, cluster.stored.snapshotConfig]), before);
  await cluster.must("snapshotConfigSet", { autoDelete: "enable" });
  assert.deepEqual((await snap(cluster, "s4")).autoDeleted, ["s1", "s3"]);
  assert.deepEqual(await removed({ softLimitPercent: 1 }), ["s4"]);
});

void test("switches are shown as they were typed, and refused when that changes nothing", async () => {
  const cluster = await up();
  const { system } = await cluster.must("snapshotConfigSet", { autoDelete: "true" });
  assert.deepEqual([system.autoDelete, system.words.autoDelete], [true, "true"]);
  const again = await cluster.run("snapshotConfigSet", { autoDelete: "on" });
  assert.ok(!again.ok);
  await cluster.must("snapshotConfigSet", { autoDelete: "off", hardLimit: 100 });
  const after = (await cluster.must("snapshotConfigGet", {})).system;
  assert.deepEqual([after.autoDelete, after.words.autoDelete], [false, "off"]);
  const shown = await cluster.must("volumeInfo", { volume: "v" });
  const option = shown[0]?.options.find((it) => it.name === "auto-delete");
  assert.equal(option?.value, "off");
});

void test("auto-delete never removes the snapshot that was just taken", async () => {
  const cluster = await up();
  await cluster.must("snapshotConfigSet", { autoDelete: "enable", softLimitPercent: 1 });
  await snap(cluster, "s1");
  assert.deepEqual(await listed(cluster), ["s1"]);
});

void test("restore: bricks become the snapshot's, the present a safety snapshot", async () => {
  const cluster = await up();
  await snap(cluster, "s1");
  await snap(cluster, "s2");
  const hex = cluster.stored.snapshots.get("s1")!.document.volumes[0]!.name;
  const { safetySnapshot } = await restore(cluster, "s1");
  const [info] = await cluster.must("volumeInfo", { volume: "v" });
  assert.equal(info!.bricks[0]!.path, `${SNAPS}/${hex}/brick1/exp`);
  assert.equal(info!.snapshotCount, 1, "the safety snapshot is not counted");
  assert.deepEqual(info!.options.slice(-3).map((it) => it.name), [
    "features.quota",
    "features.inode-quota",
    "features.quota-deem-statfs",
  ]);
  assert.deepEqual(await listed(cluster), ["s2"]);
  assert.deepEqual(await listed(cluster, true), [safetySnapshot]);
  assert.equal((await cluster.must("snapshotStatus", {})).length, 1);
  await cluster.must("volumeStart", { volume: "v" });
  cluster.checkAtRest();
});

void test("a safety snapshot brings the former bricks back, at their old places", async () => {
  const cluster = await up();
  const { world } = cluster;
  await snap(cluster, "s1");
  world.node("node-a").write("/b1/exp", 7);
  const { safetySnapshot } = await restore(cluster, "s1");
  await cluster.must("snapshotRestore", { snapshot: safetySnapshot! });
  const [info] = await cluster.must("volumeInfo", { volume: "v" });
  assert.deepEqual(info!.bricks.map((it) => it.path), ["/b1/exp", "/b2/exp", "/b3/exp"]);
  assert.deepEqual(world.node("node-a").fsOf("/b1/exp").fs.writes, [7]);
  await cluster.must("volumeStart", { volume: "v" });
  cluster.checkAtRest();
});

void test("restore without safety removes the former LVs, once nobody is in them", async () => {
  const cluster = await up();
  await snap(cluster, "s1");
  const node = cluster.world.node("node-a");
  node.busy.add("vg/b1");
  await restore(cluster, "s1", false);
  const pending = await cluster.must("recover", {});
  assert.equal(pending.pending.length, 1);
  assert.ok(node.lvs.has("vg/b1"));
  const refused = await cluster.run("volumeCreate", { name: "w", bricks: ["a:/b1/new"] });
  assert.ok(!refused.ok, "nothing may be built on an LV that is going to be removed");
  node.busy.clear();
  await cluster.must("recover", {});
  assert.deepEqual(["b1", "b2"].map((it) => node.lvs.has(`vg/${it}`)), [false, false]);
  cluster.checkAtRest();
});

void test("data beside a former brick is never removed without being named", async () => {
  const cluster = await up();
  await snap(cluster, "s1");
  cluster.world.node("node-a").fsOf("/b1").fs.foreign.push("precious");
  await cluster.must("volumeStop", { volume: "v" });
  const answer = await cluster.run("snapshotRestore", { snapshot: "s1", safety: false });
  assert.ok(answer.ok);
  assert.match(answer.warnings.join(), /precious/);
  const { safetySnapshot } = answer.payload;
  assert.ok(safetySnapshot !== undefined, "kept although no safety snapshot was wanted");
  cluster.world.nowMs += 30 * DAY_MS;
  await cluster.must("snapshotPrune", {});
  const refused = await cluster.run("snapshotDelete", { snapshot: safetySnapshot });
  assert.ok(!refused.ok);
  assert.match(refused.details[0]!.detail, /precious/);
  const planned = await cluster.run("commandPlan", {
    command: "snapshot delete", snapshot: safetySnapshot,
  });
  assert.ok(!planned.ok, "the plan is refused, too");
  assert.equal(planned.opErrstr, refused.opErrstr);
  assert.ok(cluster.world.node("node-a").lvs.has("vg/b1"));
});

void test("two safety snapshots of a volume are kept, for a week", async () => {
  const cluster = await up();
  for (let round = 0; round < 3; round++) {
    await snap(cluster, `s${round}`);
    await restore(cluster, `s${round}`);
    await cluster.must("volumeStart", { volume: "v" });
    cluster.world.nowMs += 1000;
  }
  assert.equal((await listed(cluster, true)).length, 3);
  await cluster.must("snapshotPrune", {});
  const [, newest] = await listed(cluster, true);
  assert.ok(newest !== undefined && (await listed(cluster, true)).length === 2);
  assert.ok(!cluster.world.node("node-a").lvs.has("vg/b1"), "the oldest were the first bricks");
  cluster.world.nowMs += 6 * DAY_MS;
  assert.deepEqual(await cluster.must("snapshotPrune", {}), []);
  cluster.world.nowMs += 2 * DAY_MS;
  assert.equal((await cluster.must("snapshotPrune", {})).length, 2);
  cluster.checkAtRest();
});

void test("a deleted volume of Mortar's bricks comes back from its safety snapshot", async () => {
  const cluster = await up();
  await snap(cluster, "s1");
  await restore(cluster, "s1", false);
  await cluster.must("volumeDelete", { volume: "v" });
  const [safety] = await listed(cluster, true);
  await cluster.must("snapshotRestore", { snapshot: safety! });
  await cluster.must("volumeStart", { volume: "v" });
  cluster.checkAtRest();
});

void test("a safety snapshot cannot be activated or cloned", async () => {
  const cluster = await up();
  await snap(cluster, "s1");
  const { safetySnapshot: snapshot = "" } = await restore(cluster, "s1");
  assert.ok(!(await cluster.run("snapshotActivate", { snapshot })).ok);
  assert.ok(!(await cluster.run("snapshotClone", { snapshot, name: "c" })).ok);
});

void test("activate force starts what died; deactivated, no processes are shown", async () => {
  const cluster = await up();
  await snap(cluster, "s1");
  await cluster.must("snapshotActivate", { snapshot: "s1" });
  const node = cluster.world.node("node-a");
  for (const path of node.running.keys()) if (path.startsWith(SNAPS)) node.running.delete(path);
  const [dead] = await cluster.must("snapshotStatus", { snapshot: "s1" });
  assert.deepEqual(dead!.bricks.map((it) => it.running), [false, false, true]);
  await cluster.must("snapshotActivate", { snapshot: "s1", force: true });
  const [alive] = await cluster.must("snapshotStatus", { snapshot: "s1" });
  assert.deepEqual(alive!.bricks[0], {
    host: "a",
    path: alive!.bricks[0]!.path,
    volumeGroup: "vg",
    dataPercent: "9.34",
    lvSize: "800.00m",
    running: true,
    pid: 1,
  });
  await cluster.must("snapshotDeactivate", { snapshot: "s1" });
  const [off] = await cluster.must("snapshotStatus", { snapshot: "s1" });
  assert.equal(off!.activated, false);
  cluster.checkAtRest();
});

void test("after a reboot, bring-up mounts and starts what the state says", async () => {
  const cluster = await up();
  await snap(cluster, "s1");
  await restore(cluster, "s1");
  await cluster.must("volumeStart", { volume: "v" });
  await snap(cluster, "s2");
  await cluster.must("snapshotActivate", { snapshot: "s2" });
  const node = cluster.world.node("node-a");
  node.running.clear();
  for (const mountPoint of node.mounts.keys()) {
    if (mountPoint.startsWith(SNAPS)) node.mounts.delete(mountPoint);
  }
  for (const lv of node.lvs.values()) lv.active = false;
  await cluster.restart();
  await cluster.must("recover", {});
  assert.deepEqual(await cluster.must("bringUp", {}), { bricksStarted: 4 });
  cluster.checkAtRest();
});

void test("foreign data beside a brick is named in a warning of the snapshot", async () => {
  const cluster = await up();
  cluster.world.node("node-b").fsOf("/b3").fs.foreign.push("old-stuff");
  const answer = await cluster.run("snapshotCreate", { name: "s", volume: "v" });
  assert.ok(answer.ok);
  assert.match(answer.warnings.join(), /\/b3 on b holds more .*old-stuff/);
});

void test("set and reset keep stock's order of options, and clients are told", async () => {
  const cluster = await up();
  const set = (name: string, value: string) =>
    cluster.must("volumeOptionSet", { volume: "v", options: [{ name, value }] });
  await set("features.uss", "enable");
  await set("nfs.disable", "off");
  await set("user.note", "mine");
  const names = async () =>
    (await cluster.must("volumeInfo", { volume: "v" }))[0]!.options.map((it) => it.name);
  assert.deepEqual((await names()).slice(0, 3), [
    "user.note",
    "features.uss",
    "storage.fips-mode-rchecksum",
  ]);
  assert.deepEqual(cluster.world.told, ["v", "v", "v"]);
  const [value] = await cluster.must("volumeOptionGet", { volume: "v", key: "features.uss" });
  assert.deepEqual(value, { name: "features.uss", value: "enable" });
  await cluster.must("volumeOptionReset", { volume: "v" });
  assert.equal((await names()).length, 3);
  await cluster.must("snapshotConfigSet", { activateOnCreate: "enable" });
  assert.deepEqual((await names()).slice(-1), ["snap-activate-on-create"]);
});

void test("two commands that change something run one after the other", async () => {
  const cluster = await up();
  const answers = await Promise.all(
    ["s", "s", "s"].map((name) =>
      cluster.run("snapshotCreate", { name, volume: "v", timestamp: false }),
    ),
  );
  assert.deepEqual(answers.map((it) => it.ok), [true, false, false]);
  cluster.checkAtRest();
});
