/** Random histories of a pool, and after each step: the books say what the mappings say. */
import assert from "node:assert/strict";
import type { Scenario } from "@mortar/sim";
import { DEVICE_CHUNKS, SpaceBench } from "./space-bench.sim.ts";
import { ThinError } from "./thin-error.ts";
import { ThinPool } from "./thin-pool.ts";

const DEVICES = 6;
const STEPS = 120;

export const scenario: Scenario = {
  name: "space",
  run(random) {
    const bench = new SpaceBench(random);
    let comparisons = 0;
    for (let index = 0; index < STEPS; index++) {
      step(bench);
      // Else the scan reads trees of long ago, which have to be there still.
      if (random.chance(0.4)) continue;
      bench.compare(`step ${index}`);
      comparisons += 1;
    }
    return { steps: STEPS, comparisons };
  },
};

function step(bench: SpaceBench): void {
  const { random, pool } = bench;
  const ids = pool.deviceIds();
  const free = Array.from({ length: DEVICES }, (_, id) => id + 1).filter((id) => !ids.includes(id));
  const what = random.below(100);
  const chunk = random.below(DEVICE_CHUNKS);
  if (ids.length === 0) pool.createThin(1);
  else if (what < 2 && free.length > 0) pool.createThin(random.pick(free));
  else if (what < 12 && free.length > 0) pool.createSnapshot(random.pick(free), random.pick(ids));
  else if (what < 17) deleteAsPromised(bench, ids.filter(() => random.chance(0.4)));
  else if (what < 20) bench.hold();
  else if (what < 24) pool.commit();
  else if (what < 27) bench.reopen(); // Without a close: the journal is replayed.
  else if (what < 29) bench.restart();
  else if (what < 31) failCommit(bench);
  else if (what < 75) bench.write(random.pick(ids), chunk, 1 + random.below(12));
  else bench.discard(random.pick(ids), chunk, 1 + random.below(12));
}

function deleteAsPromised(bench: SpaceBench, ids: readonly number[]): void {
  const { pool } = bench;
  const promised = bench.compare("before a deletion").freedBy(ids);
  const before = pool.status().usedDataBlocks;
  pool.transact(ids.map((deviceId) => ({ kind: "delete", deviceId })));
  assert.equal(before - pool.status().usedDataBlocks, promised);
}

/** The pool goes back to its last commit, with what the journal has; it has to be told. */
function failCommit(bench: SpaceBench): void {
  const { pool, metadata, backlog } = bench;
  if (!pool.status().dirty) return;
  metadata.faults = (operation) => (operation === "write" ? "EIO" : undefined);
  assert.throws(() => pool.commit(), hasCode("metadata-io"));
  metadata.faults = undefined;
  assert.ok(backlog.isLost);
  ThinPool.clearNeedsCheck(metadata);
  bench.reopen();
}

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof ThinError && error.code === code;
}
