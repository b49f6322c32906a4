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
 * @param {{ seed: number, minutes: number, log: (line: string) => void }} options
 * @returns {Promise<Report>}
 */
export async function runHealSoak({ seed, minutes, log }) {
  const missing = missingForHeal();
  if (missing !== undefined) throw new Error(missing);
  const report = new Report(log);
  const random = new Random(seed);
  const until = Date.now() + minutes * 60_000;
  for (let round = 0; round === 0 || Date.now() < until; round++) {
    const [kind, engines, title] = SETS[round % SETS.length];
    const trouble = TROUBLES[Math.floor(round / SETS.length + round) % TROUBLES.length];
    const victim = random.below(3);
    report.scenario(`${title}: brick ${victim}, ${trouble} (seed ${seed}, round ${round})`);
    await withHealVolume(kind, engines, (volume) => heal(volume, trouble, victim, seed + round, report, random));
  }
  return report;
}

/**
 * @param {import("../../packages/brick/dist/heal.fixture.js").HealVolume} volume
 * @param {"kill" | "cut" | "wipe" | "stop"} trouble @param {number} victim @param {number} seed
 * @param {Report} report @param {Random} random
 */
async function heal(volume, trouble, victim, seed, report, random) {
  const seconds = 20;
  const load = healLoad(volume, seconds, PROCESSES, seed).then(
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
