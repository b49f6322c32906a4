/** A slice of the scenario `cluster`; `npm run sim -- --scenario cluster` has no end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "@mortar/sim";
import { scenario } from "./cluster-history.sim.ts";

const SEEDS = 60;
/** Each of these has to succeed now and then. */
const KINDS = [
  "volume create", "volume start", "volume stop", "volume delete", "volume set", "volume reset",
  "add-brick", "remove-brick start", "remove-brick commit", "remove-brick stop", "remove-brick force",
  "replace-brick", "reset-brick start", "reset-brick commit", "rebalance start", "rebalance stop",
  "snapshot create", "snapshot activate", "snapshot deactivate", "snapshot delete",
  "snapshot restore", "snapshot clone", "snapshot config", "peer probe", "peer detach", "quorum",
];

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
  assert.ok((totals.get("successes") ?? 0) > 5 * SEEDS, said);
  for (const fault of ["deaths", "pauses", "cuts", "bricks that died"]) {
    assert.ok((totals.get(fault) ?? 0) > SEEDS / 2, said);
  }
  for (const kind of KINDS) assert.ok((totals.get(`"${kind}"`) ?? 0) > 0, `${kind}: ${said}`);
});
