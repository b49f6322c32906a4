/**
 * Striped extents: as many runs of equal length as there are stripes, each on another physical
 * volume. What one row of runs does not hold goes on in another segment.
 */
import { Lvm2Error } from "./errors.ts";
import { allocatablePvKeys, freeRuns } from "./extents.ts";
import type { ExtentRun } from "./extents.ts";
import type { Segment, StripedSegment, VolumeGroup } from "./model.ts";

export interface Striping {
  /** At least 2. */
  readonly count: number;
  /** How much lies on one volume before it is the next one's turn; a power of two. */
  readonly stripeSectors: number;
}

/** LVM's default, 64 KiB. */
export const STRIPE_SECTORS_DEFAULT = 128;
const STRIPE_SECTORS_MIN = 8;
const STRIPES_MAX = 128;

/** Throws what LVM says of stripes that cannot be. */
export function checkStriping(
  vg: VolumeGroup,
  { count, stripeSectors }: Striping,
  pvNames?: readonly string[],
): void {
  const refuse = (message: string) => new Lvm2Error("bad-size", message);
  if (!Number.isInteger(count) || count < 2 || count > STRIPES_MAX)
    throw refuse(`Number of stripes (${count}) must be between 1 and ${STRIPES_MAX}.`);
  const isPower = Number.isInteger(Math.log2(stripeSectors));
  if (!isPower || stripeSectors < STRIPE_SECTORS_MIN)
    throw refuse(`Invalid stripe size ${stripeSectors / 2} KiB.`);
  if (stripeSectors > vg.extentSectors || vg.extentSectors % stripeSectors !== 0) {
    throw refuse(
      `Stripe size ${stripeSectors / 2} KiB does not divide the physical extent size ` +
        `${vg.extentSectors / 2} KiB.`,
    );
  }
  const volumes = pvNames?.length ?? vg.physicalVolumes.length;
  if (count > volumes) {
    throw refuse(
      `Number of stripes (${count}) must not exceed number of physical volumes (${volumes})`,
    );
  }
}

/** The next whole number of rows. */
export function roundedToStripes(extentCount: number, count: number): number {
  return Math.ceil(extentCount / count) * count;
}

/** How the last segment is striped, undefined when it is linear or something else. */
export function stripingOf(segments: readonly Segment[]): Striping | undefined {
  const last = segments.at(-1);
  if (last?.type !== "striped" || last.stripes.length < 2) return undefined;
  return { count: last.stripes.length, stripeSectors: last.stripeSectors };
}

/**
 * `existing` with `extentCount` more extents at its end, a multiple of the stripes. Where all runs
 * of the last segment can go on they do.
 */
export function stripedSegments(
  vg: VolumeGroup,
  existing: readonly Segment[],
  extentCount: number,
  striping: Striping,
  pvNames?: readonly string[],
): Segment[] {
  const { count, stripeSectors } = striping;
  const segments = [...existing];
  let free = freeRuns(vg, allocatablePvKeys(vg, pvNames));
  for (let missing = extentCount / count; missing > 0;) {
    const last = segments.at(-1);
    const adjoining = last && runsAfter(last, striping, free);
    const runs = adjoining ?? largestRuns(free, count);
    if (runs === undefined) throw noSpace(free, missing, count);
    const length = Math.min(missing, ...runs.map((run) => run.extentCount));
    free = free.map((run) => (runs.includes(run) ? shortened(run, length) : run));
    missing -= length;
    if (adjoining !== undefined && last !== undefined) {
      const grown = { ...last, extentCount: last.extentCount + length * count };
      segments[segments.length - 1] = grown;
      continue;
    }
    segments.push({
      type: "striped",
      startExtent: last === undefined ? 0 : last.startExtent + last.extentCount,
      extentCount: length * count,
      stripes: runs.map(({ pvKey, startExtent }) => ({ target: pvKey, startExtent })),
      stripeSectors,
      tags: [],
      extra: [],
    } satisfies StripedSegment);
  }
  return segments;
}

/** The free runs behind each stripe of a segment, if there is one for each. */
function runsAfter(
  segment: Segment,
  { count, stripeSectors }: Striping,
  free: readonly ExtentRun[],
): ExtentRun[] | undefined {
  if (segment.type !== "striped" || segment.stripes.length !== count) return undefined;
  if (segment.stripeSectors !== stripeSectors) return undefined;
  if (segment.tags.length > 0 || segment.extra.length > 0) return undefined;
  const length = segment.extentCount / count;
  const runs = segment.stripes.flatMap(({ target, startExtent }) =>
    free.filter(
      (run) =>
        run.pvKey === target && run.startExtent === startExtent + length && run.extentCount > 0,
    ),
  );
  return runs.length === count ? runs : undefined;
}

/** The largest run of each of the volumes that have the largest. */
function largestRuns(free: readonly ExtentRun[], count: number): ExtentRun[] | undefined {
  const best = new Map<string, ExtentRun>();
  for (const run of free) {
    const known = best.get(run.pvKey);
    if (run.extentCount > (known?.extentCount ?? 0)) best.set(run.pvKey, run);
  }
  const runs = [...best.values()].toSorted((a, b) => b.extentCount - a.extentCount);
  return runs.length < count ? undefined : runs.slice(0, count);
}

function shortened(run: ExtentRun, length: number): ExtentRun {
  const { pvKey, startExtent, extentCount } = run;
  return { pvKey, startExtent: startExtent + length, extentCount: extentCount - length };
}

function noSpace(free: readonly ExtentRun[], missing: number, count: number): Lvm2Error {
  const volumes = new Set(free.filter((run) => run.extentCount > 0).map((run) => run.pvKey));
  return new Lvm2Error(
    "no-space",
    `Insufficient suitable allocatable extents: ${missing * count} more required on ${count} ` +
      `physical volumes at a time, and ${volumes.size} have free ones`,
  );
}
