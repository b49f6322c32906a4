import assert from "node:assert/strict";
import test from "node:test";
import { parseSeeds } from "./recorded-seeds.ts";

test("a line is a scenario, a seed and why; comments and empty lines say nothing", () => {
  assert.deepEqual(parseSeeds("# all of them\n\nthin 42  # torn leaf\n thin-rot 7\n"), [
    { scenario: "thin", seed: 42 }, { scenario: "thin-rot", seed: 7 },
  ]);
});

test("a line that is neither is refused by its number", () => {
  for (const line of ["thin", "thin forty", "thin 1 2", "thin -1"]) {
    assert.throws(() => parseSeeds(`thin 1\n${line}\n`), /line 2 /);
  }
});
