/**
 * Scenario `cluster`: commands from three nodes at once, while daemons die and stand still, turns
 * are lost, answers and transactions come late or never. When the faults have stopped:
 *
 * - nothing is half done: no intent, nothing frozen, no LV, mount or process without an owner;
 * - no command that reported success is lost: what it did is there, unless a command that was
 *   begun later, or at the same time, takes it away;
 * - all coordinators have the same state, which is the store's.
 */
import assert from "node:assert/strict";
import type { ConcurrentScenario, Random } from "@mortar/sim";
import { brickName } from "../bricks/brick.ts";
import type { Answer, CommandArgs, CommandName } from "../command.ts";
import { checkAtRest, Killed } from "./cluster.sim.ts";
import { NodeModel, WorldModel } from "./node-model.sim.ts";
import { SharedWorld, type SimulatedDaemon } from "./shared-world.sim.ts";
import type { ClusterState } from "../state.ts";

const COMMANDS = 6;
const STEPS_MAX = 100_000;

/** What a command does to the few things that are looked at, by name. */
interface Claim {
  readonly thing: string;
  /** What is so when it has succeeded; absent: it only takes others' claims away. */
  readonly holds?: (state: ClusterState) => boolean;
}

interface Command<Name extends CommandName = CommandName> {
  readonly name: Name;
  readonly args: CommandArgs<Name>;
  readonly claims: readonly Claim[];
}

interface Report extends Command {
  readonly begunAt: number;
  endedAt: number;
  succeeded: boolean;
}

const isStarted = (volume: string) => (state: ClusterState): boolean =>
  state.volumes.get(volume)?.document.status === "Started";
const isStopped = (volume: string) => (state: ClusterState): boolean =>
  state.volumes.get(volume)?.document.status === "Stopped";
const hasSnapshot = (name: string) => (state: ClusterState): boolean =>
  state.snapshots.has(name);

function command<Name extends CommandName>(
  name: Name, args: CommandArgs<Name>, ...claims: Claim[]
): Command {
  return { name, args, claims };
}

const BRICK_THINGS = [0, 1, 2].map((index) => `brick ${index}`);

/** On the node's first LV or its other one. */
function brickOfV(index: number, lv: string): string {
  return `${"abc"[index]}:/${lv}${index}/exp`;
}

function replacement(random: Random): Command {
  const index = random.below(3);
  const [from, to] = random.pick([["v", "x"], ["x", "v"]] as const);
  const target = brickOfV(index, to);
  return command(
    "volumeReplaceBrick", { volume: "v", source: brickOfV(index, from), target },
    {
      thing: BRICK_THINGS[index]!,
      holds: (state) => {
        const bricks = state.volumes.get("v")?.document.bricks ?? [];
        return bricks[index] !== undefined && brickName(bricks[index]) === target;
      },
    },
  );
}

function randomCommand(random: Random): Command {
  const volume = random.pick(["v", "v", "w"]);
  const snapshot = random.pick(["s1", "s2"]);
  const run = { thing: `run ${volume}` };
  const there = { thing: `snapshot ${snapshot}` };
  const choices: readonly (() => Command)[] = [
    () => command("volumeStart", { volume }, { ...run, holds: isStarted(volume) }),
    () => command("volumeStop", { volume }, { ...run, holds: isStopped(volume) }),
    () => command("snapshotCreate", { name: snapshot, volume, timestamp: false },
      { ...there, holds: hasSnapshot(snapshot) }),
    () => command("snapshotCreate", { name: snapshot, volume: "v", timestamp: false },
      { ...there, holds: hasSnapshot(snapshot) }),
    () => command("snapshotActivate", { snapshot }),
    () => command("snapshotDeactivate", { snapshot }),
    () => command("snapshotDelete", { snapshot },
      { ...there, holds: (state) => !hasSnapshot(snapshot)(state) }),
    () => command("snapshotRestore", { snapshot, safety: random.below(2) === 0 },
      there, { thing: "run v" }, { thing: "run w" }, ...BRICK_THINGS.map((thing) => ({ thing }))),
    () => command("volumeOptionSet", {
      volume, options: [{ name: "performance.cache-size", value: "64MB" }],
    }),
    () => replacement(random),
    () => replacement(random),
    () => command("volumeResetBrick", {
      volume: "v", source: brickOfV(random.below(3), random.pick(["v", "x"])), action: "start",
    }),
    () => command("volumeInfo", {}),
    () => command("volumeStatus", { volume }),
  ];
  return random.pick(choices)();
}

