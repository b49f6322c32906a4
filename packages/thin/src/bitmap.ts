/**
 * A space map's bitmap block (docs/formats/dm-thin.md, "Space maps"): after 16 bytes of header,
 * 16320 reference counts of two bits. Entry i is in byte 16 + i/4, bits 2(i mod 4) and the one
 * above.
 *
 * The lower of the two bits is the HIGH bit of the count: raw 2 is count 1, raw 1 is count 2, and
 * raw 3 says that the overflow tree knows.
 */
import { METADATA_BLOCK_BYTES } from "./metadata-block.ts";

export const BITMAP_HEADER_BYTES = 16;
export const ENTRIES_PER_BITMAP = (METADATA_BLOCK_BYTES - BITMAP_HEADER_BYTES) * 4;
/** A count that the bitmap cannot hold: it is in the overflow tree. */
export const IN_OVERFLOW = 3;

/** 0, 1, 2, or IN_OVERFLOW. */
export function bitmapCount(bytes: Uint8Array, entry: number): number {
  const raw = (bytes[BITMAP_HEADER_BYTES + (entry >>> 2)]! >>> ((entry & 3) * 2)) & 3;
  return ((raw & 1) << 1) | (raw >>> 1);
}

export function setBitmapCount(bytes: Uint8Array, entry: number, count: number): void {
  const at = BITMAP_HEADER_BYTES + (entry >>> 2);
  const shift = (entry & 3) * 2;
  const raw = ((count & 1) << 1) | (count >>> 1);
  bytes[at] = (bytes[at]! & ~(3 << shift)) | (raw << shift);
}

/**
 * First entry in `[from, to)` with count 0 that `locked` (same packing) does not hold; -1 when
 * none.
 */
export function findFreeEntry(
  bytes: Uint8Array, from: number, to: number, locked: Uint8Array | undefined,
): number {
  let entry = from;
  while (entry < to) {
    const at = entry >>> 2;
    let taken = bytes[BITMAP_HEADER_BYTES + at]!;
    if (locked) taken |= locked[at]!;
    if (taken === 0) return entry;
    // A set low or high bit of the pair makes it taken.
    const pairs = (taken | (taken >>> 1)) & 0x55;
    if (pairs === 0x55) {
      entry = (at + 1) * 4;
      continue;
    }
    if (((pairs >>> ((entry & 3) * 2)) & 1) === 0) return entry;
    entry += 1;
  }
  return -1;
}
