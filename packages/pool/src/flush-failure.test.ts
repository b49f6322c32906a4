import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { bootId } from "@mortar/linux";
import { FillWatch } from "./fill-watch.ts";
import { RecordedFlushFailure } from "./flush-failure.ts";
import { LaneWords, makeLaneWords } from "./lane-words.ts";

const directory = mkdtempSync(join(tmpdir(), `mortar-pool-flush-failure-${process.pid}-`));
after(() => rmSync(directory, { recursive: true, force: true }));

let count = 0;

function newPath(): string {
  return join(directory, `${count++}.json`);
}

function newFailure(path: string): RecordedFlushFailure {
  return new RecordedFlushFailure(new LaneWords(makeLaneWords()), path);
}

test("another process recalls the first failure; without one there is nothing to recall", () => {
  const path = newPath();
  const first = newFailure(path);
  first.recall();
  assert.equal(first.flushError, 0);
  assert.equal(existsSync(path), false);
  first.flushError = 28;
  first.flushError = 28;
  const successor = newFailure(path);
  successor.recall();
  assert.equal(successor.flushError, 28);
});

test("all threads of a process see it", () => {
  const shared = makeLaneWords();
  const one = new RecordedFlushFailure(new LaneWords(shared), newPath());
  const other = new RecordedFlushFailure(new LaneWords(shared), newPath());
  one.flushError = 5;
  assert.equal(other.flushError, 5);
});

test("after a boot of the machine it does not count, and the file goes", () => {
  const path = newPath();
  writeFileSync(path, JSON.stringify({ bootId: "another", errno: 5 }));
  const failure = newFailure(path);
  failure.recall();
  assert.equal(failure.flushError, 0);
  assert.equal(existsSync(path), false);
});

test("a file that makes no sense is a failure all the same", () => {
  const contents = ["", "null", "{", "[]", '{"errno":-1}', `{"bootId":"${bootId()}","errno":"x"}`];
  for (const content of contents) {
    const path = newPath();
    writeFileSync(path, content);
    const failure = newFailure(path);
    failure.recall();
    assert.equal(failure.flushError, 5, content);
  }
});

test("where it cannot be recorded it still counts for this process", () => {
  const failure = newFailure(join(directory, "missing", "file"));
  failure.flushError = 5;
  assert.equal(failure.flushError, 5);
});

test("it is told once, as itself, with what to type", () => {
  const watch = new FillWatch("vg0/tp", 80);
  const status = {
    transactionId: 1,
    mode: "read-only",
    needsCheck: false,
    chunkSectors: 128,
    dataUsedBlocks: 0,
    dataTotalBlocks: 1000,
    metadataUsedBlocks: 111,
    metadataTotalBlocks: 1024,
    heldRoot: null,
    flushFailure: "EIO",
  } as const;
  const said = watch.look(status, false);
  assert.deepEqual(said.map(({ kind }) => kind), ["flush-failed"]);
  assert.match(said[0]?.message ?? "", /thin pool vg0\/tp failed with EIO/);
  assert.match(said[0]?.nextStep ?? "", /vgchange -an vg0; vgchange -ay vg0$/);
  assert.deepEqual(watch.look(status, false), []);
});
