/**
 * Scenario `cluster`: commands of every family from three nodes at once, while daemons die and
 * stand still, turns are lost, ways are cut, bricks die, answers and transactions come late or
 * never, and server quorum comes and goes. When the faults have stopped:
 *
 * - nothing is half done: no intent, nothing frozen, no LV, mount or process without an owner;
 * - the order of the turns explains what is in the store: every command that reported success had
 *   its effect, every one that reported a failure had none (history-order.sim.ts);
 * - all coordinators have the same state, which is the store's.
 *
 * What succeeded is counted by kind, and shown: a kind that never succeeds is not tried.
 */
import assert from "node:assert/strict";
import type { ConcurrentScenario, Random } from "@mortar/sim";
import { servedBricks, volumeBrickRef } from "../bricks/brick.ts";
import type { Answer } from "../command.ts";
import { checkAtRest, Killed } from "./cluster.sim.ts";
import { type Command, command, creation, randomCommand } from "./history-commands.sim.ts";
import { type PoolModel, poolOf } from "./history-model.sim.ts";
import { checkOrder, outcomeOf, type Report } from "./history-order.sim.ts";
import { NodeModel, WorldModel } from "./node-model.sim.ts";
import { serverQuorumChange } from "../nodes/server-quorum.ts";
import { SharedWorld, type SimulatedDaemon } from "./shared-world.sim.ts";

const COMMANDS = 8;
const STEPS_MAX = 100_000;
/** Of this many nodes the last has no coordinator: it is let in and taken out. */
const HOSTS = ["a", "b", "c", "d"] as const;
const COORDINATORS = 3;

class History {
  readonly world: SharedWorld;
  readonly random: Random;
  readonly reports: Report[] = [];
  readonly counts: Record<string, number> = {
    steps: 0, commands: 0, successes: 0, unknown: 0, deaths: 0, pauses: 0, cuts: 0,
    "bricks that died": 0, "quorums lost": 0,
  };
  #background = 0;

  constructor(random: Random) {
    this.random = random;
    const nodes = HOSTS.map((name) => new NodeModel(`node-${name}`, name));
    for (const [index, node] of nodes.slice(0, COORDINATORS).entries()) {
      for (const lv of ["v", "w", "x", "y"]) node.addUserLv(`${lv}${index}`);
    }
    this.world = new SharedWorld(new WorldModel(nodes), random);
  }

