/**
 * Every short history with a stop at every disk operation of its last step, and a few long random
 * ones.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { Random } from "@mortar/sim";
import { PoolHistory } from "./pool-history.sim.ts";
import { scenario } from "./pool.sim.ts";

type Step = (history: PoolHistory) => void;

const steps: Readonly<Record<string, Step>> = {
  "write a part": (history) => history.write(1, 3, 10),
  "write a chunk and more": (history) => history.write(1, 120, 200),
  snapshot: (history) => {
    const deviceId = Math.max(...history.devices.keys()) + 1;
    history.transact([{ kind: "create-snapshot", deviceId, originId: 1 }]);
  },
  "write the newest": (history) => history.write(Math.max(...history.devices.keys()), 0, 5),
  discard: (history) => history.discard(1, 0, 256),
  zero: (history) => history.zero(1, 100, 200),
  commit: (history) => history.commit(),
  delete: (history) => {
    const deviceId = Math.max(...history.devices.keys());
    if (deviceId > 1) history.transact([{ kind: "delete", deviceId }]);
  },
};

/** Ways to lose an interrupted history: the machine stops, or the process. */
const stops = ["powerCut", "kill"] as const;

function live(names: readonly string[], stop: (typeof stops)[number], operations: number): boolean {
  const history = new PoolHistory({
    random: new Random(operations * 31 + names.length), metadataBlocks: 64, dataChunks: 16, deviceChunks: 3,
    journalRecords: 50, discards: "passdown",
  });
  history.transact([{ kind: "create-thin", deviceId: 1 }]);
  for (const name of names.slice(0, -1)) steps[name]!(history);
  return history[stop](operations, () => steps[names.at(-1)!]!(history));
}

function* sequences(length: number): Generator<string[]> {
  if (length === 0) {
    yield [];
    return;
  }
  for (const start of sequences(length - 1)) {
    for (const name of Object.keys(steps)) yield [...start, name];
  }
}

function liveEverySequence(length: number): number {
  let stopped = 0;
  for (const names of sequences(length)) {
    for (const stop of stops) {
      for (let operations = 0; ; operations++) {
        try {
          if (!live(names, stop, operations)) break;
        } catch (error) {
          throw new Error(`${names.join(", ")}; ${stop} at ${operations}`, { cause: error });
        }
        stopped += 1;
      }
    }
  }
  return stopped;
}

for (const length of [1, 2, 3]) {
  test(`every history of ${length} steps survives a stop at every disk operation of its last`, () => {
    assert.ok(liveEverySequence(length) > Object.keys(steps).length ** length);
  });
}

test("random histories keep every promise", () => {
  for (let seed = 1; seed <= 60; seed++) {
    assert.doesNotThrow(() => scenario.run(new Random(seed)), `seed ${seed}`);
  }
});
