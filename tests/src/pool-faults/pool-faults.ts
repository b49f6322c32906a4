/**
 * Faults of a pool of nodes, by seed: one after the other begins, several are there at a time. Storms
 * and calms take turns, so that commands come to their ends too: what none did cannot be lost.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "@mortar/sim";
import type { PoolNetwork } from "./pool-network.ts";
import { kill, type PoolNode } from "./pool-node.ts";

export interface FaultsOptions {
  readonly nodes: readonly PoolNode[];
  readonly network: PoolNetwork;
  readonly random: Random;
  readonly log: (line: string) => void;
}

type Fault = "kill" | "stop" | "cut" | "one-way" | "slow" | "full" | "clock";

const kinds: readonly Fault[] = [
  "kill", "kill", "kill", "stop", "stop", "cut", "one-way", "slow", "full", "clock",
];
/** Holder and server of a pool need a moment to start each the other's successor. */
const POOL_PAUSE_MS = 6_000;
const STORM_MS = 15_000;
const CALM_MS = 15_000;
const CLOCK_SECONDS = [-120, -45, -5, 5, 45, 120] as const;

export class Faults {
  readonly #options: FaultsOptions;
  readonly #counts = new Map<string, number>();
  readonly #running = new Set<Promise<void>>();
  readonly #stopped = new Set<number>();
  readonly #poolTouchedMs = new Map<number, number>();

  constructor(options: FaultsOptions) {
    this.#options = options;
  }

  /** Until the time is over; then all of them end. */
  async run(untilMs: number): Promise<void> {
    const { random } = this.#options;
    let stormEndMs = performance.now() + STORM_MS;
    while (performance.now() < untilMs) {
      await sleep(random.between(300, 3_000));
      if (performance.now() > stormEndMs) {
        await Promise.all(this.#running);
        this.#options.log("calm");
        await sleep(Math.min(CALM_MS, Math.max(0, untilMs - performance.now())));
        stormEndMs = performance.now() + STORM_MS;
        continue;
      }
      const fault = this.#begin(random.pick(kinds)).catch(() => undefined);
      this.#running.add(fault);
      void fault.then(() => this.#running.delete(fault));
    }
    await this.end();
  }

  async end(): Promise<void> {
    await Promise.all(this.#running);
    const { network, nodes } = this.#options;
    await network.mendAll();
    for (const pid of this.#stopped) kill(pid, "SIGCONT");
    for (const node of nodes) {
      node.unfill();
      node.setClock(0);
      node.start();
    }
  }

  summary(): string {
    return [...this.#counts].map(([kind, count]) => `${kind} ${count}`).toSorted().join(", ");
  }

  async #begin(kind: Fault): Promise<void> {
    const { nodes, random } = this.#options;
    const index = random.below(nodes.length);
    const node = nodes[index]!;
    const ms = random.between(1_000, 14_000);
    if (kind === "kill" || kind === "stop") return await this.#process(node, kind, ms);
    if (kind === "full") return await this.#full(node, ms);
    if (kind === "clock") return await this.#clock(node, ms);
    const others = nodes.map((_, other) => other).filter((other) => other !== index);
    const other = random.pick(others);
    const ways = random.chance(0.5) ? others : [other];
    await this.#ways(kind, index, ways, ms);
  }

  async #process(node: PoolNode, kind: "kill" | "stop", ms: number): Promise<void> {
    const { random } = this.#options;
    const what = random.pick(["mortard", "mortard", "etcd", "brick", "pool"] as const);
    const isOfPool = what === "pool";
    const choice = random.next();
    const part = isOfPool && choice % 2 === 1 ? "holder" : what;
    const found = (await node.processes())[part];
    const pid = found[choice % Math.max(1, found.length)];
    if (pid === undefined) return;
    if (isOfPool) {
      const lastMs = this.#poolTouchedMs.get(node.index) ?? Number.NEGATIVE_INFINITY;
      if (performance.now() - lastMs < POOL_PAUSE_MS) return;
      this.#poolTouchedMs.set(node.index, performance.now());
    }
    this.#note(`${kind} ${part}`, `${node.name}${kind === "stop" ? ` ${ms} ms` : ""}`);
    if (kind === "kill") return kill(pid, "SIGKILL");
    this.#stopped.add(pid);
    kill(pid, "SIGSTOP");
    await sleep(isOfPool ? Math.min(ms, 4_000) : ms);
    kill(pid, "SIGCONT");
    this.#stopped.delete(pid);
  }

  async #full(node: PoolNode, ms: number): Promise<void> {
    this.#note("full", `${node.name} ${ms} ms`);
    await node.fill();
    await sleep(ms);
    node.unfill();
  }

  async #clock(node: PoolNode, ms: number): Promise<void> {
    const seconds = this.#options.random.pick(CLOCK_SECONDS);
    this.#note("clock", `${node.name} ${seconds} s for ${ms} ms`);
    node.setClock(seconds);
    await sleep(ms);
    node.setClock(0);
  }

  async #ways(
    kind: "cut" | "one-way" | "slow", from: number, others: readonly number[], ms: number,
  ): Promise<void> {
    const { network, random } = this.#options;
    const isOut = random.chance(0.5);
    const ways = others.flatMap((other): [number, number][] => {
      if (kind !== "one-way") return [[from, other], [other, from]];
      return isOut ? [[from, other]] : [[other, from]];
    });
    const shown = ways.map(([one, other]) => `n${one + 1}>n${other + 1}`).join(" ");
    this.#note(kind, `${shown} ${ms} ms`);
    for (const way of ways) if (kind === "slow") network.slow(...way);
    else network.cut(...way);
    await sleep(ms);
    for (const way of ways) network.mend(...way);
  }

  #note(kind: string, where: string): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    this.#options.log(`fault: ${kind} ${where}`);
  }
}
