/** Schedules, holds and locks as commands on the simulated cluster. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterTime } from "../nodes/cluster-clock.ts";
import { SimulatedCluster } from "../world/cluster.sim.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

async function up(): Promise<SimulatedCluster> {
  const cluster = await SimulatedCluster.start();
  await cluster.must("volumeCreate", { name: "v", bricks: ["a:/b1/exp", "b:/b3/exp"] });
  await cluster.must("volumeStart", { volume: "v" });
  return cluster;
}

const snap = (cluster: SimulatedCluster, name: string) =>
  cluster.must("snapshotCreate", { name, volume: "v", timestamp: false });
const names = async (cluster: SimulatedCluster) =>
  (await cluster.must("snapshotList", {})).map((it) => it.name);
const now = (cluster: SimulatedCluster) => cluster.world.nowMs;

function pass(cluster: SimulatedCluster, ms: number): void {
  cluster.world.nowMs += ms;
}

async function refused(cluster: SimulatedCluster, run: ReturnType<SimulatedCluster["run"]>) {
  const answer = await run;
  assert.ok(!answer.ok);
  cluster.checkAtRest();
  return answer.code;
}

void test("a schedule makes a snapshot for each hour, once, and keeps what its policy says", async () => {
  const cluster = await up();
  await snap(cluster, "mine");
  await cluster.must("scheduleAdd", { name: "h", volumes: ["v"], keep: { hourly: 3 } });
  for (let hour = 0; hour < 6; hour++) {
    cluster.world.nowMs += HOUR_MS;
    const [run] = await cluster.must("scheduleTick", {});
    assert.match(run!.snapshot!, /^Scheduled-h-v_GMT-/);
    assert.deepEqual(await cluster.must("scheduleTick", {}), []);
  }
  const left = await names(cluster);
  assert.equal(left.length, 4);
  assert.ok(left.includes("mine"), "not made by the schedule");
  cluster.checkAtRest();
});

void test("a run that fails is begun again a few times, later and later; then it is given up", async () => {
  const cluster = await up();
  await cluster.must("scheduleAdd", { name: "h", volumes: ["v"], keep: { hourly: 3 } });
  await cluster.must("volumeStop", { volume: "v" });
  pass(cluster, HOUR_MS);
  const begun: number[] = [];
  const from = now(cluster);
  for (let second = 0; second < 600; second++) {
    const [run] = await cluster.must("scheduleTick", {});
    if (run !== undefined) begun.push(Math.floor((now(cluster) - from) / 1000));
    if (run !== undefined) assert.match(run.error!, /not (started|running)|v/);
    pass(cluster, 1000);
  }
  assert.deepEqual(begun, [0, 10, 40, 130, 400]);
  const [report] = await cluster.must("scheduleList", {});
  assert.match(report!.lastRun!.error!, /v/);
  assert.equal(report!.retryAtMs, undefined);
  await cluster.must("volumeStart", { volume: "v" });
  pass(cluster, HOUR_MS);
  const [next] = await cluster.must("scheduleTick", {});
  assert.notEqual(next!.snapshot, undefined, "the next instant has tries of its own");
});

void test("a try that succeeds ends the trying, and a clock set back delays none", async () => {
  const cluster = await up();
  await cluster.must("scheduleAdd", { name: "h", volumes: ["v"], cron: "0 * * * *" });
  await cluster.must("volumeStop", { volume: "v" });
  pass(cluster, HOUR_MS);
  const [failed] = await cluster.must("scheduleTick", {});
  await cluster.must("volumeStart", { volume: "v" });
  cluster.world.wallShiftMs = -DAY_MS;
  const [made] = await cluster.must("scheduleTick", {});
  assert.equal(made!.dueMs, failed!.dueMs);
  assert.notEqual(made!.snapshot, undefined);
  assert.deepEqual(await cluster.must("scheduleTick", {}), []);
});

void test("a run by hand is one more, and changes nothing about what is due", async () => {
  const cluster = await up();
  await cluster.must("scheduleAdd", {
    name: "h", volumes: ["v"], cron: "0 * * * *", keep: { last: 2 },
  });
  const [before] = await cluster.must("scheduleList", {});
  for (let count = 0; count < 3; count++) {
    pass(cluster, 1000);
    await cluster.must("scheduleRun", { name: "h" });
  }
  const [after] = await cluster.must("scheduleList", {});
  assert.equal(after!.snapshots, 2);
  assert.deepEqual(after!.nextMs, before!.nextMs);
  cluster.checkAtRest();
});

void test("a schedule of several volumes makes one snapshot, of one moment", async () => {
  const cluster = await up();
  await cluster.must("volumeCreate", { name: "w", bricks: ["a:/b2/exp"] });
  await cluster.must("volumeStart", { volume: "w" });
  await cluster.must("scheduleAdd", { name: "g", volumes: ["v", "w"], keep: { hourly: 2 } });
  for (let hour = 0; hour < 4; hour++) {
    pass(cluster, HOUR_MS);
    await cluster.must("scheduleTick", {});
  }
  const left = await cluster.must("snapshotList", {});
  assert.deepEqual(left.map((it) => it.volumes), [["v", "w"], ["v", "w"]]);
  cluster.checkAtRest();
});

void test("a lock outlives a restore of its volume, and the volume is not deleted under it", async () => {
  const cluster = await up();
  await snap(cluster, "locked");
  await snap(cluster, "other");
  const untilMs = now(cluster) + DAY_MS;
  await cluster.must("snapshotLock", { snapshot: "locked", untilMs });
  await cluster.must("volumeStop", { volume: "v" });
  await cluster.must("snapshotRestore", { snapshot: "other" });
  assert.equal(
    await refused(cluster, cluster.run("snapshotDelete", { snapshot: "locked" })), "snapshot-kept",
  );
  assert.equal(
    await refused(cluster, cluster.run("volumeDelete", { volume: "v" })), "volume-has-snapshots",
  );
  const [info] = (await cluster.must("snapshotInfo", { snapshot: "locked" })).snapshots;
  assert.equal(info!.lock!.untilMs, untilMs);
});

void test("two names of one person remove no lock: both are known, or both are stated", async () => {
  for (const first of [true, false]) {
    const cluster = await up();
    await snap(cluster, "s");
    await cluster.must("snapshotLock", { snapshot: "s", untilMs: now(cluster) + 9 * DAY_MS });
    await cluster.must("snapshotUnlock", { snapshot: "s", operator: "ann", stated: first });
    pass(cluster, DAY_MS);
    await cluster.must("scheduleTick", {});
    const bob = { snapshot: "s", operator: "bob" };
    await refused(cluster, cluster.run("snapshotUnlock", { ...bob, stated: !first }));
    const done = await cluster.must("snapshotUnlock", { ...bob, stated: first });
    assert.equal(done.unlocked, true);
  }
});

void test("pruning spares what is held, and a dry run changes nothing", async () => {
  const cluster = await up();
  await cluster.must("scheduleAdd", { name: "h", volumes: ["v"], cron: "0 * * * *" });
  for (let hour = 0; hour < 4; hour++) {
    cluster.world.nowMs += HOUR_MS;
    await cluster.must("scheduleTick", {});
  }
  const [oldest = "", second = "", third = "", newest = ""] = await names(cluster);
  const hold = { snapshot: oldest, owner: "audit", reason: "case 7" };
  await cluster.must("snapshotHold", hold);
  await cluster.must("scheduleEdit", { name: "h", keep: { last: 1 } });
  const [plan] = await cluster.must("schedulePrune", { dryRun: true });
  const doomed = plan!.decisions.filter((it) => !it.keep).map((it) => it.name);
  assert.deepEqual(doomed, [second, third]);
  assert.equal((await names(cluster)).length, 4);
  await cluster.must("schedulePrune", {});
  assert.deepEqual(await names(cluster), [oldest, newest]);
});

void test("a dry run of a deletion names the snapshots that nothing prunes any more", async () => {
  const cluster = await up();
  await cluster.must("scheduleAdd", { name: "h", volumes: ["v"], cron: "0 * * * *" });
  cluster.world.nowMs += HOUR_MS;
  await cluster.must("scheduleTick", {});
  const [made = ""] = await names(cluster);
  const plan = { command: "snapshot schedule delete", name: "h" } as const;
  const { steps } = await cluster.must("commandPlan", plan);
  assert.deepEqual(steps, [
    { action: "keep", object: `snapshot ${made}, which nothing prunes any more` },
    { action: "remove", object: "schedule h" },
  ]);
  assert.equal((await cluster.must("scheduleList", {})).length, 1);
  await cluster.must("scheduleDelete", { name: "h" });
  assert.deepEqual(await names(cluster), [made]);
  assert.ok(!(await cluster.run("commandPlan", plan)).ok);
});

void test("what is held or locked is refused by every way of removing it", async () => {
  for (const kind of ["hold", "lock"] as const) {
    const cluster = await up();
    await snap(cluster, "s");
    if (kind === "lock") {
      await cluster.must("snapshotLock", { snapshot: "s", untilMs: now(cluster) + DAY_MS });
    } else {
      await cluster.must("snapshotHold", { snapshot: "s", owner: "o", reason: "r" });
    }
    const kept = "snapshot-kept";
    assert.equal(await refused(cluster, cluster.run("snapshotDelete", { snapshot: "s" })), kept);
    for (const args of [{ all: true }, { volume: "v" }]) {
      const [removal] = await cluster.must("snapshotDeleteMany", args);
      assert.equal(removal!.removed, false);
    }
    await cluster.must("snapshotConfigSet", { autoDelete: "enable", softLimitPercent: 50 });
    await cluster.must("snapshotConfigSet", { volume: "v", hardLimit: 2 });
    assert.deepEqual((await snap(cluster, "t")).autoDeleted, []);
    await cluster.must("volumeStop", { volume: "v" });
    assert.equal(await refused(cluster, cluster.run("snapshotRestore", { snapshot: "s" })), kept);
    assert.ok((await names(cluster)).includes("s"));
  }
});

void test("a lock is extended, never shortened; two operators and a day remove it", async () => {
  const cluster = await up();
  await snap(cluster, "s");
  const lock = (days: number) => ({ snapshot: "s", untilMs: now(cluster) + days * DAY_MS });
  await cluster.must("snapshotLock", lock(10));
  assert.equal(await refused(cluster, cluster.run("snapshotLock", lock(9))), "bad-argument");
  await cluster.must("snapshotLock", lock(11));
  const by = (operator: string) => ({ snapshot: "s", operator });
  assert.equal((await cluster.must("snapshotUnlock", by("ann"))).unlocked, false);
  await refused(cluster, cluster.run("snapshotUnlock", by("bob")));
  pass(cluster, DAY_MS);
  await refused(cluster, cluster.run("snapshotUnlock", by("ann")));
  assert.equal((await cluster.must("snapshotUnlock", by("bob"))).unlocked, true);
  await cluster.must("snapshotDelete", { snapshot: "s" });
});

void test("a clock set far forward or back ends no lock; time that goes by does", async () => {
  const cluster = await up();
  await snap(cluster, "s");
  await cluster.must("snapshotLock", { snapshot: "s", untilMs: now(cluster) + DAY_MS });
  cluster.world.wallShiftMs = 1000 * DAY_MS;
  await cluster.must("scheduleTick", {});
  await refused(cluster, cluster.run("snapshotDelete", { snapshot: "s" }));
  cluster.world.wallShiftMs = -1000 * DAY_MS;
  await cluster.must("scheduleTick", {});
  await refused(cluster, cluster.run("snapshotDelete", { snapshot: "s" }));
  cluster.world.wallShiftMs = 0;
  pass(cluster, DAY_MS);
  await cluster.must("snapshotDelete", { snapshot: "s" });
});

void test("the cluster's time is of whole milliseconds, though monotonic clocks are not", () => {
  const vouchers = { a: { monotonicMs: 10.75, markMs: 1000 } };
  const clock = { schema: 1 as const, markMs: 1000, vouchers };
  assert.equal(clusterTime(clock, "a", { nowMs: 5000, monotonicMs: 20.25 }), 1009);
});