  get #members(): readonly NodeModel[] {
    return this.world.nodes.nodes.slice(0, COORDINATORS);
  }

  async live(): Promise<void> {
    await this.#found();
    const first = poolOf(this.world.stored);
    // A command of many steps comes to its end only where not much happens.
    const calm = this.random.pick([1, 1, 5, 20]);
    const oneIn = (...choices: number[]): number => calm * this.random.pick(choices);
    this.world.faults.lostOneIn = oneIn(0, 8, 20, 60, 200);
    const [deaths, pauses, cuts, others] = [
      oneIn(0, 60, 200, 800), oneIn(0, 40, 150, 600),
      oneIn(0, 60, 200, 800), oneIn(0, 40, 150, 600),
    ];
    const isDue = (rate: number): boolean => rate > 0 && this.random.below(rate) === 0;
    const clients = this.#members.map((node) => this.#client(node));
    const ended = Promise.all(clients).then(() => (this.#background = 0));
    this.#background = 1;
    while (this.#background > 0) {
      if (isDue(deaths)) this.#killOne();
      if (isDue(pauses)) this.#pauseOne();
      if (isDue(cuts)) this.#cutSome();
      if (isDue(others)) this.#brickDies();
      if (isDue(20)) this.#bricksReturn();
      if (isDue(12)) this.#wakeOne();
      if (isDue(16)) this.#mendOne();
      if (isDue(10)) this.#rebalancesEnd();
      if (isDue(10)) this.#judgeQuorum();
      if (!(await this.world.step())) this.#wakeAll();
      assert.ok(this.world.steps < STEPS_MAX, "it comes to an end");
    }
    await ended;
    await this.#rest();
    this.#check(first);
    this.counts["steps"] = this.world.steps;
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
    const snapMountRoot = "/run/gluster/snaps";
    for (const node of this.#members) await this.#until(this.world.start(node));
    const [first] = [...this.world.daemons.values()];
    for (const { uuid, host } of this.#members) {
      const name = uuid === first!.node.uuid ? "nodeDeclare" : "nodeAdd";
      const args = { uuid, hostname: host, address: host, snapMountRoot };
      await this.#must(first!, command("", name, args));
    }
    for (const daemon of this.world.daemons.values()) {
      await this.#must(daemon, command("", "recover", {}));
    }
    for (const volume of ["v", "w"] as const) {
      await this.#must(first!, creation(volume));
      await this.#must(first!, command("", "volumeStart", { volume }));
    }
    const snapshot = "s1";
    await this.#must(first!,
      command("", "snapshotCreate", { name: snapshot, volume: "v", timestamp: false }));
    await this.#must(first!, command("", "snapshotActivate", { snapshot }));
  }

  async #must(daemon: SimulatedDaemon, { name, args }: Command): Promise<void> {
    const answer: Answer<unknown> = await this.#until(daemon.coordinator.run(name, args));
    assert.ok(answer.ok, `${name}: ${JSON.stringify(answer)}`);
  }

  async #client(node: NodeModel): Promise<void> {
    for (let number = 0; number < COMMANDS; number++) {
      const daemon = await this.#daemonOf(node);
      const chosen = randomCommand(this.random, daemon.coordinator.state);
      const report: Report = {
        ...chosen, host: node.host, token: undefined, heldToEnd: false, outcome: "unknown",
      };
      this.reports.push(report);
      daemon.token = undefined;
      try {
        const run: Promise<Answer<unknown>> = daemon.coordinator.run(chosen.name, chosen.args);
        const answer = await Promise.race([run, daemon.death]);
        report.outcome = outcomeOf(answer);
        if (!answer.ok) {
          report.code = answer.code;
          report.said = answer.opErrstr;
        }
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
      }
      report.token = daemon.token;
      report.heldToEnd = daemon.heldToEnd;
      this.#count("commands");
      if (report.outcome === "unknown") this.#count("unknown");
      if (report.outcome !== "success") continue;
      this.#count("successes");
      this.#count(`"${report.kind}"`);
    }
  }

  #count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  /** After a death it is started again, which takes a turn before anything else. */
  async #daemonOf(node: NodeModel): Promise<SimulatedDaemon> {
    for (;;) {
      const daemon = this.world.daemons.get(node.uuid)!;
      if (!daemon.dead) return daemon;
      try {
        const next = await this.world.start(node);
        while (!next.serving) await Promise.race([next.coordinator.run("recover", {}), next.death]);
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
    this.#count("deaths");
  }

  /** The one with the turn, more often than not. */
  #someone(): SimulatedDaemon {
    const { holder } = this.world;
    return holder !== undefined && this.random.below(3) > 0
      ? holder
      : this.random.pick([...this.world.daemons.values()]);
  }

  /** Whoever stands still does not renew its turn. */
  #pauseOne(): void {
    const { holder } = this.world;
    const daemon = this.#someone();
    if (daemon.dead || daemon.paused) return;
    daemon.paused = true;
    this.#count("pauses");
    if (holder !== daemon || this.random.below(3) === 0) return;
    void this.world.expireLater(this.world.token);
  }

  /** A node from all others and the store; from the store alone; or one way between two nodes. */
  #cutSome(): void {
    const { world, random } = this;
    const daemon = this.#someone();
    const { uuid } = daemon.node;
    const others = this.#members.filter((it) => it.uuid !== uuid).map((it) => it.uuid);
    const kind = random.below(3);
    this.#count("cuts");
    if (kind === 2) {
      const other = random.pick(others);
      world.cuts.add(random.below(2) === 0 ? `${uuid}>${other}` : `${other}>${uuid}`);
      return;
    }
    world.cutOff(daemon);
    if (kind === 1) return;
    for (const other of others) world.cuts.add(`${uuid}>${other}`).add(`${other}>${uuid}`);
  }

  #mendOne(): void {
    const { cuts } = this.world;
    const cutOff = this.#alive().filter((it) => it.isCutOff);
    if (cutOff.length > 0) this.random.pick(cutOff).isCutOff = false;
    if (cuts.size > 0) cuts.delete(this.random.pick([...cuts]));
  }

  #brickDies(): void {
    const node = this.random.pick(this.#members);
    const paths = [...node.running.keys()];
    if (paths.length === 0) return;
    const path = this.random.pick(paths);
    node.running.delete(path);
    node.barred.delete(path);
    this.#count("bricks that died");
  }

  /** Each node starts its bricks of started volumes again; not while a command may mean them. */
  #bricksReturn(): void {
    const { stored } = this.world;
    if (stored.intents.size > 0) return;
    for (const { document } of stored.volumes.values()) {
      if (document.status !== "Started") continue;
      for (const brick of servedBricks(document)) {
        const { running } = this.world.nodes.node(brick.node);
        if (!running.has(brick.path)) running.set(brick.path, volumeBrickRef(document, brick));
      }
    }
  }

  #rebalancesEnd(): void {
    for (const { rebalances } of this.#members) {
      for (const run of rebalances.values()) {
        if (run.status === "in progress") run.status = "completed";
      }
    }
  }

  /** As each node does every second: without the quorum its bricks of such volumes end. */
  #judgeQuorum(): void {
    const judging = this.#alive().filter((it) => it.serving && !it.paused);
    if (judging.length === 0) return;
    const daemon = this.random.pick(judging);
    const connected = this.world.connectedTo(daemon.node.uuid);
    const view = { connected, isNew: false, held: new Set<string>(), ended: new Set<string>() };
    const { end } = serverQuorumChange(daemon.coordinator.state, view);
    for (const volume of end) {
      this.#count("quorums lost");
      for (const [path, ref] of daemon.node.running) {
        if (ref.volume === volume) daemon.node.running.delete(path);
      }
    }
  }

  #wakeOne(): void {
    const paused = this.#alive().filter((it) => it.paused);
    if (paused.length > 0) this.random.pick(paused).paused = false;
  }

  #wakeAll(): void {
    for (const daemon of this.world.daemons.values()) daemon.paused = false;
    this.world.mendAll();
  }

  /** The faults are over: all live, and settle what is left. */
  async #rest(): Promise<void> {
    this.world.faults.lostOneIn = 0;
    this.#wakeAll();
    for (const node of this.#members) await this.#until(this.#daemonOf(node));
    while (await this.world.step());
    const [first] = this.#alive();
    for (let attempt = 0; attempt < 2; attempt++) {
      const answer = await this.#until(first!.coordinator.run("recover", {}));
      assert.ok(answer.ok && answer.payload.pending.length === 0, JSON.stringify(answer));
    }
    // As every node does when it is back: a brick that could not be reached may be down.
    for (const daemon of this.#alive()) await this.#must(daemon, command("", "bringUp", {}));
    while (await this.world.step());
    for (const node of this.world.nodes.nodes) node.minutesPass();
  }

  #check(first: PoolModel): void {
    checkAtRest(this.world.nodes, this.world.stored);
    const alive = this.#alive();
    assert.equal(alive.length, COORDINATORS);
    for (const { coordinator, node } of alive) {
      const expected = { ...this.world.stored, self: node.uuid };
      assert.deepEqual(coordinator.state, expected, `the state of ${node.host}`);
    }
    checkOrder(this.reports, first, poolOf(this.world.stored));
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
