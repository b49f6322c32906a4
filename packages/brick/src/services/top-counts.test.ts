import assert from "node:assert/strict";
import test from "node:test";
import { TOP, TopCounts } from "./top-counts.ts";

test("what is used most comes first; what leaves the table is forgotten", () => {
  const top = new TopCounts(16);
  for (const slot of [1, 2, 2, 3, 3, 3]) top.count(TOP.readdir, slot);
  assert.deepEqual(top.greatest("readdir", 2), [[3, 3], [2, 2]]);
  top.forget(3);
  assert.deepEqual(top.greatest("readdir", 9), [[2, 2], [1, 1]]);
  assert.deepEqual(top.greatest("opendir", 9), []);
});

test("of a file's reads the fastest counts; one whose answer had to wait does not", () => {
  const top = new TopCounts(16);
  top.read(5, 4000);
  top.took(100);
  top.read(5, 4000);
  top.took(10);
  top.read(5, 4_000_000);
  top.waits();
  top.took(1);
  const [fastest] = top.fastest("read", 9);
  assert.deepEqual([fastest?.[0], fastest?.[1].megabytes], [5, 400]);
  assert.deepEqual(top.greatest("read", 9), [[5, 3]]);
  assert.deepEqual(top.fastest("write", 9), []);
});

test("the most that were open at once are told with their time, also after a new beginning", () => {
  const top = new TopCounts(16);
  top.opened(1);
  top.opened(2);
  top.closed();
  top.opened(2);
  assert.deepEqual([top.openNow, top.openMax], [2, 2]);
  top.clear();
  assert.deepEqual([top.openNow, top.openMax, top.openMaxTimeMs > 0], [2, 2, true]);
  top.closed();
  top.closed();
  top.clear();
  assert.deepEqual([top.openNow, top.openMax, top.openMaxTimeMs], [0, 0, 0]);
});
