import assert from "node:assert/strict";
import test from "node:test";
import { fops } from "@mortar/gluster";
import { Barrier, IoStats } from "./index.ts";

test("what promises durability waits, all else passes, and nothing waits when it is down", () => {
  const barrier = new Barrier<string>();
  const held = (): string[] => Object.values(fops)
    .filter((fop) => barrier.holds(fop.number, 0)).map((fop) => fop.name).toSorted();
  assert.deepEqual(held(), []);
  assert.ok(barrier.raise(0));
  assert.deepEqual(held(), ["FREMOVEXATTR", "FSYNC", "FTRUNCATE", "REMOVEXATTR", "RENAME", "RMDIR",
    "TRUNCATE", "UNLINK"]);
  assert.ok(barrier.holds(fops.write.number, 0o10000));
  assert.ok(barrier.holds(fops.write.number, 0o4010000));
  assert.ok(!barrier.holds(fops.write.number, 0o2000 | 0o40000 | 0o100000));
  assert.ok(!barrier.holds(999, 0));
});

test("replies come out as they went in, without those of a connection that is gone", () => {
  const barrier = new Barrier<string>();
  barrier.raise(0);
  for (const reply of ["a1", "b1", "a2"]) barrier.hold(reply);
  assert.equal(barrier.heldCount, 3);
  barrier.drop((reply) => reply.startsWith("b"));
  assert.deepEqual(barrier.lower(), ["a1", "a2"]);
  assert.equal(barrier.lower(), undefined);
  assert.ok(!barrier.isUp);
});

test("it falls by itself after its time, which a second raise does not prolong", () => {
  const barrier = new Barrier<string>(120_000);
  barrier.raise(1000);
  assert.ok(!barrier.raise(60_000));
  barrier.hold("a");
  assert.deepEqual(barrier.expire(120_999), []);
  assert.deepEqual(barrier.expire(121_000), ["a"]);
  assert.ok(!barrier.isUp);
  assert.deepEqual(barrier.expire(500_000), []);
});

test("statistics: counts, extremes and histograms, of all time and of the interval", () => {
  const stats = new IoStats(0);
  for (const microseconds of [0, 1, 3, 1000]) stats.record(fops.write.number, microseconds, false);
  stats.record(fops.lookup.number, 7, true);
  stats.record(57, 1, false);
  stats.record(-1, 1, false);
  stats.write(4096);
  stats.write(4097);
  stats.read(0);
  stats.nextInterval(50);
  stats.write(1);
  const all = stats.cumulative(100);
  assert.equal(all.duration, 100);
  assert.deepEqual(all.fops.map(({ name, count, failures, least, mean, most }) =>
    [name, count, failures, least, mean, most]), [
    ["WRITE", 4, 0, 0, 251, 1000], ["LOOKUP", 1, 1, 7, 7, 7],
  ]);
  const [write] = all.fops;
  assert.deepEqual(write!.latency.slice(0, 3), [1, 1, 1]);
  assert.equal(write!.latency[10], 1);
  assert.equal(all.bytesWritten, 8194);
  assert.deepEqual([all.writeSizes[0], all.writeSizes[12], all.readSizes[0]], [1, 2, 0]);
  const interval = stats.interval(100);
  assert.deepEqual([interval.duration, interval.bytesWritten, interval.fops.length], [50, 1, 0]);
});
