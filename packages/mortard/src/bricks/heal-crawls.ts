/**
 * The walks of a self-heal daemon over its bricks, as the answer's dictionary has them. SET is the
 * number that the question gave the set, PLACE the brick's in it, N counts from 0:
 *
 * | key | value |
 * |---|---|
 * | statistics-SET-PLACE-count | how many walks it remembers |
 * | statistics_crawl_type-SET-PLACE-N | INDEX, FULL |
 * | statistics_healed_cnt-, statistics_sb_cnt-, statistics_heal_failed_cnt- | numbers |
 * | statistics_strt_time-, statistics_end_time- | text of ctime(3) |
 * | statistics_inprogress- | 1: it has not ended |
 */
import type { BrickCrawls, HealCrawl } from "@mortar/cluster";
import type { Dictionary } from "@mortar/gluster";

const CRAWLS_MAX = 1_000;

export function crawlsOf(told: Dictionary): BrickCrawls[] {
  const bricks: BrickCrawls[] = [];
  for (const key of told.keys()) {
    const found = /^statistics-(\d+)-(\d+)-count$/.exec(key);
    if (found === null) continue;
    const [set, place] = [Number(found[1]), Number(found[2])];
    const count = Math.min(numberIn(told, key), CRAWLS_MAX);
    const crawls = Array.from({ length: count }, (_, index) =>
      crawlOf(told, `${set}-${place}-${index}`));
    bricks.push({ set, place, crawls });
  }
  return bricks;
}

function crawlOf(told: Dictionary, which: string): HealCrawl {
  const isRunning = numberIn(told, `statistics_inprogress-${which}`) === 1;
  const textOf = (name: string) => (told.text(`statistics_${name}-${which}`) ?? "").trim();
  const endedAt = textOf("end_time");
  return {
    type: textOf("crawl_type"),
    startedAt: textOf("strt_time"),
    ...(isRunning ? {} : { endedAt }),
    healed: numberIn(told, `statistics_healed_cnt-${which}`),
    splitBrain: numberIn(told, `statistics_sb_cnt-${which}`),
    failed: numberIn(told, `statistics_heal_failed_cnt-${which}`),
  };
}

function numberIn(told: Dictionary, key: string): number {
  return told.integer(key) ?? 0;
}
