/**
 * Every sequence of up to four operations of a small alphabet, on a tiny pool, each cut at every
 * moment of its last operation in every way. The number of a history is its seed.
 *
 * Prefixes are lived through again for each history: that takes a hundredth of the time, and keeps
 * in memory what a process would have there.
 */
import type { Random, Scenario } from "@mortar/sim";
import { PoolHistory } from "./pool-history.sim.ts";
import type { Exploration } from "./pool-history.sim.ts";
import { CHUNK_SECTORS, SETTLING_PAIRS } from "./pool-machine.sim.ts";
import type { Wraps } from "./pool-machine.sim.ts";

/** False when it would do nothing here, so that the history is that of fewer steps. */
type Step = (history: PoolHistory) => boolean;

const CHUNK = CHUNK_SECTORS;

export const alphabet: Readonly<Record<string, Step>> = {
  create: (history) => {
    history.transact([{ kind: "create-thin", deviceId: newest(history) + 1 }], 0);
    return true;
  },
  snapshot: (history) => {
    if (history.devices.size === 0) return false;
    const deviceId = newest(history) + 1;
    history.transact([{ kind: "create-snapshot", deviceId, originId: oldest(history) }]);
    return true;
  },
  "write new chunks": onOldest((history, id) => history.write(id, CHUNK, 2 * CHUNK)),
  overwrite: onOldest((history, id) => history.write(id, 0, CHUNK)),
  "write a part": (history) => {
    if (history.devices.size === 0) return false;
    history.write(newest(history), CHUNK - 5, 10);
    return true;
  },
  "zero a part": onOldest((history, id) => history.zero(id, 100, CHUNK)),
  discard: onOldest((history, id) => history.discard(id, 0, 2 * CHUNK)),
  delete: (history) => {
    if (history.devices.size === 0) return false;
    history.transact([{ kind: "delete", deviceId: newest(history) }], 0);
    return true;
  },
  commit: (history) => {
    history.commit();
    return true;
  },
  "set transaction": (history) => {
    history.transact([]);
    return true;
  },
};

const letters = Object.keys(alphabet);
const STEPS_MAX = 4;
/** Chunks and journal records: with room, and so little that steps commit on their own. */
const shapes = [
  { dataChunks: 16, journalRecords: 50 },
  { dataChunks: 5, journalRecords: 2, canZero: false },
  { dataChunks: 2, journalRecords: 4 },
] as const;

const exploration: Exploration =
  { settlings: [...SETTLING_PAIRS, ["sectors", "sectors"]], nestedShare: 0.2, usedShare: 0.1 };

export const scenario: Scenario = {
  name: "thin-exhaustive",
  seedCount: countUpTo(STEPS_MAX),
  run: (random) => exploreSequence(random, sequenceOf(random.seed)),
};

/** All sequences of up to `length` steps. */
export function countUpTo(length: number): number {
  let count = 0;
  for (let steps = 1; steps <= length; steps++) count += letters.length ** steps;
  return count;
}

/** Shorter ones first. */
export function sequenceOf(number: number): string[] {
  let left = number;
  let length = 1;
  for (; left >= letters.length ** length; length++) left -= letters.length ** length;
  const names: string[] = [];
  for (let index = 0; index < length; index++) {
    names.unshift(letters[left % letters.length]!);
    left = Math.floor(left / letters.length);
  }
  return names;
}

export function exploreSequence(
  random: Random, names: readonly string[], wraps: Wraps = {},
): { histories: number; points: number; interruptedRecoveries: number } {
  const sum = { histories: 0, points: 0, interruptedRecoveries: 0 };
  for (const shape of shapes.keys()) {
    const history = newTinyHistory(random.fork(), shape, wraps);
    try {
      if (!names.slice(0, -1).every((name) => alphabet[name]!(history))) return sum;
      let effective = false;
      history.explore(exploration, () => {
        effective = alphabet[names.at(-1)!]!(history);
      });
      if (!effective) return sum;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`${names.join(", ")}: ${reason}`, { cause: error });
    }
    sum.histories += 1;
    sum.points += history.counts.points;
    sum.interruptedRecoveries += history.counts.interruptedRecoveries;
  }
  return sum;
}

/** One device with one chunk, not committed. */
export function newTinyHistory(random: Random, shape: number, wraps: Wraps = {}): PoolHistory {
  const history = new PoolHistory({
    random, metadataBlocks: 64, deviceChunks: 3, discards: "passdown", wraps, ...shapes[shape]!,
  });
  history.transact([{ kind: "create-thin", deviceId: 1 }]);
  history.write(1, 0, CHUNK);
  return history;
}

function onOldest(change: (history: PoolHistory, deviceId: number) => void): Step {
  return (history) => {
    if (history.devices.size === 0) return false;
    change(history, oldest(history));
    return true;
  };
}

function oldest(history: PoolHistory): number {
  return Math.min(...history.devices.keys());
}

function newest(history: PoolHistory): number {
  return Math.max(0, ...history.devices.keys());
}
