/** Bricks that are replaced, reset, or come and go with the number of copies. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { brickName } from "../bricks/brick.ts";
import { type ChangeCase, testFaults, volumeOf } from "../world/change-faults.sim.ts";
import { SimulatedCluster } from "../world/cluster.sim.ts";
import type { CommandArgs, CommandName } from "../command.ts";
import { EffectError } from "../effect.ts";
import { selfHealDaemonName } from "../heal/self-heal.ts";
import { volfileFor } from "./volfile-request.ts";

type Cluster = SimulatedCluster;
const namesOf = (cluster: Cluster) => volumeOf(cluster).bricks.map(brickName);
const idsOf = (cluster: Cluster) => volumeOf(cluster).bricks.map((it) => it.id);

async function made(args: Partial<CommandArgs<"volumeCreate">> = {}): Promise<Cluster> {
  const cluster = await SimulatedCluster.start();
  await cluster.must("volumeCreate", {
    name: "v", bricks: ["a:/b1/exp", "b:/b3/exp"], replica: 2, force: true, ...args,
  });
  await cluster.must("volumeStart", { volume: "v" });
  return cluster;
}

async function single(): Promise<Cluster> {
  const cluster = await SimulatedCluster.start();
  await cluster.must("volumeCreate", { name: "v", bricks: ["b:/b3/exp"] });
  await cluster.must("volumeStart", { volume: "v" });
  return cluster;
}

async function refusal<N extends CommandName>(
  cluster: Cluster, name: N, args: CommandArgs<N>,
): Promise<string> {
  const before = JSON.stringify(volumeOf(cluster));
  const answer = await cluster.run(name, args);
  assert.ok(!answer.ok, `${name} is refused`);
  assert.equal(JSON.stringify(volumeOf(cluster)), before, "nothing was changed");
  cluster.checkAtRest();
  return answer.opErrstr;
}

/** The brick at `path` is to be healed, and all others of the volume know it. */
function checkAccused(cluster: Cluster, path: string): void {
  const { bricks } = volumeOf(cluster);
  const accused = bricks.find((it) => it.path === path)!;
  assert.ok(cluster.world.node(accused.node).unhealed.has(path), `${path} is in doubt`);
  for (const { node, path: other } of bricks.filter((it) => it !== accused)) {
    const noted = cluster.world.node(node).missing.get(other);
    assert.ok(noted?.has(accused.id), `${other} notes what ${accused.id} misses`);
  }
}

const replace = { volume: "v", source: "a:/b1/exp", target: "a:/b2/exp" };
const reset = { volume: "v", source: "a:/b1/exp" };
const nothing = async (): Promise<void> => undefined;

async function takeOut(cluster: Cluster): Promise<void> {
  await cluster.must("volumeResetBrick", { ...reset, action: "start" });
}

/** As a new disk under the mount point. */
async function wipe(cluster: Cluster): Promise<void> {
  await takeOut(cluster);
  cluster.world.node("node-a").fsOf("/b1").fs.directories.clear();
}

const cases: readonly ChangeCase[] = [
  {
    title: "replace-brick", start: made, prepare: nothing,
    act: (cluster) => cluster.run("volumeReplaceBrick", replace),
    done: (cluster) => namesOf(cluster)[0] === "a:/b2/exp",
    check: (cluster) => checkAccused(cluster, "/b2/exp"),
  },
  {
    title: "reset-brick start", start: made, prepare: nothing,
    act: (cluster) => cluster.run("volumeResetBrick", { ...reset, action: "start" }),
    done: (cluster) => volumeOf(cluster).bricks[0]?.resetting === true,
    finishes: true,
  },
  {
    title: "reset-brick commit", start: made, prepare: wipe,
    act: (cluster) =>
      cluster.run("volumeResetBrick", { ...reset, action: "commit", target: reset.source }),
    done: (cluster) => volumeOf(cluster).bricks[0]?.resetting !== true,
    check: (cluster) => checkAccused(cluster, "/b1/exp"),
  },
  {
    title: "reset-brick commit force of what is there", start: made, prepare: takeOut,
    act: (cluster) =>
      cluster.run("volumeResetBrick", { ...reset, action: "force", target: reset.source }),
    done: (cluster) => volumeOf(cluster).bricks[0]?.resetting !== true,
    check: (cluster) => checkAccused(cluster, "/b1/exp"),
  },
  {
    title: "add-brick replica 2", start: single, prepare: nothing,
    act: (cluster) =>
      cluster.run("volumeAddBrick", { volume: "v", bricks: ["a:/b1/exp"], replica: 2 }),
    done: (cluster) => volumeOf(cluster).kind === "replicate",
    check: (cluster) => checkAccused(cluster, "/b1/exp"),
  },
  {
    title: "add-brick replica 3 arbiter 1", start: made, prepare: nothing,
    act: (cluster) => cluster.run("volumeAddBrick", {
      volume: "v", bricks: ["a:/b2/exp"], replica: 3, arbiter: 1, force: true,
    }),
    done: (cluster) => volumeOf(cluster).arbiterCount === 1,
    check: (cluster) => checkAccused(cluster, "/b2/exp"),
  },
  {
    title: "remove-brick replica 1 force", start: made, prepare: nothing,
    act: (cluster) => cluster.run("volumeRemoveBrick", {
      volume: "v", bricks: ["a:/b1/exp"], action: "force", replica: 1,
    }),
    done: (cluster) => volumeOf(cluster).kind === "distribute",
    finishes: true,
  },
];

