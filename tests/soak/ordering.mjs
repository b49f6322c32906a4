/**
 * Snapshots keep the order of what was acknowledged. Three nodes; chains of writes, renames, creations and removals go
 * over all bricks through two clients (ordering-load.py); snapshots are taken meanwhile, and in the middle of every fourth
 * something happens: the coordinator's daemon, another node's, a brick or a pool server is killed, another node's daemon
 * hangs for a while, another node is cut off. It happens as soon as a certain step was done somewhere, each step in turn,
 * which the nodes' logs tell. What a snapshot shows must be the beginning of each chain, not shorter than what was
 * acknowledged before it was asked for; and nothing may stay held back, half made, or without an owner.
 *
 * Most snapshots are looked at brick by brick, on their logical volumes: each copy by itself, or all bricks together. Some,
 * and all of dispersed volumes or after a brick was away, are activated and mounted by a client.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, readlinkSync, readSync, statSync, writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { MortarClient } from "../../packages/api/dist/index.js";
import { endProcess, LiveNode } from "../dist/live-node.js";
import { Random } from "../interop/random.mjs";
import { Report } from "../interop/report.mjs";

const PROGRAM = new URL("./ordering-load.py", import.meta.url).pathname;
const CHAINS = 4;
const LAYOUTS = /** @type {const} */ ({ replica: "replica 3", disperse: "disperse 3 redundancy 1", distribute: "" });
const TROUBLES = /** @type {const} */ ([
  "coordinator", "other daemon", "pool server", "hanging daemon", "brick", "cut node",
]);
/** In the order in which they are done; see snapshot-hold.ts. */
const STEPS = [
  "hooksBefore", "drainLocks", "syncFileSystem", "prepareSnapshotLv", "barrierOn", "freeze", "createSnapshotLv",
  "barrierOff", "thaw", "settleSnapshotLv", "hooksAfter", "activateLv",
];
const TROUBLE_EVERY = 4;
const MOUNT_EVERY = 8;
const LEFT_EVERY = 12;
const HANGS_MS = 5_000;
const CUT_MS = 6_000;
const STEP_LOOK_MS = 3;
const ANSWER_MS_MAX = 180_000;
const GOES_ON_MS = 90_000;

/** @typedef {typeof TROUBLES[number] | "none"} Trouble */
/** @typedef {{ acked: number[], begun: number[], longestMs: number[], errors: number[] }} Mark */

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
      const until = Date.now() + (minutes * 60_000) / kinds.length;
      for (let round = 0; round === 0 || Date.now() < until; round++) await ring.round(round);
      await ring.end();
    } finally {
      await ring.close();
    }
  }
  return report;
}

class Ring {
  #kind; #random; #report;
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
  /** Of the copies that were looked at last. @type {string[]} */
  #pending = [];
  #alike = 0;
  /** A brick was down: its copies are behind until they are healed. */
  #owes = false;

