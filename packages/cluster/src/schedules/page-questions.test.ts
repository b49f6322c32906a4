/** Questions that the page asks: what a schedule would do, how full pools are. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedCluster } from "../world/cluster.sim.ts";

const HOUR_MS = 3_600_000;

async function up(): Promise<SimulatedCluster> {
  const cluster = await SimulatedCluster.start();
  await cluster.must("volumeCreate", { name: "v", bricks: ["a:/b1/exp", "b:/b3/exp"] });
  await cluster.must("volumeStart", { volume: "v" });
  return cluster;
}

void test("a preview tells the next runs and what would go, and changes nothing", async () => {
  const cluster = await up();
  await cluster.must("scheduleAdd", { name: "h", volumes: ["v"], keep: { hourly: 3 } });
  for (let hour = 0; hour < 3; hour += 1) {
    cluster.world.nowMs += HOUR_MS;
    await cluster.must("scheduleTick", {});
  }
  const before = await cluster.must("scheduleList", {});
  const { cron, nextMs, decisions } = await cluster.must("schedulePreview", {
    name: "h", keep: { last: 1 }, cron: "30 2 * * *",
  });
  assert.equal(cron, "30 2 * * *");
  assert.equal(nextMs.length, 5);
  for (const at of nextMs) assert.match(new Date(at).toISOString(), /T02:30:00/);
  assert.equal(decisions.filter(({ keep }) => !keep).length, 2);
  assert.deepEqual(await cluster.must("scheduleList", {}), before);
  const fresh = await cluster.must("schedulePreview", { name: "new", keep: { daily: 2 } });
  assert.deepEqual(fresh.decisions, []);
  assert.equal(fresh.nextMs.length, 5);
  for (const settings of [{}, { cron: "x" }, { cron: "0 * * * *", timeZone: "Nowhere" }]) {
    const answer = await cluster.run("schedulePreview", { name: "new", ...settings });
    assert.ok(!answer.ok && answer.code === "bad-argument");
  }
});

void test("each pool that a brick is on is told once, of the nodes that answer", async () => {
  const cluster = await up();
  const all = await cluster.must("poolList", {});
  assert.deepEqual(all.map(({ host }) => host).sort(), ["a", "b"]);
  assert.equal(new Set(all.map(({ host, vg, pool }) => `${host} ${vg}/${pool}`)).size, all.length);
  await cluster.must("snapshotCreate", { name: "s", volume: "v", timestamp: false });
  assert.equal((await cluster.must("poolList", {})).length, all.length);
});
