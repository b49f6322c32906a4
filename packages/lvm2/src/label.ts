/**
 * The label of a physical volume: one sector of 512 bytes among the first four, usually the second.
 * docs/formats/lvm2.md, "Label".
 *
 * | offset | field | guards against |
 * |---|---|---|
 * | 0 | "LABELONE" | a device that is no physical volume |
 * | 8 | number of this sector | a label that was copied elsewhere |
 * | 16 | crc of bytes 20 to 511 | torn or rotten sectors |
 * | 20 | offset of the PV header, 32 | |
 * | 24 | "LVM2 001" | other kinds of label |
 * | 32 | PV id, 32 characters without hyphens | |
 * | 64 | device size in bytes | |
 * | 72 | data areas, an empty one, metadata areas, an empty one | |
 * | … | extension: version, flags; boot areas, an empty one | |
 */

import { bytes, crc32, struct, u32le, u64le } from "@mortar/binary";

export const SECTOR = 512;
export const SCANNED_SECTORS = 4;
export const CHECKSUM_SEED = 0xf597_a6cf;
export const LABEL_MAGIC = "LABELONE";
export const LABEL_TYPE = "LVM2 001";
export const CHECKSUM_START = 20;
export const EXTENSION_VERSION = 2;
/** The PV belongs to a volume group, even if no metadata can be found. */
export const IN_USE = 1;

export const labelHeader = struct("label header", 32, {
  magic: bytes(8),
  sector: u64le,
  checksum: u32le,
  pvHeaderOffset: u32le,
  type: bytes(8),
});

export const pvHeader = struct("pv header", 40, { id: bytes(32), deviceSizeBytes: u64le });

export const areaEntry = struct("area", 16, { offset: u64le, sizeBytes: u64le });

export const pvExtension = struct("pv header extension", 8, { version: u32le, flags: u32le });

/** A stretch of the device. A data area of size 0 goes on to the end. */
export interface Area {
  readonly offset: number;
  readonly sizeBytes: number;
}

export interface Label {
  /** In which of the first sectors it was found, or goes to. */
  readonly sector: number;
  /** With hyphens. */
  readonly id: string;
  readonly deviceSizeBytes: number;
  readonly dataAreas: readonly Area[];
  readonly metadataAreas: readonly Area[];
  readonly bootAreas: readonly Area[];
  /** 0 when written by an LVM without the extension. */
  readonly extensionVersion: number;
  readonly extensionFlags: number;
}

export function isInUse(label: Label): boolean {
  return (label.extensionFlags & IN_USE) !== 0;
}

/** CRC-32 with LVM's seed and no final inversion; for labels, metadata area headers and texts. */
export function checksum(data: Uint8Array, start: number, end: number): number {
  return crc32(data, start, end, CHECKSUM_SEED);
}