  /** @param {keyof typeof LAYOUTS} kind @param {number} seed @param {Report} report */
  constructor(kind, seed, report) {
    this.#kind = kind;
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
    await this.#ok(2, "gluster volume start v && mkdir one two shown");
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
    return JSON.parse(String(line?.value));
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

  /** @param {number} round */
  async round(round) {
    const isTroubled = round % TROUBLE_EVERY === TROUBLE_EVERY - 1;
    const turn = Math.floor(round / TROUBLE_EVERY);
    /** @type {Trouble} */
    const trouble = isTroubled ? (TROUBLES[turn % TROUBLES.length] ?? "none") : "none";
    const step = STEPS[(turn + Math.floor(turn / STEPS.length)) % STEPS.length] ?? "freeze";
    const report = this.#report;
    report.scenario(`${this.#kind}, snapshot ${round}${isTroubled ? `, ${trouble} after ${step}` : ""}`);
    await pause(this.#random.below(300));
    if (this.#owes) this.#owes = await this.#stillOwes();
    const coordinator = 1 + this.#random.below(3);
    const before = await this.#mark();
    const name = `s${round}`;
    const sizes = this.#logSizes();
    let isEnded = false;
    const command = this.#asked(
      this.#client(coordinator).snapshotCreate({ name, volume: "v", timestamp: false })).finally(() => (isEnded = true));
    if (trouble !== "none") {
      await this.#reached(step, sizes, () => isEnded);
      if (!isEnded) await this.#disturb(trouble, coordinator);
    }
    const { result, why } = await command;
    const after = await this.#mark();
    if (trouble === "none") {
      report.check("it is taken", result !== undefined, why);
      this.#gaps.push(Math.max(...after.longestMs));
    }
    await this.#repair(trouble, coordinator);
    if (["brick", "pool server", "cut node"].includes(trouble)) this.#owes = true;
    await this.#goesOn(after);
    const names = await this.#names(1 + (coordinator % 3));
    const isThere = names.includes(name);
    report.check("what was reported is so", result === undefined || isThere, names.join());
    if (isThere) await this.#look(name, before, after, trouble, round);
    if (isTroubled || round % LEFT_EVERY === 0) await this.#noneLeft();
  }

  /** @param {number} number */
  async #names(number) {
    const { result, why } = await this.#asked(this.#client(number).snapshotList({ volume: "v" }));
    if (result === undefined) throw new Error(`the list of snapshots: ${why}`);
    return result.map((it) => it.name);
  }

  #logSizes() {
    return [1, 2, 3].map((number) => statSync(this.#logOf(number)).size);
  }

  /** @param {number} number */
  #logOf(number) {
    return `${this.#root}/n${number}/var/log/mortar/mortard.log`;
  }

  /** Some node has done such an effect. @param {string} step @param {number[]} sizes @param {() => boolean} isEnded */
  async #reached(step, sizes, isEnded) {
    const files = [1, 2, 3].map((number) => openSync(this.#logOf(number), "r"));
    const buffer = Buffer.alloc(1 << 18);
    try {
      for (; !isEnded(); await pause(STEP_LOOK_MS)) {
        const found = files.some((file, index) => {
          const from = sizes[index] ?? 0;
          const text = buffer.toString("latin1", 0, readSync(file, buffer, 0, buffer.length, from));
          // A line that is not whole yet is read again.
          sizes[index] = from + text.lastIndexOf("\n") + 1;
          return text.includes(`"effect":"${step}"`);
        });
        if (found) return;
      }
    } finally {
      for (const file of files) closeSync(file);
    }
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

  /** @param {string} name @param {Mark} before @param {Mark} after @param {Trouble} trouble @param {number} round */
  async #look(name, before, after, trouble, round) {
    const report = this.#report;
    this.#taken += 1;
    const { result, why } = await this.#asked(this.#client(1).snapshotInfo({ snapshot: name }));
    const info = result?.snapshots[0];
    if (info === undefined) throw new Error(`the snapshot ${name}: ${why}`);
    if (info.pauseMs !== undefined && trouble === "none") this.#pauses.push(info.pauseMs);
    const devices = [1, 2, 3].map((number) => `/dev/${this.#group}${number}/${info.snapVolumes[0]?.name}_0`);
    const byBricks = this.#kind !== "disperse" && !this.#owes && trouble === "none" && round % MOUNT_EVERY !== 0
      && devices.every((it) => existsSync(it));
    const wholes = byBricks ? await this.#bricksShow(devices) : [await this.#clientSees(name)];
    /** @type {string[]} */
    const wrong = [];
    for (const chains of wholes) {
      for (const [index, { newest, wrong: found }] of chains.entries()) {
        wrong.push(...found.map((/** @type {string} */ it) => `chain ${index}: ${it}`));
        const [least, most] = [before.acked[index] ?? 0, after.begun[index] ?? 0];
        // An operation that removes something leaves no sign: the one before it is the newest seen.
        if (newest < least - 1 || newest > most) {
          wrong.push(`chain ${index}: up to ${newest}; ${least} acknowledged before, ${most} begun after`);
        }
      }
    }
    report.check("it shows the beginning of every chain", wrong.length === 0, wrong.join("\n"));
    if (this.#kind === "replica" && info.drain?.complete === true && byBricks) {
      this.#alike += 1;
      const [first = "", ...others] = wholes.map((it) => JSON.stringify(it));
      report.check("its copies are alike", others.every((it) => it === first), wholes.map((it) => JSON.stringify(it)).join("\n"));
      report.check("nothing of it has to be healed", this.#pending.length === 0, this.#pending.join("\n"));
    }
    const removed = await this.#asked(this.#client(3).snapshotDelete(name));
    report.check("it is deleted", removed.result !== undefined, removed.why);
  }

  /** What each copy shows by itself, or all bricks together. @param {string[]} devices */
  async #bricksShow(devices) {
    const places = devices.map((_, index) => `${this.#node.directory}/copy${index}`);
    const mounts = devices.map((device, index) => `mkdir -p ${places[index]} && mount -o ro,nouuid ${device} ${places[index]}`);
    await this.#node.ok(mounts.join(" && "));
    try {
      const bricks = places.map((it) => `${it}/exp`);
      if (this.#kind === "replica") this.#pending = bricks.flatMap((it) => pendingIn(it));
      const sets = this.#kind === "replica" ? bricks : [bricks.join(":")];
      const lines = await this.#node.ok(sets.map((it) => `timeout 60 python3 ${PROGRAM} --verify ${it} ${CHAINS}`).join(" && "));
      return lines.trim().split("\n").map((line) => JSON.parse(line));
    } finally {
      await this.#node.ok(`umount ${places.join(" ")}`);
    }
  }

  /** @param {string} name */
  async #clientSees(name) {
    await this.#ok(2, `gluster snapshot activate ${name}`);
    const { directory } = this.#node;
    await this.#ok(1,
      `mount -t glusterfs -o log-file=${directory}/shown.log ${this.#hosts[0]}:/snaps/${name}/v shown`);
    const chains = JSON.parse(await this.#ok(1, `timeout 60 python3 ${PROGRAM} --verify shown ${CHAINS}`));
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
      `${this.#taken} snapshots looked at, ${this.#alike} of them copy by copy; ${this.#disturbed} disturbances; held back: median ${of(this.#pauses, 0.5)} ms, 99 % ` +
      `${of(this.#pauses, 0.99)} ms; longest wait of a chain in an undisturbed round: median ` +
      `${of(this.#gaps, 0.5)} ms, 99 % ${of(this.#gaps, 0.99)} ms; errors of operations: ${errors.join(" ")}`);
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
    await this.#node.run(`${cuts}; umount copy0 copy1 copy2 shown one two 2> /dev/null; umount -l shown one two 2> /dev/null; true`);
    await this.#node.run(`mortar dev --stop --root ${this.#root}`, { seconds: 240 }).catch(() => undefined);
    await this.#node.close();
  }
}

/** @param {string} root */
function processesBelow(root) {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, "latin1").split("\0");
      const files = readdirSync(`/proc/${name}/fd`).map((fd) => linkOf(`/proc/${name}/fd/${fd}`));
      const isBelow = [...words, ...files].some((it) => it.startsWith(`${root}/`));
      return isBelow ? [{ pid: Number(name), words }] : [];
    } catch {
      return [];
    }
  });
}

/** @param {string} path */
function linkOf(path) {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

/** Entries of the index of pending heals. @param {string} brick */
function pendingIn(brick) {
  const index = join(brick, ".glusterfs/indices/xattrop");
  return readdirSync(index).filter((it) => !it.startsWith("xattrop-")).map((it) => `${index}/${it}`);
}
