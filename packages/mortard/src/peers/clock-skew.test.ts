import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeClocks } from "./clock-skew.ts";

const clocks = (...skews: number[]) =>
  judgeClocks(skews.map((skewMs, index) => ({ host: `n${index + 2}`, skewMs })));

test("a node is out of step when most of the others say so", () => {
  assert.deepEqual(clocks(), { behindMs: 0, isInStep: true, warnings: [] });
  assert.equal(clocks(40_000, 41_000).isInStep, false);
  assert.equal(clocks(40_000, 41_000).behindMs, 40_000);
  assert.equal(clocks(-40_000, -90_000).isInStep, false);
  assert.equal(clocks(40_000, 5).isInStep, true);
  assert.equal(clocks(40_000, -40_000).isInStep, true);
  assert.equal(clocks(40_000, 40_000, 3).isInStep, true);
  assert.equal(clocks(40_000, 40_000, 40_000, 3).isInStep, false);
});

test("of two nobody can tell which one is wrong: it is warned of", () => {
  const { isInStep, warnings } = clocks(-90_000);
  assert.equal(isInStep, true);
  assert.deepEqual(warnings, ["The clock of n2 differs from this node's by 90.0 s: set both by NTP."]);
  assert.deepEqual(clocks(900).warnings, []);
});
