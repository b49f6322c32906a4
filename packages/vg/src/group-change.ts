/** Changes of a group as a whole: its settings, its name, export and import, another text. */
import {
  renameVolumeGroup,
  requireChangeable,
  setExported,
  thinPools,
  validateVolumeGroup,
  type VolumeGroup,
} from "@mortar/lvm2";
import { findDevice, readBlockState } from "./block-state.ts";
import type { VgHost } from "./host.ts";
import { commitVg, loadVg, volumeGroupsOf, withDevices, type LoadedVg } from "./loaded-vg.ts";
import { findPool } from "./pool-host.ts";
import { dropHints } from "./pv-verbs.ts";
import { scanPhysicalVolumes } from "./pv-scan.ts";
import { LINEAR_SERVER } from "./served-spec.ts";
import { VgError } from "./vg-error.ts";
import { release, setInUse } from "./vg-verbs.ts";

/** Tags, limits, policies: nothing that an active LV would notice. */
export function changeGroup(
  loaded: LoadedVg,
  change: (vg: VolumeGroup) => VolumeGroup,
): LoadedVg {
  const next = change(loaded.vg);
  return next === loaded.vg ? loaded : commitVg(loaded, next);
}

/** The devices of active LVs are named after the group, so none may be active. `to` differs. */
export async function renameVg(host: VgHost, from: string, to: string): Promise<void> {
  const loaded = loadVg(host, from);
  requireChangeable(loaded.vg);
  const next = renameVolumeGroup(loaded.vg, to);
  if (volumeGroupsOf(scanPhysicalVolumes(host)).some(({ vg }) => vg.name === to)) {
    throw new VgError("vg-exists", `New VG name "${to}" already exists`);
  }
  await requireInactive(host, loaded, `Volume group "${from}" has active logical volumes`);
  commitVg(loaded, next);
  dropHints();
}

export async function exportVg(host: VgHost, name: string): Promise<void> {
  const loaded = loadVg(host, name);
  const next = setExported(loaded.vg, true);
  await requireInactive(host, loaded, `Volume group "${name}" has active logical volumes`);
  commitVg(loaded, next);
}

export function importVg(host: VgHost, name: string): void {
  const loaded = loadVg(host, name);
  commitVg(loaded, setExported(loaded.vg, false));
}

/**
 * Make `vg`, from a backup, the text of the group. The group may be there with another text, or be
 * gone. Its physical volumes must be there and belong to no other group.
 */
export async function restoreVg(host: VgHost, vg: VolumeGroup): Promise<void> {
  validateVolumeGroup(vg);
  const { found } = scanPhysicalVolumes(host);
  const groups = volumeGroupsOf({ found, duplicates: [] });
  const current = groups.find((one) => one.vg.name === vg.name);
  if (current !== undefined) await requireInactive(host, current, ...activeSentences(vg.name));
  const target = withDevices(vg, found);
  requireAllPvs(target);
  for (const other of groups) {
    if (other === current) continue;
    for (const [key, path] of target.devices) {
      if (![...other.devices.values()].includes(path)) continue;
      const { id } = vg.physicalVolumes.find((pv) => pv.key === key) ?? { id: key };
      throw new VgError(
        "pv-in-use",
        `Physical volume ${path} (${id}) belongs to volume group "${other.vg.name}".`,
      );
    }
  }
  const seqno = Math.max(vg.seqno, current?.vg.seqno ?? 0);
  const before = current?.vg ?? vg;
  const committed = commitVg({ ...target, vg: before, recorder: host.recorder }, { ...vg, seqno });
  setInUse(committed.devices.values(), true);
  const mine = new Set(committed.devices.values());
  release([...(current?.devices.values() ?? [])].filter((path) => !mine.has(path)));
  dropHints();
}

function activeSentences(name: string): string[] {
  return [
    `WARNING: Found active volume(s) in volume group "${name}".`,
    "Restoring VG with active LVs, may cause mismatch with its metadata.",
    `Deactivate them first: vgchange -an ${name}`,
  ];
}

function requireAllPvs({ vg, devices }: LoadedVg): void {
  const missing = vg.physicalVolumes.filter((pv) => !devices.has(pv.key));
  if (missing.length === 0) return;
  throw new VgError(
    "pv-missing",
    [
      ...missing.map((pv) => `Couldn't find device with uuid ${pv.id}.`),
      `Cannot restore Volume Group ${vg.name} with ${missing.length} PVs marked as missing.`,
    ].join("\n  "),
  );
}

/** Neither a block device nor a server of the group. */
async function requireInactive(
  host: VgHost,
  loaded: LoadedVg,
  ...sentences: readonly string[]
): Promise<void> {
  const state = readBlockState();
  const { vg } = loaded;
  const hasLoop = vg.logicalVolumes.some(
    (lv) => findDevice(state, host.runDirectory, loaded, lv) !== undefined,
  );
  const servers = [...thinPools(vg).map(({ lv }) => lv.name), LINEAR_SERVER];
  let isServed = false;
  for (const server of servers) {
    if ((await findPool(host, vg.name, server)) !== undefined) isServed = true;
  }
  if (hasLoop || isServed) throw new VgError("in-use", sentences.join("\n  "));
}
