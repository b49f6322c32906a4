/** Making and removing physical volumes. */
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { isErrno } from "@mortar/linux";
import {
  initialisePhysicalVolume,
  newLvmId,
  readPhysicalVolume,
  wipeLabel,
  type Label,
} from "@mortar/lvm2";
import { BlockFile } from "./block-file.ts";
import { scanDevices, type CandidateDevice } from "./device-scan.ts";
import type { VgHost } from "./host.ts";
import { volumeGroupsOf } from "./loaded-vg.ts";
import { plainFiles } from "./plain-files.ts";
import { provenance } from "./provenance.ts";
import { scanPhysicalVolumes } from "./pv-scan.ts";
import { signaturesOn, wipeOn } from "./signatures.ts";
import { VgError } from "./vg-error.ts";

/** How a verb speaks with the operator while it holds its locks. */
export interface Dialogue {
  /** Standard output, one line. */
  readonly say: (line: string) => void;
  readonly confirm: (question: string) => Promise<boolean>;
}

/**
 * The device that a path names, by whichever of its names. Throws in LVM's words when it may not
 * hold a physical volume.
 */
export function requireDevice(host: VgHost, path: string): CandidateDevice {
  const [file] = plainFiles([path]);
  if (file !== undefined) return requireNamed(host, path, file);
  const missing = new VgError("pv-missing", `No device found for ${path}.`);
  let deviceNumber: string;
  try {
    const status = statSync(path);
    if (!status.isBlockDevice()) throw missing;
    deviceNumber = `${Math.floor(status.rdev / 256) & 0xfff}:${minorOf(status.rdev)}`;
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR", "ELOOP", "EACCES")) throw missing;
    throw error;
  }
  const found = scanDevices({ deviceFilter: host.deviceFilter }).find(
    (device) => device.deviceNumber === deviceNumber,
  );
  if (found === undefined) {
    throw new VgError("pv-missing", `Cannot use ${path}: device is rejected by filter config`);
  }
  if (hasPartitions(found.path)) {
    throw new VgError("pv-in-use", `Cannot use ${path}: device is partitioned`);
  }
  return found;
}

/** A plain file counts only if it is among those that are always looked at. */
function requireNamed(host: VgHost, path: string, file: CandidateDevice): CandidateDevice {
  const named = plainFiles(host.files ?? []).find((one) => one.path === file.path);
  if (named !== undefined) return named;
  throw new VgError(
    "pv-missing",
    `Cannot use ${path}: a plain file must be named in mortar.json: "devices": ["${file.path}"]`,
  );
}

/** makedev of Linux: minor has 8 bits below the major's 12, and 12 above. */
function minorOf(rdev: number): number {
  return (rdev & 0xff) | ((Math.floor(rdev / 0x100000) & 0xfff) << 8);
}

function hasPartitions(path: string): boolean {
  const directory = `/sys/class/block/${path.replace("/dev/", "").replaceAll("/", "!")}`;
  if (!existsSync(directory)) return false;
  return readdirSync(directory).some((name) => existsSync(`${directory}/${name}/partition`));
}

/** Open for this process alone; who has it mounted keeps it. */
export function openExclusively(path: string): BlockFile {
  try {
    return BlockFile.open(path, "exclusive");
  } catch (error) {
    if (!isErrno(error, "EBUSY")) throw error;
    throw new VgError("pv-in-use", `Can't open ${path} exclusively.  Mounted filesystem?`, {
      cause: error,
    });
  }
}

export interface NewPvOptions {
  readonly uuid?: string | undefined;
  readonly metadataAreaBytes?: number | undefined;
}

/** Under the global lock. Returns the label written; says what it does as LVM does. */
export async function createPv(
  host: VgHost,
  path: string,
  options: NewPvOptions,
  dialogue: Dialogue,
): Promise<Label> {
  const device = requireDevice(host, path);
  const owner = ownerOf(host, device.path);
  if (owner !== undefined) {
    throw new VgError(
      "pv-in-use",
      `Can't initialize physical volume "${path}" of volume group "${owner}" without -ff\n` +
        `  ${path}: physical volume not initialized.`,
    );
  }
  const file = openExclusively(device.path);
  try {
    await wipeOld(file, path, dialogue);
    const id = options.uuid ?? newLvmId((count) => provenance().random(count));
    const { metadataAreaBytes } = options;
    const label = initialisePhysicalVolume(file, { id, metadataAreaBytes });
    dropHints();
    dialogue.say(`Physical volume "${path}" successfully created.`);
    return label;
  } finally {
    file.close();
  }
}

async function wipeOld(file: BlockFile, path: string, dialogue: Dialogue): Promise<void> {
  const signatures = signaturesOn(file).filter((one) => one.name !== "LVM2_member");
  for (const [index, signature] of signatures.entries()) {
    const { name, offset } = signature;
    const question =
      `WARNING: ${name} signature detected on ${path} at offset ${offset}. Wipe it? [y/n]: `;
    if (!(await dialogue.confirm(question))) {
      const left = signatures.length - index;
      throw new VgError(
        "pv-in-use",
        `Aborted wiping of ${name}.\n` +
          `  ${left} existing signature${left === 1 ? "" : "s"} left on the device.`,
      );
    }
    dialogue.say(`Wiping ${name} signature on ${path}.`);
    wipeOn(file, signature);
  }
}

/** The volume group that a device belongs to. */
export function ownerOf(host: VgHost, devicePath: string): string | undefined {
  return volumeGroupsOf(scanPhysicalVolumes(host)).find((group) =>
    [...group.devices.values()].includes(devicePath),
  )?.vg.name;
}

/** pvremove, under the global lock. */
export function removePv(host: VgHost, path: string, onlyLook: boolean): CandidateDevice {
  const device = requireDevice(host, path);
  const owner = ownerOf(host, device.path);
  if (owner !== undefined) {
    throw new VgError(
      "pv-in-use",
      `PV ${path} is used by VG ${owner} so please use vgreduce first.\n` +
        `  ${path}: physical volume label not removed.`,
    );
  }
  const file = openExclusively(device.path);
  try {
    if (readPhysicalVolume(file) === undefined) {
      throw new VgError("pv-missing", `No PV found on device ${path}.`);
    }
    if (onlyLook) return device;
    wipeLabel(file);
    dropHints();
    return device;
  } finally {
    file.close();
  }
}

/** LVM remembers which devices are physical volumes; the next of its commands shall look again. */
export function dropHints(): void {
  try {
    writeFileSync("/run/lvm/newhints", "");
  } catch (error) {
    if (!isErrno(error, "ENOENT", "EACCES", "EROFS")) throw error;
  }
}
