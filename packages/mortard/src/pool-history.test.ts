import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openLog } from "./log.ts";
import { PoolHistory, thinned } from "./pool-history.ts";

const directory = mkdtempSync(join(tmpdir(), "mortar-history-"));
after(() => rmSync(directory, { recursive: true }));

const MINUTE = 60_000;
const pool = { host: "h", vg: "vg", pool: "p", usedBytes: 0 };
let nowMs = Date.UTC(2026, 0, 1);

function history(file: string): PoolHistory {
  const { log } = openLog(join(directory, "log"), "info");
  return new PoolHistory({
    file: join(directory, file), look: () => Promise.resolve([]), nowMs: () => nowMs, log,
  });
}

test("a week of minutes is some 800 points, and the last two hours are whole", () => {
  const week = Array.from({ length: 8 * 1440 }, (_, at) => ({
    atMs: nowMs - at * MINUTE, bytes: at,
  })).toReversed();
  const left = thinned(week, nowMs);
  assert.ok(left.length > 700 && left.length < 850, String(left.length));
  assert.equal(left.filter((it) => nowMs - it.atMs <= 120 * MINUTE).length, 121);
  assert.ok(nowMs - left[0]!.atMs <= 7 * 1440 * MINUTE);
  assert.deepEqual(thinned(left, nowMs), left);
});

test("points survive a restart, and a file that is none is no history", () => {
  const first = history("kept.json");
  for (let at = 0; at < 5; at += 1) {
    first.note([{ ...pool, usedBytes: at }]);
    nowMs += MINUTE;
  }
  first.close();
  const again = history("kept.json").of({ ...pool, usedBytes: 9 });
  assert.deepEqual(again.map(({ bytes }) => bytes), [0, 1, 2, 3, 4, 9]);
  writeFileSync(join(directory, "bad.json"), '{"h vg/p":[{"atMs":"x"},7,null]}');
  assert.deepEqual(history("bad.json").of(pool).length, 1);
  writeFileSync(join(directory, "worse.json"), "[");
  assert.deepEqual(history("worse.json").of(pool).length, 1);
});

test("a clock that was set back leaves no points of the future", () => {
  const seen = history("back.json");
  seen.note([pool]);
  nowMs -= 60 * MINUTE;
  seen.note([{ ...pool, usedBytes: 5 }]);
  assert.deepEqual(seen.of(pool).map(({ atMs }) => atMs <= nowMs), [true, true]);
});
