/**
 * Several coordinators over one store, each on a node of its own, in a world whose every step is
 * chosen by a seed: what is under way goes on in any order; answers are lost; effects and commits
 * come late; coordinators die, or stand still while their turn runs out. Ways between nodes are
 * cut, in one direction or both, and nodes are cut off from the store.
 */
import { setImmediate as settled } from "node:timers/promises";
import type { Random } from "@mortar/sim";
import { Killed } from "./cluster.sim.ts";
import { type CommitResult, Coordinator, type Host, type Turn } from "../drive.ts";
import { EffectError, type NodeEffect, type SingleEffect } from "../effect.ts";
import { Fence, type Stamp, Stamps } from "../nodes/fence.ts";
import { applyChanges, emptyState, revisionOf } from "../key-space.ts";
import type { NodeModel, WorldModel } from "./node-model.sim.ts";
import type { Change, ClusterState } from "../state.ts";

/** Whoever has something to do: a daemon, or the network, which neither dies nor stands still. */
interface Owner {
  readonly dead: boolean;
  readonly paused: boolean;
}

const network: Owner = { dead: false, paused: false };
const never = new Promise<never>(() => undefined);

interface Point {
  readonly owner: Owner;
  readonly go: () => void;
}

export interface Faults {
  /** One in so many messages is lost, or late; 0: none. */
  lostOneIn: number;
}

interface Told {
  readonly revision: number;
  readonly changes: readonly Change[];
}

interface Waiter {
  readonly daemon: SimulatedDaemon;
  readonly take: () => void;
  readonly refuse: (error: EffectError) => void;
}

export class SharedWorld {
  readonly nodes: WorldModel;
  readonly random: Random;
  readonly faults: Faults = { lostOneIn: 0 };
  readonly daemons = new Map<string, SimulatedDaemon>();
  /** Ways that nothing goes through, `FROM>TO`, by uuid. */
  readonly cuts = new Set<string>();
  stored: ClusterState = emptyState("");
  steps = 0;
  revision = 0;
  #points: Point[] = [];
  #tokens = 0;
  #holder: { readonly token: number; readonly daemon: SimulatedDaemon } | undefined;
  #waiters: Waiter[] = [];

  constructor(nodes: WorldModel, random: Random) {
    this.nodes = nodes;
    this.random = random;
  }