testFaults(cases);

test("the old brick has ended before others note what it misses; clients hear of it last", async () => {
  const cluster = await made();
  const steps: string[] = [];
  const perform = cluster.world.perform.bind(cluster.world);
  cluster.world.perform = (effect) => {
    const path = "brick" in effect ? ` ${effect.brick.path}` : "path" in effect ? ` ${effect.path}` : "";
    steps.push(`${effect.kind}${path}`);
    return perform(effect);
  };
  await cluster.must("volumeReplaceBrick", replace);
  const order = [
    "markUnhealed /b2/exp", `stopBrick ${selfHealDaemonName("v")}`, "stopBrick /b1/exp",
    "startBrick /b2/exp", "noteMissing /b3/exp", "volfileChanged", "askBrick /b2/exp",
  ].map((step) => steps.indexOf(step));
  assert.deepEqual(order, order.toSorted((a, b) => a - b), steps.join("\n"));
  assert.ok(order[0]! >= 0, steps.join("\n"));
  assert.equal(steps.filter((it) => it === "noteMissing /b3/exp").length, 2, "once more at the end");
});

test("ids stay with the places; volfiles follow", async () => {
  const cluster = await single();
  await cluster.must("volumeAddBrick", { volume: "v", bricks: ["a:/b1/exp"], replica: 2 });
  await cluster.must("volumeAddBrick", {
    volume: "v", bricks: ["a:/b2/exp"], replica: 3, force: true,
  });
  assert.deepEqual(idsOf(cluster), ["v-client-0", "v-client-1", "v-client-2"]);
  await cluster.must("volumeReplaceBrick", {
    volume: "v", source: "a:/b1/exp", target: "a:/b4/exp",
  });
  assert.deepEqual(idsOf(cluster), ["v-client-0", "v-client-1", "v-client-2"]);
  assert.deepEqual(namesOf(cluster), ["b:/b3/exp", "a:/b4/exp", "a:/b2/exp"]);
  await cluster.must("volumeRemoveBrick", {
    volume: "v", bricks: ["a:/b4/exp"], action: "force", replica: 2,
  });
  const answer = volfileFor(cluster.stored, {
    key: "/v", trusted: false, stateDirectoryOf: () => "/state",
  });
  assert.ok(answer.ok);
  assert.match(answer.text, /afr-pending-xattr v-client-0,v-client-2\n/);
  const { options } = volumeOf(cluster);
  assert.deepEqual(options.find((it) => it.name === "performance.client-io-threads"), {
    name: "performance.client-io-threads", value: "off",
  });
  cluster.checkAtRest();
});

test("of several sets each gets its part of the new bricks, and loses as many", async () => {
  const cluster = await single();
  const [a, b] = cluster.world.nodes;
  for (const name of ["b5", "b6"]) a!.addUserLv(name);
  b!.addUserLv("b7");
  await cluster.must("volumeAddBrick", { volume: "v", bricks: ["b:/b7/x"] });
  const add = async (replica: number, bricks: readonly string[]): Promise<void> => {
    await cluster.must("volumeAddBrick", { volume: "v", bricks, replica, force: true });
  };
  await add(2, ["a:/b1/x", "a:/b2/x"]);
  await add(3, ["a:/b4/x", "a:/b5/x"]);
  assert.deepEqual(namesOf(cluster), [
    "b:/b3/exp", "a:/b1/x", "a:/b4/x", "b:/b7/x", "a:/b2/x", "a:/b5/x",
  ]);
  const remove = { volume: "v", action: "force", replica: 2 } as const;
  assert.equal(
    await refusal(cluster, "volumeRemoveBrick", { ...remove, bricks: ["a:/b1/x", "b:/b3/exp"] }),
    "Remove exactly 1 brick(s) from each subvolume.",
  );
  await cluster.must("volumeRemoveBrick", { ...remove, bricks: ["a:/b1/x", "a:/b5/x"] });
  assert.deepEqual(namesOf(cluster), ["b:/b3/exp", "a:/b4/x", "b:/b7/x", "a:/b2/x"]);
  cluster.checkAtRest();
});

