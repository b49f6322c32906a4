/** A slice of the scenario `cluster`; `npm run sim -- --scenario cluster` has no end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "@mortar/sim";
import { scenario } from "./cluster-history.sim.ts";

const SEEDS = 100;

void test(`${SEEDS} histories of three coordinators lose nothing and leave nothing half done`, async () => {
  const totals = new Map<string, number>();
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      for (const [key, count] of Object.entries(await scenario.run(new Random(seed)))) {
        totals.set(key, (totals.get(key) ?? 0) + count);
      }
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
  // Otherwise the histories would prove nothing.
  const said = JSON.stringify(Object.fromEntries(totals));
  assert.ok((totals.get("successes") ?? 0) > 5 * SEEDS / 2, said);
  assert.ok((totals.get("deaths") ?? 0) > SEEDS / 2, said);
  assert.ok((totals.get("pauses") ?? 0) > SEEDS / 2, said);
});
