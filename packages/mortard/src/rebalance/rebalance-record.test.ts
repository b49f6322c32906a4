import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { countsInLog } from "./rebalance-record.ts";

const head = "[2026-11-23 05:00:00.000000 +0000] I [MSGID: 109028] [dht-rebalance.c:1:f] 0-v-dht: ";
const ended = (word: string, files: number): string =>
  `${head}Rebalance is ${word}. Time taken is 7 secs Files migrated: ${files}, size: 40, ` +
  "lookups: 9, failures: 1, skipped: 2\n";

test("how a run ended is read from its own part of the log, the last line of it", () => {
  const directory = mkdtempSync(join(tmpdir(), "rebalance-record-"));
  try {
    const file = join(directory, "log");
    const former = ended("completed", 3);
    writeFileSync(file, `${former}${head}begun\n${ended("in progress", 1)}${ended("failed", 2)}`);
    assert.deepEqual(countsInLog(file, former.length), {
      status: "failed", files: 2, sizeBytes: 40, lookups: 9, failures: 1, skipped: 2, seconds: 7,
    });
    writeFileSync(file, `${former}${head}begun\n`);
    assert.equal(countsInLog(file, former.length), undefined);
    assert.equal(countsInLog(join(directory, "none"), 0), undefined);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
