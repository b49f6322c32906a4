/**
 * Snapshots keep the order of what was acknowledged. Three nodes; chains of writes, renames, creations and removals go
 * over all bricks through two clients (ordering-load.py); snapshots are taken meanwhile, and in the middle of some of them a
 * process is killed: the coordinator's daemon, another node's, a brick, a pool server. What a snapshot shows must be the
 * beginning of each chain, not shorter than what was acknowledged before it was asked for; and nothing may stay held
 * back, half made, or without an owner.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { endProcess, LiveNode } from "../dist/live-node.js";
import { Random } from "../interop/random.mjs";
import { Report } from "../interop/report.mjs";

const PROGRAM = new URL("./ordering-load.py", import.meta.url).pathname;
const CHAINS = 4;
const LAYOUTS = /** @type {const} */ ({ replica: "replica 3", disperse: "disperse 3 redundancy 1", distribute: "" });
const TROUBLES = /** @type {const} */ ([
  "none", "none", "coordinator", "none", "other daemon", "none", "brick", "none", "pool server",
]);
const GOES_ON_MS = 60_000;

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

  /** @param {number} round */
  async round(round) {
    const trouble = TROUBLES[round % TROUBLES.length] ?? "none";
    const report = this.#report;
    report.scenario(`${this.#kind}, snapshot ${round}, ${trouble}`);
    await pause(this.#random.below(600));
    if (this.#owes) this.#owes = await this.#stillOwes();
    const coordinator = 1 + this.#random.below(3);
    const before = await this.#mark();
    const name = `s${round}`;
    const command = this.#node.start(
      this.#at(coordinator, `gluster --mode=script snapshot create ${name} v no-timestamp`), { seconds: 120 });
    if (trouble !== "none") await this.#disturb(trouble, coordinator, command);
    const { exitCode, stdout, stderr } = await command.ended;
    const after = await this.#mark();
    if (trouble === "none") {
      report.check("it is taken", exitCode === 0, stdout + stderr);
      this.#gaps.push(Math.max(...after.longestMs));
    }
    await this.#repair(trouble, coordinator);
    if (trouble === "brick" || trouble === "pool server") this.#owes = true;
    await this.#goesOn(after);
    const names = (await this.#ok(1 + (coordinator % 3), "gluster snapshot list v")).trim().split("\n");
    const isThere = names.includes(name);
    report.check("what was reported is so", exitCode !== 0 || isThere, names.join());
    if (isThere) await this.#look(name, before, after, trouble);
    await this.#noneLeft();
  }

  /**
   * @param {typeof TROUBLES[number]} trouble @param {number} coordinator
   * @param {import("../dist/live-node.js").Background} command
   */
  async #disturb(trouble, coordinator, command) {
    await pause(this.#random.below(900));
    if (!command.isRunning()) return;
    const other = 1 + (coordinator % 3);
    if (trouble === "coordinator") endProcess(this.#daemon(coordinator));
    else if (trouble === "other daemon") endProcess(this.#daemon(other));
    else {
      const isIt = trouble === "brick"
        ? (/** @type {string[]} */ words) => words.some((it) => it.endsWith("serve-host.js"))
        : (/** @type {string[]} */ words) => words.some((it) => it.endsWith("server-host.js"));
      const found = processesBelow(`${this.#root}/n${other}`).filter(({ words }) => isIt(words));
      const victim = found[this.#random.below(Math.max(1, found.length))];
      if (victim !== undefined) endProcess(victim.pid);
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

  /** @param {string} name @param {Mark} before @param {Mark} after @param {string} trouble */
  async #look(name, before, after, trouble) {
    const report = this.#report;
    this.#taken += 1;
    const { result } = JSON.parse(await this.#ok(1, `mortar snapshot info ${name} --json`));
    const info = result.snapshots[0];
    if (info.pauseMs !== undefined && trouble === "none") this.#pauses.push(info.pauseMs);
    await this.#ok(2, `gluster snapshot activate ${name}`);
    const { directory } = this.#node;
    await this.#ok(1,
      `mount -t glusterfs -o log-file=${directory}/shown.log ${this.#hosts[0]}:/snaps/${name}/v shown`);
    const chains = JSON.parse(await this.#ok(1, `timeout 60 python3 ${PROGRAM} --verify shown ${CHAINS}`));
    await this.#ok(1, "umount shown");
    /** @type {string[]} */
    const wrong = [];
    for (const [index, { newest, wrong: found }] of chains.entries()) {
      wrong.push(...found.map((/** @type {string} */ it) => `chain ${index}: ${it}`));
      const [least, most] = [before.acked[index] ?? 0, after.begun[index] ?? 0];
      // An operation that removes something leaves no sign: the one before it is the newest seen.
      if (newest < least - 1 || newest > most) {
        wrong.push(`chain ${index}: up to ${newest}; ${least} acknowledged before, ${most} begun after`);
      }
    }
    report.check("it shows the beginning of every chain", wrong.length === 0, wrong.join("\n"));
    if (this.#kind === "replica" && info.drain?.complete === true && !this.#owes) {
      const pending = [1, 2, 3].flatMap((number) => pendingIn(`${this.#root}/n${number}/run/gluster/snaps/*/*/exp`));
      report.check("nothing of it has to be healed", pending.length === 0, pending.join("\n"));
    }
    await this.#ok(3, `gluster --mode=script snapshot deactivate ${name}`);
    await this.#ok(3, `gluster --mode=script snapshot delete ${name}`);
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
    const names = (await this.#ok(2, "gluster snapshot list v")).trim().split("\n");
    const known = names[0] === "No snapshots present" ? 0 : names.length;
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
      `${this.#taken} snapshots looked at; held back: median ${of(this.#pauses, 0.5)} ms, 99 % ` +
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
    await this.#node.run("umount shown one two 2> /dev/null; umount -l shown one two 2> /dev/null; true");
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

/** Entries of the index of pending heals. @param {string} bricks a path; each * stands for any name */
function pendingIn(bricks) {
  let found = [""];
  for (const name of bricks.split("/").slice(1)) {
    found = found.flatMap((above) => (name === "*" ? readdirSync(above).map((it) => `${above}/${it}`) : [`${above}/${name}`]));
  }
  return found.flatMap((brick) => {
    const index = join(brick, ".glusterfs/indices/xattrop");
    return readdirSync(index).filter((it) => !it.startsWith("xattrop-")).map((it) => `${index}/${it}`);
  });
}
