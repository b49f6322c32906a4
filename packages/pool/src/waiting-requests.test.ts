import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runFiles } from "./run-directory.ts";
import type { RunFiles } from "./run-directory.ts";
import type { EngineStatus } from "./status.ts";
import { removeSurvivingMemory } from "./surviving-memory.ts";
import { WaitingRequests } from "./waiting-requests.ts";

const SLOT_BYTES = 1024 * 1024 + 4096;
const limits = { errorWhenFull: false, timeoutMs: 1000 };

const full: EngineStatus = {
  transactionId: 1,
  mode: "out-of-data-space",
  needsCheck: false,
  chunkSectors: 128,
  dataUsedBlocks: 10,
  dataTotalBlocks: 10,
  metadataUsedBlocks: 200,
  metadataTotalBlocks: 1024,
  heldRoot: null,
};

/** A pool that is full until told otherwise, and the one who serves. */
class Bench {
  readonly directory = mkdtempSync(join(tmpdir(), `mortar-waiting-${process.pid}-`));
  readonly files: RunFiles;
  nowMs = 5000;
  state: EngineStatus = full;
  hasRoom = false;
  readonly answered: string[] = [];
  waiting: WaitingRequests;

  constructor() {
    mkdirSync(join(this.directory, "run"));
    this.files = runFiles(join(this.directory, "run"));
    this.waiting = this.open();
  }

  open(): WaitingRequests {
    return new WaitingRequests(this.files, SLOT_BYTES, () => this.nowMs);
  }

  /** As FuseSession does with a request of the kernel, or one that it serves again. */
  readonly serve = (request: Uint8Array): void => {
    const name = `${request[8]}:${request[100]}`;
    if (this.hasRoom) this.answered.push(name);
    else if (!this.waiting.mayWait(limits, () => this.state)) this.answered.push(`${name} ENOSPC`);
    else if (!this.waiting.park(request)) this.answered.push(`${name} no slot`);
  };

  tend(all = false): void {
    this.waiting.tend(limits, this.serve, () => this.state, all);
  }

  close(): void {
    this.waiting.close();
    removeSurvivingMemory(this.files);
    rmSync(this.directory, { recursive: true });
  }
}

function withBench(use: (bench: Bench) => void): void {
  const bench = new Bench();
  try {
    use(bench);
  } finally {
    bench.close();
  }
}

function requestOf(unique: number, content: number, resent = false): Uint8Array {
  const bytes = new Uint8Array(200_000);
  bytes[8] = unique;
  bytes[15] = resent ? 0x80 : 0;
  bytes[100] = content;
  return bytes;
}

test("requests wait, and are served when there is room", () => {
  withBench((bench) => {
    for (const id of [1, 2, 3]) bench.serve(requestOf(id, id));
    bench.tend();
    assert.deepEqual([bench.waiting.count, bench.answered], [3, []]);
    bench.hasRoom = true;
    bench.state = { ...full, mode: "write" };
    bench.tend();
    assert.deepEqual(bench.answered, ["1:1", "2:2", "3:3"]);
    assert.deepEqual([bench.waiting.count, bench.waiting.isFull], [0, false]);
  });
});

test("past the limit all fail, and later ones at once, until there is room", () => {
  withBench((bench) => {
    bench.serve(requestOf(1, 1));
    bench.nowMs += 900;
    bench.serve(requestOf(2, 2));
    bench.tend();
    assert.equal(bench.waiting.count, 2);
    bench.nowMs += 100;
    bench.tend();
    assert.deepEqual(bench.answered, ["1:1 ENOSPC", "2:2 ENOSPC"]);
    assert.equal(bench.waiting.takeTimeout(), true);
    assert.equal(bench.waiting.takeTimeout(), false);
    bench.serve(requestOf(3, 3));
    assert.equal(bench.answered.at(-1), "3:3 ENOSPC");
    bench.state = { ...full, mode: "write" };
    bench.tend();
    bench.serve(requestOf(4, 4));
    assert.equal(bench.waiting.count, 1, "a new time begins");
  });
});

test("a successor finds them, with the time that has passed", () => {
  withBench((bench) => {
    bench.serve(requestOf(1, 7));
    bench.nowMs += 600;
    bench.waiting.close();
    bench.waiting = bench.open();
    assert.equal(bench.waiting.count, 1);
    bench.tend(true);
    assert.equal(bench.waiting.count, 1);
    bench.nowMs += 400;
    bench.tend();
    assert.deepEqual(bench.answered, ["1:7 ENOSPC"]);
  });
});

test("a request that comes again takes its own slot", () => {
  withBench((bench) => {
    bench.serve(requestOf(1, 7));
    bench.serve(requestOf(1, 8, true));
    assert.equal(bench.waiting.count, 1);
    bench.hasRoom = true;
    bench.tend();
    assert.deepEqual(bench.answered, ["1:8"]);
  });
});

test("metadata that ran full has room again when it grew, not when it wavers", () => {
  withBench((bench) => {
    bench.state = { ...full, mode: "write", metadataUsedBlocks: 1020 };
    bench.serve(requestOf(1, 1));
    bench.nowMs += 2000;
    bench.state = { ...bench.state, metadataUsedBlocks: 1015 };
    bench.tend();
    assert.equal(bench.waiting.isFull, true);
    bench.state = { ...bench.state, metadataTotalBlocks: 2048 };
    bench.tend();
    assert.equal(bench.waiting.isFull, false);
  });
});

test("a pool that is to give errors lets nothing wait", () => {
  withBench((bench) => {
    const never = { errorWhenFull: true, timeoutMs: 1000 };
    assert.equal(bench.waiting.mayWait(never, () => full), false);
    const now = { errorWhenFull: false, timeoutMs: 0 };
    assert.equal(bench.waiting.mayWait(now, () => full), false);
    assert.equal(bench.waiting.isFull, false);
  });
});

test("the memory of answered requests is given back, and all of it is bounded", () => {
  withBench((bench) => {
    for (let id = 0; id < 256; id++) {
      bench.serve(requestOf(id, 1));
      bench.serve(Uint8Array.from({ length: SLOT_BYTES }, (_, at) => (at === 9 ? 1 : at === 8 ? id : 0)));
    }
    assert.ok(bench.answered.length > 0 && bench.answered.every((line) => line.endsWith("no slot")));
    const path = join(bench.directory, "run", "waiting-data");
    const before = statSync(path, { throwIfNoEntry: false });
    bench.hasRoom = true;
    bench.tend();
    assert.equal(bench.waiting.count, 0);
    if (before !== undefined) assert.ok(statSync(path).blocks * 512 < 1024 * 1024);
  });
});
