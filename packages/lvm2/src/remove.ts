/** Removing logical volumes, and what goes with them. */

import { Lvm2Error } from "./errors.ts";
import { dropMergesInto } from "./merge.ts";
import type { LogicalVolume, ThinPool, ThinVolume, VolumeGroup } from "./model.ts";
import {
  dropLvs,
  mapSegments,
  queueMessage,
  replaceLv,
  requireChangeable,
  requireIdlePool,
  requireLvChangeable,
  requireNotReferenced,
} from "./vg-edit.ts";
import {
  asThinPool,
  asThinVolume,
  isMetadataSpare,
  poolOfHidden,
  requireLv,
  requireThinPool,
  thinPools,
  thinVolumesOf,
} from "./vg-query.ts";

export interface Removed {
  readonly vg: VolumeGroup;
  /**
   * In LVM's order of reporting: the thin volumes of a pool, then the pool. Hidden ones are not
   * named.
   */
  readonly removed: readonly LogicalVolume[];
}

export function removeLogicalVolume(vg: VolumeGroup, name: string): Removed {
  requireChangeable(vg);
  const lv = requireLv(vg, name);
  requireLvChangeable(vg, lv, "remove");
  requireNotReferenced(vg, lv, "remove");
  if (poolOfHidden(vg, lv)) {
    throw new Lvm2Error("in-use", `Can't remove logical volume ${vg.name}/${name} used by a pool.`);
  }
  const pool = asThinPool(lv);
  if (pool) return removePool(vg, pool);
  const thin = asThinVolume(lv);
  if (thin) return { vg: removeThin(vg, thin), removed: [lv] };
  return { vg: dropLvs(vg, new Set([name])), removed: [lv] };
}

/**
 * One pool transaction with a delete message. A volume whose own creation is still queued leaves
 * without one: the pool has never heard of it, but the transaction stays, since the text has
 * promised it.
 */
function removeThin(vg: VolumeGroup, thin: ThinVolume): VolumeGroup {
  if (thin.segment.mergeInto !== undefined) {
    throw new Lvm2Error(
      "in-use",
      `Can't remove merging snapshot logical volume ${vg.name}/${thin.lv.name}.`,
    );
  }
  const pool = requireThinPool(vg, thin.segment.pool);
  const unmerged = dropMergesInto(vg, thin.lv.name);
  const rest = mapSegments(dropLvs(unmerged, new Set([thin.lv.name])), (segment) =>
    segment.type === "thin" && segment.origin === thin.lv.name
      ? { ...segment, origin: undefined }
      : segment,
  );
  const queued = pool.segment.messages.some(
    (message) => message.kind === "create" && message.lv === thin.lv.name,
  );
  if (!queued) {
    requireIdlePool(vg, pool);
    return queueMessage(rest, pool, { kind: "delete", deviceId: thin.segment.deviceId });
  }
  const messages = pool.segment.messages.filter(
    (message) => message.kind !== "create" || message.lv !== thin.lv.name,
  );
  // The pool may have made the device before the first commit was finished, so it is told to
  // delete.
  return replaceLv(rest, pool.lv.name, {
    ...pool.lv,
    segments: [
      {
        ...pool.segment,
        messages: [...messages, { kind: "delete", deviceId: thin.segment.deviceId }],
      },
    ],
  });
}

/** With all its thin volumes and hidden LVs; the spare goes with the last pool. */
function removePool(vg: VolumeGroup, pool: ThinPool): Removed {
  const thins = thinVolumesOf(vg, pool.lv.name).map((thin) => thin.lv);
  for (const thin of thins) {
    requireLvChangeable(vg, thin, "remove");
    requireNotReferenced(vg, thin, "remove");
  }
  const names = new Set([
    pool.lv.name,
    pool.segment.dataLv,
    pool.segment.metadataLv,
    ...thins.map((thin) => thin.name),
  ]);
  const othersRemain = thinPools(vg).some((other) => other.lv.name !== pool.lv.name);
  const opaqueRemain = vg.logicalVolumes.some((lv) =>
    lv.segments.some((segment) => segment.type === "opaque"),
  );
  if (!othersRemain && !opaqueRemain) {
    for (const lv of vg.logicalVolumes.filter(isMetadataSpare)) names.add(lv.name);
  }
  return { vg: dropLvs(vg, names), removed: [...thins, pool.lv] };
}
