import assert from "node:assert/strict";
import { test } from "node:test";
import { FlushRounds } from "./flush-rounds.ts";
import type { NbdConnection } from "./nbd-connection.ts";

const EIO = 5;

/** Devices that flush as slowly as they are told to, and note what was asked of them. */
class Bench {
  clean = true;
  sick = false;
  commitMs = 0;
  readonly calls: string[] = [];
  readonly rounds = new FlushRounds({
    descriptors: () => (this.clean ? [3] : undefined),
    commit: () => {
      const endMs = performance.now() + this.commitMs;
      while (performance.now() < endMs);
      if (this.sick) throw new Error("sick");
      this.calls.push("commit");
    },
    start: (fds) => this.calls.push(`start ${fds.join()}`),
    noteError: (errno) => this.calls.push(`error ${errno}`),
    failed: (error) => {
      this.calls.push(`failed: ${(error as Error).message}`);
      return EIO;
    },
  });

  connection(name: string): NbdConnection {
    const flushed = (count: number, error: number): void =>
      void this.calls.push(`${name} ${count} ${error}`);
    return { flushed } as unknown as NbdConnection;
  }

  /** From here on flushes are handed over. */
  becomeSlow(): void {
    this.commitMs = 2;
    this.rounds.flush(this.connection("first"));
    this.commitMs = 0;
    this.calls.length = 0;
  }
}

test("a fast device is flushed at once", () => {
  const bench = new Bench();
  for (let count = 0; count < 3; count++) assert.equal(bench.rounds.flush(bench.connection("a")), true);
  assert.deepEqual(bench.calls, ["commit", "commit", "commit"]);
});

test("a slow one is handed over, and who asks meanwhile is in the next round", () => {
  const bench = new Bench();
  bench.becomeSlow();
  const [a, b] = [bench.connection("a"), bench.connection("b")];
  assert.equal(bench.rounds.flush(a), false);
  assert.equal(bench.rounds.flush(b), false);
  assert.equal(bench.rounds.flush(b), false);
  assert.deepEqual(bench.calls.splice(0), ["start 3"]);
  bench.rounds.finished(0, 0, 2);
  assert.deepEqual(bench.calls.splice(0), ["a 1 0", "start 3"]);
  bench.rounds.finished(EIO, EIO, 2);
  assert.deepEqual(bench.calls.splice(0), ["error 5", "b 2 5"]);
});

test("mappings that changed during a round are committed in the next", () => {
  const bench = new Bench();
  bench.becomeSlow();
  bench.rounds.flush(bench.connection("a"));
  bench.clean = false;
  assert.equal(bench.rounds.flush(bench.connection("b")), false);
  bench.rounds.finished(0, 0, 2);
  assert.deepEqual(bench.calls, ["start 3", "a 1 0", "commit", "b 1 0"]);
  assert.equal(bench.rounds.flush(bench.connection("c")), true);
});

test("a commit that fails between rounds is told to those who asked, and logged", () => {
  const bench = new Bench();
  bench.becomeSlow();
  bench.rounds.flush(bench.connection("a"));
  bench.clean = false;
  bench.rounds.flush(bench.connection("b"));
  bench.sick = true;
  bench.rounds.finished(0, 0, 2);
  assert.deepEqual(bench.calls, ["start 3", "a 1 0", "failed: sick", `b 1 ${EIO}`]);
});

test("a connection that ended is not told, and quick rounds bring the quick way back", () => {
  const bench = new Bench();
  bench.becomeSlow();
  const gone = bench.connection("gone");
  bench.rounds.flush(gone);
  bench.rounds.forget(gone);
  bench.rounds.finished(0, 0, 0.1);
  for (let round = 1; round < 8; round++) {
    assert.equal(bench.rounds.flush(bench.connection("a")), false);
    bench.rounds.finished(0, 0, 0.1);
  }
  assert.equal(bench.rounds.flush(bench.connection("a")), true);
  assert.ok(!bench.calls.includes("gone 1 0"));
});
