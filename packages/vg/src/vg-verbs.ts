/** Making, growing, shrinking and removing volume groups. Each runs under the global lock. */
import { existsSync } from "node:fs";
import {
  checkRemovable,
  checkVgName,
  clearText,
  createVolumeGroup,
  extendVolumeGroup,
  markInUse,
  newPhysicalVolume,
  readPhysicalVolume,
  reduceVolumeGroup,
  writeLabel,
  type NewPhysicalVolume,
  type VolumeGroup,
} from "@mortar/lvm2";
import { withBlockFile } from "./block-file.ts";
import type { VgHost } from "./host.ts";
import { commitVg, loadVg, requireComplete, volumeGroupsOf, withDevices } from "./loaded-vg.ts";
import { provenance } from "./provenance.ts";
import { createPv, dropHints, openExclusively, ownerOf, requireDevice } from "./pv-verbs.ts";
import type { Dialogue } from "./pv-verbs.ts";
import { scanPhysicalVolumes } from "./pv-scan.ts";
import { VgError } from "./vg-error.ts";

export interface NewVgOptions {
  readonly name: string;
  readonly devices: readonly string[];
  readonly extentSectors?: number | undefined;
  readonly tags?: readonly string[] | undefined;
}

/** Devices without label are made physical volumes on the way. */
export async function createVg(
  host: VgHost,
  options: NewVgOptions,
  dialogue: Dialogue,
): Promise<VolumeGroup> {
  const { name } = options;
  checkVgName(name);
  if (volumeGroupsOf(scanPhysicalVolumes(host)).some(({ vg }) => vg.name === name)) {
    throw new VgError("vg-exists", `A volume group called ${name} already exists.`);
  }
  if (existsSync(`/dev/${name}`)) {
    throw new VgError("vg-exists", `/dev/${name}: already exists in filesystem`);
  }
  const physicalVolumes = await prepare(host, options.devices, dialogue);
  const { extentSectors, tags } = options;
  const request = { name, extentSectors, tags, physicalVolumes };
  const vg = createVolumeGroup(request, provenance());
  const { found } = scanPhysicalVolumes(host);
  const { recorder } = host;
  const committed = commitVg({ ...withDevices(vg, found), recorder }, vg);
  setInUse(committed.devices.values(), true);
  dropHints();
  return committed.vg;
}

export async function extendVg(
  host: VgHost,
  name: string,
  devices: readonly string[],
  dialogue: Dialogue,
): Promise<void> {
  loadVg(host, name);
  const physicalVolumes = await prepare(host, devices, dialogue, name);
  const loaded = loadVg(host, name);
  const next = extendVolumeGroup(loaded.vg, physicalVolumes);
  const { found } = scanPhysicalVolumes(host);
  const before = { ...loaded, ...withDevices(next, found), vg: loaded.vg };
  const committed = commitVg(before, next);
  setInUse(committed.devices.values(), true);
  dropHints();
}

/** Every device as a physical volume of no group. All are looked at before any is written. */
async function prepare(
  host: VgHost,
  devices: readonly string[],
  dialogue: Dialogue,
  target?: string,
): Promise<NewPhysicalVolume[]> {
  const chosen = devices.map((path) => ({ path, device: requireDevice(host, path) }));
  for (const { path, device } of chosen) {
    const owner = ownerOf(host, device.path);
    if (owner === undefined) continue;
    throw new VgError(
      "pv-in-use",
      `Physical volume '${path}' is already in volume group '${owner}'\n` +
        `  Unable to add physical volume '${path}' to volume group '${target ?? owner}'\n` +
        `  ${path}: physical volume not initialized.`,
    );
  }
  const prepared: NewPhysicalVolume[] = [];
  for (const { path, device } of chosen) {
    const file = openExclusively(device.path);
    let label: ReturnType<typeof readPhysicalVolume>;
    try {
      label = readPhysicalVolume(file);
    } finally {
      file.close();
    }
    const made = label?.label ?? (await createPv(host, path, {}, dialogue));
    prepared.push(newPhysicalVolume(made, device.path));
  }
  return prepared;
}

/** The mark in the label that tells other hosts and tools that the device belongs to a group. */
export function setInUse(devices: Iterable<string>, inUse: boolean): void {
  for (const path of devices) {
    withBlockFile(path, "write", (device) => {
      const contents = readPhysicalVolume(device);
      if (contents === undefined) return;
      const marked = markInUse(contents.label, inUse);
      if (marked.extensionFlags !== contents.label.extensionFlags) writeLabel(device, marked);
    });
  }
}

/** Take an unused physical volume out of its group; it stays a physical volume. */
export function reduceVg(host: VgHost, name: string, devicePath: string): void {
  const loaded = loadVg(host, name);
  const device = requireDevice(host, devicePath);
  const key = [...loaded.devices].find(([, path]) => path === device.path)?.[0];
  const next = reduceVolumeGroup(loaded.vg, key ?? devicePath);
  commitVg(loaded, next);
  release([device.path]);
}

/** The group must hold no logical volumes any more. */
export function removeVg(host: VgHost, name: string): void {
  const loaded = loadVg(host, name);
  checkRemovable(loaded.vg);
  requireComplete(loaded);
  host.recorder?.before(loaded.vg);
  release(loaded.devices.values());
  host.boot?.removed(loaded.vg.id);
}

/** Physical volumes of no group: their areas hold no text, their labels no mark. */
export function release(devices: Iterable<string>): void {
  const paths = [...devices];
  for (const path of paths) {
    withBlockFile(path, "write", (device) => {
      for (const area of readPhysicalVolume(device)?.areas ?? []) clearText({ device, area });
    });
  }
  setInUse(paths, false);
  dropHints();
}
