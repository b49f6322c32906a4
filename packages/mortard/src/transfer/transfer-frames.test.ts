/** What is read of an LV: its ranges tile it, and its frames hold what it holds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BrickOrder, DATA_BYTES_MAX, dataOf, type Frame, FrameReader } from "@mortar/api";
import { FrameSink } from "./frame-sink.ts";
import { LvRuns } from "./lv-runs.ts";

const CHUNK = 64 * 1024;
const head = "{\"left\":1,\"right\":2,\"dataBlockSectors\":128,\"runs\":[";
const line = (kind: string, begin: number, length: number): string =>
  `${JSON.stringify({ kind, begin, length, leftData: 0, rightData: 0 })},`;

function tiles(kind: "full" | "delta", lines: readonly string[], from: number, chunks: number) {
  const runs = new LvRuns(kind);
  for (const it of lines) runs.take(it);
  const found: [string, number, number][] = [];
  runs.tile(from * CHUNK, chunks * CHUNK, (range, offset, length) => {
    found.push([range, offset / CHUNK, length / CHUNK]);
  });
  return found;
}

const lines = [
  head, line("same", 1, 2), line("different", 3, 1), line("left_only", 4, 2), line("right_only", 8, 4), "]}",
];

test("ranges tile the LV; what neither has is a hole, not the same", () => {
  assert.deepEqual(tiles("delta", lines, 0, 10), [
    ["hole", 0, 1], ["same", 1, 2], ["data", 3, 1], ["hole", 4, 4], ["data", 8, 2],
  ]);
  assert.deepEqual(tiles("full", [head, line("same", 1, 2), "]}"], 0, 4), [
    ["hole", 0, 1], ["data", 1, 2], ["hole", 3, 1],
  ]);
  assert.deepEqual(tiles("full", [head, "", "]}"], 0, 3), [["hole", 0, 3]]);
});

test("they begin in the middle of a run as well", () => {
  assert.deepEqual(tiles("delta", lines, 2, 10), [["same", 2, 1], ["data", 3, 1], ["hole", 4, 4], ["data", 8, 2]]);
  assert.deepEqual(tiles("delta", lines, 10, 10), []);
});

test("runs that were cut off, or do not ascend, are not believed", () => {
  assert.throws(() => tiles("full", lines.slice(0, -1), 0, 9), /cut off/);
  assert.throws(() => tiles("full", [head, line("same", 3, 2), line("same", 4, 1), "]}"], 0, 9), /cut off/);
  assert.throws(() => tiles("full", [head, "{\"kind\":\"sa", "]}"], 0, 9), /cut off/);
  assert.throws(() => tiles("full", ["]}"], 0, 9), /cut off/);
});

function framesOf(fill: (sink: FrameSink) => void): Frame[] {
  const reader = new FrameReader({ preamble: false });
  const frames: Frame[] = [];
  fill(new FrameSink({ brick: 0, level: 1, write: (bytes) => frames.push(...reader.take(bytes)) }));
  return frames;
}

test("zeros in data are holes, and join those beside them", () => {
  const data = Buffer.alloc(4 * CHUNK);
  data.fill("text ", CHUNK, 2 * CHUNK);
  data[3 * CHUNK + 5] = 1;
  const frames = framesOf((sink) => {
    sink.hole(0, CHUNK);
    sink.data(CHUNK, data);
    sink.same(5 * CHUNK, CHUNK);
    sink.same(6 * CHUNK, CHUNK);
    sink.end(7 * CHUNK);
  });
  assert.deepEqual(frames.map((it) => [it.type, it.offset / CHUNK, it.length / CHUNK]), [
    ["hole", 0, 2], ["data", 2, 1], ["hole", 3, 1], ["data", 4, 1], ["same", 5, 2], ["brickEnd", 7, 0],
  ]);
  const order = new BrickOrder({ sizeBytes: 7 * CHUNK, kind: "delta" }, 0, 0);
  assert.deepEqual(frames.map((it) => order.accept(it)).lastIndexOf(true), frames.length - 1);
  assert.deepEqual(Buffer.from(dataOf(frames[1]!)), data.subarray(CHUNK, 2 * CHUNK));
});

test("what does not get smaller goes as it is, and what does is found again", () => {
  const noise = Buffer.alloc(DATA_BYTES_MAX);
  for (let at = 0; at < noise.length; at++) noise[at] = (Math.imul(at, 2_654_435_761) >>> 11) & 255;
  const text = Buffer.alloc(DATA_BYTES_MAX, "text ");
  const frames = framesOf((sink) => {
    for (let piece = 0; piece < 4; piece++) sink.data(piece * DATA_BYTES_MAX, noise);
    for (let piece = 4; piece < 20; piece++) sink.data(piece * DATA_BYTES_MAX, text);
  });
  assert.ok(frames.at(-1)!.isDeflated);
  assert.deepEqual(frames.slice(0, 4).map((it) => Buffer.from(dataOf(it)).equals(noise)), [true, true, true, true]);
  assert.ok(frames.slice(4).every((it) => Buffer.from(dataOf(it)).equals(text)));
});
