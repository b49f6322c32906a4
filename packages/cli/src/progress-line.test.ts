import assert from "node:assert/strict";
import { test } from "node:test";
import { ProgressLine } from "./progress-line.ts";

function lineOn(terminal: { isTTY?: boolean; columns?: number }) {
  const written: string[] = [];
  const clock = { ms: 0 };
  const output = { ...terminal, write: (text: string) => written.push(text) };
  return { written, clock, line: new ProgressLine("snapshot send", output, () => clock.ms) };
}
const MiB = 2 ** 20;
const half = { done: 512 * MiB, total: 1024 * MiB, unit: "bytes" };

test("what is short shows nothing, on a terminal and elsewhere", () => {
  for (const isTTY of [true, false]) {
    const { written, clock, line } = lineOn({ isTTY });
    clock.ms = 600;
    line.tell(half);
    line.end();
    assert.deepEqual(written, []);
  }
});

test("a terminal has one line that is drawn over, fits it, and is gone at the end", () => {
  const { written, clock, line } = lineOn({ isTTY: true, columns: 60 });
  clock.ms = 700;
  line.tell(half);
  clock.ms = 750;
  line.tell({ ...half, done: 600 * MiB });
  clock.ms = 800;
  line.tell({ ...half, done: 768 * MiB, note: "brick 2 of the node with the very long name" });
  line.end();
  line.end();
  assert.equal(written[0], "\r\u001B[Ksnapshot send: [############------------] 50%, 512 MiB of 1");
  assert.match(written[1] ?? "", /75%/);
  assert.equal(written[1]?.length, "\r\u001B[K".length + 59);
  assert.deepEqual(written.slice(2), ["\r\u001B[K"]);
});

test("elsewhere it is a whole line a minute, with what is left at the pace of now", () => {
  const { written, clock, line } = lineOn({});
  line.tell({ ...half, done: 0 });
  for (clock.ms = 1000; clock.ms <= 130_000; clock.ms += 1000) line.tell(half);
  line.tell({ done: 7, unit: "steps", note: "makeBrickStorage" });
  line.end();
  assert.deepEqual(written, [
    "snapshot send: 50%, 512 MiB of 1 GiB, 60 s left\n",
    "snapshot send: 50%, 512 MiB of 1 GiB, 2 min left\n",
  ]);
});

test("of what nobody knows the end there is no share", () => {
  // A terminal that nobody gave a size says that it has none.
  const { written, clock, line } = lineOn({ isTTY: true, columns: 0 });
  clock.ms = 9000;
  line.tell({ done: 7, unit: "steps", note: "makeBrickStorage" });
  assert.deepEqual(written, ["\r\u001B[Ksnapshot send: 7 steps, makeBrickStorage"]);
});