test("stock's refusals", async () => {
  const cluster = await made();
  const add = (args: object) => refusal(cluster, "volumeAddBrick", {
    volume: "v", bricks: ["a:/b2/exp"], force: true, ...args,
  });
  assert.equal(await add({ replica: 2 }), "Operation failed");
  assert.equal(
    await add({ replica: 1 }), "replica count should be greater than 1",
  );
  assert.match(await add({ replica: 3, force: false }), /^Multiple bricks of a replicate volume/);
  const source = "a:/none";
  assert.equal(
    await refusal(cluster, "volumeReplaceBrick", { ...replace, source }),
    "brick: a:/none does not exist in volume: v",
  );
  assert.equal(
    await refusal(cluster, "volumeReplaceBrick", { ...replace, target: "b:/b3/exp" }),
    "Brick: b:/b3/exp not available. Brick may be containing or be contained by an existing brick.",
  );
  const commit = { ...reset, action: "commit" } as const;
  assert.match(
    await refusal(cluster, "volumeResetBrick", { ...commit, target: reset.source }),
    /^Source brick must be stopped. Please use gluster volume reset-brick /,
  );
  await takeOut(cluster);
  await takeOut(cluster);
  assert.match(
    await refusal(cluster, "volumeResetBrick", { ...commit, target: reset.source }),
    /^Brick not available.It may be containing/,
  );
  assert.match(
    await refusal(cluster, "volumeResetBrick", { ...commit, target: "a:/b2/exp" }),
    /^When destination brick is new, please use gluster volume replace-brick /,
  );
  const plain = await single();
  assert.match(
    await refusal(plain, "volumeReplaceBrick", { ...replace, source: "b:/b3/exp" }),
    /^replace-brick is not permitted on distribute only volumes/,
  );
});

test("a copy is added only while all bricks run, so that nothing is owed to one of them", async () => {
  const cluster = await made();
  const brick = { volume: "v", volumeId: volumeOf(cluster).id, host: "a", path: "/b1/exp" };
  cluster.world.perform({ kind: "stopBrick", node: "node-a", brick });
  const answer = await cluster.run("volumeAddBrick", {
    volume: "v", bricks: ["a:/b2/exp", "a:/b4/exp"], replica: 4,
  });
  assert.ok(!answer.ok);
  assert.match(answer.opErrstr, /Multiple bricks|Brick \/b1\/exp is down, changing replica count/);
});

test("a brick whose node is away is replaced; without a healthy one nothing is", async () => {
  const cluster = await made();
  const perform = cluster.world.perform.bind(cluster.world);
  const away = (node: string) => {
    cluster.world.perform = (effect) => {
      if ("node" in effect && effect.node === node) {
        throw new EffectError("unreachable", "away", { node, object: effect.kind });
      }
      return perform(effect);
    };
  };
  away("node-b");
  const answer = await cluster.run("volumeReplaceBrick", {
    volume: "v", source: "b:/b3/exp", target: "a:/b2/exp",
  });
  assert.ok(answer.ok, JSON.stringify(answer));
  assert.match(JSON.stringify(answer.details), /away/);
  // Now /b1 alone is whole, and it is not there.
  const brick = { volume: "v", volumeId: volumeOf(cluster).id, host: "a", path: "/b1/exp" };
  perform({ kind: "stopBrick", node: "node-a", brick });
  const refused = await cluster.run("volumeReplaceBrick", {
    volume: "v", source: "a:/b2/exp", target: "a:/b4/exp",
  });
  assert.ok(!refused.ok);
  assert.deepEqual(namesOf(cluster), ["a:/b1/exp", "a:/b2/exp"]);
});

test("a restored snapshot brings its bricks and its number of copies back", async () => {
  const cluster = await single();
  await cluster.must("snapshotCreate", { name: "s", volume: "v", timestamp: false });
  await cluster.must("volumeAddBrick", { volume: "v", bricks: ["a:/b1/exp"], replica: 2 });
  await cluster.must("snapshotCreate", { name: "t", volume: "v", timestamp: false });
  await cluster.must("volumeStop", { volume: "v" });
  await cluster.must("snapshotRestore", { snapshot: "s" });
  const restored = volumeOf(cluster);
  assert.deepEqual([restored.kind, restored.replicaCount, restored.bricks.length], ["distribute", 1, 1]);
  await cluster.must("snapshotRestore", { snapshot: "t" });
  const again = volumeOf(cluster);
  assert.deepEqual([again.kind, again.replicaCount, again.bricks.length], ["replicate", 2, 2]);
  await cluster.must("volumeStart", { volume: "v" });
  cluster.checkAtRest();
});

