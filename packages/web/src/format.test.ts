import assert from "node:assert/strict";
import { test } from "node:test";
import { agoText, bytesText, countText, durationText, percentText, shortName } from "./format.ts";

test("sizes have three digits at the most, and no zeros behind the point", () => {
  const texts = [0, 1, 999, 1000, 1024, 1536, 15_900_000, 104_857_600, 1023 * 1024, 2 ** 40, 2 ** 62];
  assert.deepEqual(texts.map(bytesText), [
    "0 B", "1 B", "999 B", "0.98 KiB", "1 KiB", "1.5 KiB", "15.2 MiB", "100 MiB", "1 MiB", "1 TiB",
    "4 EiB",
  ]);
  for (let at = 0; at < 62; at += 0.01) {
    assert.match(bytesText(2 ** at), /^(\d{1,3}|\d{1,2}\.\d|\d\.\d\d?) ([KMGTPE]i)?B$/);
  }
});

test("what is not full is never said to be full", () => {
  assert.equal(percentText(9999, 10_000), "> 99 %");
  assert.equal(percentText(1, 10_000), "< 1 %");
  assert.equal(percentText(1, 1), "100 %");
  assert.equal(percentText(0, 1), "0 %");
  assert.equal(percentText(0, 0), "–");
});

test("durations are told in the two largest units", () => {
  assert.equal(durationText(12.4), "12 ms");
  assert.equal(durationText(59_000), "59 s");
  assert.equal(durationText(3_600_000), "1 h");
  assert.equal(durationText(3_600_000 * 1.5), "1 h 30 min");
  assert.equal(durationText(86_400_000 * 3.5), "3 d 12 h");
  assert.equal(durationText(86_400_000 * 2 - 1), "2 d");
  assert.equal(durationText(86_400_000 * 90), "90 d");
});

test("times before and after now are told apart", () => {
  assert.equal(agoText(0, 120_000), "2 min ago");
  assert.equal(agoText(120_000, 0), "in 2 min");
  assert.equal(agoText(1000, 0), "now");
});

test("one is one, many are many", () => {
  assert.equal(countText(1, "brick"), "1 brick");
  assert.equal(countText(1234, "copy", "copies"), "1,234 copies");
});

test("a name is shown without the timestamp that it was given", () => {
  assert.equal(shortName("daily_GMT-2026.11.23-03.14.07"), "daily");
  assert.equal(shortName("before-upgrade"), "before-upgrade");
});