class History {
  readonly world: SharedWorld;
  readonly random: Random;
  readonly reports: Report[] = [];
  readonly counts = { steps: 0, commands: 0, successes: 0, deaths: 0, pauses: 0 };
  #background = 0;

  constructor(random: Random) {
    this.random = random;
    const nodes = ["a", "b", "c"].map((name) => new NodeModel(`node-${name}`, name));
    for (const [index, node] of nodes.entries()) {
      node.addUserLv(`v${index}`);
      node.addUserLv(`w${index}`);
      node.addUserLv(`x${index}`);
    }
    this.world = new SharedWorld(new WorldModel(nodes), random);
  }

  async live(): Promise<void> {
    await this.#found();
    this.world.faults.lostOneIn = this.random.pick([0, 8, 20, 60]);
    const deathOneIn = this.random.pick([0, 60, 200]);
    const pauseOneIn = this.random.pick([0, 40, 150]);
    const clients = this.world.nodes.nodes.map((node) => this.#client(node.uuid));
    const ended = Promise.all(clients).then(() => (this.#background = 0));
    this.#background = 1;
    while (this.#background > 0) {
      if (deathOneIn > 0 && this.random.below(deathOneIn) === 0) this.#killOne();
      if (pauseOneIn > 0 && this.random.below(pauseOneIn) === 0) this.#pauseOne();
      if (this.random.below(12) === 0) this.#wakeOne();
      if (!(await this.world.step())) this.#wakeAll();
      assert.ok(this.world.steps < STEPS_MAX, "it comes to an end");
    }
    await ended;
    await this.#rest();
    this.#check();
    this.counts.steps = this.world.steps;
  }

  /** Everything that has begun goes on until it resolves. */
  async #until<Result>(work: Promise<Result>): Promise<Result> {
    const progress = { isDone: false };
    const end = (): void => {
      progress.isDone = true;
    };
    work.then(end, end);
    while (!progress.isDone) {
      if (!(await this.world.step())) this.#wakeAll();
      assert.ok(this.world.steps < STEPS_MAX, "it comes to an end");
    }
    return await work;
  }

  async #found(): Promise<void> {
    const { nodes } = this.world.nodes;
    const snapMountRoot = "/run/gluster/snaps";
    for (const node of nodes) await this.#until(this.world.start(node));
    const [first] = [...this.world.daemons.values()];
    for (const { uuid, host } of nodes) {
      const name = uuid === first!.node.uuid ? "nodeDeclare" : "nodeAdd";
      const args = { uuid, hostname: host, address: host, snapMountRoot };
      await this.#must(first!, command(name, args));
    }
    for (const daemon of this.world.daemons.values()) await this.#must(daemon, command("recover", {}));
    for (const name of ["v", "w"]) {
      const bricks = nodes.map(({ host }, index) => `${host}:/${name}${index}/exp`);
      const layout = name === "v" ? { replica: 3 } : {};
      await this.#must(first!, command("volumeCreate", { name, bricks, ...layout }));
      await this.#must(first!, command("volumeStart", { volume: name }));
    }
  }

  async #must(daemon: SimulatedDaemon, { name, args }: Command): Promise<void> {
    const answer: Answer<unknown> = await this.#until(daemon.coordinator.run(name, args));
    assert.ok(answer.ok, `${name}: ${JSON.stringify(answer)}`);
  }

