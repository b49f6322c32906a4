/**
 * Every command with one fault at every one of its effects and commits: the step fails without or
 * after having happened, or the coordinator dies before or after it. After the next start nothing
 * is left frozen, barred, half-made or without an owner, and what was reported is what is.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Fault, faultModes, Killed, SimulatedCluster } from "./cluster.sim.ts";
import type { CommandArgs, CommandName } from "../command.ts";
import { isActivated } from "../snapshots/snapshot-find.ts";
import type { ClusterState } from "../state.ts";

type Prepare = (cluster: SimulatedCluster) => Promise<void>;

interface Case {
  readonly title: string;
  readonly prepare: readonly Prepare[];
  readonly act: (cluster: SimulatedCluster) => ReturnType<SimulatedCluster["run"]>;
  readonly done: (state: ClusterState) => boolean;
  /** Once begun it is finished: a failure reported may be a success later. */
  readonly finishes?: boolean;
}

const bricks = ["a:/b1/exp", "a:/b2/exp", "b:/b3/exp"];
const step =
  <Name extends CommandName>(name: Name, args: CommandArgs<Name>): Prepare =>
  async (cluster) => {
    await cluster.must(name, args);
  };
const act =
  <Name extends CommandName>(name: Name, args: CommandArgs<Name>) =>
  (cluster: SimulatedCluster) =>
    cluster.run(name, args);

const created = step("volumeCreate", { name: "v", bricks });
const started = step("volumeStart", { volume: "v" });
const stopped = step("volumeStop", { volume: "v" });
const snapped = step("snapshotCreate", { name: "s", volume: "v", timestamp: false });
const activated = step("snapshotActivate", { snapshot: "s" });
const restored = step("snapshotRestore", { snapshot: "s" });
const viewed = step("snapshotView", { snapshot: "s", open: true });
const cloned = step("snapshotClone", { snapshot: "s", name: "c" });
const secondVolume: Prepare = async (cluster) => {
  await cluster.must("volumeCreate", { name: "w", bricks: ["a:/b4/exp"] });
  await cluster.must("volumeStart", { volume: "w" });
};
const snappedBoth = step("snapshotCreate", {
  name: "g", volume: "v", volumes: ["w"], timestamp: false,
});
const secondStopped = step("volumeStop", { volume: "w" });
const activateOnCreate = step("snapshotConfigSet", { activateOnCreate: "enable" });
const autoDelete: Prepare = async (cluster) => {
  await cluster.must("snapshotConfigSet", { autoDelete: "enable", softLimitPercent: 50 });
  await cluster.must("snapshotConfigSet", { volume: "v", hardLimit: 2 });
};

const upTo = (...prepare: Prepare[]) => [created, ...prepare];
const status = (state: ClusterState) => state.volumes.get("v")?.document.status;
const snapshot = (state: ClusterState, name = "s") => state.snapshots.get(name)?.document;
const onSnapshot = (state: ClusterState) => state.volumes.get("v")!.document.bricks[0]!.managed;
const safeties = (state: ClusterState) =>
  [...state.snapshots.values()].filter((it) => it.document.kind === "safety");

const GiB = 1024 ** 3;
const madeOn = (state: ClusterState) =>
  [...state.nodes.values()].flatMap((it) => it.document.madeBricks ?? []);

