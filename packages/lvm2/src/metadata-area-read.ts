/** Reading metadata areas and the texts in them. */

import type { PvDevice } from "./device.ts";
import { Lvm2Error } from "./errors.ts";
import type { Area } from "./label.ts";
import { checksum, SECTOR } from "./label.ts";
import type { MetadataArea, TextLocation } from "./metadata-area.ts";
import {
  AREA_CHECKSUM_START,
  AREA_MAGIC,
  AREA_VERSION,
  areaHeader,
  circularPieces,
  IGNORED,
  rawLocation,
} from "./metadata-area.ts";

const AREA_MIN = 4 * SECTOR;

type Fail = (problem: string) => never;

/** Throws `bad-metadata-area` when the header cannot be trusted. */
export function readMetadataArea(device: PvDevice, area: Area): MetadataArea {
  const fail: Fail = (problem) => {
    throw new Lvm2Error(
      "bad-metadata-area",
      `${device.name}: metadata area at ${area.offset}: ${problem}`,
      { device: device.name },
    );
  };
  if (area.sizeBytes < AREA_MIN || area.offset + area.sizeBytes > device.sizeBytes) {
    fail("does not lie on the device");
  }
  const data = new Uint8Array(SECTOR);
  device.read(area.offset, data);
  const view = new DataView(data.buffer);
  if (areaHeader.field.checksum.get(view, 0) !== checksum(data, AREA_CHECKSUM_START, SECTOR)) {
    fail("header checksum mismatch");
  }
  try {
    const header = areaHeader.decode(view, 0);
    if (!header.magic.every((byte, index) => byte === AREA_MAGIC[index])) fail("wrong magic");
    if (header.version !== AREA_VERSION) fail(`unknown version ${header.version}`);
    if (header.start !== area.offset) fail(`claims to be at ${header.start}`);
    if (header.sizeBytes !== area.sizeBytes) {
      fail(`size ${header.sizeBytes} is not ${area.sizeBytes} as in the label`);
    }
    const flags = rawLocation.field.flags.get(view, areaHeader.size);
    return {
      ...area,
      ignored: (flags & IGNORED) !== 0,
      committed: location(view, areaHeader.size, area, fail),
      precommitted: location(view, areaHeader.size + rawLocation.size, area, fail),
    };
  } catch (error) {
    if (error instanceof RangeError) fail("a position is beyond any device");
    throw error;
  }
}

function location(view: DataView, base: number, area: Area, fail: Fail): TextLocation | undefined {
  const { offset, sizeBytes, checksum: sum } = rawLocation.decode(view, base);
  if (offset === 0) return undefined;
  if (offset < SECTOR || offset >= area.sizeBytes) fail(`text at ${offset} is out of bounds`);
  if (sizeBytes < 1 || sizeBytes > area.sizeBytes - SECTOR)
    fail(`text of ${sizeBytes} bytes cannot be`);
  return { offset, sizeBytes, checksum: sum };
}

/** The text at `where`, checked, without its final NUL. */
export function readText(device: PvDevice, area: Area, where: TextLocation): string {
  const data = readCircular(device, area, where);
  const fail: Fail = (problem) => {
    throw new Lvm2Error(
      "bad-text",
      `${device.name}: metadata text at ${area.offset + where.offset}: ${problem}`,
      { device: device.name },
    );
  };
  if (checksum(data, 0, data.length) !== where.checksum) fail("checksum mismatch");
  const end = data.indexOf(0);
  if (end !== data.length - 1) fail("does not end with its only NUL");
  return new TextDecoder().decode(data.subarray(0, end));
}

/** Whole sectors are read, since the device may take nothing else. */
function readCircular(device: PvDevice, area: Area, where: TextLocation): Uint8Array {
  const skip = where.offset % SECTOR;
  const lengthBytes = Math.ceil((skip + where.sizeBytes) / SECTOR) * SECTOR;
  const buffer = new Uint8Array(lengthBytes);
  let at = 0;
  for (const piece of circularPieces(area.sizeBytes, where.offset - skip, lengthBytes)) {
    device.read(area.offset + piece.offset, buffer.subarray(at, at + piece.lengthBytes));
    at += piece.lengthBytes;
  }
  return buffer.subarray(skip, skip + where.sizeBytes);
}
