/** The lines of `mortar pool delta --json` become sums and ranges. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DeltaSums } from "./lv-delta.ts";

const head = "{\"left\":1,\"right\":2,\"dataBlockSectors\":128,\"runs\":[";
const CHUNK = 128 * 512;

function run(kind: string, begin: number, length: number): string {
  return `${JSON.stringify({ kind, begin, length, leftData: 0, rightData: 0 })},`;
}

function sums(lines: readonly string[], rangesMax = 100) {
  const all = new DeltaSums(rangesMax);
  for (const line of lines) all.take(line);
  return all.result();
}

void test("neighbours of one kind are one range, wherever their data lies", () => {
  const { chunkBytes, ranges, rangeCount, writtenBytes, discardedBytes } = sums([
    head, run("different", 0, 2), run("right_only", 2, 1), run("same", 3, 5),
    run("different", 8, 1),
    run("left_only", 9, 4).replace(/,$/, ""), "]}",
  ]);
  assert.equal(chunkBytes, CHUNK);
  assert.deepEqual(ranges, [
    { kind: "written", offset: 0, length: 3 * CHUNK },
    { kind: "written", offset: 8 * CHUNK, length: CHUNK },
    { kind: "discarded", offset: 9 * CHUNK, length: 4 * CHUNK },
  ]);
  assert.deepEqual([rangeCount, writtenBytes, discardedBytes], [3, 4 * CHUNK, 4 * CHUNK]);
});

void test("all ranges are counted, as many as were asked for are kept", () => {
  const runs = [0, 2, 4].map((begin) => run("different", begin, 1));
  const lines = [head, ...runs, "]}"];
  assert.deepEqual([sums(lines, 2).ranges.length, sums(lines, 2).rangeCount], [2, 3]);
  assert.deepEqual([sums(lines, 0).ranges.length, sums(lines, 0).writtenBytes], [0, 3 * CHUNK]);
});

void test("equal devices have no range; an answer without its end is none", () => {
  assert.equal(sums([head, "", "]}"]).rangeCount, 0);
  assert.throws(() => sums([head, run("different", 0, 1)]), /cut off/);
  assert.throws(() => sums([]), /cut off/);
});

void test("a line that is cut off at any place, or implausible, ends it without a throw", () => {
  const line = run("different", 7, 3).replace(/,$/, "");
  for (let length = 1; length < line.length; length++) {
    const lines = [head, run("right_only", 2, 1), line.slice(0, length)];
    assert.throws(() => sums(lines), /cut off/, `${length} characters`);
    // An end that comes after all does not make it whole.
    if (length >= "{\"kind\"".length) assert.throws(() => sums([...lines, "]}"]), /cut off/);
  }
  const bad = [[-1, 2], [0.5, 2], [3, 0], [3, -1], [2 ** 52, 2 ** 52], [0, 1e300]] as const;
  for (const [begin, length] of bad) {
    assert.throws(() => sums([head, run("different", begin, length), "]}"]), /cut off/, `${begin}`);
  }
  assert.throws(() => sums([head, run("strange", 0, 1), "]}"]), /cut off/);
});
