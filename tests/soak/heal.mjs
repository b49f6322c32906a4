/**
 * Volumes with copies under the stock client and the stock self-heal daemon, bricks by us or mixed with glusterfsd's: a
 * verified load runs while a brick is killed, cut off, stopped or wiped; then everything has to become alike again.
 */
import { setTimeout as pause } from "node:timers/promises";
import {
  healLoad, healVerify, missingForHeal, withHealVolume,
} from "../../packages/brick/dist/heal.fixture.js";
import { Random } from "../interop/random.mjs";
import { Report } from "../interop/report.mjs";

const PROCESSES = 3;
const OWN = ["builtin", "builtin", "builtin"];
const MIXED = ["builtin", "glusterfsd", "builtin"];
/** @type {readonly (readonly ["replica" | "arbiter" | "disperse", readonly string[], string])[]} */
const SETS = [
  ["replica", OWN, "replica 3"], ["disperse", OWN, "disperse 2+1"], ["arbiter", OWN, "arbiter 2+1"],
  ["replica", MIXED, "replica 3, one brick glusterfsd's"],
  ["disperse", MIXED, "disperse 2+1, one brick glusterfsd's"],
];
const COUNTERS_MS = 4000;
const TROUBLES = /** @type {const} */ (["kill", "cut", "wipe", "stop"]);

/**
 * With a kind: that one's bricks all ours, or of `engine`. With a trouble: no other. Each round has the next seed.
 *
 * @param {{ seed: number, minutes: number, log: (line: string) => void, kind?: string, trouble?: string,
 *   processes?: number, engine?: string }} options
 * @returns {Promise<Report>}
 */
export async function runHealSoak({ seed, minutes, log, kind: only, trouble: chosen, processes = PROCESSES, engine }) {
  const missing = missingForHeal();
  if (missing !== undefined) throw new Error(missing);
  const sets = only === undefined ? SETS : SETS.filter(([kind, engines]) => kind === only && engines === OWN);
  const troubles = chosen === undefined ? TROUBLES : TROUBLES.filter((trouble) => trouble === chosen);
  if (sets.length === 0) throw new Error(`no kind ${only}: replica, arbiter or disperse`);
  if (troubles.length === 0) throw new Error(`no trouble ${chosen}: ${TROUBLES.join(", ")}`);
  const report = new Report(log);
  const until = Date.now() + minutes * 60_000;
  for (let round = 0; round === 0 || Date.now() < until; round++) {
    const [kind, own, title] = sets[round % sets.length];
    const trouble = troubles[Math.floor(round / sets.length + round) % troubles.length];
    const random = new Random(seed + round);
    const victim = random.below(3);
    report.scenario(`${title}: brick ${victim}, ${trouble} (seed ${seed + round})`);
    const engines = engine === "glusterfsd" ? own.map(() => engine) : own;
    const load = { seed: seed + round, processes };
    await withHealVolume(kind, engines, (volume) => heal(volume, trouble, victim, load, report, random));
  }
  return report;
}

/**
 * @param {import("../../packages/brick/dist/heal.fixture.js").HealVolume} volume
 * @param {"kill" | "cut" | "wipe" | "stop"} trouble @param {number} victim
 * @param {{ seed: number, processes: number }} plan
 * @param {Report} report @param {Random} random
 */
async function heal(volume, trouble, victim, { seed, processes }, report, random) {
  const seconds = 20;
  const load = healLoad(volume, seconds, processes, seed).then(
    (text) => ({ ok: true, text: text.trim() }),
    (error) => ({ ok: false, text: String(error.message) }),
  );
  await pause(2000 + random.below(2000));
  if (trouble === "cut") await volume.cut(victim);
  else if (trouble === "stop") volume.signal(victim, "SIGSTOP");
  else await volume.kill(victim);
  // Longer than it takes clients to notice that a brick is silent.
  await pause(8000 + random.below(2000));
  if (trouble === "wipe") await volume.wipe(victim);
  if (trouble === "cut") await volume.restore(victim);
  else if (trouble === "stop") volume.signal(victim, "SIGCONT");
  else await volume.start(victim);
  const outcome = await load;
  report.check("no call of the load failed", outcome.ok, outcome.text);
  const operations = [...outcome.text.matchAll(/(\d+) operations/g)].map(([, count]) => Number(count));
  report.note(`${operations.reduce((sum, count) => sum + count, 0)} operations`);
  if (trouble === "wipe") {
    await pause(4000);
    await volume.healFull();
  }
  if (volume.kind === "disperse" && trouble === "cut") {
    // Disperse marks nothing when only its last counters did not arrive, with stock bricks neither; a look at each
    // object with all bricks up makes them equal. Sizes after a truncation are stored a second later, and until then
    // a listing tells the client the old ones, with stock bricks, too.
    await pause(COUNTERS_MS);
    const verified = await healVerify(volume).catch((error) => String(error.message));
    report.check("the model holds with all bricks up", /^verified [1-9]/.test(verified), verified);
  }
  report.equal("nothing is pending, and the bricks are alike", await volume.waitHealed(), []);
  report.equal("no split brain", volume.splitBrains(), []);
  const bricks = volume.kind === "disperse" ? [0, 1, 2] : [victim === 0 ? 1 : 0];
  for (const down of bricks) {
    await volume.kill(down);
    const verified = await healVerify(volume).catch((error) => String(error.message));
    report.check(`the model holds without brick ${down}`, /^verified [1-9]/.test(verified), verified);
    await volume.start(down);
    await pause(4000);
  }
}
