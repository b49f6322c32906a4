/** Linear volumes: made, and grown extent by extent. */

import { Lvm2Error } from "./errors.ts";
import { allocateExtents, freeExtentCount } from "./extents.ts";
import type { ExtentRun } from "./extents.ts";
import type { LogicalVolume, Provenance, Segment, StripedSegment, VolumeGroup } from "./model.ts";
import { autoLvName, checkNameFree, checkNewLvName, checkTag } from "./names.ts";
import type { Created } from "./vg-edit.ts";
import { addLv, newLv, requireChangeable, requireLvRoom } from "./vg-edit.ts";
import { lvExtentCount } from "./vg-query.ts";
import {
  checkStriping,
  roundedToStripes,
  stripedSegments,
  stripingOf,
} from "./striped.ts";
import type { Striping } from "./striped.ts";

export const EXTENT_COUNT_MAX = 0xffff_ffff;

export interface NewLvOptions {
  readonly name?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly readOnly?: boolean | undefined;
}

/**
 * Checks that every creation shares; returns the name to use, or undefined for an automatic one.
 */
export function checkNewLv(vg: VolumeGroup, options: NewLvOptions): void {
  requireChangeable(vg);
  for (const tag of options.tags ?? []) checkTag(tag);
  if (options.name !== undefined) {
    checkNewLvName(options.name);
    checkNameFree(vg, options.name);
    const length = vg.name.length + options.name.length + 3;
    if (length > 128) {
      throw new Lvm2Error(
        "name-too-long",
        `LV name "${vg.name}/${options.name}" length ${length} is not supported.`,
      );
    }
  }
  requireLvRoom(vg);
}

/** LVM checks this before it looks at single runs, hence a message of its own. */
export function requireFreeExtents(vg: VolumeGroup, extentCount: number): void {
  const free = freeExtentCount(vg);
  if (extentCount <= free) return;
  throw new Lvm2Error(
    "no-space",
    `Volume group "${vg.name}" has insufficient free space (${free} extents): ${extentCount} required.`,
  );
}

export function requireExtentCount(extentCount: number): void {
  if (Number.isSafeInteger(extentCount) && extentCount > 0 && extentCount <= EXTENT_COUNT_MAX)
    return;
  throw new Lvm2Error(
    "bad-size",
    extentCount === 0
      ? "--size may not be zero."
      : `Size of ${extentCount} extents is out of range.`,
  );
}

export function createLinear(
  vg: VolumeGroup,
  options: NewLvOptions & {
    readonly extentCount: number;
    readonly physicalVolumes?: readonly string[] | undefined;
    readonly striping?: Striping | undefined;
  },
  provenance: Provenance,
): Created {
  checkNewLv(vg, options);
  const { striping, physicalVolumes: pvNames } = options;
  if (striping !== undefined) checkStriping(vg, striping, pvNames);
  const extentCount = roundedToStripes(options.extentCount, striping?.count ?? 1);
  requireExtentCount(extentCount);
  requireFreeExtents(vg, extentCount);
  const lv = newLv(provenance, {
    name: options.name ?? autoLvName(vg),
    segments: newSegments(vg, extentCount, striping, pvNames),
    readOnly: options.readOnly,
    tags: options.tags?.map((tag) => checkTag(tag)),
  });
  return { vg: addLv(vg, lv), lv };
}

/** Extents for a new LV, striped or one after the other. */
export function newSegments(
  vg: VolumeGroup,
  extentCount: number,
  striping: Striping | undefined,
  pvNames: readonly string[] | undefined,
): Segment[] {
  if (striping !== undefined) return stripedSegments(vg, [], extentCount, striping, pvNames);
  return linearSegments([], allocateExtents(vg, extentCount, { pvNames }));
}

/**
 * `existing` with the runs added at its end; a run that goes on where the last one ended is merged.
 */
export function linearSegments(
  existing: readonly Segment[],
  runs: readonly ExtentRun[],
): Segment[] {
  const segments = [...existing];
  for (const run of runs) {
    const last = segments.at(-1);
    const end = last && runAtEnd(last);
    if (end && end.pvKey === run.pvKey && end.startExtent + end.extentCount === run.startExtent) {
      segments[segments.length - 1] = { ...last, extentCount: last.extentCount + run.extentCount };
      continue;
    }
    segments.push({
      type: "striped",
      startExtent: last ? last.startExtent + last.extentCount : 0,
      extentCount: run.extentCount,
      stripes: [{ target: run.pvKey, startExtent: run.startExtent }],
      stripeSectors: 0,
      tags: [],
      extra: [],
    } satisfies StripedSegment);
  }
  return segments;
}

function runAtEnd(segment: Segment): ExtentRun | undefined {
  if (segment.type !== "striped" || segment.stripes.length !== 1) return undefined;
  if (segment.tags.length > 0 || segment.extra.length > 0) return undefined;
  const [stripe] = segment.stripes;
  return {
    pvKey: stripe!.target,
    startExtent: stripe!.startExtent,
    extentCount: segment.extentCount,
  };
}

/**
 * The LV grown to `extentCount`, with extents taken from the free ones of `vg`. One whose last
 * segment is striped goes on so; see `wholeRows`.
 */
export function grownLinear(
  vg: VolumeGroup,
  lv: LogicalVolume,
  extentCount: number,
  pvNames?: readonly string[],
): LogicalVolume {
  if (!lv.segments.every((segment) => segment.type === "striped")) {
    throw new Lvm2Error(
      "unsupported",
      `Can't extend logical volume ${vg.name}/${lv.name}: it is not linear or striped; use LVM itself.`,
    );
  }
  const striping = stripingOf(lv.segments);
  if (striping !== undefined) {
    const more = wholeRows(lv, extentCount) - lvExtentCount(lv);
    return { ...lv, segments: stripedSegments(vg, lv.segments, more, striping, pvNames) };
  }
  const last = lv.segments.at(-1);
  const runs = allocateExtents(vg, extentCount - lvExtentCount(lv), {
    after: last && runAtEnd(last),
    pvNames,
  });
  return { ...lv, segments: linearSegments(lv.segments, runs) };
}

/** The size to which a striped LV can grow that is at least `extentCount`; that one for others. */
export function wholeRows(lv: LogicalVolume, extentCount: number): number {
  const before = lvExtentCount(lv);
  return before + roundedToStripes(extentCount - before, stripingOf(lv.segments)?.count ?? 1);
}
