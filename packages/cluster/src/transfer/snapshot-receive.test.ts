/** Snapshots that are sent and received: what is made when, what is refused, and nothing half. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedCluster } from "../world/cluster.sim.ts";
import type { SendHeader } from "./transfer-document.ts";

const MIB = 1024 ** 2;

async function up(): Promise<SimulatedCluster> {
  const cluster = await SimulatedCluster.start();
  await cluster.must("volumeCreate", { name: "v", bricks: ["a:/b1/exp", "b:/b3/exp"] });
  await cluster.must("volumeStart", { volume: "v" });
  for (const name of ["s", "t", "u"]) {
    await cluster.must("snapshotCreate", { name, volume: "v", timestamp: false });
  }
  return cluster;
}

async function refusal(work: Promise<{ ok: boolean }>): Promise<string> {
  const answer = (await work) as { ok: boolean; opErrstr?: string };
  assert.equal(answer.ok, false);
  return answer.opErrstr ?? "";
}

/** As if the stream had come: the file systems are there. */
async function receive(cluster: SimulatedCluster, header: SendHeader, name: string, force = true) {
  const begun = await cluster.must("receiveBegin", { volume: "copy", header, name, force });
  for (const [index, { node, vg, lv }] of begun.targets.entries()) {
    const { fs } = cluster.world.node(node).lvs.get(`${vg}/${lv}`)!;
    fs.directories.set(header.bricks[index]!.below, undefined);
  }
  const last = header.bricks.length - 1;
  const place = { brick: last, offset: header.bricks[last]!.sizeBytes };
  await cluster.must("receiveProgress", { volume: "copy", id: begun.id, place });
  return await cluster.must("receiveFinish", { volume: "copy", id: begun.id });
}

const lvsOf = (cluster: SimulatedCluster): string[] =>
  cluster.world.nodes.flatMap((it) => [...it.lvs.keys()].map((lv) => `${it.host}:${lv}`)).sort();

void test("a plan says where each brick is read, and what it is to", async () => {
  const cluster = await up();
  const whole = await cluster.must("snapshotSend", { snapshot: "s" });
  assert.deepEqual(whole.header.bricks.map((it) => [it.kind, it.sizeBytes, it.below]), [
    ["full", 800 * MIB, "/exp"], ["full", 800 * MIB, "/exp"],
  ]);
  const part = await cluster.must("snapshotSend", { snapshot: "t", from: "s" });
  const { id } = cluster.stored.snapshots.get("s")!.document;
  assert.deepEqual(part.header.base, { name: "s", id, state: 0 });
  assert.deepEqual(part.header.bricks.map((it) => it.kind), ["delta", "delta"]);
  assert.deepEqual(part.sources.map((it) => it.baseLv), whole.sources.map((it) => it.lv));
  const again = await cluster.must("snapshotSend", { snapshot: whole.header.snapshot.id });
  assert.deepEqual(again, whole);
});

void test("a snapshot that is activated is not sent, and having been so is another state", async () => {
  const cluster = await up();
  await cluster.must("snapshotActivate", { snapshot: "s" });
  assert.match(await refusal(cluster.run("snapshotSend", { snapshot: "s" })), /is activated/);
  // What differs from it may be sent meanwhile.
  await cluster.must("snapshotSend", { snapshot: "t", from: "s" });
  await cluster.must("snapshotDeactivate", { snapshot: "s" });
  const { header } = await cluster.must("snapshotSend", { snapshot: "s" });
  assert.equal(header.snapshot.state, 1);
  assert.match(await refusal(cluster.run("snapshotSend", { snapshot: "s", from: "s" })), /itself/);
});

void test("whole, then differences: volume, snapshots, and no logical volume too many", async () => {
  const cluster = await up();
  const before = lvsOf(cluster).length;
  const { header } = await cluster.must("snapshotSend", { snapshot: "s" });
  const { volumeId } = await receive(cluster, header, "s2");
  const volume = cluster.stored.volumes.get("copy")!.document;
  assert.deepEqual([volume.id, volume.status, volume.bricks.length], [volumeId, "Created", 2]);
  assert.equal(lvsOf(cluster).length, before + 6, "as received, of the snapshot, of the volume");
  const { header: part } = await cluster.must("snapshotSend", { snapshot: "t", from: "s" });
  await receive(cluster, part, "t2");
  assert.equal(lvsOf(cluster).length, before + 8, "the former ones are gone, the snapshot stays");
  assert.equal(cluster.stored.volumes.get("copy")!.document.id, volumeId);
  assert.equal(cluster.stored.intents.size, 0);
  const [state] = await cluster.must("receiveList", { volume: "copy" });
  assert.equal(state!.held!.name, "t");
});

void test("a wrong base is refused, and both are named", async () => {
  const cluster = await up();
  const { header } = await cluster.must("snapshotSend", { snapshot: "s" });
  await receive(cluster, header, "s2");
  const { header: part } = await cluster.must("snapshotSend", { snapshot: "u", from: "t" });
  const begin = (volume: string) => cluster.run("receiveBegin", { volume, header: part, name: "x" });
  assert.match(await refusal(begin("copy")), /continues snapshot "t" \(.*\), and volume copy has "s" \(/);
  assert.match(await refusal(begin("new")), /was not received here/);
  const again = cluster.run("receiveBegin", { volume: "copy", header, name: "x" });
  assert.match(await refusal(again), /already exists/);
});

void test("a volume that was used is not overwritten unless that is wanted; a started one never", async () => {
  const cluster = await up();
  const { header } = await cluster.must("snapshotSend", { snapshot: "s" });
  await receive(cluster, header, "s2");
  const { header: part } = await cluster.must("snapshotSend", { snapshot: "t", from: "s" });
  const begin = () => cluster.run("receiveBegin", { volume: "copy", header: part, name: "x" });
  await cluster.must("volumeStart", { volume: "copy" });
  assert.match(await refusal(begin()), /is started/);
  await cluster.must("volumeStop", { volume: "copy" });
  assert.match(await refusal(begin()), /would be lost/);
  await receive(cluster, part, "t2", true);
});

void test("it goes on where it was, with the same stream only; given up, nothing is left", async () => {
  const cluster = await up();
  const before = lvsOf(cluster);
  const { header } = await cluster.must("snapshotSend", { snapshot: "s" });
  const begin = (of: SendHeader) =>
    cluster.run("receiveBegin", { volume: "copy", header: of, name: "s2", force: true });
  const { id } = await cluster.must("receiveBegin", { volume: "copy", header, name: "s2", force: true });
  const place = { brick: 0, offset: 5 * MIB };
  await cluster.must("receiveProgress", { volume: "copy", id, place });
  const back = await cluster.must("receiveProgress", { volume: "copy", id, place: { brick: 0, offset: 1 } });
  assert.deepEqual(back, place, "it does not go back");
  assert.match(await refusal(cluster.run("receiveFinish", { volume: "copy", id })), /not come to its end/);
  assert.ok((await begin({ ...header, resume: place })).ok);
  assert.match(await refusal(begin({ ...header, resume: { brick: 1, offset: 0 } })), /not come to/);
  const { header: other } = await cluster.must("snapshotSend", { snapshot: "t" });
  assert.match(await refusal(begin(other)), /has a part of snapshot "s"/);
  await cluster.must("receiveAbandon", { volume: "copy" });
  assert.deepEqual(lvsOf(cluster), before);
  assert.equal(cluster.stored.receives.size, 0);
  const late = cluster.run("receiveProgress", { volume: "copy", id, place });
  assert.match(await refusal(late), /given up/);
});
