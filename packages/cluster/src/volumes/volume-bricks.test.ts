/** What bricks are told and asked. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedCluster } from "../world/cluster.sim.ts";
import type { BrickProfile } from "../bricks/brick-effects.ts";
import { volfileFor } from "./volfile-request.ts";

const engineOption = "mortar.brick-engine";

async function cluster(): Promise<SimulatedCluster> {
  const it = await SimulatedCluster.start();
  await it.must("volumeCreate", { name: "v", bricks: ["a:/b1/exp", "b:/b3/exp"] });
  await it.must("volumeStart", { volume: "v" });
  return it;
}

function engineOf(it: SimulatedCluster): string | undefined {
  const stateDirectoryOf = () => "/state";
  const answer = volfileFor(it.stored, { key: "v.a.b1-exp", trusted: true, stateDirectoryOf });
  return answer.ok ? answer.engine : undefined;
}

void test("an engine is for the next start of a brick, and the answer says so", async () => {
  const it = await cluster();
  assert.equal(engineOf(it), "builtin");
  const options = [{ name: engineOption, value: "glusterfsd" }];
  const set = await it.run("volumeOptionSet", { volume: "v", options });
  assert.ok(set.ok);
  assert.match(set.warnings.join(), /glusterfsd serves each brick from its next start on/);
  assert.equal(engineOf(it), "glusterfsd");
  const again = await it.run("volumeOptionSet", { volume: "v", options });
  assert.deepEqual(again.ok && again.warnings, []);
  const reset = await it.run("volumeOptionReset", { volume: "v", key: engineOption });
  assert.match(reset.ok ? reset.warnings.join() : "", /builtin serves each brick/);
  assert.equal(engineOf(it), "builtin");
  await it.must("volumeStop", { volume: "v" });
  const stopped = await it.run("volumeOptionSet", { volume: "v", options });
  assert.deepEqual(stopped.ok && stopped.warnings, [], "nobody runs who would go on");
});

void test("every brick of a started volume is told of options; what waits is said once", async () => {
  const it = await cluster();
  const [a, b] = [it.world.node("node-a"), it.world.node("node-b")];
  a.afterRestart = ["tls"];
  b.afterRestart = ["tls"];
  const options = [{ name: "client.ssl", value: "on" }];
  const set = await it.run("volumeOptionSet", { volume: "v", options });
  assert.deepEqual([a.reconfigured, b.reconfigured], [["/b1/exp"], ["/b3/exp"]]);
  assert.deepEqual(
    set.ok && set.warnings,
    ["The bricks of v take over tls when they are started next."],
  );
});

const book = {
  duration: 1, bytesRead: 0, bytesWritten: 0, readSizes: [], writeSizes: [], fops: [],
};
const profile: BrickProfile = { cumulative: book, interval: book, intervalNumber: 0 };

void test("a brick that gives no answer is told of; the others are shown", async () => {
  const it = await cluster();
  it.world.node("node-a").answers.set("profile", profile);
  await it.must("volumeProfile", { volume: "v", action: "start" });
  it.world.node("node-b").running.clear();
  const info = await it.run("volumeProfile", { volume: "v", action: "info" });
  assert.ok(info.ok);
  assert.deepEqual(info.payload.bricks, [{ host: "a", path: "/b1/exp", profile }]);
  assert.match(JSON.stringify(info.details), /b3.*is down/);
  it.world.node("node-a").running.clear();
  const none = await it.run("volumeProfile", { volume: "v", action: "info" });
  assert.equal(none.ok, false);
});

void test("a barrier that one brick does not take is taken from the others", async () => {
  const it = await cluster();
  await it.must("volumeBarrier", { volume: "v", enable: true });
  assert.equal(it.world.node("node-a").barred.size, 1);
  await it.must("volumeBarrier", { volume: "v", enable: false });
  assert.equal(it.world.node("node-a").barred.size, 0);
  it.world.node("node-b").running.clear();
  const answer = await it.run("volumeBarrier", { volume: "v", enable: true });
  assert.equal(answer.ok, false);
  assert.equal(it.world.node("node-a").barred.size, 0);
});

void test("an option of the whole pool is found by the end of its name, as one of a volume is", async () => {
  const it = await cluster();
  const whole = await it.must("volumeOptionGet", { volume: "all", key: "cluster.server-quorum-ratio" });
  assert.equal(whole.length, 1);
  assert.deepEqual(await it.must("volumeOptionGet", { volume: "all", key: "server-quorum-ratio" }), whole);
  assert.ok(!(await it.run("volumeOptionGet", { volume: "all", key: "quorum-ratio" })).ok);
});
