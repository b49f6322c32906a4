/**
 * Snapshots keep the order of what was acknowledged. Three nodes; chains of writes, renames, creations and removals go
 * over all bricks through two clients (ordering-load.py); snapshots are taken meanwhile, several in a round, and in the
 * middle of the last of a round something happens: the coordinator's daemon, another node's, a brick or a pool server is
 * killed, another node's daemon hangs for a while, another node is cut off. It happens as soon as a certain step was done
 * somewhere (ordering-troubles.mjs). What a snapshot shows must be the beginning of each chain, with all that was
 * acknowledged before it was asked for, or before something was begun that it shows (ordering-judge.ts); and nothing may
 * stay held back, half made, or without an owner.
 *
 * Snapshots are looked at brick by brick, on their logical volumes: each copy, each brick of a dispersed volume by itself,
 * or all bricks of a distributed one together; after a brick was away some of its copies are behind, and a client looks.
 * A client looks at one of every other round anyway.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { MortarClient } from "../../packages/api/dist/index.js";
import { endProcess, LiveNode } from "../dist/live-node.js";
import { orderViolations } from "../dist/ordering-judge.js";
import { Random } from "../interop/random.mjs";
import { Report } from "../interop/report.mjs";
import { pendingIn, processesBelow, StepLogs, TroubleCounts, troubleOf } from "./ordering-troubles.mjs";

const PROGRAM = new URL("./ordering-load.py", import.meta.url).pathname;
const CHAINS = 4;
const LAYOUTS = /** @type {const} */ ({ replica: "replica 3", disperse: "disperse 3 redundancy 1", distribute: "" });
const SNAPSHOTS_OF_ROUND = 5;
const CLIENT_EVERY = 2;
const HEALED_MS = 20_000;
const HANGS_MS = 5_000;
const CUT_MS = 6_000;
const ANSWER_MS_MAX = 180_000;
const GOES_ON_MS = 90_000;

/** @typedef {import("./ordering-troubles.mjs").Trouble} Trouble */
/** @typedef {{ acked: number[], begun: number[], longestMs: number[], errors: number[], done: [number, number][][] }} Mark */
/** @typedef {{ name: string, before: Mark, after: Mark, drained: boolean, devices: string[], byBricks: boolean }} Taken */

/**
 * @param {{ seed: number, minutes: number, kind?: string, log: (line: string) => void }} options
 * @returns {Promise<Report>}
 */
export async function runOrdering({ seed, minutes, kind, log }) {
  const report = new Report(log);
  const kinds = kind === undefined ? Object.keys(LAYOUTS) : [kind];
  for (const [index, each] of kinds.entries()) {
    const ring = new Ring(/** @type {keyof typeof LAYOUTS} */ (each), seed + index, report);
    try {
      await ring.start();
      ring.notes("started");
      const until = Date.now() + (minutes * 60_000) / kinds.length;
      for (let round = 0; round === 0 || Date.now() < until; round++) await ring.round(round, until);
      await ring.end();
    } finally {
      await ring.close();
    }
  }
  return report;
}

class Ring {
  #kind; #seed; #random; #report;
  #node = new LiveNode();
  #root = join(this.#node.directory, "dev");
  #network = `127.${150 + (process.pid % 50)}.${(process.pid >> 6) & 255}`;
  #group = `o${(process.pid % 36 ** 4).toString(36)}n`;
  #hosts = [1, 2, 3].map((number) => `${this.#network}.${number}`);
  /** The program of the load, and what it says. */
  #load; #lines;
  /** @type {number[]} */
  #pauses = [];
  /** @type {number[]} */
  #gaps = [];
  #taken = 0;
  #disturbed = 0;
  #byBricks = 0;
  #alike = 0;
  #lookedByClient = 0;
  #counts = new TroubleCounts();
  /** Of each chain when its operations were begun and acknowledged. @type {[number, number][][]} */
  #times = Array.from({ length: CHAINS }, () => []);
  #startMs = Date.now();
  /** A brick was down: its copies are behind until they are healed. */
  #owes = false;

