/**
 * The fault ring of the trusted pool: three nodes with bricks and one without, operators at all of
 * them, and faults. When the faults are over, all nodes come to one state, which some order of the
 * commands explains; nothing is half done, frozen, or left behind.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Random } from "@mortar/sim";
import { GUEST, hasGuest, type PoolPeers, runPeers } from "./pool-peers.ts";
import { Operators, telling, type VolumePlan } from "./pool-clients.ts";
import { strayLvs, toldBy, unsettled, unwritable } from "./pool-end.ts";
import { Faults } from "./pool-faults.ts";
import { judge, lineOf, type Operation } from "./pool-history.ts";
import { noVolume, type Outcome, type VolumeState } from "./pool-model.ts";
import { PoolNetwork } from "./pool-network.ts";
import { FAKETIME, mountsBelow, PoolNode } from "./pool-node.ts";

export interface PoolSoakOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly log: (line: string) => void;
  /** Leaves the directory when something failed. */
  readonly keep?: boolean;
}

export interface PoolSoakResult {
  /** What does not hold; empty: all does. */
  readonly failures: readonly string[];
  readonly operations: number;
  readonly succeeded: number;
  /** By verb, as a line. */
  readonly successes: string;
  /** By verb and reason, as a line. */
  readonly refusals: string;
  readonly unknown: number;
  readonly faults: string;
  readonly settledAfterMs: number;
}

const BRICKS = 3;
const STORING = 3;
const NODES = 4;
const SETTLE_MS_MAX = 200_000;
const START_MS_MAX = 120_000;

/** Why it cannot run here. */
export function missingForPoolSoak(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root, for mounts, loop devices and network namespaces";
  const needed = [
    ["/usr/bin/etcd", "etcd-server"], ["/usr/bin/etcdctl", "etcd-client"], ["/usr/sbin/mkfs.xfs", "xfsprogs"],
    [FAKETIME, "faketime"],
  ] as const;
  const missing = needed.filter(([file]) => !existsSync(file));
  return missing.length === 0 ? undefined : `apt install ${missing.map(([, it]) => it).join(" ")}`;
}

export async function runPoolSoak(options: PoolSoakOptions): Promise<PoolSoakResult> {
  const directory = mkdtempSync(join(tmpdir(), `mpool-${process.pid}-`));
  const network = new PoolNetwork(`mp${process.pid % 100_000}`, NODES);
  const group = `mp${(process.pid % 36 ** 4).toString(36)}n`;
  const startMs = performance.now();
  const log = (line: string): void => options.log(`${((performance.now() - startMs) / 1000).toFixed(1)} ${line}`);
  const nodes = Array.from({ length: NODES }, (_, index) =>
    new PoolNode({ index, directory, group, network, log, bricks: index < STORING ? BRICKS : 0 }));
  let failures: readonly string[] = ["it did not come to its end"];
  try {
    network.open();
    await Promise.all(nodes.map((node) => node.prepare()));
    const result = await new PoolSoak(nodes, network, { ...options, log }).run();
    failures = result.failures;
    return result;
  } finally {
    await Promise.all(nodes.map((node) => node.clean()));
    network.close();
    const isKept = options.keep === true && failures.length > 0;
    if (mountsBelow(directory).length > 0) log(`mounts are left below ${directory}`);
    else if (!isKept) rmSync(directory, { recursive: true, force: true });
  }
}

class PoolSoak {
  readonly #nodes: readonly PoolNode[];
  readonly #network: PoolNetwork;
  readonly #options: PoolSoakOptions;
  readonly #volumes: readonly VolumePlan[];
  readonly #operators = new Operators();

