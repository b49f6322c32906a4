/**
 * Damaged metadata, repaired by us and by Debian's thin_repair: many pools, each damaged in every way that
 * packages/thin/src/repair-damage.fixture.ts knows. Ours has to be sound, to say what is lost, to bring nothing back
 * that the last commit had not unless it says so, and to save what thin_repair saves.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "../../packages/sim/dist/index.js";
import { damages } from "../../packages/thin/dist/repair-damage.fixture.js";
import { agedPool, restoredPool } from "../../packages/thin/dist/repair-patients.fixture.js";
import { compareRepairs } from "../../packages/thin/dist/stock-repair.fixture.js";
import { Report } from "../interop/report.mjs";

/** Of the minutes that are asked for. */
const SHARE = 5;

/** @typedef {import("../../packages/thin/dist/stock-repair.fixture.js").Comparison} Comparison */

/**
 * @param {{ seed: number, minutes: number, log: (line: string) => void }} options
 * @returns {Promise<Report>}
 */
export async function runRepair({ seed, minutes, log }) {
  const report = new Report(log);
  report.scenario(`repairs beside thin_repair, ${minutes / SHARE} min`);
  const directory = mkdtempSync(join(tmpdir(), "mortar-repair-soak-"));
  const sums = { damaged: 0, more: 0, same: 0, fewer: 0, refused: 0, stockRefused: 0 };
  try {
    const end = Date.now() + (minutes * 60_000) / SHARE;
    for (let number = seed; sums.damaged === 0 || Date.now() < end; number++) {
      const random = new Random(number);
      for (const patient of [agedPool(random), agedPool(random, { held: true }), restoredPool(random, directory)]) {
        for (const damage of damages) {
          const found = compareRepairs(patient, damage, random, directory);
          if (found === undefined) continue;
          add(sums, found);
          const faults = faultsOf(found);
          if (faults.length > 0) report.check(`seed ${number}, ${patient.name}, ${damage.what}`, false, faults.join("\n"));
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
  log(`  ${sums.damaged} damaged pools: more saved than by thin_repair ${sums.more} times, the same ${sums.same}, fewer ` +
    `${sums.fewer}; refused ${sums.refused}, by thin_repair ${sums.stockRefused}`);
  report.check(`nothing is wrong with the ${sums.damaged} repairs`, report.failed === 0);
  return report;
}

/** @param {Comparison} found */
function faultsOf(found) {
  const faults = [...found.faults];
  if (found.ours?.roots.from === "superblock" && found.missed > 0) faults.push(`thin_repair saved ${found.missed} more`);
  if (found.ours === undefined && found.stockKept > 0) faults.push(`refused: ${found.refusal}; thin_repair saved ${found.stockKept}`);
  return faults;
}

/** @param {Record<string, number>} sums @param {Comparison} found */
function add(sums, { ours, oursKept, stockKept, stockSaved }) {
  const count = (/** @type {string} */ what) => (sums[what] = (sums[what] ?? 0) + 1);
  count("damaged");
  count(oursKept > stockKept ? "more" : oursKept < stockKept ? "fewer" : "same");
  if (ours === undefined) count("refused");
  if (!stockSaved) count("stockRefused");
}
