/**
 * Thin pools: the pool LV over two hidden ones, `X_tdata` and `X_tmeta`, and beside them one spare
 * for repair, `lvolN_pmspare`, as large as the largest metadata of the group.
 *
 * Extents are taken in LVM's order: spare, data, metadata.
 */

import { Lvm2Error } from "./errors.ts";
import { allocateExtents, freeExtentCount } from "./extents.ts";
import type { NewLvOptions } from "./linear.ts";
import {
  checkNewLv,
  grownLinear,
  linearSegments,
  newSegments,
  requireExtentCount,
  requireFreeExtents,
} from "./linear.ts";
import type { Discards, LogicalVolume, Provenance, Segment, VolumeGroup } from "./model.ts";
import { autoLvName, checkNameFree, checkTag } from "./names.ts";
import { choosePoolSizing, METADATA_MAX_SECTORS } from "./pool-sizing.ts";
import { formatSize } from "./size-print.ts";
import { checkStriping, roundedToStripes } from "./striped.ts";
import type { Striping } from "./striped.ts";
import type { Created } from "./vg-edit.ts";
import { addLv, newLv, replaceLv, requireChangeable, requireLvChangeable } from "./vg-edit.ts";
import {
  findLv,
  isMetadataSpare,
  lvExtentCount,
  requireThinPool,
  SPARE_SUFFIX,
  thinPools,
} from "./vg-query.ts";

export interface NewThinPool extends NewLvOptions {
  readonly extentCount: number;
  /** Shrink the data so that metadata and spare fit too: LVM's rule for sizes in %FREE and %PVS. */
  readonly leaveRoomForMetadata?: boolean | undefined;
  readonly chunkSectors?: number | undefined;
  readonly metadataExtentCount?: number | undefined;
  readonly discards?: Discards | undefined;
  readonly zeroNewBlocks?: boolean | undefined;
  readonly errorWhenFull?: boolean | undefined;
  /** Make or grow the spare; on by default. */
  readonly metadataSpare?: boolean | undefined;
  readonly physicalVolumes?: readonly string[] | undefined;
  /** Of the data; the metadata is linear. */
  readonly striping?: Striping | undefined;
}

export interface CreatedPool extends Created {
  readonly chunkSectors: number;
  readonly metadataExtentCount: number;
  /** LVM's line on standard output before it reports success. */
  readonly notice: string;
  readonly warnings: readonly string[];
}

export function createThinPool(
  vg: VolumeGroup,
  options: NewThinPool,
  provenance: Provenance,
): CreatedPool {
  checkNewLv(vg, options);
  requireExtentCount(options.extentCount);
  const sizing = choosePoolSizing({
    dataExtentCount: options.extentCount,
    extentSectors: vg.extentSectors,
    chunkSectors: options.chunkSectors,
    metadataExtentCount: options.metadataExtentCount,
    zeroNewBlocks: options.zeroNewBlocks,
  });
  const { metadataExtentCount } = sizing;
  const { striping, physicalVolumes: pvNames } = options;
  if (striping !== undefined) checkStriping(vg, striping, pvNames);
  let { extentCount } = options;
  if (options.leaveRoomForMetadata === true) {
    if (extentCount <= 2 * metadataExtentCount) {
      throw new Lvm2Error("no-space", "Not enough space for thin pool creation.");
    }
    extentCount -= 2 * metadataExtentCount;
    extentCount -= extentCount % (striping?.count ?? 1);
  }
  extentCount = roundedToStripes(extentCount, striping?.count ?? 1);
  let next = vg;
  if (options.metadataSpare !== false) {
    next = withMetadataSpare(next, metadataExtentCount, provenance, pvNames);
  }
  requireFreeExtents(next, extentCount);
  const name = options.name ?? autoLvName(next);
  const pool = newLv(provenance, {
    name,
    segments: [
      {
        type: "thin-pool",
        startExtent: 0,
        extentCount,
        metadataLv: `${name}_tmeta`,
        dataLv: `${name}_tdata`,
        transactionId: 0,
        chunkSectors: sizing.chunkSectors,
        discards: options.discards ?? "passdown",
        zeroNewBlocks: options.zeroNewBlocks ?? true,
        messages: [],
        tags: [],
        extra: [],
      },
    ],
    flags: options.errorWhenFull === true ? ["ERROR_WHEN_FULL"] : [],
    tags: options.tags?.map((tag) => checkTag(tag)),
    readOnly: options.readOnly,
  });
  return {
    vg: withPoolVolumes(next, pool, { extentCount, metadataExtentCount, pvNames, striping }, provenance),
    lv: pool,
    chunkSectors: sizing.chunkSectors,
    metadataExtentCount,
    notice: sizing.notice,
    warnings: sizing.warnings,
  };
}

