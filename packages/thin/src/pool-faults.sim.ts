/**
 * Every sequence of up to four operations on a tiny pool, with every single disk operation of its
 * last one refused: by an error, by a full disk, by a transfer that stops short; once, or from then
 * on. The pool has to refuse or to do; nothing acknowledged may be gone, and what was flushed has
 * to be there after a power cut too. The number of a history is its seed.
 */
import { Random } from "@mortar/sim";
import type { DiskFault, Scenario } from "@mortar/sim";
import { alphabet, countUpTo, newTinyHistory, sequenceOf } from "./pool-exhaustive.sim.ts";
import type { PoolHistory } from "./pool-history.sim.ts";

const kinds: readonly DiskFault[] = ["EIO", "ENOSPC", "short"];
const STEPS_MAX = 4;

export const scenario: Scenario = {
  name: "thin-faults",
  seedCount: countUpTo(STEPS_MAX),
  run: (random) => refuseEach(random.seed, sequenceOf(random.seed)),
};

function refuseEach(
  seed: number, names: readonly string[],
): { faultPoints: number; refusals: number; failures: number } {
  const sum = { faultPoints: 0, refusals: 0, failures: 0 };
  for (const kind of kinds) {
    for (const once of [true, false]) {
      for (let at = 0; ; at++) {
        const history = newTinyHistory(new Random(seed), 0);
        try {
          if (!names.slice(0, -1).every((name) => alphabet[name]!(history))) return sum;
          if (!liveWithFault(history, kind, once, at, names.at(-1)!)) break;
        } catch (error) {
          const where = `${names.join(", ")}; ${kind} ${once ? "in" : "from"} disk operation ${at}`;
          const reason = error instanceof Error ? error.message : String(error);
          throw new Error(`${where}: ${reason}`, { cause: error });
        }
        sum.faultPoints += 1;
        sum.refusals += history.counts.refusals;
        sum.failures += history.counts.failures;
      }
    }
  }
  return sum;
}

/** False when the last operation has fewer disk operations than that. */
function liveWithFault(
  history: PoolHistory, kind: DiskFault, once: boolean, at: number, last: string,
): boolean {
  const { metadata, data } = history.machine;
  let operations = 0;
  const plan = (): DiskFault | undefined => {
    const number = operations;
    operations += 1;
    return number === at || (!once && number > at) ? kind : undefined;
  };
  for (const disk of [metadata, data]) disk.faults = plan;
  const done = alphabet[last]!(history);
  for (const disk of [metadata, data]) disk.faults = undefined;
  if (!done || operations <= at) return false;
  history.recover();
  history.verify("after a fault");
  history.powerCut(Number.POSITIVE_INFINITY, () => {});
  history.verify("after a fault and a power cut");
  return true;
}