const cases: readonly Case[] = [
  {
    title: "volume create",
    prepare: [],
    act: act("volumeCreate", { name: "v", bricks }),
    done: (state) => state.volumes.has("v"),
  },
  {
    title: "volume start",
    prepare: upTo(),
    act: act("volumeStart", { volume: "v" }),
    done: (state) => status(state) === "Started",
  },
  {
    title: "volume stop",
    prepare: upTo(started),
    act: act("volumeStop", { volume: "v" }),
    done: (state) => status(state) === "Stopped",
    finishes: true,
  },
  {
    title: "volume delete",
    prepare: upTo(started, stopped),
    act: act("volumeDelete", { volume: "v" }),
    done: (state) => !state.volumes.has("v"),
  },
  {
    title: "volume delete of a clone",
    prepare: upTo(started, snapped, activated, cloned),
    act: act("volumeDelete", { volume: "c" }),
    done: (state) => !state.volumes.has("c") && safeties(state).length === 1,
  },
  {
    title: "snapshot create",
    prepare: upTo(started),
    act: act("snapshotCreate", { name: "s", volume: "v", timestamp: false }),
    done: (state) => snapshot(state) !== undefined,
  },
  {
    title: "snapshot create with activate-on-create",
    prepare: upTo(started, activateOnCreate),
    act: act("snapshotCreate", { name: "s", volume: "v", timestamp: false }),
    done: (state) => snapshot(state) !== undefined,
  },
  {
    title: "snapshot create with auto-delete",
    prepare: upTo(started, autoDelete, snapped),
    act: act("snapshotCreate", { name: "t", volume: "v", timestamp: false }),
    done: (state) => snapshot(state, "t") !== undefined,
  },
  {
    title: "snapshot hold",
    prepare: upTo(started, snapped),
    act: act("snapshotHold", { snapshot: "s", owner: "o", reason: "r" }),
    done: (state) => snapshot(state)?.keptBy?.length === 1,
  },
  {
    title: "snapshot lock",
    prepare: upTo(started, snapped),
    act: act("snapshotLock", { snapshot: "s", untilMs: Date.UTC(2100, 0, 1) }),
    done: (state) => snapshot(state)?.lock !== undefined,
  },
  {
    title: "snapshot activate",
    prepare: upTo(started, snapped),
    act: act("snapshotActivate", { snapshot: "s" }),
    done: (state) => isActivated(snapshot(state)!),
  },
  {
    title: "snapshot deactivate",
    prepare: upTo(started, snapped, activated),
    act: act("snapshotDeactivate", { snapshot: "s" }),
    done: (state) => !isActivated(snapshot(state)!),
    finishes: true,
  },
  {
    title: "snapshot delete",
    prepare: upTo(started, snapped, activated),
    act: act("snapshotDelete", { snapshot: "s" }),
    done: (state) => snapshot(state) === undefined,
    finishes: true,
  },
  {
    title: "snapshot restore",
    prepare: upTo(started, snapped, stopped),
    act: act("snapshotRestore", { snapshot: "s" }),
    done: (state) => onSnapshot(state) && safeties(state).length === 1,
  },
  {
    title: "snapshot restore of an activated one",
    prepare: upTo(started, snapped, activated, stopped),
    act: act("snapshotRestore", { snapshot: "s" }),
    done: (state) => onSnapshot(state) && safeties(state).length === 1,
  },
  {
    title: "snapshot restore without safety",
    prepare: upTo(started, snapped, stopped),
    act: act("snapshotRestore", { snapshot: "s", safety: false }),
    done: (state) => onSnapshot(state) && safeties(state).length === 0,
  },
  {
    title: "snapshot restore of a safety snapshot",
    prepare: upTo(started, snapped, stopped, restored),
    act: (cluster) => {
      const name = safeties(cluster.stored)[0]!.document.name;
      return cluster.run("snapshotRestore", { snapshot: name });
    },
    done: (state) => !onSnapshot(state) && safeties(state).length === 1,
  },
  {
    title: "snapshot restore of a started volume",
    prepare: upTo(started, snapped),
    act: act("snapshotRestore", { snapshot: "s", online: true }),
    done: (state) =>
      onSnapshot(state) && status(state) === "Started" && safeties(state).length === 1,
  },
  {
    title: "snapshot restore of a started volume, without safety, of an activated one",
    prepare: upTo(started, snapped, activated),
    act: act("snapshotRestore", { snapshot: "s", online: true, safety: false }),
    done: (state) =>
      onSnapshot(state) && status(state) === "Started" && safeties(state).length === 0,
  },
  {
    title: "snapshot view, its beginning",
    prepare: upTo(started, snapped),
    act: act("snapshotView", { snapshot: "s", open: true }),
    done: (state) => isActivated(snapshot(state)!),
  },
  {
    title: "snapshot view, its end",
    prepare: upTo(started, snapped, viewed),
    act: act("snapshotView", { snapshot: "s", open: false }),
    done: (state) => !isActivated(snapshot(state)!),
    finishes: true,
  },
  {
    title: "snapshot create of two volumes",
    prepare: upTo(secondVolume, started),
    act: act("snapshotCreate", { name: "g", volume: "v", volumes: ["w"], timestamp: false }),
    done: (state) => snapshot(state, "g") !== undefined,
  },
  {
    title: "snapshot restore of two volumes",
    prepare: upTo(secondVolume, started, snappedBoth, stopped, secondStopped),
    act: act("snapshotRestore", { snapshot: "g" }),
    done: (state) => snapshot(state, "g") === undefined && onSnapshot(state),
  },
  {
    title: "snapshot restore of one volume of two",
    prepare: upTo(secondVolume, started, snappedBoth, stopped),
    act: act("snapshotRestore", { snapshot: "g", volume: "v" }),
    done: (state) => snapshot(state, "g")?.volumes.length === 1 && onSnapshot(state),
  },
  {
    title: "snapshot clone",
    prepare: upTo(started, snapped, activated),
    act: act("snapshotClone", { snapshot: "s", name: "c" }),
    done: (state) => state.volumes.has("c"),
  },
  {
    title: "volume start after a restore",
    prepare: upTo(started, snapped, stopped, restored),
    act: act("volumeStart", { volume: "v" }),
    done: (state) => status(state) === "Started",
  },
];

