/** Changing a volume's bricks: what is refused, what is left after a fault at any one step. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ChangeCase, testFaults, volumeOf } from "../world/change-faults.sim.ts";
import { SimulatedCluster } from "../world/cluster.sim.ts";
import { brickName } from "../bricks/brick.ts";
import type { CommandArgs, CommandName } from "../command.ts";
import { volfileFor } from "./volfile-request.ts";

async function started(): Promise<SimulatedCluster> {
  const cluster = await SimulatedCluster.start();
  await cluster.must("volumeCreate", { name: "v", bricks: ["a:/b1/exp", "b:/b3/exp"] });
  await cluster.must("volumeStart", { volume: "v" });
  return cluster;
}

const namesOf = (cluster: SimulatedCluster) => volumeOf(cluster).bricks.map(brickName);

function finish(cluster: SimulatedCluster): void {
  for (const node of cluster.world.nodes) {
    for (const run of node.rebalances.values()) run.status = "completed";
  }
}

function clientVolfile(cluster: SimulatedCluster): string {
  const answer = volfileFor(cluster.stored, {
    key: "/v", trusted: false, stateDirectoryOf: () => "/state",
  });
  assert.ok(answer.ok);
  return answer.text;
}

async function refusal<N extends CommandName>(
  cluster: SimulatedCluster,
  name: N,
  args: CommandArgs<N>,
): Promise<string> {
  const answer = await cluster.run(name, args);
  assert.ok(!answer.ok, `${name} is refused`);
  return answer.opErrstr;
}

const removed = { volume: "v", bricks: ["b:/b3/exp"] };

test("an added brick runs and is in the client's volfile; numbers are not given twice", async () => {
  const cluster = await started();
  await cluster.must("volumeAddBrick", { volume: "v", bricks: ["a:/b2/exp"] });
  assert.deepEqual(namesOf(cluster), ["a:/b1/exp", "b:/b3/exp", "a:/b2/exp"]);
  assert.match(clientVolfile(cluster), /volume v-client-2\n/);
  assert.equal(volumeOf(cluster).next, undefined);
  await cluster.must("volumeRemoveBrick", { ...removed, action: "force" });
  await cluster.must("volumeAddBrick", { volume: "v", bricks: ["a:/b4/exp"] });
  assert.match(clientVolfile(cluster), /subvolumes v-client-0 v-client-2 v-client-3\n/);
  cluster.checkAtRest();
});

test("bricks that are emptied are told to clients, and committed only when they are empty", async () => {
  const cluster = await started();
  const { host, path } = volumeOf(cluster).bricks.find((it) =>
    removed.bricks.includes(`${it.host}:${it.path}`))!;
  const node = cluster.world.node(`node-${host}`);
  const ref = node.running.get(path)!;
  node.running.delete(path);
  assert.equal(
    await refusal(cluster, "volumeRemoveBrick", { ...removed, action: "start" }),
    `Found stopped brick ${host}:${path}. Use force option to remove the offline brick`,
  );
  node.running.set(path, ref);
  const begun = await cluster.must("volumeRemoveBrick", { ...removed, action: "start" });
  assert.match(clientVolfile(cluster), /option decommissioned-bricks v-client-1\n/);
  const commit = { ...removed, action: "commit" } as const;
  assert.equal(
    await refusal(cluster, "volumeRemoveBrick", commit),
    "use 'force' option as migration is in progress",
  );
  const [report] = await cluster.must("volumeStatus", { volume: "v" });
  assert.deepEqual(report?.tasks, [
    { kind: "Remove brick", id: begun.id, status: "in progress", bricks: ["b:/b3/exp"] },
  ]);
  finish(cluster);
  await cluster.must("volumeRemoveBrick", commit);
  assert.deepEqual(namesOf(cluster), ["a:/b1/exp"]);
  cluster.checkAtRest();
});

test("a dry run of a removal tells what each of its steps does, and refuses as that does", async () => {
  const cluster = await started();
  const plan = async (action: "start" | "stop" | "commit" | "force") => {
    const answer = await cluster.run("commandPlan", {
      command: "volume remove-brick", ...removed, action,
    });
    return answer.ok ? answer.payload.steps.map((it) => `${it.action} ${it.object}`) : answer.opErrstr;
  };
  const ends = [
    "stop brick b:/b3/exp", "keep the data of /b3/exp", "replace volume v: 1 x 1 bricks from then on",
  ];
  const lost = "lose the files of brick b:/b3/exp, for clients: they are not moved";
  assert.deepEqual(await plan("start"), [
    "move the files of brick b:/b3/exp to the bricks that stay",
    "keep brick b:/b3/exp, until the commit",
  ]);
  assert.deepEqual(await plan("force"), [ends[0], lost, ...ends.slice(1)]);
  const early = { ...removed, action: "commit" } as const;
  assert.equal(await plan("commit"), await refusal(cluster, "volumeRemoveBrick", early));
  assert.equal(volumeOf(cluster).task, undefined);
  await cluster.must("volumeRemoveBrick", { ...removed, action: "start" });
  assert.equal(await plan("commit"), "use 'force' option as migration is in progress");
  assert.deepEqual(await plan("stop"), [
    "keep brick b:/b3/exp; files that were moved stay where they are now",
  ]);
  finish(cluster);
  assert.deepEqual(await plan("commit"), ends);
  assert.deepEqual(namesOf(cluster), ["a:/b1/exp", "b:/b3/exp"]);
});

test("stop takes a removal back", async () => {
  const cluster = await started();
  const before = clientVolfile(cluster);
  await cluster.must("volumeRemoveBrick", { ...removed, action: "start" });
  const report = await cluster.must("volumeRemoveBrick", { ...removed, action: "stop" });
  assert.equal(report.status, "stopped");
  assert.equal(clientVolfile(cluster), before);
  assert.equal(volumeOf(cluster).task, undefined);
});

test("while files are moved, what would disturb it is refused in stock's words", async () => {
  const cluster = await started();
  await cluster.must("volumeRebalance", { volume: "v", action: "start" });
  assert.equal(
    await refusal(cluster, "volumeRebalance", { volume: "v", action: "start" }),
    "Rebalance on v is already started",
  );
  assert.equal(
    await refusal(cluster, "volumeStop", { volume: "v" }),
    "rebalance session is in progress for the volume 'v'",
  );
  assert.equal(
    await refusal(cluster, "volumeAddBrick", { volume: "v", bricks: ["a:/b2/exp"] }),
    "Volume name v rebalance is in progress. Please retry after completion",
  );
  assert.equal(
    await refusal(cluster, "snapshotCreate", { name: "s", volume: "v", timestamp: false }),
    "rebalance process is running for the volume v",
  );
  finish(cluster);
  await cluster.must("snapshotCreate", { name: "s", volume: "v", timestamp: false });
});

test("a volume of one set is not rebalanced; not all bricks can be removed", async () => {
  const cluster = await started();
  assert.equal(
    await refusal(cluster, "volumeRemoveBrick", {
      volume: "v", bricks: ["a:/b1/exp", "b:/b3/exp"], action: "start",
    }),
    "Deleting all the bricks of the volume is not allowed",
  );
  await cluster.must("volumeRemoveBrick", { ...removed, action: "force" });
  assert.equal(
    await refusal(cluster, "volumeRebalance", { volume: "v", action: "start" }),
    "Volume v is not a distribute volume or contains only 1 brick.\nNot performing rebalance",
  );
});

const nothing = async (): Promise<void> => undefined;
const isRemoving = (cluster: SimulatedCluster) => volumeOf(cluster).task?.kind === "remove-brick";
const cases: readonly Omit<ChangeCase, "start">[] = [
  {
    title: "add-brick",
    prepare: nothing,
    act: (cluster) => cluster.run("volumeAddBrick", { volume: "v", bricks: ["a:/b2/exp"] }),
    done: (cluster) => namesOf(cluster).length === 3,
  },
  {
    title: "rebalance start",
    prepare: nothing,
    act: (cluster) => cluster.run("volumeRebalance", { volume: "v", action: "start" }),
    done: (cluster) => volumeOf(cluster).task !== undefined,
  },
  {
    title: "remove-brick start",
    prepare: nothing,
    act: (cluster) => cluster.run("volumeRemoveBrick", { ...removed, action: "start" }),
    done: isRemoving,
  },
  {
    title: "remove-brick stop",
    prepare: async (cluster) => {
      await cluster.must("volumeRemoveBrick", { ...removed, action: "start" });
    },
    act: (cluster) => cluster.run("volumeRemoveBrick", { ...removed, action: "stop" }),
    done: (cluster) => !isRemoving(cluster),
  },
  {
    title: "remove-brick commit",
    prepare: async (cluster) => {
      await cluster.must("volumeRemoveBrick", { ...removed, action: "start" });
      finish(cluster);
    },
    act: (cluster) => cluster.run("volumeRemoveBrick", { ...removed, action: "commit" }),
    done: (cluster) => namesOf(cluster).length === 1,
    finishes: true,
  },
];

testFaults(cases.map((it) => ({ ...it, start: started })));
