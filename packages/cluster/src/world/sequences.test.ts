/**
 * Long random histories: many commands, a fault now and then, deaths during recovery too. After
 * each pause the cluster is at rest, and everything holds. A failure prints its seed.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "@mortar/sim";
import { faultModes, Killed, SimulatedCluster } from "./cluster.sim.ts";
import { CommandFailure } from "../failure.ts";

const SEEDS = 300;
const COMMANDS = 100;

type Choice = (cluster: SimulatedCluster, random: Random) => Promise<{ readonly ok: boolean }>;

const snapName = (random: Random) => random.pick(["s1", "s2", "s3"]);
const volName = (random: Random) => random.pick(["v", "v", "w", "c"]);

/** A name that exists, safety snapshots among them, or one that need not. */
function anySnapshot(cluster: SimulatedCluster, random: Random): string {
  const names = [...cluster.stored.snapshots.keys()];
  return names.length > 0 && random.below(3) > 0 ? random.pick(names) : snapName(random);
}

const choices: readonly Choice[] = [
  (it) => it.run("volumeCreate", { name: "v", bricks: ["a:/b1/exp", "a:/b2/exp", "b:/b3/exp"] }),
  (it) => it.run("volumeCreate", { name: "w", bricks: ["a:/b4/exp"], force: true }),
  async (it, random) => {
    const asked = { volume: volName(random), force: random.below(4) === 0 };
    const answer = await it.run("volumeStart", asked);
    // Of a brick that did not start it is told, with force: who reads that asks again.
    return answer.ok && answer.warnings.length > 0 ? await it.run("volumeStart", asked) : answer;
  },
  (it, random) => it.run("volumeStart", { volume: volName(random) }),
  (it, random) => it.run("volumeStop", { volume: volName(random) }),
  (it, random) => it.run("volumeDelete", { volume: random.pick(["v", "w", "c"]) }),
  (it, random) =>
    it.run("snapshotCreate", {
      name: snapName(random),
      volume: volName(random),
      timestamp: random.below(2) === 0,
    }),
  (it, random) =>
    it.run("snapshotCreate", { name: snapName(random), volume: "v", timestamp: false }),
  (it, random) => it.run("snapshotActivate", { snapshot: anySnapshot(it, random) }),
  (it, random) => it.run("snapshotDeactivate", { snapshot: anySnapshot(it, random) }),
  (it, random) => it.run("snapshotDelete", { snapshot: anySnapshot(it, random) }),
  (it, random) =>
    it.run("snapshotRestore", {
      snapshot: anySnapshot(it, random),
      safety: random.below(3) > 0,
    }),
  async (it, random) => {
    await it.run("volumeStop", { volume: "v" });
    const snapshot = anySnapshot(it, random);
    const answer = await it.run("snapshotRestore", { snapshot, safety: random.chance(0.7) });
    await it.run("volumeStart", { volume: "v" });
    return answer;
  },
  async (it, random) => {
    const snapshot = anySnapshot(it, random);
    await it.run("snapshotActivate", { snapshot });
    return it.run("snapshotClone", { snapshot, name: "c" });
  },
  (it, random) =>
    it.run("snapshotDeleteMany", random.chance(0.5) ? { all: true } : { volume: "v" }),
  (it, random) => {
    it.world.nowMs += random.below(3) * 24 * 3600 * 1000;
    return it.run("snapshotPrune", {});
  },
  (it, random) =>
    it.run("snapshotConfigSet", { activateOnCreate: random.pick(["enable", "disable"]) }),
  (it, random) =>
    it.run("volumeOptionSet", {
      volume: volName(random),
      options: [{ name: "performance.cache-size", value: "64MB" }],
    }),
];

async function history(seed: number, successes: number[]): Promise<void> {
  const random = new Random(seed);
  const cluster = await SimulatedCluster.start();
  const faultsOneIn = random.pick([2, 4, 8]);
  for (let number = 0; number < COMMANDS; number++) {
    const at = random.below(choices.length);
    await disturbed(cluster, random, faultsOneIn, async () => {
      const answer = await choices[at]!(cluster, random);
      if (answer.ok) successes[at]! += 1;
    });
    if (random.below(3) === 0) {
      await disturbed(cluster, random, faultsOneIn, () => cluster.run("recover", {}));
    }
    if (random.below(5) === 0) {
      cluster.fault = undefined;
      const answer = await cluster.run("recover", {});
      assert.ok(answer.ok && answer.payload.pending.length === 0, JSON.stringify(answer));
      cluster.checkAtRest();
    }
  }
}

async function disturbed(
  cluster: SimulatedCluster,
  random: Random,
  oneIn: number,
  command: () => Promise<unknown>,
): Promise<void> {
  cluster.steps = 0;
  cluster.fault =
    random.below(oneIn) === 0 ? { at: random.below(45), mode: random.pick(faultModes) } : undefined;
  try {
    await command();
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
    await cluster.restart();
  }
}

void test(`${SEEDS} random histories with faults always come to rest whole`, async () => {
  const successes = choices.map(() => 0);
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      await history(seed, successes);
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
  // Otherwise the histories would prove nothing.
  assert.ok(Math.min(...successes) >= 20, `successes of each command: ${successes.join(" ")}`);
});

void test("a refusal is no exception", async () => {
  const cluster = await SimulatedCluster.start();
  const answer = await cluster.run("snapshotDelete", { snapshot: "none" });
  assert.ok(!answer.ok && !(answer instanceof CommandFailure));
});
