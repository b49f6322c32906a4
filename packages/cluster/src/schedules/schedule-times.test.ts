/** Instants and buckets over a hundred simulated years, in zones whose clocks change. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "@mortar/sim";
import { bucketOf, type Kept, planPrune, type Retention } from "./retention.ts";
import { cronOfRetention, defectOf, dueNow, jitterOf, nextDue } from "./schedule-times.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START_MS = Date.UTC(2026, 0, 1);
const END_MS = Date.UTC(2126, 0, 1);
const zones = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"];

for (const timeZone of zones) {
  void test(`at 02:30 in ${timeZone}: once a local day, where clocks change, for 100 years`, () => {
    const local = new Intl.DateTimeFormat("en-CA", { timeZone, dateStyle: "short" });
    const times = { cron: "30 2 * * *", timeZone, jitterMs: 0 };
    // Every year, from before the first zone's change to after the last one's.
    for (let year = 2026; year < 2126; year++) {
      for (const [from, to] of [[Date.UTC(year, 2, 6), 35], [Date.UTC(year, 8, 30), 38]] as const) {
        const days = new Set<string>();
        let at = from;
        for (let count = 0; count < to; count++) {
          const due: number = nextDue(times, at)!;
          assert.ok(due > at && due - at <= 26 * HOUR_MS, new Date(due).toISOString());
          days.add(local.format(due));
          at = due;
        }
        assert.equal(days.size, to, `${year}`);
      }
    }
  });
}

void test("leap days: 29 February is due 24 times in 100 years, as 2100 has none", () => {
  let count = 0;
  const times = { cron: "0 0 29 2 *", timeZone: "UTC", jitterMs: 0 };
  for (let at = nextDue(times, START_MS)!; at < END_MS; at = nextDue(times, at)!) count++;
  assert.equal(count, 24);
});

void test("each instant is run once at most, however the clock jumps; an even one misses none", () => {
  const random = new Random(6);
  for (const timeZone of zones) {
    for (const jumps of [false, true]) {
      const times = { cron: "0 * * * *", timeZone, jitterMs: 20 * 60_000 };
      const ran = new Set<number>();
      let claimedMs = START_MS;
      let nowMs = START_MS;
      for (let step = 0; step < 600; step++) {
        nowMs += random.below(15 * 60_000);
        if (jumps && random.chance(0.01)) nowMs += (random.below(20) - 10) * HOUR_MS;
        const due = dueNow("s", times, { claimedMs, nowMs });
        if (due === undefined) continue;
        assert.ok(due > claimedMs && due + jitterOf("s", due, times.jitterMs) <= nowMs);
        assert.ok(!ran.has(due));
        ran.add(due);
        if (!jumps) assert.equal(due, nextDue(times, claimedMs), "none was passed over");
        claimedMs = due;
      }
      assert.ok(ran.size > 40, `${ran.size}`);
    }
  }
});

void test("runs missed over years are made up for by one, the newest", () => {
  const times = { cron: "0 0 * * *", timeZone: "UTC", jitterMs: 0 };
  const nowMs = END_MS + 5 * HOUR_MS;
  assert.equal(dueNow("s", times, { claimedMs: START_MS, nowMs }), END_MS);
  assert.equal(dueNow("s", times, { claimedMs: END_MS, nowMs }), undefined);
});

void test("what is not a schedule is refused", () => {
  const good = { cron: "*/5 * * * * *", timeZone: "UTC", jitterMs: 0 };
  assert.equal(defectOf(good), undefined);
  assert.notEqual(defectOf({ ...good, cron: "61 * * * *" }), undefined);
  assert.notEqual(defectOf({ ...good, cron: "0 0 30 2 *" }), undefined);
  assert.notEqual(defectOf({ ...good, timeZone: "Mars/Olympus" }), undefined);
  assert.notEqual(defectOf({ ...good, jitterMs: -1 }), undefined);
  assert.equal(cronOfRetention({ daily: 7, hourly: 24 }), "0 * * * *");
  assert.equal(cronOfRetention({ last: 3 }), undefined);
});

const policy: Retention = { hourly: 24, daily: 7, weekly: 4, monthly: 12, yearly: 10 };
const names = (snapshots: readonly Kept[], keep: Retention) =>
  planPrune(snapshots, keep).filter((it) => it.keep).map((it) => it.name);

void test("an empty policy keeps all", () => {
  const all = [3, 1, 2].map((it) => ({ name: `s${it}`, dueMs: it }));
  assert.deepEqual(names(all, {}), ["s1", "s2", "s3"]);
});

void test("over 100 years: idempotent, order-independent, monotone, no kept bucket is emptied", () => {
  const random = new Random(7);
  let kept: Kept[] = [];
  let made: Kept[] = [];
  for (let at = START_MS, n = 0; at < END_MS; n++) {
    at += random.chance(0.05) ? random.below(400 * DAY_MS) : random.below(3 * HOUR_MS);
    if (made.length > 3000) made = made.slice(-2000);
    const next = { name: `s${n}`, dueMs: at };
    made.push(next);
    kept.push(next);
    const before = kept;
    const left = new Set(names(before, policy));
    kept = before.filter((it) => left.has(it.name));
    assert.ok(left.has(next.name), "the newest");
    assert.deepEqual(names(kept, policy), kept.map((it) => it.name), "idempotent");
    assert.deepEqual(names(before.toReversed(), policy), [...left], "order-independent");
    const more = new Set(names(before, { ...policy, daily: 9 }));
    assert.ok([...left].every((it) => more.has(it)), "monotone");
    for (const frequency of ["hourly", "daily", "weekly", "monthly", "yearly"] as const) {
      const buckets = [...new Set(before.map((it) => bucketOf(frequency, it.dueMs)))];
      const after = new Set(kept.map((it) => bucketOf(frequency, it.dueMs)));
      const wanted = buckets.slice(-policy[frequency]!);
      assert.ok(wanted.every((it) => after.has(it)), frequency);
    }
  }
});
