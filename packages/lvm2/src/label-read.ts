/** Finding and decoding the label. Nothing in it is believed before its checksum holds. */

import type { PvDevice } from "./device.ts";
import { Lvm2Error } from "./errors.ts";
import type { Area, Label } from "./label.ts";
import {
  areaEntry,
  CHECKSUM_START,
  checksum,
  LABEL_MAGIC,
  LABEL_TYPE,
  labelHeader,
  pvExtension,
  pvHeader,
  SCANNED_SECTORS,
  SECTOR,
} from "./label.ts";
import { expandId, isCompactId } from "./lvm-id.ts";

/**
 * The label in the first four sectors, or undefined when there is none. A label that is there but
 * damaged throws `bad-label`, unless another of the four sectors holds a good one.
 */
export function readLabel(device: PvDevice): Label | undefined {
  if (device.sizeBytes < SCANNED_SECTORS * SECTOR) return undefined;
  const buffer = new Uint8Array(SCANNED_SECTORS * SECTOR);
  device.read(0, buffer);
  let damage: Lvm2Error | undefined;
  for (let sector = 0; sector < SCANNED_SECTORS; sector++) {
    const data = buffer.subarray(sector * SECTOR, (sector + 1) * SECTOR);
    if (ascii(data.subarray(0, LABEL_MAGIC.length)) !== LABEL_MAGIC) continue;
    try {
      return decodeLabel(data, sector, device);
    } catch (error) {
      if (!(error instanceof Lvm2Error)) throw error;
      damage ??= error;
    }
  }
  if (damage) throw damage;
  return undefined;
}

function decodeLabel(data: Uint8Array, sector: number, device: PvDevice): Label {
  const fail = (problem: string): never => {
    throw new Lvm2Error("bad-label", `${device.name}: label in sector ${sector}: ${problem}`, {
      device: device.name,
    });
  };
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (labelHeader.field.checksum.get(view, 0) !== checksum(data, CHECKSUM_START, SECTOR)) {
    fail("checksum mismatch");
  }
  try {
    const header = labelHeader.decode(view, 0);
    if (header.sector !== sector) fail(`claims to be in sector ${header.sector}`);
    if (ascii(header.type) !== LABEL_TYPE) fail("is not of type LVM2");
    const start = header.pvHeaderOffset;
    if (start < labelHeader.size || start + pvHeader.size > SECTOR) fail("PV header out of bounds");
    const pv = pvHeader.decode(view, start);
    const compact = ascii(pv.id);
    if (!isCompactId(compact)) fail("PV id has strange characters");

    const cursor = { at: start + pvHeader.size };
    const dataAreas = areas(view, cursor, fail);
    const metadataAreas = areas(view, cursor, fail);
    if (metadataAreas.length > 2) fail(`${metadataAreas.length} metadata areas, at most 2 can be`);
    const hasExtension = cursor.at + pvExtension.size <= SECTOR;
    const extension = hasExtension ? pvExtension.decode(view, cursor.at) : { version: 0, flags: 0 };
    cursor.at += pvExtension.size;
    const bootAreas = extension.version >= 1 ? areas(view, cursor, fail) : [];
    return {
      sector,
      id: expandId(compact),
      deviceSizeBytes: pv.deviceSizeBytes,
      dataAreas,
      metadataAreas,
      bootAreas,
      extensionVersion: extension.version,
      extensionFlags: extension.version >= 2 ? extension.flags : 0,
    };
  } catch (error) {
    if (error instanceof RangeError) fail("a size is beyond any device");
    throw error;
  }
}

/** Entries up to the empty one that ends the list. */
function areas(view: DataView, cursor: { at: number }, fail: (problem: string) => never): Area[] {
  const found: Area[] = [];
  for (;;) {
    if (cursor.at + areaEntry.size > SECTOR) fail("list of areas has no end");
    const area = areaEntry.decode(view, cursor.at);
    cursor.at += areaEntry.size;
    if (area.offset === 0) return found;
    if (area.offset % SECTOR !== 0 || area.sizeBytes % SECTOR !== 0)
      fail("area is not in whole sectors");
    found.push(area);
  }
}

export function ascii(data: Uint8Array): string {
  return String.fromCharCode(...data);
}