const brickCases: readonly Case[] = [
  {
    title: "brick create",
    prepare: [],
    act: act("brickCreate", { brick: "b:/m1/brick", sizeBytes: GiB }),
    done: (state) => madeOn(state).length === 1,
  },
  {
    title: "brick place",
    prepare: [],
    act: act("brickPlace", { volume: "v", sizeBytes: GiB, setSize: 2, setCount: 2 }),
    done: (state) => madeOn(state).length === 4,
  },
  {
    title: "brick delete",
    prepare: [step("brickCreate", { brick: "b:/m1/brick", sizeBytes: GiB })],
    act: act("brickDelete", { brick: "b:/m1/brick" }),
    done: (state) => madeOn(state).length === 0,
    finishes: true,
  },
];

async function prepared(it: Case): Promise<SimulatedCluster> {
  const cluster = await SimulatedCluster.start();
  for (const prepare of it.prepare) await prepare(cluster);
  cluster.steps = 0;
  return cluster;
}

async function withFault(it: Case, fault: Fault): Promise<void> {
  const cluster = await prepared(it);
  cluster.fault = fault;
  const answer = await it.act(cluster).catch((error: unknown) => {
    if (error instanceof Killed) return undefined;
    throw error;
  });
  cluster.fault = undefined;
  if (answer === undefined) await cluster.restart();
  await cluster.must("recover", {});
  cluster.checkAtRest();
  const done = it.done(cluster.stored);
  if (answer?.ok === true) assert.ok(done, "success was reported, so it is there");
  const undone = answer?.ok === false && it.finishes !== true;
  // A commit whose outcome was not known is reported as failed, and is found out by recovery.
  const lost = JSON.stringify(answer ?? {}).includes("could not be written");
  if (undone && !lost) assert.ok(!done, "failure was reported, so it is not there");
  if (!done) {
    const again = await it.act(cluster);
    assert.ok(again.ok, `it works the next time: ${JSON.stringify(again)}`);
    cluster.checkAtRest();
    assert.ok(it.done(cluster.stored));
  }
}

for (const it of [...cases, ...brickCases]) {
  void test(`${it.title}: any one fault leaves nothing behind`, async () => {
    const undisturbed = await prepared(it);
    const answer = await it.act(undisturbed);
    assert.ok(answer.ok, JSON.stringify(answer));
    assert.deepEqual(answer.details, []);
    undisturbed.checkAtRest();
    assert.ok(it.done(undisturbed.stored));
    const { steps } = undisturbed;
    for (let at = 0; at < steps; at++) {
      for (const mode of faultModes) {
        try {
          await withFault(it, { at, mode });
        } catch (error) {
          const where = `${it.title}, ${mode} at step ${at} of ${steps}`;
          throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
        }
      }
    }
  });
}

const pairs: readonly (readonly [Fault["mode"], Fault["mode"]])[] = [
  ["fail-before", "fail-before"],
  ["fail-after", "kill-after"],
];

for (const it of cases.filter((one) => /^snapshot (create|delete|restore)$/.test(one.title))) {
  void test(`${it.title}: a second fault during the undoing leaves nothing`, async () => {
    const undisturbed = await prepared(it);
    await it.act(undisturbed);
    const { steps } = undisturbed;
    for (let at = 0; at < steps; at++) {
      for (let later = at + 1; later < at + 12; later++) {
        for (const [mode, second] of pairs) {
          await withFault(it, { at, mode, again: { at: later, mode: second } });
        }
      }
    }
  });
}
