import assert from "node:assert/strict";
import { test } from "node:test";
import { forecastOf, type Point } from "./forecast.ts";

const HOUR = 3_600_000;

function line(count: number, perHour: number, start = 100): Point[] {
  return Array.from({ length: count }, (_, at) => ({ atMs: at * HOUR, bytes: start + at * perHour }));
}

test("a pool that fills evenly is full when its line reaches the capacity", () => {
  const forecast = forecastOf(line(11, 10), 300);
  assert.deepEqual(forecast, { kind: "filling", bytesPerDay: 240, fullAtMs: 20 * HOUR });
});

test("one large copy does not make it tomorrow", () => {
  const points = line(40, 1).map((it, at) => (at >= 38 ? { ...it, bytes: it.bytes + 500 } : it));
  const forecast = forecastOf(points, 10_000);
  assert.equal(forecast.kind, "filling");
  assert.ok(forecast.kind === "filling" && forecast.bytesPerDay < 40);
});

test("one that stays, or empties, has no time to full", () => {
  assert.deepEqual(forecastOf(line(10, 0), 300), { kind: "steady" });
  assert.deepEqual(forecastOf(line(10, -5), 300), { kind: "steady" });
});

test("one that is full is full now", () => {
  const forecast = forecastOf(line(10, 10), 190);
  assert.deepEqual(forecast, { kind: "filling", bytesPerDay: 0, fullAtMs: 9 * HOUR });
});

test("too little is no forecast", () => {
  assert.equal(forecastOf([], 100).kind, "unknown");
  assert.equal(forecastOf(line(3, 1), 100).kind, "unknown");
  const quick = line(10, 1).map((it, at) => ({ ...it, atMs: at * 1000 }));
  assert.equal(forecastOf(quick, 1000).kind, "unknown");
});

test("ten thousand points cost what two hundred cost", () => {
  const begunMs = performance.now();
  const forecast = forecastOf(line(10_000, 2), 100_000);
  assert.ok(performance.now() - begunMs < 500);
  assert.ok(forecast.kind === "filling" && Math.abs(forecast.bytesPerDay - 48) < 0.001);
});
