/**
 * A metadata area: a header of one sector, and behind it a circular buffer of texts.
 * docs/formats/lvm2.md, "Metadata area".
 *
 * | offset | field | guards against |
 * |---|---|---|
 * | 0 | crc of bytes 4 to 511 | torn or rotten headers |
 * | 4 | magic, 16 bytes | an area that was never made |
 * | 20 | version, 1 | |
 * | 24 | absolute byte position of this header | an area that was copied elsewhere |
 * | 32 | size of the area, header included | |
 * | 40 | location of the committed text | |
 * | 64 | location of the precommitted text, zeros when idle | a crash between two areas' commits |
 *
 * Invariant: a text is never written over the committed one; only the header, one sector and so
 * never torn, moves from the old text to the new.
 */

import { bytes, struct, u32le, u64le } from "@mortar/binary";
import type { Area } from "./label.ts";
import { SECTOR } from "./label.ts";

export const AREA_MAGIC = Uint8Array.of(
  0x20,
  0x4c,
  0x56,
  0x4d,
  0x32,
  0x20,
  0x78,
  0x5b,
  0x35,
  0x41,
  0x25,
  0x72,
  0x30,
  0x4e,
  0x2a,
  0x3e,
);
export const AREA_VERSION = 1;
export const AREA_CHECKSUM_START = 4;
/** This area takes no part in reading and writing. */
export const IGNORED = 1;

export const areaHeader = struct("metadata area header", 40, {
  checksum: u32le,
  magic: bytes(16),
  version: u32le,
  start: u64le,
  sizeBytes: u64le,
});

/** `offset` counts from the start of the area; `sizeBytes` includes the NUL that ends the text. */
export const rawLocation = struct("text location", 24, {
  offset: u64le,
  sizeBytes: u64le,
  checksum: u32le,
  flags: u32le,
});

export interface TextLocation {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly checksum: number;
}

export interface MetadataArea extends Area {
  readonly ignored: boolean;
  readonly committed: TextLocation | undefined;
  readonly precommitted: TextLocation | undefined;
}

/** Two texts always fit beside each other. */
export function textSizeMax(areaSizeBytes: number): number {
  return (areaSizeBytes - SECTOR) / 2 - SECTOR;
}

/** Where the text after `committed` goes: the next sector, or the start when there is no next. */
export function nextTextOffset(areaSizeBytes: number, committed: TextLocation | undefined): number {
  if (!committed) return SECTOR;
  let end = committed.offset + committed.sizeBytes;
  if (end > areaSizeBytes) end -= areaSizeBytes - SECTOR;
  if (end + SECTOR > areaSizeBytes) return SECTOR;
  const start = Math.ceil(end / SECTOR) * SECTOR;
  return start > areaSizeBytes - SECTOR ? SECTOR : start;
}

/** The pieces of the area, in order, that `lengthBytes` from `offset` cover: two when it wraps. */
export function circularPieces(
  areaSizeBytes: number,
  offset: number,
  lengthBytes: number,
): { readonly offset: number; readonly lengthBytes: number }[] {
  const first = Math.min(lengthBytes, areaSizeBytes - offset);
  const pieces = [{ offset, lengthBytes: first }];
  if (first < lengthBytes) pieces.push({ offset: SECTOR, lengthBytes: lengthBytes - first });
  return pieces;
}
