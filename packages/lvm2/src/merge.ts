/**
 * Merging a thin snapshot into its origin: the origin goes on with the snapshot's content, and the
 * snapshot is gone. No data moves. The origin's LV takes over the snapshot's device, and one pool
 * transaction deletes the device that was the origin's.
 *
 * While the origin is in use the merge is only scheduled, as LVM writes it: the snapshot's segment
 * has the key `merge` with the origin's name, and the snapshot is hidden. It is done when the
 * origin is activated next.
 */

import { Lvm2Error } from "./errors.ts";
import type { ThinVolume, VolumeGroup } from "./model.ts";
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
import { asThinVolume, requireLv, requireThinPool, requireThinVolume } from "./vg-query.ts";

/** The snapshot that is to be merged into an LV. */
export function mergingSnapshotOf(vg: VolumeGroup, originName: string): ThinVolume | undefined {
  return vg.logicalVolumes
    .flatMap((lv) => asThinVolume(lv) ?? [])
    .find(({ segment }) => segment.mergeInto === originName);
}

/** A snapshot and its origin. Throws, in LVM's words, when the one cannot be merged. */
export function requireMergeable(
  vg: VolumeGroup,
  snapshotName: string,
): { readonly snapshot: ThinVolume; readonly origin: ThinVolume } {
  requireChangeable(vg);
  const lv = requireLv(vg, snapshotName);
  const snapshot = asThinVolume(lv);
  const originName = snapshot?.segment.origin;
  if (snapshot === undefined || originName === undefined) {
    throw new Lvm2Error("wrong-type", `${vg.name}/${lv.name} is not a mergeable logical volume.`);
  }
  const origin = requireThinVolume(vg, originName);
  for (const one of [lv, origin.lv]) {
    requireLvChangeable(vg, one, "merge");
    requireNotReferenced(vg, one, "merge");
  }
  const other = mergingSnapshotOf(vg, originName);
  if (other !== undefined && other.lv !== lv) {
    throw new Lvm2Error(
      "in-use",
      `Cannot merge snapshot ${vg.name}/${lv.name} into the origin ${vg.name}/${originName} ` +
        `with merging snapshot ${vg.name}/${other.lv.name}.`,
    );
  }
  return { snapshot, origin };
}

/** Note in the text that the snapshot is to be merged; it is hidden from now on. */
export function scheduleMerge(vg: VolumeGroup, snapshotName: string): VolumeGroup {
  const { snapshot, origin } = requireMergeable(vg, snapshotName);
  const { lv, segment } = snapshot;
  return replaceLv(vg, lv.name, {
    ...lv,
    status: lv.status.filter((flag) => flag !== "VISIBLE"),
    segments: [{ ...segment, mergeInto: origin.lv.name }],
  });
}

/**
 * The group after the merge, with the message queued that deletes the origin's old device. Name,
 * id, tags, permission and dates stay the origin's. Snapshots of the snapshot are the origin's
 * now; those of what the origin was have none.
 */
export function mergeSnapshot(vg: VolumeGroup, snapshotName: string): VolumeGroup {
  const { snapshot, origin } = requireMergeable(vg, snapshotName);
  const originName = origin.lv.name;
  const pool = requireThinPool(vg, snapshot.segment.pool);
  requireIdlePool(vg, pool);
  const relinked = mapSegments(vg, (segment) => {
    if (segment.type !== "thin" || segment.origin === undefined) return segment;
    if (segment.origin === originName) return { ...segment, origin: undefined };
    return segment.origin === snapshotName ? { ...segment, origin: originName } : segment;
  });
  const { mergeInto: _, ...content } = snapshot.segment;
  const merged = replaceLv(relinked, originName, {
    ...origin.lv,
    segments: [{ ...content, origin: undefined }],
  });
  const rest = dropLvs(merged, new Set([snapshotName]));
  return queueMessage(rest, pool, { kind: "delete", deviceId: origin.segment.deviceId });
}

/** Without the merges into an LV that is leaving; their snapshots are seen again. */
export function dropMergesInto(vg: VolumeGroup, originName: string): VolumeGroup {
  const snapshot = mergingSnapshotOf(vg, originName);
  if (snapshot === undefined) return vg;
  const { mergeInto: _, ...segment } = snapshot.segment;
  return replaceLv(vg, snapshot.lv.name, {
    ...snapshot.lv,
    status: [...snapshot.lv.status, "VISIBLE"],
    segments: [segment],
  });
}
