/** A cluster in memory with faults on request, and what must hold of it at rest. */
import assert from "node:assert/strict";
import { servedBricks } from "../bricks/brick.ts";
import type { Answer, CommandArgs, CommandName, CommandPayload } from "../command.ts";
import { Coordinator, type Host, type Turn } from "../drive.ts";
import { EffectError, type SingleEffect } from "../effect.ts";
import { applyChanges, emptyState, revisionOf } from "../key-space.ts";
import { NodeModel, WorldModel } from "./node-model.sim.ts";
import { partsOfCut } from "../snapshots/snapshot-cut.ts";
import { isActivated } from "../snapshots/snapshot-find.ts";
import type { BrickDocument, Change, ClusterState } from "../state.ts";

/** The coordinator died. */
export class Killed extends Error {}

/**
 * At the effect (or commit) with this number: it fails, having happened or not; or the
 * coordinator dies, before or after it. Commits that "fail" are those with unknown outcome.
 */
export interface Fault {
  readonly at: number;
  readonly mode: "fail-before" | "fail-after" | "kill-before" | "kill-after";
  /** A second one, later. */
  readonly again?: Fault;
}

export const faultModes = ["fail-before", "fail-after", "kill-before", "kill-after"] as const;

export class SimulatedCluster implements Host {
  readonly world: WorldModel;
  stored: ClusterState;
  coordinator!: Coordinator;
  fault: Fault | undefined;
  /** Effects and commits performed since it was last set to 0. */
  steps = 0;
  /** Called before every effect; clients write here. */
  onStep: () => void = () => undefined;
  #revision = 0;
  #turns = 0;
  /** Rejects when the coordinator of now is killed. */
  #death: { readonly promise: Promise<never>; readonly reject: (error: Killed) => void };

  private constructor() {
    this.#death = deathOf();
    const a = new NodeModel("node-a", "a");
    const b = new NodeModel("node-b", "b");
    for (const name of ["b1", "b2", "b4"]) a.addUserLv(name);
    b.addUserLv("b3");
    a.addUserLv("thick", { thin: false });
    this.world = new WorldModel([a, b]);
    this.stored = emptyState("node-a");
  }

  static async start(): Promise<SimulatedCluster> {
    const cluster = new SimulatedCluster();
    await cluster.restart();
    const snapMountRoot = "/run/gluster/snaps";
    for (const { uuid, host } of cluster.world.nodes) {
      const command = uuid === cluster.stored.self ? "nodeDeclare" : "nodeAdd";
      await cluster.must(command, { uuid, hostname: host, address: host, snapMountRoot });
    }
    return cluster;
  }

  /** A new coordinator, which knows nothing but the store. */
  async restart(): Promise<void> {
    this.fault = undefined;
    this.#death = deathOf();
    this.coordinator = await Coordinator.open(this);
  }

