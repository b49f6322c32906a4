/** Making a logical volume smaller. What it held beyond the new end is lost. */

import { Lvm2Error } from "./errors.ts";
import type { LogicalVolume, Segment, VolumeGroup } from "./model.ts";
import { replaceLv, requireChangeable, requireLvChangeable } from "./vg-edit.ts";
import { asThinPool, asThinVolume, lvExtentCount, poolOfHidden, requireLv } from "./vg-query.ts";

/** Shrink a linear or thin LV to `extentCount` in all; pools cannot shrink. */
export function shrinkLogicalVolume(
  vg: VolumeGroup,
  name: string,
  extentCount: number,
): VolumeGroup {
  requireChangeable(vg);
  const lv = requireLv(vg, name);
  requireLvChangeable(vg, lv, "reduce");
  const pool = asThinPool(lv) ?? poolOfHidden(vg, lv);
  if (pool !== undefined) {
    throw new Lvm2Error(
      "unsupported",
      `Thin pool volumes ${vg.name}/${pool.segment.dataLv} cannot be reduced in size yet.`,
    );
  }
  const existing = lvExtentCount(lv);
  if (extentCount < 1) {
    throw new Lvm2Error("not-larger", `Unable to reduce ${vg.name}/${name} below 1 extent.`);
  }
  requireSmaller(extentCount, existing);
  const thin = asThinVolume(lv);
  if (thin) return replaceLv(vg, name, { ...lv, segments: [{ ...thin.segment, extentCount }] });
  return replaceLv(vg, name, { ...lv, segments: shortened(vg, lv, extentCount) });
}

function requireSmaller(extentCount: number, existing: number): void {
  if (extentCount < existing) return;
  throw new Lvm2Error(
    "not-larger",
    extentCount === existing
      ? `New size (${extentCount} extents) matches existing size (${existing} extents).`
      : `New size given (${extentCount} extents) not less than existing size (${existing} extents)`,
  );
}

function shortened(vg: VolumeGroup, lv: LogicalVolume, extentCount: number): Segment[] {
  const kept: Segment[] = [];
  for (const segment of lv.segments) {
    if (segment.startExtent >= extentCount) break;
    const length = Math.min(segment.extentCount, extentCount - segment.startExtent);
    if (length < segment.extentCount && !isLinear(segment)) {
      throw new Lvm2Error(
        "unsupported",
        `Can't reduce logical volume ${vg.name}/${lv.name}: it is not linear; use LVM itself.`,
      );
    }
    kept.push(length === segment.extentCount ? segment : { ...segment, extentCount: length });
  }
  return kept;
}

function isLinear(segment: Segment): boolean {
  return segment.type === "striped" && segment.stripes.length === 1;
}
