// A minute of faults on a pool of four nodes: they come to one state, which the commands explain.
import assert from "node:assert/strict";
import { test } from "node:test";
import { missingForPoolSoak, runPoolSoak } from "./pool-soak.ts";

const missing = missingForPoolSoak();

test("after killed, stopped and cut off nodes there is one state, and it is explained", {
  skip: missing ?? false, timeout: 580_000,
}, async (context) => {
  const result = await runPoolSoak({ seed: 2, seconds: 60, log: (line) => context.diagnostic(line) });
  assert.deepEqual(result.failures, []);
  assert.ok(result.succeeded > 15, result.successes);
  for (const verb of ["create", "start", "set", "snapshot", "add"]) {
    assert.match(result.successes, new RegExp(`\\b${verb} `), "otherwise there is nothing to lose");
  }
});
