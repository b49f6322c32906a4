/**
 * What happens in the middle of a snapshot (ordering.mjs): which trouble after which step, and how a step is seen. Each
 * effect that a node has done is a line of its log; those of a cut too, one by one.
 */
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

export const TROUBLES = /** @type {const} */ ([
  "coordinator", "other daemon", "pool server", "hanging daemon", "brick", "cut node",
]);
/** In the order in which they are done; see snapshot-hold.ts. */
export const STEPS = [
  "hooksBefore", "syncFileSystem", "prepareSnapshotLv", "drainLocks", "barrierOn", "freeze", "createSnapshotLv",
  "barrierOff", "thaw", "settleSnapshotLv", "hooksAfter", "activateLv",
];
/** Of one seed; the next goes on with the next pairs. */
const TURNS_OF_SEED = 18;
const STEP_LOOK_MS = 3;

/** @typedef {typeof TROUBLES[number] | "none"} Trouble */

/** All pairs come once in 72 turns. @param {number} seed @param {number} turn @returns {{ trouble: Trouble, step: string }} */
export function troubleOf(seed, turn) {
  const at = seed * TURNS_OF_SEED + turn;
  const trouble = TROUBLES[at % TROUBLES.length] ?? "none";
  const step = STEPS[(at + Math.floor(at / STEPS.length)) % STEPS.length] ?? "freeze";
  return { trouble, step };
}

/** How often each trouble hit each step. */
export class TroubleCounts {
  /** @type {Map<string, { tried: number, hit: number, taken: number }>} */
  #counts = new Map();

  /** @param {string} trouble @param {string} step @param {{ isHit: boolean, isTaken: boolean }} outcome */
  add(trouble, step, { isHit, isTaken }) {
    const key = `${trouble} after ${step}`;
    const { tried, hit, taken } = this.#counts.get(key) ?? { tried: 0, hit: 0, taken: 0 };
    this.#counts.set(key, { tried: tried + 1, hit: hit + Number(isHit), taken: taken + Number(isTaken) });
  }

  lines() {
    return [...this.#counts].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, { tried, hit, taken }]) =>
      `trouble: ${key}: ${tried} tried, ${hit} before the end, ${taken} taken all the same`);
  }
}

/** The logs of nodes, from now on. */
export class StepLogs {
  #files; #sizes;
  #buffer = Buffer.alloc(1 << 18);

  /** @param {readonly string[]} files */
  constructor(files) {
    this.#files = files;
    this.#sizes = files.map((file) => statSync(file).size);
  }

  /** True: some node has done such an effect. False: it ended without. @param {string} step @param {() => boolean} isEnded */
  async reached(step, isEnded) {
    const files = this.#files.map((file) => openSync(file, "r"));
    try {
      for (; !isEnded(); await pause(STEP_LOOK_MS)) if (this.#isIn(files, step)) return true;
      return false;
    } finally {
      for (const file of files) closeSync(file);
    }
  }

  /** @param {readonly number[]} files @param {string} step */
  #isIn(files, step) {
    return files.some((file, index) => {
      const from = this.#sizes[index] ?? 0;
      const text = this.#buffer.toString("latin1", 0, readSync(file, this.#buffer, 0, this.#buffer.length, from));
      // A line that is not whole yet is read again.
      this.#sizes[index] = from + text.lastIndexOf("\n") + 1;
      return text.includes(`"effect":"${step}"`);
    });
  }
}

/** @param {string} root */
export function processesBelow(root) {
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
export function pendingIn(brick) {
  const index = join(brick, ".glusterfs/indices/xattrop");
  return readdirSync(index).filter((it) => !it.startsWith("xattrop-")).map((it) => `${index}/${it}`);
}
