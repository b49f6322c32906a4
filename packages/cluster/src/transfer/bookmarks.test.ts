/** Bookmarks: what they need, what they are good for, and that one that is not complete is for nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedCluster } from "../world/cluster.sim.ts";

async function up(): Promise<SimulatedCluster> {
  const cluster = await SimulatedCluster.start();
  await cluster.must("volumeCreate", { name: "v", bricks: ["a:/b1/exp", "b:/b3/exp"] });
  await cluster.must("volumeStart", { volume: "v" });
  for (const name of ["s", "t"]) {
    await cluster.must("snapshotCreate", { name, volume: "v", timestamp: false });
  }
  return cluster;
}

async function refusal(work: Promise<{ ok: boolean }>): Promise<string> {
  const answer = (await work) as { ok: boolean; opErrstr?: string };
  assert.equal(answer.ok, false);
  return answer.opErrstr ?? "";
}

void test("a difference is told by a bookmark when its snapshot is gone, and its base is exact", async () => {
  const cluster = await up();
  const point = (await cluster.must("snapshotSend", { snapshot: "s" })).header.snapshot;
  const { id, bricks } = await cluster.must("bookmarkBegin", { snapshot: "s", name: "m" });
  assert.equal(bricks.length, 2);
  assert.match(await refusal(cluster.run("snapshotSend", { snapshot: "t", from: "m" })), /m/);
  await cluster.must("bookmarkFinish", { name: "m", id });
  await cluster.must("snapshotDelete", { snapshot: "s" });
  const { header, sources } = await cluster.must("snapshotSend", { snapshot: "t", from: "m" });
  assert.deepEqual([header.base, header.isBaseExact], [point, true]);
  assert.deepEqual(header.bricks.map((it) => it.kind), ["delta", "delta"]);
  assert.deepEqual(sources.map((it) => it.bookmark), [{ id, brick: 0 }, { id, brick: 1 }]);
  // As a receiver's token names it.
  const again = await cluster.must("snapshotSend", { snapshot: "t", from: point.id });
  assert.deepEqual(again, { header, sources });
  await cluster.must("bookmarkDelete", { name: "m" });
  assert.deepEqual(await cluster.must("bookmarkList", {}), []);
  assert.match(await refusal(cluster.run("bookmarkDelete", { name: "m" })), /no bookmark m/);
});

void test("a snapshot that was activated while it was read has no bookmark of it", async () => {
  const cluster = await up();
  const { id } = await cluster.must("bookmarkBegin", { snapshot: "s", name: "m" });
  await cluster.must("snapshotActivate", { snapshot: "s" });
  await cluster.must("snapshotDeactivate", { snapshot: "s" });
  assert.match(await refusal(cluster.run("bookmarkFinish", { name: "m", id })), /was activated while/);
  assert.deepEqual((await cluster.must("bookmarkList", {})).map((it) => it.isComplete), [false]);
  // Interrupted: the next one of the name takes its place, and the former one cannot end.
  const next = await cluster.must("bookmarkBegin", { snapshot: "s", name: "m" });
  assert.match(await refusal(cluster.run("bookmarkFinish", { name: "m", id })), /given up/);
  await cluster.must("bookmarkFinish", { name: "m", id: next.id });
  assert.match(await refusal(cluster.run("bookmarkBegin", { snapshot: "t", name: "m" })), /already/);
  assert.match(await refusal(cluster.run("bookmarkBegin", { snapshot: "t", name: "s" })), /already/);
});
