/** Names: what LVM takes, what it reserves, what it makes up by itself. */

import { Lvm2Error } from "./errors.ts";
import type { VolumeGroup } from "./model.ts";
import { findLv } from "./vg-query.ts";

const NAME_MAX = 127;
const VALID = /^[a-zA-Z0-9._+][a-zA-Z0-9._+-]*$/;
const VALID_TAG = /^[a-zA-Z0-9._\-+/=!:&#]+$/;
const RESERVED_PREFIXES = ["pvmove", "snapshot"] as const;
// In the order LVM looks for them: a name that holds two is refused for the first.
const RESERVED_PARTS = [
  "_cdata",
  "_cmeta",
  "_corig",
  "_cpool",
  "_cvol",
  "_wcorig",
  "_mimage",
  "_mlog",
  "_rimage",
  "_rmeta",
  "_tdata",
  "_tmeta",
  "_vdata",
  "_imeta",
  "_iorig",
  "_pmspare",
  "_vorigin",
] as const;

export function isValidName(name: string): boolean {
  return VALID.test(name) && name !== "." && name !== ".." && name.length <= NAME_MAX;
}

/** A name given to point at an existing LV. */
export function checkLvName(name: string): void {
  if (!isValidName(name)) {
    throw new Lvm2Error("bad-name", `Logical volume name "${name}" is invalid.`);
  }
}

/** A name for an LV to be made: valid, and not one that LVM keeps for itself. */
export function checkNewLvName(name: string): void {
  checkLvName(name);
  checkReserved(name);
}

function checkReserved(name: string): void {
  const prefix = RESERVED_PREFIXES.find((reserved) => name.startsWith(reserved));
  if (prefix) {
    throw new Lvm2Error(
      "bad-name",
      `Names starting "${prefix}" are reserved. Please choose a different LV name.`,
    );
  }
  const part = RESERVED_PARTS.find((reserved) => name.includes(reserved));
  if (part) {
    throw new Lvm2Error(
      "bad-name",
      `Names including "${part}" are reserved. Please choose a different LV name.`,
    );
  }
}

/** The checks of lvrename on its new name, which are worded unlike those of lvcreate. */
export function checkRenamedLvName(vgName: string, from: string, to: string): void {
  const max = 125 - vgName.length;
  const fail = (message: string): never => {
    throw new Lvm2Error("bad-name", message);
  };
  if (to.length > max) {
    fail(`New logical volume name "${to}" may not exceed ${max} characters.`);
  }
  if (to === "") fail("New logical volume name may not be blank");
  checkReserved(to);
  if (!isValidName(to)) fail(`New logical volume name "${to}" is invalid`);
  if (from === to) fail("Old and new logical volume names must differ");
}

/** A name for a volume group to be made. */
export function checkVgName(name: string): void {
  if (!isValidName(name)) {
    throw new Lvm2Error("bad-name", `New volume group name "${name}" is invalid.`);
  }
}

/** Returns the tag without its `@`; `option` names the argument it came from. */
export function checkTag(tag: string, option = "--addtag"): string {
  const bare = tag.startsWith("@") ? tag.slice(1) : tag;
  if (VALID_TAG.test(bare)) return bare;
  throw new Lvm2Error("bad-tag", `Invalid argument for ${option}: ${tag}`);
}

/** The first `lvolN` above all that exist; whatever follows the number counts for nothing. */
export function autoLvName(vg: VolumeGroup): string {
  let highest = -1;
  for (const lv of vg.logicalVolumes) {
    const found = /^lvol(\d+)/.exec(lv.name);
    if (found) highest = Math.max(highest, Number(found[1]));
  }
  return `lvol${highest + 1}`;
}

/** Throws `already-exists` in LVM's words. */
export function checkNameFree(vg: VolumeGroup, name: string): void {
  if (!findLv(vg, name)) return;
  throw new Lvm2Error(
    "already-exists",
    `Logical Volume "${name}" already exists in volume group "${vg.name}"`,
  );
}

/** `vg/lv`, `/dev/vg/lv` or `/dev/mapper/vg-lv` in its parts; `lv` is undefined for a bare `vg`. */
export function splitLvPath(path: string): { vgName: string; lvName: string | undefined } {
  const mapper = /^\/dev\/mapper\/(.+)$/.exec(path);
  if (mapper) {
    const [vgName, lvName] = mapper[1]!
      .split(/(?<=[^-](?:--)*)-(?=[^-])/)
      .map((s) => s.replaceAll("--", "-"));
    return { vgName: vgName!, lvName };
  }
  const [vgName = "", lvName, ...rest] = path.replace(/^\/dev\/+/, "").split(/\/+/);
  if (rest.length > 0 || vgName === "") {
    throw new Lvm2Error("bad-argument", `"${path}": Invalid path for Logical Volume.`);
  }
  return { vgName, lvName };
}

/** As device-mapper spells it: hyphens inside a part are doubled. */
export function deviceMapperName(vgName: string, lvName: string, layer?: string): string {
  const parts = layer === undefined ? [vgName, lvName] : [vgName, lvName, layer];
  return parts.map((part) => part.replaceAll("-", "--")).join("-");
}
