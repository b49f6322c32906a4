/** Reading the physical volumes of this machine: label, metadata areas, the newest text. */
import { isErrno } from "@mortar/linux";
import { Lvm2Error, readPhysicalVolume, type PvContents } from "@mortar/lvm2";
import { withBlockFile } from "./block-file.ts";
import { plainFiles } from "./plain-files.ts";
import { scanDevices, type CandidateDevice } from "./device-scan.ts";
import type { VgHost } from "./host.ts";

/** A device that carries a label. */
export interface FoundPv extends CandidateDevice {
  readonly contents: PvContents;
}

export interface PvScan {
  /** One device for each physical volume; of several, the one that LVM would prefer. */
  readonly found: readonly FoundPv[];
  /** Devices that carry the label of a physical volume which another device stands for. */
  readonly duplicates: readonly FoundPv[];
}

export function scanPhysicalVolumes(
  host: VgHost,
  devices: readonly CandidateDevice[] = candidates(host),
): PvScan {
  const seen: FoundPv[] = [];
  for (const device of devices) {
    const contents = readDevice(host, device);
    if (contents !== undefined) seen.push({ ...device, contents });
  }
  return chooseAmongDuplicates(host, seen);
}

/** Everything that may hold a physical volume. */
export function candidates(host: VgHost): CandidateDevice[] {
  const { deviceFilter, files = [] } = host;
  return [...scanDevices({ deviceFilter }), ...plainFiles(files)];
}

const SILENT = ["ENOENT", "ENXIO", "ENODEV", "ENOMEDIUM", "EBUSY", "EACCES", "EPERM"];

function readDevice(host: VgHost, device: CandidateDevice): PvContents | undefined {
  try {
    return withBlockFile(device.path, "read", readPhysicalVolume);
  } catch (error) {
    if (error instanceof Lvm2Error) host.warn(error.message);
    // A device that is gone, empty, held or forbidden is none of ours, and LVM says nothing.
    else if (!isErrno(error, ...SILENT)) {
      if (!isErrno(error, "EIO")) throw error;
      host.warn(`Error reading device ${device.path}: EIO.`);
    }
    return undefined;
  }
}

/**
 * A copy of a disk, or a loop device over a partition that is there too, shows the same physical
 * volume twice. The device that the text names is used, else the one seen first.
 */
function chooseAmongDuplicates(host: VgHost, seen: readonly FoundPv[]): PvScan {
  const byId = new Map<string, FoundPv[]>();
  for (const pv of seen) {
    const { id } = pv.contents.label;
    byId.set(id, [...(byId.get(id) ?? []), pv]);
  }
  const found: FoundPv[] = [];
  const duplicates: FoundPv[] = [];
  for (const [id, devices] of byId) {
    const [first, ...others] = devices;
    if (first === undefined) continue;
    const named = devices.find((pv) => hintOf(pv) === pv.path);
    const chosen = named ?? first;
    found.push(chosen);
    if (others.length === 0) continue;
    const reason = named === undefined ? "device was seen first" : "device name matches previous";
    for (const device of devices) {
      if (device === chosen) continue;
      duplicates.push(device);
      host.warn(`WARNING: Not using device ${device.path} for PV ${id}.`);
    }
    host.warn(`WARNING: PV ${id} prefers device ${chosen.path} because ${reason}.`);
  }
  return { found, duplicates };
}

function hintOf(pv: FoundPv): string | undefined {
  const { label, metadata } = pv.contents;
  return metadata?.vg.physicalVolumes.find((one) => one.id === label.id)?.device;
}
