/** `volume heal info`, counts, statistics, split-brain and switches: whom they ask, what they refuse. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedCluster } from "../world/cluster.sim.ts";
import type { CommandArgs, CommandName } from "../command.ts";
import type { BrickHealIndex, MissedCounts } from "./heal-effects.ts";

const bricks = ["a:/b1/exp", "b:/b3/exp", "a:/b2/exp", "a:/b4/exp"];
const gfid = "53436db1-2462-4d4a-8833-786863f039e7";
const other = "00b58335-cbd3-4771-a276-ac5fb1150900";
const once: MissedCounts = [1, 0, 0];

async function replicated(): Promise<SimulatedCluster> {
  const cluster = await SimulatedCluster.start();
  await cluster.must("volumeCreate", { name: "v", bricks, replica: 2, force: true });
  await cluster.must("volumeStart", { volume: "v" });
  return cluster;
}

function note(cluster: SimulatedCluster, path: string, index: Partial<BrickHealIndex>): void {
  const node = cluster.world.nodes.find((it) => it.host === (path === "/b3/exp" ? "b" : "a"))!;
  node.indices.set(path, { count: 0, unlisted: 0, entries: [], ...index });
}

async function refusal<Name extends CommandName>(
  cluster: SimulatedCluster,
  name: Name,
  args: CommandArgs<Name>,
): Promise<readonly [number, string]> {
  const answer = await cluster.run(name, args);
  assert.ok(!answer.ok, `${name} is refused`);
  return [answer.opErrno, answer.opErrstr];
}

test("each brick tells its own objects, in the state that all of the set give them", async () => {
  const cluster = await replicated();
  const behind = { gfid, path: "/f", missed: { "v-client-1": once }, dirty: false };
  note(cluster, "/b1/exp", { count: 2, entries: [behind, { gfid: other, missed: {}, dirty: false }] });
  const report = await cluster.must("volumeHealInfo", { volume: "v" });
  assert.deepEqual(report.bricks.map((it) => [it.host, it.path, it.pending]), [
    ["a", "/b1/exp", 1], ["b", "/b3/exp", 0], ["a", "/b2/exp", 0], ["a", "/b4/exp", 0],
  ]);
  assert.deepEqual(report.bricks[0]!.entries, [{ gfid, path: "/f", state: "pending" }]);
  note(cluster, "/b3/exp", { count: 1, entries: [{ gfid, missed: { "v-client-0": once }, dirty: false }] });
  const split = await cluster.must("volumeHealInfo", { volume: "v", view: "split-brain" });
  assert.deepEqual(split.bricks.map((it) => it.entries.length), [1, 1, 0, 0]);
  assert.deepEqual(split.bricks[1]!.entries, [{ gfid, state: "split-brain" }]);
  const summary = await cluster.must("volumeHealInfo", { volume: "v", view: "summary" });
  assert.deepEqual(summary.bricks[0]!.entries, []);
  assert.equal(summary.bricks[0]!.splitBrain, 1);
});

test("a brick that is down tells nothing; what is not looked at is counted and told of", async () => {
  const cluster = await replicated();
  note(cluster, "/b2/exp", { count: 9, unlisted: 7 });
  cluster.world.nodes[1]!.running.delete("/b3/exp");
  const answer = await cluster.run("volumeHealInfo", { volume: "v", view: "summary" });
  assert.ok(answer.ok);
  assert.match(answer.warnings.join(), /7 more objects/);
  assert.deepEqual(answer.payload.bricks.map((it) => [it.online, it.pending]), [
    [true, 0], [false, 0], [true, 7], [true, 0],
  ]);
  const counts = await cluster.must("volumeHealCount", { volume: "v", brick: "a:/b4/exp" });
  assert.deepEqual(counts.bricks.map((it) => it.count), [undefined, undefined, 9, 0]);
});

test("stock's program answers where it is installed and asked for", async () => {
  const cluster = await replicated();
  const asked: (readonly string[])[] = [];
  cluster.world.nodes[0]!.healTool = (words) => {
    asked.push(words);
    return { installed: true, exitCode: 22, output: "so" };
  };
  const info = await cluster.must("volumeHealInfo", { volume: "v", view: "summary", tool: "xml" });
  assert.deepEqual(info.tool, { exitCode: 22, output: "so" });
  await cluster.must("volumeSplitBrain", {
    volume: "v", policy: "source-brick", brick: "a:/b1/exp", file: "/f",
  });
  assert.deepEqual(asked, [["info-summary", "--xml"], ["source-brick", "a:/b1/exp", "/f"]]);
  const relative = await refusal(cluster, "volumeSplitBrain", {
    volume: "v", policy: "bigger-file", file: "f",
  });
  assert.match(relative[1], /must be absolute path/);
});

test("without the program info is told nevertheless, and a split-brain is not ended", async () => {
  const cluster = await replicated();
  const info = await cluster.must("volumeHealInfo", { volume: "v", tool: "text" });
  assert.equal(info.tool, undefined);
  assert.equal(info.bricks.length, 4);
  const args = { volume: "v", policy: "bigger-file", file: "/f" } as const;
  assert.match((await refusal(cluster, "volumeSplitBrain", args))[1], /glfsheal.* not installed/);
});

test("each node's walks are of its own bricks", async () => {
  const cluster = await replicated();
  const crawl = { type: "INDEX", startedAt: "now", endedAt: "then", healed: 1, splitBrain: 0, failed: 0 };
  for (const [index, node] of cluster.world.nodes.entries()) {
    const crawls = [{ ...crawl, healed: index + 1 }];
    node.crawls = [{ set: 0, place: 0, crawls }, { set: 0, place: 1, crawls }];
  }
  const { bricks: told } = await cluster.must("volumeHealStatistics", { volume: "v" });
  assert.deepEqual(told.map((it) => it.crawls?.[0]?.healed), [1, 2, undefined, undefined]);
});

test("single names are healed as such only when nothing is left to heal", async () => {
  const cluster = await replicated();
  const turn = { volume: "v", what: "granular-entries", enable: true } as const;
  note(cluster, "/b1/exp", { count: 1, entries: [{ gfid, missed: { "v-client-1": once }, dirty: false }] });
  assert.match((await refusal(cluster, "volumeHealSwitch", turn))[1], /^One or more entries need heal/);
  note(cluster, "/b1/exp", {});
  await cluster.must("volumeHealSwitch", turn);
  cluster.world.nodes[1]!.running.delete("/b3/exp");
  assert.match((await refusal(cluster, "volumeHealSwitch", turn))[1], /^One or more bricks could be down/);
  await cluster.must("volumeHealSwitch", { ...turn, enable: false });
  const options = [{ name: "granular-entry-heal", value: "on" }];
  const bySet = await refusal(cluster, "volumeOptionSet", { volume: "v", options });
  assert.match(bySet[1], /^ 'gluster volume set <VOLNAME> cluster.granular-entry-heal/);
});

test("volumes without copies, or not started, are refused in stock's words", async () => {
  const cluster = await SimulatedCluster.start();
  await cluster.must("volumeCreate", { name: "v", bricks: ["a:/b1/exp", "b:/b3/exp"] });
  const only = "This command is supported for only volumes of replicate/disperse type. " +
    "Volume v is not of type replicate/disperse";
  assert.deepEqual(await refusal(cluster, "volumeHealInfo", { volume: "v" }), [22, only]);
  assert.deepEqual(await refusal(cluster, "volumeHealInfo", { volume: "w" }), [2, "Volume w does not exist"]);
  const turn = { volume: "v", what: "daemon", enable: true } as const;
  assert.equal((await refusal(cluster, "volumeHealSwitch", turn))[1], "Volume v is not of type replicate/disperse");
  const two = await SimulatedCluster.start();
  await two.must("volumeCreate", { name: "v", bricks: ["a:/b1/exp", "b:/b3/exp"], replica: 2, force: true });
  assert.deepEqual(await refusal(two, "volumeHealInfo", { volume: "v" }), [
    107, "Volume v is not started (Or) All the bricks are not running.",
  ]);
  assert.equal((await refusal(two, "volumeHealCount", { volume: "v" }))[1], "Volume v is not started.");
});