  point(owner: Owner): Promise<void> {
    if (owner.dead) return never;
    return new Promise((go) => this.#points.push({ owner, go }));
  }

  /** Something that can go on does. False: nothing can. */
  async step(): Promise<boolean> {
    this.#points = this.#points.filter((it) => !it.owner.dead);
    const ready = this.#points.filter((it) => !it.owner.paused);
    if (ready.length === 0) return false;
    const next = this.random.pick(ready);
    this.#points.splice(this.#points.indexOf(next), 1);
    this.steps++;
    next.go();
    await settled();
    return true;
  }

  isLost(): boolean {
    const { lostOneIn } = this.faults;
    return lostOneIn > 0 && this.random.below(lostOneIn) === 0;
  }

  /** Whether a message of one node to another is. */
  isLostBetween(from: string, to: string): boolean {
    return from !== to && (this.cuts.has(`${from}>${to}`) || this.isLost());
  }

  /** What a node hears of: those that it reaches, and that reach it. */
  connectedTo(uuid: string): string[] {
    const others = [...this.daemons].filter(([, it]) => it.serving && !it.dead && !it.paused);
    return [uuid, ...others.map(([other]) => other).filter((other) =>
      other !== uuid && !this.cuts.has(`${uuid}>${other}`) && !this.cuts.has(`${other}>${uuid}`))];
  }

  /** From the store: its turn is not renewed any more, and it waits for none. */
  cutOff(daemon: SimulatedDaemon): void {
    daemon.isCutOff = true;
    const own = this.#waiters.filter((it) => it.daemon === daemon);
    this.#waiters = this.#waiters.filter((it) => it.daemon !== daemon);
    for (const { refuse } of own) refuse(storeUnreachable(daemon));
    if (this.#holder?.daemon === daemon) void this.expireLater(this.#holder.token);
  }

  mendAll(): void {
    this.cuts.clear();
    for (const daemon of this.daemons.values()) daemon.isCutOff = false;
  }

  async start(node: NodeModel): Promise<SimulatedDaemon> {
    const daemon = new SimulatedDaemon(this, node);
    this.daemons.set(node.uuid, daemon);
    await daemon.open();
    return daemon;
  }

  /** Its process is gone; its turn ends at some time, what it sent arrives or not. */
  kill(daemon: SimulatedDaemon): void {
    daemon.dead = true;
    daemon.died();
    this.#waiters = this.#waiters.filter((it) => it.daemon !== daemon);
    if (this.#holder?.daemon === daemon) void this.expireLater(this.#holder.token);
  }

  /** A turn that is not renewed any more. */
  async expireLater(token: number): Promise<void> {
    await this.point(network);
    this.free(token);
  }

  get holder(): SimulatedDaemon | undefined {
    return this.#holder?.daemon;
  }

  get token(): number {
    return this.#holder?.token ?? 0;
  }

  async take(daemon: SimulatedDaemon): Promise<number> {
    await this.point(daemon);
    if (daemon.isCutOff) throw storeUnreachable(daemon);
    if (this.#holder !== undefined) {
      await new Promise<void>((take, refuse) => {
        const waiter = { daemon, take, refuse };
        this.#waiters.push(waiter);
        if (this.random.below(8) === 0) void this.#giveUp(waiter);
      });
    } else {
      this.#holder = { token: ++this.#tokens, daemon };
    }
    const token = this.#tokenOf(daemon);
    await this.point(daemon);
    return token;
  }

  /** It has waited for too long. */
  async #giveUp(waiter: Waiter): Promise<void> {
    await this.point(waiter.daemon);
    if (!this.#waiters.includes(waiter)) return;
    this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
    const where = { node: waiter.daemon.node.host, object: "turn" };
    waiter.refuse(new EffectError("busy", "another command has the turn", where));
  }

  /** Just taken, by this one. */
  #tokenOf(daemon: SimulatedDaemon): number {
    if (this.#holder?.daemon !== daemon) throw new Error(`${daemon.node.host} has no turn`);
    return this.#holder.token;
  }

  free(token: number): void {
    if (this.#holder?.token !== token) return;
    this.#holder = undefined;
    const next = this.#waiters.shift();
    if (next === undefined) return;
    this.#holder = { token: ++this.#tokens, daemon: next.daemon };
    next.take();
  }

  /** One transaction, by whoever has the turn with this token. */
  commit(changes: readonly Change[], token: number): CommitResult {
    if (this.#holder?.token !== token) throw new Error("the turn was lost");
    for (const { key, expected } of changes) {
      if (revisionOf(this.stored, key) !== expected) return { committed: false };
    }
    const revision = ++this.revision;
    this.stored = applyChanges(this.stored, changes, revision);
    for (const daemon of this.daemons.values()) daemon.tell({ revision, changes });
    return { committed: true, revision };
  }
}

function storeUnreachable(daemon: SimulatedDaemon): EffectError {
  const where = { node: daemon.node.host, object: "state" };
  return new EffectError("store", "the store is out of reach", where);
}

/** mortard, as far as commands are concerned. */
export class SimulatedDaemon implements Host, Owner {
  readonly node: NodeModel;
  dead = false;
  paused = false;
  /** Effects of others are performed from the first turn of its own on. */
  serving = false;
  isCutOff = false;
  /** Of the turn that it had last. */
  token: number | undefined;
  /** Whether it had that turn to its end: what it saw was the state of that place in the order. */
  heldToEnd = false;
  coordinator!: Coordinator;
  #isOpen = false;
  readonly death: Promise<never>;
  readonly #world: SharedWorld;
  readonly #fence = new Fence();
  readonly #stamps = new Stamps();
  /** What comes from the store waits for the way to it. */
  readonly #fromStore: Owner;
  #inbox: Told[] = [];
  #reject: (error: Killed) => void = () => undefined;

  constructor(world: SharedWorld, node: NodeModel) {
    this.#world = world;
    this.node = node;
    this.death = new Promise((_, reject) => {
      this.#reject = reject;
    });
    this.death.catch(() => undefined);
    const isDead = (): boolean => this.dead;
    const isHeldUp = (): boolean => this.paused || this.isCutOff;
    this.#fromStore = {
      get dead() {
        return isDead();
      },
      get paused() {
        return isHeldUp();
      },
    };
  }

  async open(): Promise<void> {
    this.coordinator = await Coordinator.open(this);
    this.#isOpen = true;
    this.#hearUpTo(this.#world.revision);
  }

  died(): void {
    this.#reject(new Killed());
  }

  /** The watch: one after the other, at some time. */
  tell(told: Told): void {
    this.#inbox.push(told);
    void this.#hear();
  }

  async #hear(): Promise<void> {
    await this.#world.point(this.#fromStore);
    this.#hearUpTo(this.#inbox[0]?.revision ?? 0);
  }

  #hearUpTo(revision: number): void {
    if (!this.#isOpen) return;
    while (this.#inbox[0] !== undefined && this.#inbox[0].revision <= revision) {
      const { revision: of, changes } = this.#inbox.shift()!;
      const told = changes.map((it) => ("put" in it ? { key: it.key, value: it.put } : { key: it.key }));
      this.coordinator.told(of, told);
    }
  }

  async load(): Promise<ClusterState> {
    await this.#world.point(this.#fromStore);
    return { ...this.#world.stored, self: this.node.uuid };
  }

  async catchUp(): Promise<void> {
    const { revision } = this.#world;
    await this.#world.point(this);
    if (this.isCutOff && this.#world.random.below(2) === 0) throw storeUnreachable(this);
    await this.#world.point(this.#fromStore);
    this.#hearUpTo(revision);
  }

  async turn(): Promise<Turn> {
    const token = await this.#world.take(this);
    this.#fence.raise(token);
    this.serving = true;
    this.token = token;
    return {
      token,
      // It is noticed by a timer, and that may be late after having stood still.
      isLost: () => this.#world.token !== token && this.#world.random.below(2) === 0,
      release: async () => {
        this.heldToEnd = this.#world.token === token;
        await this.#world.point(this);
        if (this.isCutOff) void this.#world.expireLater(token);
        else this.#world.free(token);
        await this.#world.point(this);
      },
    };
  }

  async commit(changes: readonly Change[], turn: Turn): Promise<CommitResult> {
    await this.#world.point(this);
    if (this.isCutOff || this.#world.isLost()) {
      // It reaches the store never, or later.
      if (this.#world.random.below(2) === 0) void this.#commitLate(changes, turn.token);
      throw new Error("no answer");
    }
    const result = this.#world.commit(changes, turn.token);
    const unheard = this.#world.isLost();
    await this.#world.point(this);
    if (unheard || this.isCutOff) throw new Error("no answer");
    if (result.committed) this.#hearUpTo(result.revision);
    return result;
  }

  async #commitLate(changes: readonly Change[], token: number): Promise<void> {
    await this.#world.point(network);
    try {
      this.#world.commit(changes, token);
    } catch {
      // The turn is over: nothing is changed.
    }
  }

  async perform(effect: SingleEffect, token: number | undefined): Promise<unknown> {
    if (effect.kind === "connectedNodes") return this.#world.connectedTo(this.node.uuid);
    if (!("node" in effect)) return this.#world.nodes.perform(effect);
    await this.#world.point(this);
    const stamp = token === undefined ? undefined : this.#stamps.of(effect.node, token);
    const { uuid } = this.node;
    if (this.#world.isLostBetween(uuid, effect.node)) return this.#lose(effect, stamp);
    const target = this.#world.daemons.get(effect.node)!;
    let outcome: { readonly value: unknown } | { readonly error: EffectError };
    try {
      outcome = { value: await this.#at(target, effect, stamp) };
    } catch (error) {
      if (!(error instanceof EffectError)) throw error;
      outcome = { error };
    }
    const unheard = this.#world.isLostBetween(effect.node, uuid);
    await this.#world.point(this);
    if (unheard || ("error" in outcome && outcome.error.code === "unreachable")) {
      throw this.#unanswered(effect, stamp);
    }
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  }

  /** Sent, and given up; it arrives never, or later. */
  #lose(effect: NodeEffect, stamp: Stamp | undefined): never {
    if (this.#world.random.below(2) === 0) {
      void this.#arriveLate(effect, stamp);
    }
    throw this.#unanswered(effect, stamp);
  }

  async #arriveLate(effect: NodeEffect, stamp: Stamp | undefined): Promise<void> {
    await this.#world.point(network);
    const target = this.#world.daemons.get(effect.node)!;
    await this.#at(target, effect, stamp).catch(() => undefined);
  }

  #unanswered(effect: NodeEffect, stamp: Stamp | undefined): EffectError {
    if (stamp !== undefined) this.#stamps.gaveUp(effect.node, stamp);
    return new EffectError("unreachable", "no answer", { node: effect.node, object: effect.kind });
  }

  /** At the daemon that performs it. */
  async #at(target: SimulatedDaemon, effect: NodeEffect, stamp: Stamp | undefined): Promise<unknown> {
    const gone = (): EffectError =>
      new EffectError("unreachable", "gone", { node: target.node.host, object: effect.kind });
    const act = async (): Promise<unknown> => {
      await this.#world.point(network);
      if (target.dead) throw gone();
      const value = this.#world.nodes.perform(effect);
      await this.#world.point(network);
      if (target.dead) throw gone();
      return value;
    };
    if (target.dead || (!target.serving && target !== this)) throw gone();
    if (stamp === undefined) return await act();
    const entry = await target.#fence.enter(stamp, act);
    if (entry.entered) return entry.value;
    const message = "Another command has its turn now.";
    throw new EffectError("failed", message, { node: target.node.host, object: effect.kind });
  }
}