function withPoolVolumes(
  vg: VolumeGroup,
  pool: LogicalVolume,
  size: {
    extentCount: number;
    metadataExtentCount: number;
    pvNames: readonly string[] | undefined;
    striping: Striping | undefined;
  },
  provenance: Provenance,
): VolumeGroup {
  const { extentCount, metadataExtentCount, pvNames, striping } = size;
  const free = freeExtentCount(vg);
  if (extentCount + metadataExtentCount > free) {
    throw new Lvm2Error(
      "no-space",
      `Insufficient free space: ${extentCount + metadataExtentCount} extents needed, ` +
        `but only ${free} available`,
    );
  }
  for (const suffix of ["_tdata", "_tmeta"]) checkNameFree(vg, pool.name + suffix);
  const hidden = (suffix: string, segments: readonly Segment[]): LogicalVolume =>
    newLv(provenance, { name: pool.name + suffix, segments, visible: false });
  const data = hidden("_tdata", newSegments(vg, extentCount, striping, pvNames));
  const others = addLv(vg, data);
  const metadata = hidden("_tmeta", newSegments(others, metadataExtentCount, undefined, pvNames));
  return addLv(addLv(addLv(vg, pool), metadata), data);
}

/** The spare made, or grown, to at least `extentCount`. */
export function withMetadataSpare(
  vg: VolumeGroup,
  extentCount: number,
  provenance: Provenance,
  pvNames?: readonly string[],
): VolumeGroup {
  const spare = vg.logicalVolumes.find(isMetadataSpare);
  if (spare) {
    if (lvExtentCount(spare) >= extentCount) return vg;
    return replaceLv(vg, spare.name, grownLinear(vg, spare, extentCount, pvNames));
  }
  requireFreeExtents(vg, extentCount);
  return addLv(
    vg,
    newLv(provenance, {
      name: autoLvName(vg) + SPARE_SUFFIX,
      segments: linearSegments([], allocateExtents(vg, extentCount, { pvNames })),
      visible: false,
    }),
  );
}

/** Grow a pool's metadata to `extentCount`, and the spare with it. */
export function extendPoolMetadata(
  vg: VolumeGroup,
  poolName: string,
  extentCount: number,
  provenance: Provenance,
  options: { readonly physicalVolumes?: readonly string[] } = {},
): VolumeGroup {
  requireChangeable(vg);
  requireExtentCount(extentCount);
  const pool = requireThinPool(vg, poolName);
  requireLvChangeable(vg, pool.lv, "extend");
  const metadata = findLv(vg, pool.segment.metadataLv)!;
  const existing = lvExtentCount(metadata);
  const most = Math.ceil(METADATA_MAX_SECTORS / vg.extentSectors);
  if (extentCount > most) {
    throw new Lvm2Error(
      "limit-reached",
      `Reached maximum pool metadata size ${formatSize(METADATA_MAX_SECTORS, { long: true })} ` +
        `(${most} extents).`,
    );
  }
  requireLarger(extentCount, existing);
  const grown = replaceLv(
    vg,
    metadata.name,
    grownLinear(vg, metadata, extentCount, options.physicalVolumes),
  );
  const largest = Math.max(
    ...thinPools(grown).map(({ segment }) => lvExtentCount(findLv(grown, segment.metadataLv)!)),
  );
  return withMetadataSpare(grown, largest, provenance, options.physicalVolumes);
}

export function requireLarger(extentCount: number, existing: number): void {
  if (extentCount > existing) return;
  throw new Lvm2Error(
    "not-larger",
    extentCount === existing
      ? `New size (${extentCount} extents) matches existing size (${existing} extents).`
      : `New size given (${extentCount} extents) not larger than existing size (${existing} extents)`,
  );
}
