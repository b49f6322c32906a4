/** Questions about a volume group. Lookups are linear: a group has thousands of LVs at most. */

import { Lvm2Error } from "./errors.ts";
import type { LogicalVolume, PhysicalVolume, ThinPool, ThinVolume, VolumeGroup } from "./model.ts";

export const SECTOR_BYTES = 512;
export const SPARE_SUFFIX = "_pmspare";

export function findLv(vg: VolumeGroup, name: string): LogicalVolume | undefined {
  return vg.logicalVolumes.find((lv) => lv.name === name);
}

/** Throws `not-found` with LVM's sentence. */
export function requireLv(vg: VolumeGroup, name: string): LogicalVolume {
  const lv = findLv(vg, name);
  if (lv) return lv;
  throw new Lvm2Error("not-found", `Failed to find logical volume "${vg.name}/${name}"`);
}

export function asThinPool(lv: LogicalVolume): ThinPool | undefined {
  const [segment] = lv.segments;
  return segment?.type === "thin-pool" ? { lv, segment } : undefined;
}

export function asThinVolume(lv: LogicalVolume): ThinVolume | undefined {
  const [segment] = lv.segments;
  return segment?.type === "thin" ? { lv, segment } : undefined;
}

export function findThinPool(vg: VolumeGroup, name: string): ThinPool | undefined {
  const lv = findLv(vg, name);
  return lv && asThinPool(lv);
}

/** Throws `pool-not-found` when no LV has the name, `bad-argument` when it is no thin pool. */
export function requireThinPool(vg: VolumeGroup, name: string): ThinPool {
  const lv = findLv(vg, name);
  if (!lv)
    throw new Lvm2Error("pool-not-found", `Pool ${name} not found in Volume group ${vg.name}.`);
  const pool = asThinPool(lv);
  if (pool) return pool;
  throw new Lvm2Error("wrong-type", `Logical volume ${vg.name}/${name} is not a thin pool.`);
}

export function findThinVolume(vg: VolumeGroup, name: string): ThinVolume | undefined {
  const lv = findLv(vg, name);
  return lv && asThinVolume(lv);
}

export function requireThinVolume(vg: VolumeGroup, name: string): ThinVolume {
  const thin = asThinVolume(requireLv(vg, name));
  if (thin) return thin;
  throw new Lvm2Error("wrong-type", `Logical volume ${vg.name}/${name} is not a thin volume.`);
}

export function thinPools(vg: VolumeGroup): ThinPool[] {
  return vg.logicalVolumes.flatMap((lv) => asThinPool(lv) ?? []);
}

export function thinVolumesOf(vg: VolumeGroup, poolName: string): ThinVolume[] {
  return vg.logicalVolumes
    .flatMap((lv) => asThinVolume(lv) ?? [])
    .filter((thin) => thin.segment.pool === poolName);
}

/** The thin LVs that name `originName` as their origin. */
export function snapshotsOf(vg: VolumeGroup, originName: string): ThinVolume[] {
  return vg.logicalVolumes
    .flatMap((lv) => asThinVolume(lv) ?? [])
    .filter((thin) => thin.segment.origin === originName);
}

export function isVisible(lv: LogicalVolume): boolean {
  return lv.status.includes("VISIBLE");
}

export function isReadOnly(lv: LogicalVolume): boolean {
  return !lv.status.includes("WRITE");
}

export function hasActivationSkip(lv: LogicalVolume): boolean {
  return lv.flags.includes("ACTIVATION_SKIP");
}

export function isErrorWhenFull(lv: LogicalVolume): boolean {
  return lv.flags.includes("ERROR_WHEN_FULL");
}

/** LVM knows the spare by its name alone. */
export function isMetadataSpare(lv: LogicalVolume): boolean {
  return lv.name.endsWith(SPARE_SUFFIX) && !isVisible(lv);
}

/** The pool whose data or metadata `lv` is. */
export function poolOfHidden(vg: VolumeGroup, lv: LogicalVolume): ThinPool | undefined {
  return thinPools(vg).find(
    ({ segment }) => segment.dataLv === lv.name || segment.metadataLv === lv.name,
  );
}

export function lvExtentCount(lv: LogicalVolume): number {
  return lv.segments.reduce((sum, segment) => sum + segment.extentCount, 0);
}

export function lvSectors(vg: VolumeGroup, lv: LogicalVolume): number {
  return lvExtentCount(lv) * vg.extentSectors;
}

export function extentBytes(vg: VolumeGroup): number {
  return vg.extentSectors * SECTOR_BYTES;
}

export function totalExtentCount(vg: VolumeGroup): number {
  return vg.physicalVolumes.reduce((sum, pv) => sum + pv.extentCount, 0);
}

/** The PV with this key, id or device name. */
export function findPv(vg: VolumeGroup, name: string): PhysicalVolume | undefined {
  return vg.physicalVolumes.find((pv) => pv.key === name || pv.device === name || pv.id === name);
}

/** A group that holds no logical volume may be removed. */
export function checkRemovable(vg: VolumeGroup): void {
  const count = vg.logicalVolumes.filter(isVisible).length;
  if (count === 0) return;
  throw new Lvm2Error(
    "in-use",
    `Volume group "${vg.name}" still contains ${count} logical volume(s)`,
  );
}
