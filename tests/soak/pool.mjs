/** The fault ring of the trusted pool, a round a seed: tests/src/pool-faults. */
import { missingForPoolSoak, runPoolSoak } from "../dist/pool-faults/pool-soak.js";
import { seedsThatFound } from "../dist/pool-faults/seeds.js";
import { Report } from "../interop/report.mjs";

const ROUND_SECONDS = 60;

/**
 * @param {{ seed: number, minutes: number, log: (line: string) => void }} options
 * @returns {Promise<Report>}
 */
export async function runPool({ seed, minutes, log }) {
  const missing = missingForPoolSoak();
  if (missing !== undefined) throw new Error(missing);
  const report = new Report(log);
  const total = Math.max(1, minutes * 60);
  const rounds = Math.ceil(total / ROUND_SECONDS);
  const seconds = total / rounds;
  const following = Array.from({ length: rounds }, (_, round) => seed + round);
  // Without a seed of its own a run begins with those that found something.
  const seeds = seed === 1 ? [...seedsThatFound, ...following] : following;
  for (const each of seeds.slice(0, rounds)) {
    report.scenario(`pool, seed ${each}, ${seconds} s`);
    const result = await runPoolSoak({ seed: each, seconds, log, keep: true });
    const { operations, succeeded, successes, refusals, unknown, settledAfterMs, faults } = result;
    report.note(`${operations} commands, ${succeeded} succeeded, of ${unknown} nobody knows; ${faults}`);
    report.note(`succeeded: ${successes}`);
    report.note(`refused: ${refusals}`);
    report.note(`settled after ${(settledAfterMs / 1000).toFixed(1)} s`);
    report.equal("one state, explained by an order of the commands, and nothing left", result.failures, []);
  }
  return report;
}
