import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedCluster } from "../world/cluster.sim.ts";
import { nodeOfHost, nodesInOrder } from "./membership.ts";

const declaration = (uuid: string, hostname: string) =>
  ({ uuid, hostname, address: "10.0.0.9", snapMountRoot: "/s", contact: `${hostname}.example` });

async function refusal(cluster: SimulatedCluster, host: string): Promise<string> {
  const answer = await cluster.run("nodeRemove", { host });
  assert.ok(!answer.ok);
  return answer.opErrstr;
}

void test("nodes are listed in the order in which they came, and found by any of their names", async () => {
  const cluster = await SimulatedCluster.start();
  await cluster.must("nodeAdd", { ...declaration("node-0", "c"), names: ["10.0.0.77"] });
  const state = cluster.coordinator.state;
  assert.deepEqual(nodesInOrder(state).map((it) => it.hostname), ["a", "b", "c"]);
  for (const host of ["c", "c.example", "10.0.0.9", "10.0.0.77"]) {
    assert.equal(nodeOfHost(state, host)?.uuid, "node-0", host);
  }
  assert.equal(nodeOfHost(state, "d"), undefined);
});

void test("what is declared again is written only when it differs; the words of the probe stay", async () => {
  const cluster = await SimulatedCluster.start();
  await cluster.must("nodeAdd", declaration("node-0", "c"));
  const { contact: _words, ...own } = declaration("node-0", "c");
  const before = cluster.stored.nodes.get("node-0")!;
  await cluster.must("nodeAdd", own);
  assert.deepEqual(cluster.stored.nodes.get("node-0"), before);
  await cluster.must("nodeAdd", { ...own, address: "10.0.0.10" });
  const after = cluster.stored.nodes.get("node-0")!.document;
  assert.deepEqual(after, { ...before.document, address: "10.0.0.10" });
});

void test("a node is not taken out while it has bricks, of volumes or of snapshots", async () => {
  const cluster = await SimulatedCluster.start();
  await cluster.must("volumeCreate", { name: "v", bricks: ["a:/b1/exp", "b:/b3/exp"] });
  assert.match(await refusal(cluster, "b"), /^Peer b hosts one or more bricks\. /);
  assert.equal(await refusal(cluster, "a"), "a is localhost");
  assert.equal(await refusal(cluster, "z"), "z is not part of cluster");
  await cluster.must("volumeDelete", { volume: "v" });
  await cluster.must("nodeRemove", { host: "b", check: true });
  assert.ok(cluster.stored.nodes.has("node-b"));
  await cluster.must("nodeRemove", { host: "b" });
  assert.ok(!cluster.stored.nodes.has("node-b"));
});

void test("a dry run of a detach tells what goes, refuses as it does, and takes nothing out", async () => {
  const cluster = await SimulatedCluster.start();
  const plan = { command: "peer detach", host: "b" } as const;
  const { steps } = await cluster.must("commandPlan", plan);
  assert.deepEqual(steps, [{ action: "remove", object: "node b of the cluster" }]);
  await cluster.must("volumeCreate", { name: "v", bricks: ["a:/b1/exp", "b:/b3/exp"] });
  const refused = await cluster.run("commandPlan", plan);
  assert.ok(!refused.ok && refused.opErrstr === (await refusal(cluster, "b")));
  const own = await cluster.run("commandPlan", { ...plan, host: "a" });
  assert.ok(!own.ok && own.opErrstr === "a is localhost");
  assert.ok(cluster.stored.nodes.has("node-b"));
});

void test("a node does not let itself in, neither by a probe nor by declaring itself", async () => {
  const cluster = await SimulatedCluster.start();
  const same = await cluster.run("nodeAdd", declaration("node-a", "a"));
  assert.ok(!same.ok && same.opErrstr === "Peer uuid (host a.example) is same as local uuid");
  const out = await cluster.run("nodeDeclare", declaration("node-z", "z"));
  assert.ok(!out.ok && out.code === "node-unfit");
});

void test("what other nodes commit is in the state once, in whichever order it is heard of", async () => {
  const cluster = await SimulatedCluster.start();
  const { coordinator } = cluster;
  const { nodes } = coordinator.state;
  const document = { ...nodes.get("node-b")!.document, address: "10.1.1.1" };
  coordinator.told(1000, [{ key: "node/node-b", value: document }]);
  assert.equal(coordinator.state.nodes.get("node-b")!.revision, 1000);
  coordinator.told(999, [{ key: "node/node-b" }]);
  assert.ok(coordinator.state.nodes.has("node-b"), "what is older than the state changes nothing");
  coordinator.told(1001, [{ key: "node/node-b" }]);
  assert.ok(!coordinator.state.nodes.has("node-b"));
});