test("the LV of a restored brick that is replaced is kept, alone and not for restoring", async () => {
  const cluster = await made();
  await cluster.must("snapshotCreate", { name: "s", volume: "v", timestamp: false });
  await cluster.must("volumeStop", { volume: "v" });
  await cluster.must("snapshotRestore", { snapshot: "s" });
  await cluster.must("volumeStart", { volume: "v" });
  const [source] = namesOf(cluster);
  await cluster.must("volumeReplaceBrick", { volume: "v", source: source!, target: "a:/b4/exp" });
  cluster.checkAtRest();
  const safeties = [...cluster.stored.snapshots.values()].map((it) => it.document);
  const part = safeties.find((it) => it.volumes[0]?.bricks.length === 1);
  assert.ok(part !== undefined && part.expiresAtMs !== undefined);
  await cluster.must("volumeStop", { volume: "v" });
  const answer = await cluster.run("snapshotRestore", { snapshot: part.name });
  assert.ok(!answer.ok && answer.opErrstr === "The snapshot is not of all bricks of volume (v).");
});

test("a brick that was made stays in the list when it is replaced, as unused", async () => {
  const cluster = await SimulatedCluster.start();
  await cluster.must("brickPlace", {
    volume: "v", sizeBytes: 2 ** 30, setSize: 2, setCount: 1, vg: "vg",
  });
  const placed = await cluster.must("brickList", {});
  const bricks = placed.map((it) => it.brick);
  await cluster.must("volumeCreate", { name: "v", bricks, replica: 2 });
  await cluster.must("volumeStart", { volume: "v" });
  const source = bricks.find((it) => it.startsWith("a:"))!;
  const answer = await cluster.run("volumeReplaceBrick", {
    volume: "v", source, target: "a:/b4/exp",
  });
  assert.ok(answer.ok, JSON.stringify(answer));
  assert.match(JSON.stringify(answer.details), /is used by no volume now.*mortar brick delete a:/);
  const listed = await cluster.must("brickList", {});
  assert.deepEqual(listed.find((it) => it.brick === source)?.usedBy, []);
  await cluster.must("brickDelete", { brick: source });
  cluster.checkAtRest();
});

test("volume start brings a brick back that was being reset", async () => {
  const cluster = await made();
  await takeOut(cluster);
  assert.equal(cluster.world.node("node-a").running.has("/b1/exp"), false);
  await cluster.must("volumeStart", { volume: "v", force: true });
  assert.equal(volumeOf(cluster).bricks[0]?.resetting, undefined);
  cluster.checkAtRest();
});

test("a dry run tells which bricks end, and what is healed", async () => {
  const cluster = await made();
  const plan = await cluster.must("commandPlan", {
    command: "volume replace-brick", volume: "v", bricks: [replace.source, replace.target],
  });
  assert.deepEqual(plan.steps.map((it) => `${it.action} ${it.object}`), [
    "stop brick a:/b1/exp", "keep the data of /b1/exp", "replace brick a:/b1/exp by a:/b2/exp",
    "heal a:/b2/exp from b:/b3/exp",
  ]);
  const removal = await cluster.must("commandPlan", {
    command: "volume remove-brick", volume: "v", bricks: ["a:/b1/exp"], replica: 1,
  });
  assert.deepEqual(removal.steps.map((it) => `${it.action} ${it.object}`), [
    "stop brick a:/b1/exp", "keep the data of /b1/exp",
    "replace volume v: 1 x 1 bricks from then on",
  ]);
  assert.deepEqual(namesOf(cluster), ["a:/b1/exp", "b:/b3/exp"]);
});

test("a dry run of reset-brick tells what stops, and what is healed", async () => {
  const cluster = await made();
  const plan = async (bricks: string[], action: "start" | "commit" | "force") => {
    const { steps } = await cluster.must("commandPlan", {
      command: "volume reset-brick", volume: "v", bricks, action,
    });
    return steps.map((it) => `${it.action} ${it.object}`);
  };
  const brick = "a:/b1/exp";
  assert.deepEqual(await plan([brick], "start"), ["stop brick a:/b1/exp", "keep the data of /b1/exp"]);
  const early = await cluster.run("commandPlan", {
    command: "volume reset-brick", volume: "v", bricks: [brick, brick], action: "commit",
  });
  assert.ok(!early.ok, "it runs still, as the command says");
  await takeOut(cluster);
  const held = JSON.stringify([...cluster.stored.volumes]);
  assert.deepEqual(await plan([brick, brick], "force"), [
    "replace brick a:/b1/exp by a:/b1/exp", "heal a:/b1/exp from b:/b3/exp",
  ]);
  assert.equal(JSON.stringify([...cluster.stored.volumes]), held);
});
