/** Three nodes' timers over one store, in any order, with daemons that die and stand still. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "@mortar/sim";
import { Killed } from "../world/cluster.sim.ts";
import type { CommandArgs, CommandName } from "../command.ts";
import { NodeModel, WorldModel } from "../world/node-model.sim.ts";
import { SharedWorld, type SimulatedDaemon } from "../world/shared-world.sim.ts";

const HOUR_MS = 3_600_000;
const HOURS = 4;
const SEEDS = 30;
const STEPS_MAX = 50_000;

class Timers {
  readonly world: SharedWorld;
  readonly random: Random;
  deaths = 0;

  constructor(random: Random) {
    this.random = random;
    const nodes = ["a", "b", "c"].map((name) => new NodeModel(`node-${name}`, name));
    for (const node of nodes) node.addUserLv("b1");
    this.world = new SharedWorld(new WorldModel(nodes), random);
  }

  async found(): Promise<void> {
    const { nodes } = this.world.nodes;
    for (const node of nodes) await this.until(this.world.start(node));
    const first = this.world.daemons.get("node-a")!;
    for (const { uuid, host } of nodes) {
      const args = { uuid, hostname: host, address: host, snapMountRoot: "/run/gluster/snaps" };
      await this.must(first, uuid === "node-a" ? "nodeDeclare" : "nodeAdd", args);
    }
    for (const daemon of this.world.daemons.values()) await this.must(daemon, "recover", {});
    const bricks = nodes.map(({ host }) => `${host}:/b1/exp`);
    await this.must(first, "volumeCreate", { name: "v", bricks });
    await this.must(first, "volumeStart", { volume: "v" });
    await this.must(first, "scheduleAdd", { name: "h", volumes: ["v"], cron: "0 * * * *" });
  }

  async must<N extends CommandName>(daemon: SimulatedDaemon, name: N, args: CommandArgs<N>) {
    const answer = await this.until(daemon.coordinator.run(name, args));
    assert.ok(answer.ok, `${name}: ${JSON.stringify(answer)}`);
    return answer.payload;
  }

  async until<Result>(work: Promise<Result>, trouble: () => void = () => undefined) {
    const progress = { isDone: false };
    const end = (): void => {
      progress.isDone = true;
    };
    work.then(end, end);
    while (!progress.isDone) {
      trouble();
      if (!(await this.world.step())) this.wakeAll();
      assert.ok(this.world.steps < STEPS_MAX, "it comes to an end");
    }
    return await work;
  }

  wakeAll(): void {
    for (const daemon of this.world.daemons.values()) daemon.paused = false;
  }

  /** All three at the same moment, as their timers do. */
  async tick(trouble?: () => void): Promise<void> {
    const ticks = [...this.world.daemons.values()].map(async (daemon) => {
      try {
        await Promise.race([daemon.coordinator.run("scheduleTick", {}), daemon.death]);
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
      }
    });
    await this.until(Promise.all(ticks), trouble);
    this.wakeAll();
    for (const { dead, node } of this.world.daemons.values()) {
      if (!dead) continue;
      const next = await this.until(this.world.start(node));
      await this.must(next, "recover", {});
    }
  }

  trouble(): void {
    const alive = [...this.world.daemons.values()].filter((it) => !it.dead && it.serving);
    if (alive.length === 0) return;
    if (this.random.chance(0.01)) {
      this.world.kill(this.random.pick(alive));
      this.deaths++;
    }
    if (this.random.chance(0.03)) this.random.pick(alive).paused = true;
    if (this.random.chance(0.1)) this.random.pick(alive).paused = false;
  }
}

void test(`${SEEDS} histories of three timers: each hour has one snapshot, whoever dies`, async () => {
  let deaths = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const timers = new Timers(new Random(seed));
    await timers.found();
    for (let hour = 0; hour < HOURS; hour++) {
      timers.world.nodes.nowMs += HOUR_MS;
      await timers.tick(() => timers.trouble());
      // What was cut is begun again by whoever ticks next.
      for (let again = 0; again < 3; again++) {
        timers.world.nodes.nowMs += 60_000;
        await timers.tick();
      }
    }
    const snapshots = [...timers.world.stored.snapshots.values()].map((it) => it.document);
    const instants = snapshots.map((it) => it.scheduled!.dueMs);
    assert.equal(new Set(instants).size, instants.length, `seed ${seed}: one was run twice`);
    assert.equal(instants.length, HOURS, `seed ${seed}: one was lost`);
    deaths += timers.deaths;
  }
  // Otherwise the histories would prove little.
  assert.ok(deaths > SEEDS, `${deaths} deaths`);
});
