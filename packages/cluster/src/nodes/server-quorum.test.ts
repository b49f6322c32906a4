/** Who may have writers, by what a node sees of the pool. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedCluster } from "../world/cluster.sim.ts";
import {
  isInServerQuorum, serverQuorumChange, serverQuorumCount, type ServerQuorumView,
} from "./server-quorum.ts";

async function cluster(): Promise<SimulatedCluster> {
  const made = await SimulatedCluster.start();
  for (const [name, place] of [["v", "b1"], ["w", "b2"]] as const) {
    await made.must("volumeCreate", { name, bricks: [`a:/${place}/exp`] });
    await made.must("volumeStart", { volume: name });
  }
  await set(made, "v", "cluster.server-quorum-type", "server");
  return made;
}

const set = (made: SimulatedCluster, volume: string, name: string, value: string) =>
  made.must("volumeOptionSet", { volume, options: [{ name, value }] });

test("the quorum is more than half of the nodes, or the ratio of them, rounded up", () => {
  assert.deepEqual([1, 2, 3, 4, 5].map((count) => serverQuorumCount(count, undefined)), [1, 2, 2, 3, 3]);
  assert.deepEqual([51, 50, 67, 100, 0].map((ratio) => serverQuorumCount(4, ratio)), [3, 2, 3, 4, 0]);
});

test("a ratio of the cluster counts; nodes that are none of it do not", async () => {
  const made = await cluster();
  assert.equal(isInServerQuorum(made.stored, ["node-a", "node-x"]), false);
  assert.equal(isInServerQuorum(made.stored, ["node-a", "node-b"]), true);
  await set(made, "all", "cluster.server-quorum-ratio", "50%");
  assert.equal(isInServerQuorum(made.stored, ["node-a"]), true);
});

test("nodes that were given up, or taken out, count neither as there nor as missing", async () => {
  const made = await cluster();
  const declaration = (uuid: string) =>
    ({ uuid, hostname: uuid, address: "10.0.0.9", snapMountRoot: "/s" });
  for (const uuid of ["node-x", "node-y"]) await made.must("nodeAdd", declaration(uuid));
  const both = ["node-a", "node-b"];
  assert.equal(isInServerQuorum(made.stored, both), false, "two of four");
  const given = made.stored.nodes.get("node-y")!;
  const nodes = new Map(made.stored.nodes)
    .set("node-y", { ...given, document: { ...given.document, goneSinceMs: 1 } });
  assert.equal(isInServerQuorum({ ...made.stored, nodes }, both), true, "two of three");
  const silent = ["node-a", "node-y"];
  assert.equal(isInServerQuorum({ ...made.stored, nodes }, silent), false, "one of three");
  await made.must("nodeRemove", { host: "node-y" });
  assert.equal(isInServerQuorum(made.stored, both), true, "two of three");
  assert.equal(isInServerQuorum(made.stored, silent), false);
});

test("without quorum bricks of the volumes that take part are ended, and started with it", async () => {
  const { stored } = await cluster();
  const alone: ServerQuorumView = {
    connected: ["node-a"], isNew: false, held: new Set(), ended: new Set(),
  };
  assert.deepEqual(serverQuorumChange(stored, alone), { hold: ["v"], end: ["v"], start: [] });
  const cut = { ...alone, held: new Set(["v"]), ended: new Set(["v"]) };
  assert.deepEqual(serverQuorumChange(stored, cut), { hold: [], end: [], start: [] });
  const back = { ...cut, connected: ["node-a", "node-b"] };
  assert.deepEqual(serverQuorumChange(stored, back), { hold: [], end: [], start: ["v"] });
});

test("who has not had the time to hear of the others ends nothing, and starts nothing", async () => {
  const { stored } = await cluster();
  const fresh = { connected: ["node-a"], isNew: true, held: new Set<string>(), ended: new Set<string>() };
  assert.deepEqual(serverQuorumChange(stored, fresh), { hold: ["v"], end: [], start: [] });
});

test("commands on a volume without quorum are refused, but for the choice of the quorum", async () => {
  const made = await cluster();
  made.world.connected = ["node-a"];
  const refusal = "Quorum not met. Volume operation not allowed.";
  const tried = await Promise.all([
    made.run("volumeStop", { volume: "v" }),
    made.run("volumeStart", { volume: "v", force: true }),
    made.run("volumeOptionReset", { volume: "v" }),
    made.run("volumeOptionSet", { volume: "v", options: [{ name: "diagnostics.brick-log-level", value: "INFO" }] }),
  ]);
  for (const answer of tried) assert.equal(answer.ok ? "" : answer.opErrstr, refusal);
  await set(made, "w", "diagnostics.brick-log-level", "INFO");
  await made.must("volumeInfo", { volume: "v" });
  await set(made, "v", "cluster.server-quorum-type", "none");
  await made.must("volumeStop", { volume: "v" });
});