  run<Name extends CommandName>(
    name: Name,
    args: CommandArgs<Name>,
  ): Promise<Answer<CommandPayload<Name>>> {
    return Promise.race([this.coordinator.run(name, args), this.#death.promise]);
  }

  async must<Name extends CommandName>(
    name: Name,
    args: CommandArgs<Name>,
  ): Promise<CommandPayload<Name>> {
    const answer = await this.run(name, args);
    assert.ok(answer.ok, `${name}: ${JSON.stringify(answer)}`);
    return answer.payload;
  }

  async load(): Promise<ClusterState> {
    return this.stored;
  }

  async catchUp(): Promise<void> {
    // Nobody else changes anything.
  }

  async turn(): Promise<Turn> {
    return { token: ++this.#turns, isLost: () => false, release: async () => undefined };
  }

  async perform(effect: SingleEffect): Promise<unknown> {
    this.onStep();
    // Clients go on while one node is ahead of another, and it may all end in between.
    if (effect.kind === "cut") {
      for (const part of partsOfCut(effect).flat()) await this.perform(part);
      return { barrierMs: 1, freezeMs: 1, takeMs: 1 };
    }
    return this.#faulty(
      () => this.world.perform(effect),
      () => new EffectError("failed", "injected", { node: "a", object: effect.kind }),
    );
  }

  async commit(
    changes: readonly Change[],
  ): Promise<{ committed: true; revision: number } | { committed: false }> {
    return this.#faulty(
      () => {
        for (const change of changes) {
          const revision = revisionOf(this.stored, change.key);
          if (revision !== change.expected) return { committed: false };
        }
        this.stored = applyChanges(this.stored, changes, ++this.#revision);
        return { committed: true, revision: this.#revision };
      },
      () => new Error("the disk is full"),
    );
  }

  #faulty<Result>(act: () => Result, failure: () => Error): Result | Promise<never> {
    const fault = this.fault?.at === this.steps++ ? this.fault : undefined;
    const mode = fault?.mode;
    if (fault !== undefined) this.fault = fault.again;
    if (mode === "kill-before") return this.#die();
    if (mode === "fail-before") throw failure();
    const result = act();
    if (mode === "kill-after") return this.#die();
    if (mode === "fail-after") throw failure();
    return result;
  }

  /** The dead coordinator gets no answer, ever. */
  #die(): Promise<never> {
    this.#death.reject(new Killed());
    return new Promise(() => undefined);
  }

  /** Everything that must hold when nothing is under way. */
  checkAtRest(): void {
    checkAtRest(this.world, this.stored);
  }
}

/** What must hold of nodes and state when nothing is under way. */
export function checkAtRest(world: WorldModel, state: ClusterState): void {
  assert.deepEqual([...state.intents.keys()], [], "no intent is left");
  for (const node of world.nodes) {
    assert.deepEqual([...node.frozen], [], "nothing is frozen");
    assert.deepEqual([...node.barred], [], "nothing is barred");
    assert.deepEqual([...node.prepared], [], "nothing is prepared");
    assert.deepEqual([...node.quiet], [], "nothing is quiet");
    assert.deepEqual(node.locks.draining, [], "nothing drains");
  }
  checkLvs(world, state);
  checkMadeBricks(world, state);
  checkProcesses(world, state);
  checkMounts(world, state);
}

function deathOf(): { promise: Promise<never>; reject: (error: Killed) => void } {
  let reject!: (error: Killed) => void;
  const promise = new Promise<never>((_, rejectIt) => {
    reject = rejectIt;
  });
  promise.catch(() => undefined);
  return { promise, reject };
}

function bricksOf(state: ClusterState): BrickDocument[] {
  return [
    ...[...state.volumes.values()].flatMap((it) => it.document.bricks),
    ...[...state.snapshots.values()].flatMap((it) => it.document.volumes.flatMap((v) => v.bricks)),
  ];
}

/** What was made for bricks is what nodes have in their documents. */
function checkMadeBricks(world: WorldModel, state: ClusterState): void {
  for (const node of world.nodes) {
    const made = state.nodes.get(node.uuid)?.document.madeBricks ?? [];
    const listed = made.map(({ vg, lv }) => `${vg}/${lv}`);
    assert.deepEqual(node.storage.made.toSorted(), listed.toSorted(), `bricks made on ${node.host}`);
    for (const { mountPoint, vg, lv } of made) {
      assert.equal(node.mounts.get(mountPoint), `${vg}/${lv}`, `${mountPoint} is mounted`);
    }
  }
}

/** No LV of Mortar's without an owner, no owner without its LV, no LV with two. */
function checkLvs(world: WorldModel, state: ClusterState): void {
  const owned = new Set<string>();
  for (const { node, thin } of bricksOf(state)) {
    if (thin === undefined) continue;
    const name = `${node} ${thin.vg}/${thin.lv}`;
    assert.ok(!owned.has(name), `${name} has one owner`);
    owned.add(name);
    assert.ok(world.node(node).lvs.has(`${thin.vg}/${thin.lv}`), `${name} exists`);
  }
  for (const node of world.nodes) {
    for (const lv of node.lvs.keys()) {
      const ours = /^vg\/[0-9a-f]{32}_\d+$/.test(lv);
      if (ours) assert.ok(owned.has(`${node.uuid} ${lv}`), `${lv} is owned`);
    }
  }
}

/** The processes that run are those that the state says, each on its own brick. */
function checkProcesses(world: WorldModel, state: ClusterState): void {
  const wanted = new Map<string, string>();
  for (const { document } of state.volumes.values()) {
    if (document.status !== "Started") continue;
    for (const { node, path } of servedBricks(document)) wanted.set(`${node} ${path}`, document.id);
  }
  for (const { document } of state.snapshots.values()) {
    if (!isActivated(document)) continue;
    for (const it of document.volumes) {
      for (const { node, path } of it.bricks) wanted.set(`${node} ${path}`, it.volumeId);
    }
  }
  const running = world.nodes.flatMap((node) =>
    [...node.running].map(([path, ref]) => [`${node.uuid} ${path}`, ref.volumeId] as const),
  );
  assert.deepEqual(Object.fromEntries(running), Object.fromEntries(wanted), "processes");
  for (const { document } of state.volumes.values()) {
    for (const { node, path } of document.bricks) {
      const { fs, below } = world.node(node).fsOf(path);
      const mounted = fs.directories.has(below);
      if (mounted) assert.equal(fs.directories.get(below), document.id, `id of ${path}`);
    }
  }
}

/** Of an activated snapshot the bricks are mounted, of another one they are not. */
function checkMounts(world: WorldModel, state: ClusterState): void {
  for (const { document } of state.snapshots.values()) {
    for (const brick of document.volumes.flatMap((it) => it.bricks)) {
      if (!brick.managed) continue;
      const there = world.node(brick.node).mounts.get(brick.mountPoint);
      const own = `${brick.thin!.vg}/${brick.thin!.lv}`;
      // What a restore left is unmounted at leisure, at the latest when it is removed.
      if (document.kind === "safety" && there === own) continue;
      assert.equal(there, isActivated(document) ? own : undefined, `mount of ${brick.path}`);
    }
  }
}