  constructor(nodes: readonly PoolNode[], network: PoolNetwork, options: PoolSoakOptions) {
    this.#nodes = nodes;
    this.#network = network;
    this.#options = options;
    const brick = (node: number, number: number): string =>
      `${nodes[node]!.address}:${nodes[node]!.mountPoint(number)}/exp`;
    this.#volumes = [
      { name: "va", bricks: [brick(0, 0), brick(1, 0), brick(2, 0)], extras: [] },
      { name: "vb", bricks: [brick(0, 1), brick(1, 1)], extras: [] },
      { name: "vc", bricks: [brick(2, 1)], extras: [] },
      { name: "vd", bricks: [brick(0, 2)], extras: [brick(1, 2), brick(2, 2)] },
    ];
  }

  get #storing(): readonly PoolNode[] {
    return this.#nodes.slice(0, STORING);
  }

  get #guest(): PoolNode {
    return this.#nodes[STORING]!;
  }

  async run(): Promise<PoolSoakResult> {
    const { seed, seconds, log } = this.#options;
    await this.#gather();
    // There is something to work on, however thick the faults are.
    for (const volume of this.#volumes) {
      for (const [index, verb] of (["create", "start"] as const).entries()) {
        const given = await this.#operators.give(this.#storing[index]!, volume, { verb });
        if (given.outcome.kind !== "ok") throw new Error(`without a fault: ${lineOf(given)}`);
      }
    }
    log(`seed ${seed}: the pool is there`);
    const untilMs = performance.now() + seconds * 1000;
    const random = new Random(seed);
    const faults = new Faults({ nodes: this.#nodes, network: this.#network, random, log });
    const clients = this.#storing.map((node, index) =>
      this.#operators.run(node, this.#volumes, new Random(seed * 31 + index), untilMs));
    const peers = runPeers({
      nodes: this.#storing, guest: this.#guest, operators: this.#operators,
      random: new Random(seed * 37), untilMs,
    });
    await Promise.all([faults.run(untilMs), ...clients]);
    const peerHistory = await peers;
    log(`the faults are over: ${faults.summary()}`);
    const endMs = performance.now();
    const failures = await this.#settle();
    const settledAfterMs = Math.round(performance.now() - endMs);
    if (failures.length === 0) failures.push(...(await this.#judge(peerHistory)));
    failures.push(...this.#nodes.flatMap((it) => it.deaths));
    const all = [...this.#operators.histories.values()].flat();
    const count = (kind: string): number => all.filter(({ outcome }) => outcome.kind === kind).length;
    if (count("ok") === 0) failures.push("nothing succeeded:", ...all.map((it) => `  ${lineOf(it)}`));
    const successes = counted(all, "ok", ({ command }) => command.verb);
    const refusals = counted(all, "refused", ({ command, outcome }) =>
      `${command.verb} ${"code" in outcome ? outcome.code : ""}`);
    log(`succeeded: ${successes}`);
    log(`refused: ${refusals}`);
    return {
      successes, refusals,
      failures, settledAfterMs, faults: faults.summary(), operations: all.length,
      succeeded: count("ok"), unknown: count("unknown"),
    };
  }

  async #gather(): Promise<void> {
    for (const node of this.#nodes) node.start();
    for (const node of this.#nodes) {
      if (!(await node.answers(START_MS_MAX))) throw new Error(`${node.name} does not start: ${node.deaths.join()}`);
    }
    const [first, ...others] = this.#storing;
    for (const { address } of others) {
      const answer = await first!.client.peerProbe({ host: address });
      if (!answer.ok) throw new Error(`${address} is not let in: ${answer.problem.detail}`);
    }
  }

  /** Gives what keeps it from being one. */
  async #settle(): Promise<string[]> {
    const deadline = performance.now() + SETTLE_MS_MAX;
    let told = "";
    for (;;) {
      const reasons = await unsettled(this.#storing, this.#network, this.#volumes);
      if (reasons.length === 0) return [];
      if (reasons.join() !== told) this.#options.log(`not settled: ${reasons.join("; ").slice(0, 400)}`);
      told = reasons.join();
      if (performance.now() > deadline) return ["it does not settle:", ...reasons];
      await sleep(2_000);
    }
  }

  async #judge(peers: PoolPeers): Promise<string[]> {
    const failures: string[] = [];
    const told = await toldBy(this.#storing[0]!, this.#volumes);
    if (typeof told === "string") return [told];
    for (const { name } of this.#volumes) {
      failures.push(...this.#judgeThing(name, told.states.get(name) ?? noVolume));
    }
    const guest = await hasGuest(this.#storing[0]!, this.#guest);
    const isIn = { ...noVolume, status: "Created" } as const;
    failures.push(...this.#judgeThing(GUEST, guest ? isIn : noVolume));
    for (const node of this.#storing) {
      failures.push(...(await strayLvs(node, BRICKS, told, this.#volumes)));
      failures.push(...(await unwritable(node, BRICKS)));
    }
    failures.push(...(await peers.check()));
    return failures;
  }

  #judgeThing(name: string, last: VolumeState): string[] {
    const history = telling(this.#operators.histories.get(name) ?? []);
    const judgement = judge(history, noVolume, last);
    if (judgement.explained) return [];
    const end = JSON.stringify(last);
    return [
      `no order of the commands explains ${name}, which ended as ${end}`,
      ...judgement.longest.slice(-12).map((it) => `  ${lineOf(it)}`),
      "none of these can come next:",
      ...judgement.stuck.map((it) => `  ${lineOf(it)}`),
      "all:",
      ...(this.#operators.histories.get(name) ?? []).map((it) => `  ${lineOf(it)}`),
    ];
  }
}

/** How often there is each of what `nameOf` says, of operations that ended so. */
function counted(
  operations: readonly Operation[], kind: Outcome["kind"], nameOf: (it: Operation) => string,
): string {
  const counts = new Map<string, number>();
  for (const operation of operations) {
    if (operation.outcome.kind !== kind) continue;
    const name = nameOf(operation);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => `${name} ${count}`).toSorted().join(", ");
}
