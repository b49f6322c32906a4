/** Which counts make which sets of bricks. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type BrickLayout, type LayoutCounts, layoutOf, refuseSameNode, setSizeOf,
} from "./brick-sets.ts";
import { CommandFailure } from "../failure.ts";

function words(layout: BrickLayout, bricks: number): string {
  const { kind, replicaCount, arbiterCount, disperseCount, redundancyCount } = layout;
  const sets = `${bricks / setSizeOf(layout)} x`;
  if (kind === "disperse") return `${sets} (${disperseCount - redundancyCount} + ${redundancyCount})`;
  return arbiterCount === 0
    ? `${sets} ${replicaCount}`
    : `${sets} (${replicaCount - arbiterCount} + ${arbiterCount})`;
}

const good: readonly (readonly [LayoutCounts, number, string])[] = [
  [{}, 1, "1 x 1"],
  [{}, 7, "7 x 1"],
  [{ replica: 2 }, 2, "1 x 2"],
  [{ replica: 3 }, 9, "3 x 3"],
  [{ replica: 2, arbiter: 1 }, 3, "1 x (2 + 1)"],
  [{ replica: 3, arbiter: 1 }, 6, "2 x (2 + 1)"],
  [{ disperse: 3, redundancy: 1 }, 3, "1 x (2 + 1)"],
  [{ disperse: 3 }, 6, "2 x (2 + 1)"],
  [{ disperse: 6 }, 6, "1 x (4 + 2)"],
  [{ disperse: 5 }, 5, "1 x (4 + 1)"],
  // What glusterd 10.3 proposes, and takes when it is agreed to.
  [{ disperse: 4 }, 4, "1 x (3 + 1)"],
  [{ disperse: 7 }, 7, "1 x (4 + 3)"],
  [{ disperse: 8 }, 8, "1 x (7 + 1)"],
  [{ disperse: 9 }, 9, "1 x (8 + 1)"],
  [{ disperse: 10 }, 10, "1 x (8 + 2)"],
  [{ disperse: 11 }, 11, "1 x (8 + 3)"],
  [{ disperse: 12 }, 12, "1 x (8 + 4)"],
  [{ disperse: 17 }, 17, "1 x (16 + 1)"],
  [{ disperseData: 4, redundancy: 2 }, 12, "2 x (4 + 2)"],
  [{ disperseData: 4 }, 6, "1 x (4 + 2)"],
  [{ redundancy: 2 }, 6, "1 x (4 + 2)"],
  [{ disperse: 6, disperseData: 4 }, 6, "1 x (4 + 2)"],
];

void test("counts that go together", () => {
  for (const [counts, bricks, expected] of good) {
    assert.equal(words(layoutOf(counts, bricks), bricks), expected, JSON.stringify(counts));
  }
});

const bad: readonly (readonly [LayoutCounts, number])[] = [
  [{ replica: 1 }, 1],
  [{ replica: 3 }, 4],
  [{ replica: 4, arbiter: 1 }, 4],
  [{ replica: 3, arbiter: 2 }, 3],
  [{ arbiter: 1 }, 3],
  [{ replica: 2, disperse: 3 }, 6],
  [{ disperse: 2 }, 2],
  [{ disperse: 4, redundancy: 2 }, 4],
  [{ disperse: 3, redundancy: 0 }, 3],
  [{ disperse: 6, disperseData: 4, redundancy: 1 }, 6],
  [{ disperse: 3 }, 4],
];

void test("counts that do not are refused", () => {
  for (const [counts, bricks] of bad) {
    assert.throws(() => layoutOf(counts, bricks), CommandFailure, JSON.stringify(counts));
  }
});

void test("every set that is accepted survives the loss of any one brick with a majority", () => {
  for (let size = 3; size < 40; size++) {
    for (let redundancy = 1; redundancy < size; redundancy++) {
      let layout: BrickLayout;
      try {
        layout = layoutOf({ disperse: size, redundancy }, size);
      } catch {
        assert.ok(2 * redundancy >= size, `${size} with ${redundancy}`);
        continue;
      }
      assert.ok(layout.disperseCount - layout.redundancyCount > layout.redundancyCount);
    }
  }
});

void test("a node has one brick of a set at most; of different sets it may have several", () => {
  const layout = layoutOf({ replica: 2 }, 4);
  const on = (...nodes: string[]) => nodes.map((node) => ({ node }));
  refuseSameNode(layout, on("a", "b", "a", "b"));
  refuseSameNode(layoutOf({}, 2), on("a", "a"));
  assert.throws(() => refuseSameNode(layout, on("a", "b", "b", "b")), /present on the same server/);
});