  /** @param {keyof typeof LAYOUTS} kind @param {number} seed @param {Report} report */
  constructor(kind, seed, report) {
    this.#kind = kind;
    this.#seed = seed;
    this.#random = new Random(seed);
    this.#report = report;
  }

  /** @param {number} number @param {string} line */
  #at(number, line) {
    return `export MORTAR_ROOT=${this.#root}/n${number}; ${line}`;
  }

  /** @param {number} number @param {string} line */
  #ok(number, line) {
    return this.#node.ok(this.#at(number, line), { seconds: 120 });
  }

  async start() {
    const { directory } = this.#node;
    for (const [index, address] of this.#hosts.entries()) {
      const place = `${this.#root}/n${index + 1}/etc/mortar`;
      mkdirSync(place, { recursive: true, mode: 0o700 });
      writeFileSync(`${place}/mortar.json`, JSON.stringify({ address, logLevel: "debug" }));
    }
    await this.#node.ok(
      `mortar dev --nodes 3 --root ${this.#root} --network ${this.#network} --group ${this.#group}`, { seconds: 240 });
    const bricks = this.#hosts.map((host, index) => `${host}:${this.#root}/b${index + 1}/exp`);
    await this.#ok(1, `gluster --mode=script volume create v ${LAYOUTS[this.#kind]} ${bricks.join(" ")}`);
    await this.#ok(2, "gluster volume set v performance.flush-behind off && gluster volume start v && mkdir one two shown");
    const options = (/** @type {string} */ name) =>
      `-o attribute-timeout=0,entry-timeout=0,log-file=${directory}/${name}.log`;
    await this.#ok(1, `mount -t glusterfs ${options("one")} ${this.#hosts[2]}:/v one`);
    await this.#ok(1, `mount -t glusterfs ${options("two")} ${this.#hosts[1]}:/v two`);
    const load = spawn("python3", [PROGRAM, join(directory, "one"), join(directory, "two"), String(CHAINS)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#load = load;
    this.#lines = createInterface({ input: load.stdout })[Symbol.asyncIterator]();
    await this.#lines.next();
  }

  /** @param {string} [word] @returns {Promise<Mark>} */
  async #mark(word = "mark") {
    this.#load?.stdin?.write(`${word}\n`);
    const line = await this.#lines?.next();
    const mark = JSON.parse(String(line?.value));
    for (const [chain, done] of mark.done.entries()) this.#times[chain]?.push(...done);
    return mark;
  }

  /** Of a node. @param {number} number */
  #client(number) {
    const socketPath = join(this.#root, `n${number}/run/mortar/mortard.sock`);
    return new MortarClient({ socketPath, timeoutMs: ANSWER_MS_MAX });
  }

  /**
   * Undefined: refused, or not answered.
   * @template Result
   * @param {Promise<{ ok: true, result: Result } | { ok: false, problem: { detail?: string } }>} call
   * @returns {Promise<{ result?: Result, why: string }>}
   */
  async #asked(call) {
    try {
      const answer = await call;
      return answer.ok ? { result: answer.result, why: "" } : { why: answer.problem.detail ?? "refused" };
    } catch (error) {
      return { why: String(error) };
    }
  }

  /** What is done by now, and how long it has taken. @param {string} what */
  notes(what) {
    this.#report.note(`${what} after ${((Date.now() - this.#startMs) / 1000).toFixed(1)} s`);
  }

  /** @param {number} round @param {number} until after which no more are begun than the last, with its trouble */
  async round(round, until) {
    const report = this.#report;
    const { trouble, step } = troubleOf(this.#seed, round);
    if (this.#owes) await this.#healed();
    /** @type {Taken[]} */
    const taken = [];
    for (let turn = 0, isTroubled = false; !isTroubled; turn++) {
      const name = `s${round}x${turn}`;
      isTroubled = turn === SNAPSHOTS_OF_ROUND - 1 || Date.now() > until;
      report.scenario(`${this.#kind}, snapshot ${name}${isTroubled ? `, ${trouble} after ${step}` : ""}`);
      taken.push(...await this.#take(name, isTroubled ? trouble : "none", step));
    }
    this.notes("taken");
    report.scenario(`${this.#kind}, round ${round}, ${trouble} after ${step}`);
    await this.#look(taken, round);
    this.notes("looked at");
    for (const { name } of taken) {
      const removed = await this.#asked(this.#client(3).snapshotDelete(name));
      report.check(`${name} is deleted`, removed.result !== undefined, removed.why);
    }
    await this.#noneLeft();
    this.notes("deleted");
  }

  /** What there is of it afterwards: one or none. @param {string} name @param {Trouble} trouble @param {string} step */
  async #take(name, trouble, step) {
    const report = this.#report;
    await pause(this.#random.below(100));
    const coordinator = 1 + this.#random.below(3);
    const before = await this.#mark();
    const logs = new StepLogs([1, 2, 3].map((number) => `${this.#root}/n${number}/var/log/mortar/mortard.log`));
    let isEnded = false;
    const command = this.#asked(
      this.#client(coordinator).snapshotCreate({ name, volume: "v", timestamp: false })).finally(() => (isEnded = true));
    let isHit = false;
    if (trouble !== "none") {
      isHit = await logs.reached(step, () => isEnded);
      if (isHit) await this.#disturb(trouble, coordinator);
    }
    const { result, why } = await command;
    const after = await this.#mark();
    if (trouble === "none") {
      report.check("it is taken", result !== undefined, why);
      this.#gaps.push(Math.max(...after.longestMs));
    } else {
      await this.#repair(trouble, coordinator);
      // What was begun may be done yet, by who finds it.
      if (["brick", "pool server", "cut node"].includes(trouble)) this.#owes = this.#kind !== "distribute";
      await this.#goesOn(after);
    }
    const names = trouble === "none" ? [name] : await this.#names(1 + (coordinator % 3));
    const isThere = result === undefined ? names.includes(name) : true;
    if (trouble !== "none") {
      this.#counts.add(trouble, step, { isHit, isTaken: isThere });
      report.check("what was reported is so", result === undefined || names.includes(name), names.join());
    }
    return isThere ? [await this.#describe(name, before, trouble === "none" ? after : await this.#mark(), trouble)] : [];
  }

  /** @param {string} name @param {Mark} before @param {Mark} after @param {Trouble} trouble @returns {Promise<Taken>} */
  async #describe(name, before, after, trouble) {
    const { result, why } = await this.#asked(this.#client(1).snapshotInfo({ snapshot: name }));
    const info = result?.snapshots[0];
    if (info === undefined) throw new Error(`the snapshot ${name}: ${why}`);
    if (info.pauseMs !== undefined && trouble === "none") this.#pauses.push(info.pauseMs);
    const devices = [1, 2, 3].map((number) => `/dev/${this.#group}${number}/${info.snapVolumes[0]?.name}_0`);
    const byBricks = !this.#owes && devices.every((it) => existsSync(it));
    return { name, before, after, drained: info.drain?.complete === true, devices, byBricks };
  }

  /** No copy is behind. */
  async #healed() {
    const deadline = Date.now() + HEALED_MS;
    do this.#owes = await this.#stillOwes(); while (this.#owes && Date.now() < deadline);
  }

  /** @param {number} number */
  async #names(number) {
    const { result, why } = await this.#asked(this.#client(number).snapshotList({ volume: "v" }));
    if (result === undefined) throw new Error(`the list of snapshots: ${why}`);
    return result.map((it) => it.name);
  }

  /** @param {Trouble} trouble @param {number} coordinator */
  async #disturb(trouble, coordinator) {
    const other = 1 + (coordinator % 3);
    this.#disturbed += 1;
    switch (trouble) {
      case "coordinator":
        return endProcess(this.#daemon(coordinator));
      case "other daemon":
        return endProcess(this.#daemon(other));
      case "hanging daemon": {
        const pid = this.#daemon(other);
        process.kill(pid, "SIGSTOP");
        setTimeout(() => process.kill(pid, "SIGCONT"), HANGS_MS);
        return;
      }
      case "cut node":
        await this.#node.ok(`ip route add blackhole ${this.#hosts[other - 1]}/32 table local`);
        await pause(CUT_MS);
        await this.#node.ok(`ip route del blackhole ${this.#hosts[other - 1]}/32 table local`);
        return;
      default: {
        const program = trouble === "brick" ? "serve-host.js" : "server-host.js";
        const found = processesBelow(`${this.#root}/n${other}`)
          .filter(({ words }) => words.some((it) => it.endsWith(program)));
        const victim = found[this.#random.below(Math.max(1, found.length))];
        if (victim !== undefined) endProcess(victim.pid);
      }
    }
  }

  /** @param {number} number */
  #daemon(number) {
    return Number(readFileSync(`${this.#root}/n${number}/run/mortar/mortard.pid`, "latin1"));
  }

  /** @param {string} trouble @param {number} coordinator */
  async #repair(trouble, coordinator) {
    if (trouble !== "coordinator" && trouble !== "other daemon") return;
    const number = trouble === "coordinator" ? coordinator : 1 + (coordinator % 3);
    await this.#node.run(this.#at(number, "mortar up"), { seconds: 120 });
  }

  /** Nothing is held back for good: every chain gets on. @param {Mark} from */
  async #goesOn(from) {
    const deadline = Date.now() + GOES_ON_MS;
    for (;;) {
      const now = await this.#mark();
      if (now.acked.every((count, chain) => count > (from.begun[chain] ?? 0))) {
        this.#report.check("every chain goes on", true);
        return;
      }
      if (Date.now() > deadline) {
        this.#report.check("every chain goes on", false, JSON.stringify({ from, now }));
        return;
      }
      await pause(100);
    }
  }

  /** @param {readonly Taken[]} taken @param {number} round */
  async #look(taken, round) {
    const byBricks = taken.filter((it) => it.byBricks);
    const byClient = taken.filter((it) => !it.byBricks);
    if (round % CLIENT_EVERY === 0) byClient.push(...byBricks.slice(0, 1));
    for (const { it, shown, pending } of await this.#bricksShow(byBricks)) {
      this.#judge(it, shown, "by its bricks");
      this.#byBricks += 1;
      if (this.#kind === "distribute" || !it.drained) continue;
      this.#alike += 1;
      const [first = "", ...others] = shown.map((chains) => JSON.stringify(chains));
      this.#report.check(`${it.name}: its copies are alike`, others.every((other) => other === first), [first, ...others].join("\n"));
      this.#report.check(`${it.name}: nothing of it has to be healed`, pending.length === 0, pending.join("\n"));
    }
    for (const it of byClient) {
      this.#judge(it, [await this.#clientSees(it.name)], "by a client");
      this.#lookedByClient += 1;
    }
    this.#taken += taken.length;
  }

  /** @param {Taken} taken @param {import("../dist/ordering-judge.js").ChainShown[][]} shown @param {string} how */
  #judge({ name, before, after }, shown, how) {
    const wrong = shown.flatMap((chains) => orderViolations(chains, { before, after, times: this.#times }));
    const isWhole = shown.length > 0 && shown.every((chains) => chains.length === CHAINS);
    this.#report.check(`${name}: it shows the beginning of every chain, ${how}`, isWhole && wrong.length === 0, wrong.join("\n"));
  }

  /** What each copy of each shows by itself, or all bricks of it together. @param {readonly Taken[]} taken */
  async #bricksShow(taken) {
    if (taken.length === 0) return [];
    const places = taken.map(({ name, devices }) =>
      devices.map((device, index) => ({ device, point: `${this.#node.directory}/copies/${name}-${index}` })));
    const all = places.flat();
    const mounts = all.map(({ device, point }) => `mkdir -p ${point} && mount -o ro,nouuid ${device} ${point}`);
    try {
      await this.#node.ok(mounts.join(" && "));
      const bricks = places.map((of) => of.map(({ point }) => `${point}/exp`));
      const sets = bricks.flatMap((of) => (this.#kind === "distribute" ? [of.join(":")] : of));
      const lines = await this.#node.ok(`timeout 60 python3 ${PROGRAM} --verify ${CHAINS} ${sets.join(" ")}`);
      const shown = lines.trim().split("\n").map((line) => JSON.parse(line));
      const each = sets.length / taken.length;
      return taken.map((it, index) => ({
        it, shown: shown.slice(index * each, (index + 1) * each),
        pending: this.#kind === "distribute" ? [] : (bricks[index] ?? []).flatMap((brick) => pendingIn(brick)),
      }));
    } finally {
      await this.#node.run(all.map(({ point }) => `umount ${point}; rmdir ${point}`).join("; "));
    }
  }

  /** @param {string} name */
  async #clientSees(name) {
    await this.#ok(2, `gluster snapshot activate ${name}`);
    const { directory } = this.#node;
    await this.#ok(1,
      `mount -t glusterfs -o log-file=${directory}/shown.log ${this.#hosts[0]}:/snaps/${name}/v shown`);
    const chains = JSON.parse(await this.#ok(1, `timeout 60 python3 ${PROGRAM} --verify ${CHAINS} shown`));
    await this.#ok(1, "umount shown");
    await this.#ok(3, `gluster --mode=script snapshot deactivate ${name}`);
    return chains;
  }

  /** What is in the index of a brick now and a second later is not of an operation that is under way. */
  async #stillOwes() {
    const look = () => [1, 2, 3].flatMap((number) => pendingIn(`${this.#root}/b${number}/exp`));
    const first = new Set(look());
    await pause(1000);
    return look().some((it) => first.has(it));
  }

  /** No LV without its snapshot, once what was interrupted is settled by a command. */
  async #noneLeft() {
    await this.#ok(1, "gluster --mode=script snapshot config snap-max-hard-limit 200");
    const known = (await this.#names(2)).length;
    const found = await Promise.all([1, 2, 3].map((number) =>
      this.#ok(number, `lvs --noheadings -o lv_name ${this.#group}${number}`)));
    const lvs = found.join("\n").split("\n").filter((line) => /^\s*[0-9a-f]{32}_\d+\s*$/.test(line));
    this.#report.check("no volume is left over", lvs.length === 3 * known, lvs.join("\n"));
  }

  async end() {
    const { errors } = await this.#mark("stop");
    const of = (/** @type {number[]} */ all, /** @type {number} */ part) =>
      all.toSorted((a, b) => a - b)[Math.floor(part * (all.length - 1))]?.toFixed(0) ?? "-";
    this.#report.scenario(this.#kind);
    this.#report.note(
      `${this.#taken} snapshots looked at, ${this.#byBricks} by their bricks, ${this.#lookedByClient} by a client, the copies of ` +
      `${this.#alike} compared; ${this.#disturbed} disturbances; held back: median ${of(this.#pauses, 0.5)} ms, 99 % ` +
      `${of(this.#pauses, 0.99)} ms; longest wait of a chain in an undisturbed round: median ` +
      `${of(this.#gaps, 0.5)} ms, 99 % ${of(this.#gaps, 0.99)} ms; errors of operations: ${errors.join(" ")}`);
    for (const line of this.#counts.lines()) this.#report.note(line);
    if (this.#kind === "replica") {
      this.#report.check("no operation has failed", errors.every((it) => it === 0), errors.join(" "));
    }
  }

  async close() {
    if (this.#load?.exitCode === null) {
      const ended = once(this.#load, "exit");
      this.#load.kill("SIGKILL");
      await Promise.race([ended, pause(10_000)]);
    }
    const cuts = this.#hosts.map((host) => `ip route del blackhole ${host}/32 table local 2> /dev/null`).join("; ");
    await this.#node.run(`${cuts}; umount copies/* shown one two 2> /dev/null; umount -l shown one two 2> /dev/null; true`);
    const stop = `mortar dev --stop --root ${this.#root}`;
    const { exitCode, stderr } = await this.#node.run(stop, { seconds: 240 })
      .catch((error) => ({ exitCode: 1, stderr: String(error) }));
    const left = [1, 2, 3].map((number) => `/dev/${this.#group}${number}`).filter((it) => existsSync(it));
    this.#report.check("all nodes stop, and leave no device", exitCode === 0 && left.length === 0, `${stderr}${left.join(" ")}`);
    await this.#node.close();
  }
}
