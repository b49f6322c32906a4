/**
 * Other metadata for a thin pool, as LVM's `lvconvert --repair` does it: what was written into the
 * spare becomes the pool's metadata; the old metadata stays, as a visible LV `POOL_metaN`, until
 * somebody removes it; and a new spare is made where there is room.
 */
import { freeExtentCount } from "./extents.ts";
import type { LogicalVolume, Provenance, VolumeGroup } from "./model.ts";
import { withMetadataSpare } from "./thin-pool.ts";
import { addLv, dropLvs, newLv, replaceLv, requireChangeable, requireLvChangeable } from "./vg-edit.ts";
import { findLv, isMetadataSpare, lvExtentCount, requireLv, requireThinPool } from "./vg-query.ts";

/** The group with a spare that is as large as the pool's metadata; the same group if it has one. */
export function withSpareFor(
  vg: VolumeGroup,
  poolName: string,
  provenance: Provenance,
): VolumeGroup {
  requireChangeable(vg);
  const { lv, segment } = requireThinPool(vg, poolName);
  requireLvChangeable(vg, lv, "repair");
  const metadata = requireLv(vg, segment.metadataLv);
  return withMetadataSpare(vg, lvExtentCount(metadata), provenance);
}

export interface ReplacedMetadata {
  readonly vg: VolumeGroup;
  /** The old metadata. */
  readonly kept: LogicalVolume;
  /** False when there was no room for a new one. */
  readonly hasSpare: boolean;
}

/** Throws when there is no spare: see `withSpareFor`. */
export function replacePoolMetadata(
  vg: VolumeGroup,
  poolName: string,
  provenance: Provenance,
): ReplacedMetadata {
  requireChangeable(vg);
  const { segment } = requireThinPool(vg, poolName);
  const metadata = requireLv(vg, segment.metadataLv);
  const spare = vg.logicalVolumes.find(isMetadataSpare);
  if (spare === undefined) throw new Error(`${vg.name} has no spare for the metadata of pools`);
  const kept = newLv(provenance, { name: freeName(vg, poolName), segments: metadata.segments });
  const swapped = addLv(
    replaceLv(dropLvs(vg, new Set([spare.name])), metadata.name, {
      ...metadata,
      segments: spare.segments,
    }),
    kept,
  );
  const wanted = lvExtentCount(spare);
  const hasSpare = freeExtentCount(swapped) >= wanted;
  const next = hasSpare ? withMetadataSpare(swapped, wanted, provenance) : swapped;
  return { vg: next, kept, hasSpare };
}

function freeName(vg: VolumeGroup, poolName: string): string {
  for (let number = 0; ; number += 1) {
    const name = `${poolName}_meta${number}`;
    if (findLv(vg, name) === undefined) return name;
  }
}
