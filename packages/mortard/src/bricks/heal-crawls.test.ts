import assert from "node:assert/strict";
import { test } from "node:test";
import { Dictionary } from "@mortar/gluster";
import { crawlsOf } from "./heal-crawls.ts";

/** As a self-heal daemon of GlusterFS 10.3 answered, its line ends included. */
function told(which: string, more: Readonly<Record<string, string>>): Record<string, string> {
  const all: Record<string, string> = {
    inprogress: "0", end_time: "Mon Nov 23 09:00:55 2026\n", strt_time: "Mon Nov 23 09:00:54 2026\n",
    heal_failed_cnt: "1", crawl_type: "INDEX", sb_cnt: "2", healed_cnt: "3", ...more,
  };
  return Object.fromEntries(
    Object.entries(all).map(([name, value]) => [`statistics_${name}-${which}`, value]),
  );
}

test("walks are told brick by brick, in their order; one that has not ended has no end", () => {
  const answer = Dictionary.of({
    "statistics-0-2-count": 2, ...told("0-2-0", {}),
    ...told("0-2-1", { inprogress: "1", crawl_type: "FULL" }), "statistics-10-0-count": 0,
  });
  const counts = { healed: 3, splitBrain: 2, failed: 1 };
  const startedAt = "Mon Nov 23 09:00:54 2026";
  assert.deepEqual(crawlsOf(answer), [
    {
      set: 0, place: 2,
      crawls: [
        { type: "INDEX", startedAt, endedAt: "Mon Nov 23 09:00:55 2026", ...counts },
        { type: "FULL", startedAt, ...counts },
      ],
    },
    { set: 10, place: 0, crawls: [] },
  ]);
});

test("a count that no daemon has makes no endless list; an answer without walks is empty", () => {
  const [brick] = crawlsOf(Dictionary.of({ "statistics-0-0-count": 4_000_000_000 }));
  assert.equal(brick?.crawls.length, 1_000);
  assert.deepEqual(crawlsOf(new Dictionary()), []);
});
