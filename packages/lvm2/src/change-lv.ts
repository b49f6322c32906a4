/** Changes that need no message to a pool: size, name, permission, tags, pool settings. */

import { Lvm2Error } from "./errors.ts";
import { grownLinear, requireExtentCount } from "./linear.ts";
import type { Discards, LogicalVolume, ThinPoolSegment, VolumeGroup } from "./model.ts";
import { checkNameFree, checkRenamedLvName, checkTag } from "./names.ts";
import { requireLarger } from "./thin-pool.ts";
import {
  mapSegments,
  replaceLv,
  requireChangeable,
  requireLvChangeable,
  requireNotReferenced,
} from "./vg-edit.ts";
import {
  asThinPool,
  asThinVolume,
  findLv,
  hasActivationSkip,
  isReadOnly,
  isVisible,
  lvExtentCount,
  poolOfHidden,
  requireLv,
  requireThinPool,
} from "./vg-query.ts";

/** Grow a linear LV, a thin LV (its virtual size) or a pool (its data) to `extentCount` in all. */
export function extendLogicalVolume(
  vg: VolumeGroup,
  name: string,
  extentCount: number,
  options: { readonly physicalVolumes?: readonly string[] } = {},
): VolumeGroup {
  requireChangeable(vg);
  requireExtentCount(extentCount);
  const lv = requireLv(vg, name);
  requireLvChangeable(vg, lv, "extend");
  requireLarger(extentCount, lvExtentCount(lv));
  const thin = asThinVolume(lv);
  if (thin) return replaceLv(vg, name, { ...lv, segments: [{ ...thin.segment, extentCount }] });
  const owner = poolOfHidden(vg, lv);
  if (owner && owner.segment.metadataLv === name) {
    throw new Lvm2Error(
      "wrong-type",
      `Can't extend ${vg.name}/${name} directly: extend the metadata of ${vg.name}/${owner.lv.name}.`,
    );
  }
  const pool = asThinPool(lv) ?? owner;
  if (!pool) return replaceLv(vg, name, grownLinear(vg, lv, extentCount, options.physicalVolumes));
  const data = findLv(vg, pool.segment.dataLv)!;
  const grown = grownLinear(vg, data, extentCount, options.physicalVolumes);
  return replaceLv(replaceLv(vg, data.name, grown), pool.lv.name, {
    ...pool.lv,
    segments: [{ ...pool.segment, extentCount: lvExtentCount(grown) }],
  });
}

/** A pool takes its hidden LVs along; thin volumes, origins and queued messages follow. */
export function renameLogicalVolume(vg: VolumeGroup, from: string, to: string): VolumeGroup {
  requireChangeable(vg);
  checkRenamedLvName(vg.name, from, to);
  const lv = findLv(vg, from);
  if (!lv) {
    throw new Lvm2Error(
      "not-found",
      `Existing logical volume "${from}" not found in volume group "${vg.name}"`,
    );
  }
  if (!isVisible(lv)) {
    throw new Lvm2Error("in-use", `Cannot rename internal LV "${from}".`);
  }
  requireLvChangeable(vg, lv, "rename");
  requireNotReferenced(vg, lv, "rename");
  const pool = asThinPool(lv);
  const names = new Map([[from, to]]);
  if (pool) {
    for (const old of [pool.segment.dataLv, pool.segment.metadataLv]) {
      if (!old.startsWith(`${from}_`)) {
        throw new Lvm2Error(
          "in-use",
          `Cannot rename "${from}": name format not recognized for internal LV "${old}"`,
        );
      }
      names.set(old, to + old.slice(from.length));
    }
  }
  for (const name of names.values()) checkNameFree(vg, name);
  return renameAll(vg, (name) => names.get(name) ?? name);
}

