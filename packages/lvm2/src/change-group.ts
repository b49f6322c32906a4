/** Changes of a volume group itself and of its physical volumes, in the text alone. */

import { Lvm2Error } from "./errors.ts";
import { newLvmId } from "./lvm-id.ts";
import type { AllocationPolicy, PhysicalVolume, Provenance, VolumeGroup } from "./model.ts";
import { checkTag } from "./names.ts";
import { requireChangeable } from "./vg-edit.ts";
import { isVisible } from "./vg-query.ts";

export interface TagChange {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

export function changeGroupTags(vg: VolumeGroup, change: TagChange): VolumeGroup {
  requireChangeable(vg);
  return { ...vg, tags: withTags(vg.tags, change) };
}

/** `key` names the physical volume, as in the text: pv0. */
export function changePvTags(vg: VolumeGroup, key: string, change: TagChange): VolumeGroup {
  requireChangeable(vg);
  return replacePv(vg, key, (pv) => ({ ...pv, tags: withTags(pv.tags, change) }));
}

function withTags(tags: readonly string[], { added, removed }: TagChange): string[] {
  const wanted = added.map((tag) => checkTag(tag));
  const unwanted = new Set(removed.map((tag) => checkTag(tag, "--deltag")));
  return [...new Set([...tags, ...wanted])].filter((tag) => !unwanted.has(tag));
}

/** Whether new extents may be taken from a physical volume. Throws `unchanged`. */
export function setAllocatable(vg: VolumeGroup, key: string, allocatable: boolean): VolumeGroup {
  requireChangeable(vg);
  return replacePv(vg, key, (pv) => {
    if (pv.status.includes("ALLOCATABLE") === allocatable) {
      const word = allocatable ? "allocatable" : "unallocatable";
      throw new Lvm2Error("unchanged", `Physical volume "${pv.device}" is already ${word}.`);
    }
    const others = pv.status.filter((flag) => flag !== "ALLOCATABLE");
    return { ...pv, status: allocatable ? ["ALLOCATABLE", ...others] : others };
  });
}

function replacePv(
  vg: VolumeGroup,
  key: string,
  change: (pv: PhysicalVolume) => PhysicalVolume,
): VolumeGroup {
  return {
    ...vg,
    physicalVolumes: vg.physicalVolumes.map((pv) => (pv.key === key ? change(pv) : pv)),
  };
}

/** Whether physical volumes may be added and removed. */
export function setResizeable(vg: VolumeGroup, resizeable: boolean): VolumeGroup {
  requireChangeable(vg);
  if (vg.status.includes("RESIZEABLE") === resizeable) {
    const word = resizeable ? "resizeable" : "not resizeable";
    throw new Lvm2Error("unchanged", `Volume group "${vg.name}" is already ${word}`);
  }
  const others = vg.status.filter((flag) => flag !== "RESIZEABLE");
  return { ...vg, status: resizeable ? ["RESIZEABLE", ...others] : others };
}

/** The most LVs that the group may hold; 0 for no limit. */
export function setMaxLvs(vg: VolumeGroup, maxLv: number): VolumeGroup {
  requireChangeable(vg);
  requireResizeableForLimits(vg, "MaxLogicalVolume");
  const count = vg.logicalVolumes.filter(isVisible).length;
  if (maxLv > 0 && maxLv < count) {
    throw new Lvm2Error(
      "limit-reached",
      `MaxLogicalVolume is less than the current number ${count} of LVs for ${vg.name}`,
    );
  }
  return { ...vg, maxLv };
}

/** The most physical volumes that the group may have; 0 for no limit. */
export function setMaxPvs(vg: VolumeGroup, maxPv: number): VolumeGroup {
  requireChangeable(vg);
  requireResizeableForLimits(vg, "MaxPhysicalVolumes");
  const count = vg.physicalVolumes.length;
  if (maxPv > 0 && maxPv < count) {
    throw new Lvm2Error(
      "limit-reached",
      `MaxPhysicalVolumes is less than the current number ${count} of PVs for "${vg.name}"`,
    );
  }
  return { ...vg, maxPv };
}

function requireResizeableForLimits(vg: VolumeGroup, limit: string): void {
  if (vg.status.includes("RESIZEABLE")) return;
  const sentence = `Volume group "${vg.name}" must be resizeable to change ${limit}`;
  throw new Lvm2Error("read-only", sentence);
}

export function setAllocationPolicy(vg: VolumeGroup, policy: AllocationPolicy): VolumeGroup {
  requireChangeable(vg);
  if (policy === "inherit") {
    throw new Lvm2Error(
      "bad-argument",
      "Volume Group allocation policy cannot inherit from anything",
    );
  }
  if (vg.allocationPolicy === policy) {
    throw new Lvm2Error("unchanged", `Volume group allocation policy is already ${policy}`);
  }
  return { ...vg, allocationPolicy: policy };
}

/** Whether the group's LVs are activated when the machine starts. */
export function setGroupAutoactivation(vg: VolumeGroup, on: boolean): VolumeGroup {
  requireChangeable(vg);
  if (vg.flags.includes("NOAUTOACTIVATE") === !on) {
    const word = on ? "yes" : "no";
    throw new Lvm2Error("unchanged", `Volume group autoactivation is already ${word}.`);
  }
  const others = vg.flags.filter((flag) => flag !== "NOAUTOACTIVATE");
  return { ...vg, flags: on ? others : [...others, "NOAUTOACTIVATE"] };
}

export function renewGroupId(vg: VolumeGroup, provenance: Provenance): VolumeGroup {
  requireChangeable(vg);
  return { ...vg, id: newLvmId(provenance.random) };
}

/**
 * A group that is exported is left alone by every machine until one imports it. Its physical
 * volumes have the mark, too.
 */
export function setExported(vg: VolumeGroup, exported: boolean): VolumeGroup {
  if (!exported && !vg.status.includes("EXPORTED")) {
    throw new Lvm2Error("unchanged", `Volume group "${vg.name}" is not exported`);
  }
  const imported = {
    ...vg,
    status: withoutExported(vg.status),
    physicalVolumes: vg.physicalVolumes.map((pv) => ({
      ...pv,
      status: withoutExported(pv.status),
    })),
  };
  requireChangeable(exported ? vg : imported);
  if (!exported) return imported;
  return {
    ...vg,
    status: [...vg.status, "EXPORTED"],
    physicalVolumes: vg.physicalVolumes.map((pv) => ({
      ...pv,
      status: [...withoutExported(pv.status), "EXPORTED"],
    })),
  };
}

function withoutExported(status: readonly string[]): string[] {
  return status.filter((flag) => flag !== "EXPORTED");
}
