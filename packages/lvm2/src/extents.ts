/**
 * Which physical extents are taken, and finding free ones.
 *
 * Invariant: the runs of one physical volume are disjoint and in order. A segment type that is not
 * understood still takes what its text names: every ("pvN", extent) pair reserves as many extents
 * as the segment is long, so nothing is ever allocated over it.
 */

import { integerOf } from "./config-read.ts";
import type { ConfigEntry, ConfigValue } from "./config-tree.ts";
import { isSection } from "./config-tree.ts";
import { Lvm2Error } from "./errors.ts";
import type { Segment, Stripe, VolumeGroup } from "./model.ts";
import { findPv } from "./vg-query.ts";

/** A run of extents on one physical volume. */
export interface ExtentRun {
  readonly pvKey: string;
  readonly startExtent: number;
  readonly extentCount: number;
}

/** The runs on physical volumes that a segment occupies, in the order of its stripes. */
export function runsOfSegment(vg: VolumeGroup, segment: Segment): ExtentRun[] {
  const isPv = (name: string): boolean => vg.physicalVolumes.some((pv) => pv.key === name);
  if (segment.type === "striped") {
    const extentCount = segment.extentCount / segment.stripes.length;
    return segment.stripes
      .filter((stripe) => isPv(stripe.target))
      .map((stripe) => ({ pvKey: stripe.target, startExtent: stripe.startExtent, extentCount }));
  }
  if (segment.type !== "opaque") return [];
  return pairsIn(segment.extra)
    .filter((pair) => isPv(pair.target))
    .map((pair) => ({
      pvKey: pair.target,
      startExtent: pair.startExtent,
      extentCount: segment.extentCount,
    }));
}

function pairsIn(entries: readonly ConfigEntry[]): Stripe[] {
  return entries.flatMap((entry) =>
    isSection(entry) ? pairsIn(entry.entries) : pairsOf(entry.value),
  );
}

function pairsOf(value: ConfigValue): Stripe[] {
  if (value.kind !== "array") return [];
  return value.items.flatMap((item, index) => {
    const next = value.items[index + 1];
    if (item.kind !== "string" || next?.kind !== "integer") return [];
    const startExtent = integerOf(next);
    return startExtent === undefined ? [] : [{ target: item.text, startExtent }];
  });
}

/** Every taken run of the group, by physical volume, in order of position. */
export function usedRuns(vg: VolumeGroup): Map<string, ExtentRun[]> {
  const used = new Map<string, ExtentRun[]>(vg.physicalVolumes.map((pv) => [pv.key, []]));
  for (const lv of vg.logicalVolumes) {
    for (const segment of lv.segments) {
      for (const run of runsOfSegment(vg, segment)) used.get(run.pvKey)!.push(run);
    }
  }
  for (const runs of used.values()) runs.sort((a, b) => a.startExtent - b.startExtent);
  return used;
}

/** Free runs in order of physical volume and position. */
export function freeRuns(vg: VolumeGroup, pvKeys?: ReadonlySet<string>): ExtentRun[] {
  const used = usedRuns(vg);
  const free: ExtentRun[] = [];
  for (const pv of vg.physicalVolumes) {
    if (pvKeys && !pvKeys.has(pv.key)) continue;
    let at = 0;
    const push = (end: number): void => {
      if (end > at) free.push({ pvKey: pv.key, startExtent: at, extentCount: end - at });
    };
    for (const run of used.get(pv.key)!) {
      push(Math.min(run.startExtent, pv.extentCount));
      at = Math.max(at, run.startExtent + run.extentCount);
    }
    push(pv.extentCount);
  }
  return free;
}

export function freeExtentCount(vg: VolumeGroup): number {
  return freeRuns(vg).reduce((sum, run) => sum + run.extentCount, 0);
}

export function usedExtentCount(vg: VolumeGroup, pvKey: string): number {
  return (usedRuns(vg).get(pvKey) ?? []).reduce((sum, run) => sum + run.extentCount, 0);
}

/** The volumes that may be allocated from; `names` (keys, device names or ids) narrows them. */
export function allocatablePvKeys(vg: VolumeGroup, names?: readonly string[]): Set<string> {
  const chosen = names?.map((name) => {
    const pv = findPv(vg, name);
    if (pv) return pv;
    throw new Lvm2Error(
      "not-found",
      `Physical Volume "${name}" not found in Volume Group "${vg.name}".`,
    );
  });
  return new Set(
    (chosen ?? vg.physicalVolumes)
      .filter((pv) => pv.status.includes("ALLOCATABLE") && !pv.flags.includes("MISSING"))
      .map((pv) => pv.key),
  );
}

/**
 * Choose `extentCount` free extents: the run that goes on at `after` first, then the lowest run
 * that holds all the rest in one piece, and only then the lowest runs one after the other.
 */
export function allocateExtents(
  vg: VolumeGroup,
  extentCount: number,
  options: {
    readonly after?: ExtentRun | undefined;
    readonly pvNames?: readonly string[] | undefined;
  },
): ExtentRun[] {
  const free = freeRuns(vg, allocatablePvKeys(vg, options.pvNames));
  const available = free.reduce((sum, run) => sum + run.extentCount, 0);
  if (extentCount > available) {
    throw new Lvm2Error(
      "no-space",
      `Insufficient free space: ${extentCount} extents needed, but only ${available} available`,
    );
  }
  const order = orderOfRuns(free, extentCount, options.after);
  const chosen: ExtentRun[] = [];
  let missing = extentCount;
  for (const run of order) {
    if (missing === 0) break;
    const count = Math.min(run.extentCount, missing);
    chosen.push({ ...run, extentCount: count });
    missing -= count;
  }
  return chosen;
}

function orderOfRuns(
  free: readonly ExtentRun[],
  extentCount: number,
  after: ExtentRun | undefined,
): ExtentRun[] {
  const next = after && after.startExtent + after.extentCount;
  const adjoining = free.find((run) => run.pvKey === after?.pvKey && run.startExtent === next);
  const missing = extentCount - (adjoining?.extentCount ?? 0);
  const others = free.filter((run) => run !== adjoining);
  const whole = others.find((run) => run.extentCount >= missing);
  return [adjoining, whole, ...others.filter((run) => run !== whole)].filter(
    (run) => run !== undefined,
  );
}