function renameAll(vg: VolumeGroup, map: (name: string) => string): VolumeGroup {
  const renamed = {
    ...vg,
    logicalVolumes: vg.logicalVolumes.map((lv) => ({ ...lv, name: map(lv.name) })),
  };
  return mapSegments(renamed, (segment) => {
    if (segment.type === "thin") {
      const { mergeInto, ...rest } = segment;
      const origin = segment.origin === undefined ? undefined : map(segment.origin);
      const next = { ...rest, pool: map(segment.pool), origin };
      return mergeInto === undefined ? next : { ...next, mergeInto: map(mergeInto) };
    }
    if (segment.type !== "thin-pool") return segment;
    return {
      ...segment,
      dataLv: map(segment.dataLv),
      metadataLv: map(segment.metadataLv),
      messages: segment.messages.map((message) =>
        message.kind === "create" ? { ...message, lv: map(message.lv) } : message,
      ),
    };
  });
}

export function setReadOnly(vg: VolumeGroup, name: string, readOnly: boolean): VolumeGroup {
  const lv = changeable(vg, name);
  if (isReadOnly(lv) === readOnly) {
    throw new Lvm2Error(
      "unchanged",
      readOnly
        ? `Logical volume "${vg.name}/${name}" is already read only.`
        : `Logical volume ${vg.name}/${name} is already writable.`,
    );
  }
  const status = readOnly
    ? lv.status.filter((flag) => flag !== "WRITE")
    : lv.status.toSpliced(lv.status.indexOf("READ") + 1, 0, "WRITE");
  return replaceLv(vg, name, { ...lv, status });
}

export function setActivationSkip(vg: VolumeGroup, name: string, skip: boolean): VolumeGroup {
  const lv = changeable(vg, name);
  if (hasActivationSkip(lv) === skip) return vg;
  return replaceLv(vg, name, { ...lv, flags: withFlag(lv.flags, "ACTIVATION_SKIP", skip) });
}

export function addTags(vg: VolumeGroup, name: string, tags: readonly string[]): VolumeGroup {
  const lv = changeable(vg, name);
  const wanted = tags.map((tag) => checkTag(tag));
  const added = [...new Set(wanted)].filter((tag) => !lv.tags.includes(tag));
  return added.length === 0 ? vg : replaceLv(vg, name, { ...lv, tags: [...lv.tags, ...added] });
}

export function removeTags(vg: VolumeGroup, name: string, tags: readonly string[]): VolumeGroup {
  const lv = changeable(vg, name);
  const unwanted = new Set(tags.map((tag) => checkTag(tag, "--deltag")));
  return replaceLv(vg, name, { ...lv, tags: lv.tags.filter((tag) => !unwanted.has(tag)) });
}

export function setDiscards(vg: VolumeGroup, poolName: string, discards: Discards): VolumeGroup {
  return changePool(vg, poolName, { discards });
}

export function setZeroNewBlocks(vg: VolumeGroup, poolName: string, zero: boolean): VolumeGroup {
  return changePool(vg, poolName, { zeroNewBlocks: zero });
}

export function setErrorWhenFull(vg: VolumeGroup, poolName: string, error: boolean): VolumeGroup {
  changeable(vg, poolName);
  const { lv } = requireThinPool(vg, poolName);
  return replaceLv(vg, poolName, { ...lv, flags: withFlag(lv.flags, "ERROR_WHEN_FULL", error) });
}

function changePool(
  vg: VolumeGroup,
  poolName: string,
  change: Partial<Pick<ThinPoolSegment, "discards" | "zeroNewBlocks">>,
): VolumeGroup {
  changeable(vg, poolName);
  const pool = requireThinPool(vg, poolName);
  return replaceLv(vg, poolName, { ...pool.lv, segments: [{ ...pool.segment, ...change }] });
}

function changeable(vg: VolumeGroup, name: string): LogicalVolume {
  requireChangeable(vg);
  const lv = requireLv(vg, name);
  requireLvChangeable(vg, lv, "change");
  return lv;
}

function withFlag(flags: readonly string[], flag: string, on: boolean): string[] {
  const others = flags.filter((name) => name !== flag);
  return on ? [...others, flag] : others;
}
