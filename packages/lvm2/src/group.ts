/** Volume groups: made from physical volumes, extended, reduced, renamed. */

import { Lvm2Error } from "./errors.ts";
import { usedExtentCount } from "./extents.ts";
import type { Label } from "./label.ts";
import { newLvmId } from "./lvm-id.ts";
import type { PhysicalVolume, Provenance, VolumeGroup } from "./model.ts";
import { checkVgName } from "./names.ts";
import { formatSize } from "./size-print.ts";
import { requireChangeable } from "./vg-edit.ts";
import { findPv, SECTOR_BYTES } from "./vg-query.ts";

export const DEFAULT_EXTENT_SECTORS = 8192; // 4 MiB
const NON_POWER_OF_2_STEP = 256; // 128 KiB

/** A labelled device that is to join a group. */
export interface NewPhysicalVolume {
  readonly id: string;
  readonly device: string;
  readonly deviceSectors: number;
  readonly extentStartSectors: number;
  /** Sectors for extents, from `extentStartSectors`. */
  readonly extentAreaSectors: number;
}

/** What a label says about its room for extents; `device` is the name to record as a hint. */
export function newPhysicalVolume(label: Label, device: string): NewPhysicalVolume {
  const [area] = label.dataAreas;
  if (!area) {
    throw new Lvm2Error("bad-label", `Physical volume "${device}" has no data area.`, { device });
  }
  const laterAreas = label.metadataAreas.filter((metadata) => metadata.offset > area.offset);
  const end = Math.min(
    area.sizeBytes === 0 ? label.deviceSizeBytes : area.offset + area.sizeBytes,
    ...laterAreas.map((metadata) => metadata.offset),
  );
  return {
    id: label.id,
    device,
    deviceSectors: Math.floor(label.deviceSizeBytes / SECTOR_BYTES),
    extentStartSectors: area.offset / SECTOR_BYTES,
    extentAreaSectors: Math.max(0, Math.floor((end - area.offset) / SECTOR_BYTES)),
  };
}

export function createVolumeGroup(
  options: {
    readonly name: string;
    readonly extentSectors?: number | undefined;
    readonly physicalVolumes: readonly NewPhysicalVolume[];
    readonly tags?: readonly string[] | undefined;
  },
  provenance: Provenance,
): VolumeGroup {
  checkVgName(options.name);
  const extentSectors = options.extentSectors ?? DEFAULT_EXTENT_SECTORS;
  checkExtentSectors(extentSectors);
  const empty: VolumeGroup = {
    name: options.name,
    id: newLvmId(provenance.random),
    seqno: 0,
    format: "lvm2",
    status: ["RESIZEABLE", "READ", "WRITE"],
    flags: [],
    tags: options.tags ?? [],
    systemId: "",
    lockType: "",
    extentSectors,
    maxLv: 0,
    maxPv: 0,
    allocationPolicy: "normal",
    metadataCopies: 0,
    physicalVolumes: [],
    logicalVolumes: [],
    extra: [],
  };
  return extendVolumeGroup(empty, options.physicalVolumes);
}

function checkExtentSectors(extentSectors: number): void {
  if (extentSectors === 0) {
    throw new Lvm2Error("bad-size", "Physical extent size may not be zero");
  }
  const powerOf2 = Number.isInteger(Math.log2(extentSectors)) && extentSectors >= 2;
  if (!powerOf2 && extentSectors % NON_POWER_OF_2_STEP !== 0) {
    throw new Lvm2Error(
      "bad-size",
      `Physical Extent size must be a multiple of ` +
        `${formatSize(NON_POWER_OF_2_STEP, { long: true })} when not a power of 2.`,
    );
  }
}

export function extendVolumeGroup(
  vg: VolumeGroup,
  additions: readonly NewPhysicalVolume[],
): VolumeGroup {
  requireChangeable(vg);
  requireResizeable(vg);
  const physicalVolumes = [...vg.physicalVolumes];
  for (const addition of additions) {
    if (physicalVolumes.some((pv) => pv.id === addition.id)) {
      throw new Lvm2Error(
        "already-exists",
        `Physical volume '${addition.device}' is already in volume group '${vg.name}'`,
      );
    }
    if (vg.maxPv > 0 && physicalVolumes.length >= vg.maxPv) {
      throw new Lvm2Error(
        "limit-reached",
        `No space for '${addition.device}' - volume group '${vg.name}' holds max ` +
          `${vg.maxPv} physical volume(s).`,
      );
    }
    physicalVolumes.push(withExtents(vg, addition, freeKey(physicalVolumes)));
  }
  return { ...vg, physicalVolumes };
}

function withExtents(vg: VolumeGroup, addition: NewPhysicalVolume, key: string): PhysicalVolume {
  const extentCount = Math.floor(addition.extentAreaSectors / vg.extentSectors);
  if (extentCount === 0) {
    throw new Lvm2Error(
      "device-too-small",
      `Physical volume '${addition.device}' is too small to hold one extent of ` +
        `${formatSize(vg.extentSectors, { long: true })}.`,
    );
  }
  return {
    key,
    id: addition.id,
    device: addition.device,
    status: ["ALLOCATABLE"],
    flags: [],
    tags: [],
    deviceSectors: addition.deviceSectors,
    extentStartSectors: addition.extentStartSectors,
    extentCount,
    extra: [],
  };
}

function freeKey(physicalVolumes: readonly PhysicalVolume[]): string {
  const taken = new Set(physicalVolumes.map((pv) => pv.key));
  let number = 0;
  while (taken.has(`pv${number}`)) number++;
  return `pv${number}`;
}

/** Take out an unused physical volume, named by device, key or id. */
export function reduceVolumeGroup(vg: VolumeGroup, name: string): VolumeGroup {
  requireChangeable(vg);
  requireResizeable(vg);
  const pv = findPv(vg, name);
  if (!pv) {
    throw new Lvm2Error(
      "not-found",
      `Physical Volume "${name}" not found in Volume Group "${vg.name}".`,
    );
  }
  if (usedExtentCount(vg, pv.key) > 0) {
    throw new Lvm2Error("in-use", `Physical volume "${name}" still in use`);
  }
  if (vg.physicalVolumes.length === 1) {
    throw new Lvm2Error(
      "in-use",
      `Can't remove final physical volume "${name}" from volume group "${vg.name}"`,
    );
  }
  return { ...vg, physicalVolumes: vg.physicalVolumes.filter((other) => other !== pv) };
}

function requireResizeable(vg: VolumeGroup): void {
  if (vg.status.includes("RESIZEABLE")) return;
  throw new Lvm2Error("read-only", `Volume group ${vg.name} is not resizable.`);
}

export function renameVolumeGroup(vg: VolumeGroup, name: string): VolumeGroup {
  requireChangeable(vg);
  checkVgName(name);
  return { ...vg, name };
}