  async #client(uuid: string): Promise<void> {
    for (let number = 0; number < COMMANDS; number++) {
      const daemon = await this.#daemonOf(uuid);
      const chosen = randomCommand(this.random);
      const report: Report = {
        ...chosen, begunAt: this.world.steps, endedAt: Number.POSITIVE_INFINITY, succeeded: false,
      };
      this.reports.push(report);
      this.counts.commands++;
      try {
        const run: Promise<Answer<unknown>> = daemon.coordinator.run(chosen.name, chosen.args);
        const answer = await Promise.race([run, daemon.death]);
        report.succeeded = answer.ok;
        // What reported a failure may still be settled, either way, until the end.
        if (answer.ok) report.endedAt = this.world.steps;
        if (answer.ok) this.counts.successes++;
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
      }
    }
  }

  /** After a death it is started again, which takes a turn before anything else. */
  async #daemonOf(uuid: string): Promise<SimulatedDaemon> {
    for (;;) {
      const daemon = this.world.daemons.get(uuid)!;
      if (!daemon.dead) return daemon;
      const node = daemon.node;
      try {
        const next = await this.world.start(node);
        await Promise.race([next.coordinator.run("recover", {}), next.death]);
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
      }
    }
  }

  #alive(): SimulatedDaemon[] {
    return [...this.world.daemons.values()].filter((it) => !it.dead);
  }

  #killOne(): void {
    const alive = this.#alive().filter((it) => it.serving);
    if (alive.length === 0) return;
    this.world.kill(this.random.pick(alive));
    this.counts.deaths++;
  }

  /** Whoever stands still does not renew its turn. */
  #pauseOne(): void {
    const { holder } = this.world;
    const daemon = holder !== undefined && this.random.below(3) > 0
      ? holder
      : this.random.pick([...this.world.daemons.values()]);
    if (daemon.dead || daemon.paused) return;
    daemon.paused = true;
    this.counts.pauses++;
    if (holder === daemon && this.random.below(3) > 0) void this.world.expireLater(this.world.token);
  }

  #wakeOne(): void {
    const paused = this.#alive().filter((it) => it.paused);
    if (paused.length > 0) this.random.pick(paused).paused = false;
  }

  #wakeAll(): void {
    for (const daemon of this.world.daemons.values()) daemon.paused = false;
  }

  /** The faults are over: all live, and settle what is left. */
  async #rest(): Promise<void> {
    this.world.faults.lostOneIn = 0;
    this.#wakeAll();
    for (const { uuid } of this.world.nodes.nodes) await this.#until(this.#daemonOf(uuid));
    while (await this.world.step());
    const [first] = this.#alive();
    for (let attempt = 0; attempt < 2; attempt++) {
      const answer = await this.#until(first!.coordinator.run("recover", {}));
      assert.ok(answer.ok && answer.payload.pending.length === 0, JSON.stringify(answer));
    }
    // As every node does when it is back: a brick that could not be reached may be down.
    for (const daemon of this.#alive()) await this.#must(daemon, command("bringUp", {}));
    while (await this.world.step());
    for (const node of this.world.nodes.nodes) node.minutesPass();
  }

  #check(): void {
    checkAtRest(this.world.nodes, this.world.stored);
    const alive = this.#alive();
    assert.equal(alive.length, this.world.nodes.nodes.length);
    for (const { coordinator, node } of alive) {
      const expected = { ...this.world.stored, self: node.uuid };
      assert.deepEqual(coordinator.state, expected, `the state of ${node.host}`);
    }
    for (const report of this.reports) if (report.succeeded) this.#checkKept(report);
  }

  #checkKept(report: Report): void {
    for (const { thing, holds } of report.claims) {
      if (holds === undefined) continue;
      const rival = this.reports.some((it) =>
        it !== report && it.endedAt >= report.begunAt && it.claims.some((c) => c.thing === thing));
      if (rival) continue;
      assert.ok(holds(this.world.stored), `${report.name} ${JSON.stringify(report.args)} was lost`);
    }
  }
}

export const scenario: ConcurrentScenario = {
  name: "cluster",
  async run(random) {
    const history = new History(random);
    await history.live();
    return history.counts;
  },
};
