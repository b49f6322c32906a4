import assert from "node:assert/strict";
import { test } from "node:test";
import { marksOf, scaleOf, ticksOf, xOf } from "./timeline-layout.ts";

const HOUR = 3_600_000;
const now = Date.UTC(2026, 10, 23, 3, 14);

test("all snapshots stand inside, and now as well", () => {
  const items = [{ name: "a", atMs: now - 50 * HOUR }, { name: "b", atMs: now }];
  const scale = scaleOf(items, now, 600);
  for (const { atMs } of items) {
    assert.ok(xOf(scale, atMs) > 13.9 && xOf(scale, atMs) < 586.1, String(xOf(scale, atMs)));
  }
  assert.ok(xOf(scaleOf([], now, 600), now) < 600);
});

test("snapshots that would stand on each other share a mark, and none is lost", () => {
  const items = Array.from({ length: 1000 }, (_, at) => ({
    name: `s${at}`, atMs: now - at * HOUR, exclusiveBytes: 1,
  }));
  const marks = marksOf(items, scaleOf(items, now, 700), 60);
  assert.ok(marks.length <= 50, String(marks.length));
  assert.equal(marks.flatMap(({ names }) => names).length, 1000);
  for (const [index, mark] of marks.entries()) {
    const next = marks[index + 1];
    if (next !== undefined) assert.ok(next.x - mark.x >= 14);
  }
});

test("a mark of four times the bytes is twice as high, above what shows nothing", () => {
  const items = [
    { name: "a", atMs: now - 9 * HOUR, exclusiveBytes: 100 },
    { name: "b", atMs: now - 5 * HOUR, exclusiveBytes: 400 },
    { name: "c", atMs: now - 2 * HOUR },
  ];
  const [a, b, c] = marksOf(items, scaleOf(items, now, 600), 66);
  assert.equal(b?.height, 66);
  assert.equal(a?.height, 6 + 30);
  assert.equal(c?.height, 6);
  assert.equal(c?.isKnown, false);
});

test("ticks stand at whole hours of the reader, and are few enough to be read", () => {
  const scale = { fromMs: now - 7 * HOUR, toMs: now, width: 500 };
  const ticks = ticksOf(scale, HOUR);
  assert.ok(ticks.length >= 2 && ticks.length <= 6);
  for (const { text } of ticks) assert.match(text, /^(\d\d-\d\d )?\d\d:00$/);
  assert.match(ticks[0]?.text ?? "", /^11-2\d /);
  const year = ticksOf({ fromMs: now - 300 * 24 * HOUR, toMs: now, width: 320 }, 0);
  assert.ok(year.length >= 1 && year.length <= 4);
});
