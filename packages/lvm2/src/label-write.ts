/** Making, changing and wiping labels. */

import type { PvDevice } from "./device.ts";
import { Lvm2Error } from "./errors.ts";
import type { Area, Label } from "./label.ts";
import {
  areaEntry,
  CHECKSUM_START,
  checksum,
  EXTENSION_VERSION,
  IN_USE,
  LABEL_MAGIC,
  LABEL_TYPE,
  labelHeader,
  pvExtension,
  pvHeader,
  SCANNED_SECTORS,
  SECTOR,
} from "./label.ts";
import { ascii } from "./label-read.ts";
import { compactId } from "./lvm-id.ts";
import { writeEmptyArea } from "./metadata-area-write.ts";

const MIB = 1_048_576;
const DEVICE_MIN = 2 * MIB;
const METADATA_START = 4096;

export interface NewPhysicalVolumeLayout {
  /** With hyphens. */
  readonly id: string;
  /** At least this much for texts; 1 MiB less 4 KiB by default. Extents start at the next MiB. */
  readonly metadataAreaBytes?: number | undefined;
}

/**
 * pvcreate: clears the first sectors, writes an empty metadata area, then the label. An older label
 * in those sectors is gone, and so is whatever file system kept its superblock there.
 */
export function initialisePhysicalVolume(device: PvDevice, layout: NewPhysicalVolumeLayout): Label {
  const sizeBytes = device.sizeBytes - (device.sizeBytes % SECTOR);
  const wanted = METADATA_START + (layout.metadataAreaBytes ?? MIB - METADATA_START);
  const dataStart = Math.ceil(wanted / MIB) * MIB;
  if (sizeBytes < DEVICE_MIN || sizeBytes <= dataStart) {
    throw new Lvm2Error(
      "device-too-small",
      `Cannot use ${device.name}: device is too small (pv_min_size)`,
      { device: device.name },
    );
  }
  const area: Area = { offset: METADATA_START, sizeBytes: dataStart - METADATA_START };
  const label: Label = {
    sector: 1,
    id: layout.id,
    deviceSizeBytes: sizeBytes,
    dataAreas: [{ offset: dataStart, sizeBytes: 0 }],
    metadataAreas: [area],
    bootAreas: [],
    extensionVersion: EXTENSION_VERSION,
    extensionFlags: 0,
  };
  device.write(0, new Uint8Array(SCANNED_SECTORS * SECTOR));
  writeEmptyArea(device, area);
  device.flush();
  writeLabel(device, label);
  return label;
}

/**
 * The label with the mark of belonging to a group set or cleared; to be written by `writeLabel`.
 */
export function markInUse(label: Label, inUse: boolean): Label {
  const others = label.extensionFlags & ~IN_USE;
  return {
    ...label,
    extensionVersion: Math.max(label.extensionVersion, EXTENSION_VERSION),
    extensionFlags: inUse ? others | IN_USE : others,
  };
}

/** One sector, durable on return. */
export function writeLabel(device: PvDevice, label: Label): void {
  device.write(label.sector * SECTOR, encodeLabel(label, device.name));
  device.flush();
}

export function encodeLabel(label: Label, deviceName: string): Uint8Array {
  const data = new Uint8Array(SECTOR);
  const view = new DataView(data.buffer);
  pvHeader.encode(view, labelHeader.size, {
    id: latin(compactId(label.id)),
    deviceSizeBytes: label.deviceSizeBytes,
  });
  let at = labelHeader.size + pvHeader.size;
  const entries = (list: readonly Area[]): void => {
    for (const area of [...list, { offset: 0, sizeBytes: 0 }]) {
      if (at + areaEntry.size > SECTOR) {
        throw new Lvm2Error("bad-label", `${deviceName}: too many areas for one label`, {
          device: deviceName,
        });
      }
      areaEntry.encode(view, at, area);
      at += areaEntry.size;
    }
  };
  entries(label.dataAreas);
  entries(label.metadataAreas);
  if (label.extensionVersion > 0) {
    pvExtension.encode(view, at, { version: label.extensionVersion, flags: label.extensionFlags });
    at += pvExtension.size;
    entries(label.bootAreas);
  }
  labelHeader.encode(view, 0, {
    magic: latin(LABEL_MAGIC),
    sector: label.sector,
    checksum: 0,
    pvHeaderOffset: labelHeader.size,
    type: latin(LABEL_TYPE),
  });
  labelHeader.field.checksum.set(view, 0, checksum(data, CHECKSUM_START, SECTOR));
  return data;
}

/** pvremove: every label in the first four sectors, good or damaged, becomes zeros. */
export function wipeLabel(device: PvDevice): void {
  const sector = new Uint8Array(SECTOR);
  for (let index = 0; index < SCANNED_SECTORS; index++) {
    device.read(index * SECTOR, sector);
    if (ascii(sector.subarray(0, LABEL_MAGIC.length)) !== LABEL_MAGIC) continue;
    device.write(index * SECTOR, new Uint8Array(SECTOR));
  }
  device.flush();
}

function latin(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
