/**
 * Index entry of a space map, 16 bytes: which block a bitmap is in, and how much is free there. The
 * metadata's 255 entries fill one index block; the data's are the leaves of a tree.
 */
import { struct, u32le, u64le } from "@mortar/binary";

export const indexEntry = struct("space map index entry", 16, {
  block: u64le,
  /** Counts as if every bitmap had all its entries, also beyond the end of the device. */
  freeCount: u32le,
  /** No entry below is free. A hint: may be too low, never too high. */
  noneFreeBefore: u32le,
});

/** Where the entries begin in the metadata's index block. */
export const INDEX_ENTRIES_AT = 16;
