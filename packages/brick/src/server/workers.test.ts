import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { LANES, RING } from "./job-words.ts";
import { Workers } from "./workers.ts";

const PAGE = 4096;
const END_MS = 10_000;
/** More than all threads have room for. */
const READS = 3 * LANES * RING;

/** Until so many answers have come. */
async function collectUntil(workers: Workers, isDone: () => boolean): Promise<void> {
  for (let waited = 0; !isDone(); waited++) {
    assert.ok(waited < END_MS, "all jobs are answered");
    workers.collect((waiting, { result }) => {
      if (waiting.kind === "health") waiting.done(result);
    });
    await delay(1);
  }
}

test("each of many jobs that wait together is answered once, with its own result", async () => {
  const directory = mkdtempSync(join(tmpdir(), `brick-workers-${process.pid}-`));
  const file = join(directory, "file");
  writeFileSync(file, Buffer.alloc(READS * PAGE));
  const fd = openSync(file, "r+");
  const workers = new Workers();
  try {
    await workers.start();
    // Twice, so that the rings come round.
    for (let round = 0; round < 2; round++) {
      const reads = Array.from({ length: READS }, () => [] as number[]);
      const flushes: number[] = [];
      for (const [index, results] of reads.entries()) {
        assert.ok(workers.warm(fd, index * PAGE, index + 1));
        workers.attach({ kind: "health", done: (result) => results.push(result) });
        if (index % 10 !== 0) continue;
        assert.ok(workers.sync(fd, index % 20 === 0));
        workers.attach({ kind: "health", done: (result) => flushes.push(result) });
      }
      assert.equal(workers.isIdle, false);
      await collectUntil(workers, () => workers.isIdle);
      assert.deepEqual(reads, reads.map((_, index) => [index + 1]));
      assert.deepEqual(flushes, Array.from({ length: Math.ceil(READS / 10) }, () => 0));
    }
  } finally {
    closeSync(fd);
    rmSync(directory, { recursive: true });
  }
});

test("a job whose file cannot be read gets the error", async () => {
  const workers = new Workers();
  await workers.start();
  const directory = openSync(tmpdir(), "r");
  const results: number[] = [];
  workers.warm(directory, 0, PAGE);
  workers.attach({ kind: "health", done: (result) => results.push(result) });
  await collectUntil(workers, () => results.length > 0);
  closeSync(directory);
  assert.deepEqual(results, [-21], "EISDIR");
});
