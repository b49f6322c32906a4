import assert from "node:assert/strict";
import { test } from "node:test";
import type { PoolUse, VolumeProfile } from "@mortar/api";
import { drawn } from "./top.ts";
import { topText, type TopReading, topView } from "./top-view.ts";

const MIB = 1024 * 1024;

function pool(usedBytes: number): PoolUse {
  return { host: "n1", vg: "vg0", pool: "pool", state: "ok", sizeBytes: 100 * MIB, usedBytes, metadataPercent: 12, history: [] };
}

function profile(reads: number, writes: number, written: number): VolumeProfile {
  const fop = (name: string, count: number) => ({ name, count, least: 1, mean: 200, most: 900 });
  const book = {
    duration: 0, bytesRead: 0, bytesWritten: written, readSizes: [], writeSizes: [],
    fops: [fop("READ", reads), fop("WRITE", writes)],
  };
  return { name: "v1", bricks: [{ host: "n1", path: "/b1", profile: { cumulative: book, interval: book, intervalNumber: 0 } }] };
}

function reading(atMs: number, of: Partial<TopReading>): TopReading {
  return { atMs, pools: [], profiles: [], uncounted: [], ...of };
}

test("what is shown is what happened between two readings", () => {
  const view = topView(
    reading(1000, { pools: [pool(10 * MIB)], profiles: [profile(100, 10, 0)] }),
    reading(3000, { pools: [pool(12 * MIB)], profiles: [profile(300, 20, 4 * MIB)], uncounted: ["v2"] }),
  );
  assert.deepEqual(view.bricks, [{
    volume: "v1", brick: "n1:/b1", operationsPerSecond: 105, readBytesPerSecond: 0,
    writtenBytesPerSecond: 2 * MIB, meanMicroseconds: 200,
  }]);
  assert.deepEqual(view.operations.map(({ fop, perSecond }) => [fop, perSecond]), [["READ", 100], ["WRITE", 5]]);
  assert.deepEqual([view.pools[0]?.dataPercent, view.pools[0]?.growthBytesPerSecond], [12, MIB]);
  const text = topText(view);
  assert.match(text, /^n1 +vg0\/pool +ok +12\.00% +12\.00% +\+1\.0 MiB\/s$/m);
  assert.match(text, /^v1 +n1:\/b1 +105 +0 B\/s +2\.0 MiB\/s +200 us$/m);
  assert.match(text, /Next: mortar volume profile v2 start/);
});

test("a brick that is new, or was started again, has done nothing yet", () => {
  const now = reading(2000, { profiles: [profile(5, 5, 100)] });
  for (const before of [reading(1000, {}), reading(1000, { profiles: [profile(900, 900, 9000)] })]) {
    const { bricks, operations } = topView(before, now);
    assert.deepEqual([bricks[0]?.operationsPerSecond, bricks[0]?.writtenBytesPerSecond, operations], [0, 0, []]);
  }
});

test("a screen never gets more lines, or longer ones, than it has", () => {
  const lines = drawn("0123456789\n".repeat(9), 4, 6).split("\n");
  assert.deepEqual(lines.map((line) => line.replaceAll("\u001B[", "").replaceAll(/[HKJ]/g, "")), ["012345", "012345", "012345", ""]);
});
