/**
 * Writes a pool's metadata from nothing, front to back: blocks are given out in ascending order and
 * never again, reference counts are kept in memory, both space maps and the superblock come last.
 *
 * Block 0 is cleared first, so a target that was not finished is no pool. Without a target nothing
 * is written, and the work tells how large it would become.
 */
import { guardIo } from "./block-cache.ts";
import type { BlockDevice } from "./block-device.ts";
import {
  BITMAP_HEADER_BYTES, ENTRIES_PER_BITMAP, IN_OVERFLOW, setBitmapCount,
} from "./bitmap.ts";
import { DataCounts } from "./data-counts.ts";
import { indexEntry, INDEX_ENTRIES_AT } from "./index-entry.ts";
import { blockKind, METADATA_BLOCK_BYTES, sealBlock, viewOf } from "./metadata-block.ts";
import type { BlockKind } from "./metadata-block.ts";
import { METADATA_BLOCKS_MAX } from "./metadata-space-map.ts";
import { encodeSuperblock, newBlock, SUPERBLOCK_VERSION } from "./superblock.ts";
import type { SpaceMapRoot } from "./superblock.ts";
import { ThinError } from "./thin-error.ts";
import { TreeBuilder } from "./tree-builder.ts";

/** What is known of the pool when its trees are written. */
export interface PoolGeometry {
  readonly time: number;
  readonly transactionId: number;
  readonly flags: number;
  readonly dataBlockSectors: number;
  readonly dataBlockCount: number;
}

const OVERFLOW_VALUE_BYTES = 4;

export class MetadataBuilder {
  readonly blockCount: number;
  /** Add every mapping that goes into a leaf. */
  readonly dataCounts = new DataCounts();
  readonly #target: BlockDevice | undefined;
  readonly #counts: Uint32Array;
  #next = 1;

  constructor(target: BlockDevice | undefined) {
    const deviceBlocks = target
      ? Math.floor(target.sizeBytes / METADATA_BLOCK_BYTES)
      : METADATA_BLOCKS_MAX;
    this.#target = target;
    this.blockCount = Math.min(deviceBlocks, METADATA_BLOCKS_MAX);
    this.#counts = new Uint32Array(this.blockCount);
    if (this.blockCount === 0) this.#rejectFull();
    this.#counts[0] = 1;
    guardIo("clearing the superblock", () => {
      target?.write(0, newBlock());
      target?.flush();
    });
  }

  /** Blocks given out, the superblock among them. */
  get usedCount(): number {
    return this.#next;
  }

  /** Throws "invalid-argument" when the bitmaps of so large a pool cannot fit. */
  requireDataBlockCount(dataBlockCount: number): void {
    if (Math.ceil(dataBlockCount / ENTRIES_PER_BITMAP) < this.blockCount) return;
    throw new ThinError(
      "invalid-argument",
      `${dataBlockCount} data blocks need more metadata than ${this.blockCount} blocks of 4 KiB`,
    );
  }

  /** A block with one reference. */
  allocate(): number {
    if (this.#next >= this.blockCount) this.#rejectFull();
    this.#counts[this.#next] = 1;
    this.#next += 1;
    return this.#next - 1;
  }

  /** One more reference to a block that was allocated. */
  refer(block: number): void {
    this.#counts[block]! += 1;
  }

  write(block: number, bytes: Uint8Array, kind: BlockKind): void {
    sealBlock(bytes, viewOf(bytes), kind, block);
    this.#put(block, bytes);
  }

  /** Space maps, then the superblock. The metadata is a pool when it returns. */
  finish(geometry: PoolGeometry, mappingRoot: number, detailsRoot: number): void {
    const dataSpaceMap = this.#writeDataSpaceMap(geometry.dataBlockCount);
    const metadataSpaceMap = this.#writeMetadataSpaceMap();
    const { time, transactionId, flags, dataBlockSectors } = geometry;
    const block = newBlock();
    const superblock = {
      flags, time, transactionId, dataBlockSectors, dataSpaceMap, metadataSpaceMap, mappingRoot,
      detailsRoot, uuid: new Uint8Array(16), version: SUPERBLOCK_VERSION, heldRoot: 0,
      metadataBlockCount: this.blockCount,
    };
    encodeSuperblock(superblock, block, 0);
    this.#flush();
    this.#put(0, block);
    this.#flush();
  }

  #writeDataSpaceMap(blockCount: number): SpaceMapRoot {
    const index = new TreeBuilder(this, indexEntry.size);
    const overflow = new TreeBuilder(this, OVERFLOW_VALUE_BYTES);
    const count = (block: number): number => this.dataCounts.count(block);
    let allocatedCount = 0;
    for (let first = 0; first < blockCount; first += ENTRIES_PER_BITMAP) {
      const bitmap = first / ENTRIES_PER_BITMAP;
      const end = Math.min(first + ENTRIES_PER_BITMAP, blockCount);
      const counts = this.dataCounts.hasPage(bitmap) ? count : () => 0;
      const block = this.allocate();
      const filled = this.#writeBitmap(block, first, end, counts, overflow);
      indexEntry.encode(index.values, index.add(bitmap), { block, ...filled.entry });
      allocatedCount += filled.allocatedCount;
    }
    return {
      blockCount, allocatedCount, bitmapRoot: index.finish(), overflowRoot: overflow.finish(),
    };
  }

  #writeMetadataSpaceMap(): SpaceMapRoot {
    const counts = (block: number): number => this.#counts[block]!;
    const overflow = new TreeBuilder(this, OVERFLOW_VALUE_BYTES);
    const { blockCount } = this;
    const bitmaps: number[] = [];
    const index = newBlock();
    // Nobody refers twice to what is allocated from here on, so the overflow tree stays right.
    const treeEnd = this.#next;
    for (let block = 0; block < treeEnd; block++) {
      const count = this.#counts[block]!;
      if (count >= IN_OVERFLOW) overflow.values.setUint32(overflow.add(block), count, true);
    }
    const overflowRoot = overflow.finish();
    const bitmapRoot = this.allocate();
    const bitmapCount = Math.ceil(blockCount / ENTRIES_PER_BITMAP);
    for (let bitmap = 0; bitmap < bitmapCount; bitmap++) bitmaps.push(this.allocate());
    let allocatedCount = 0;
    bitmaps.forEach((block, bitmap) => {
      const first = bitmap * ENTRIES_PER_BITMAP;
      const end = Math.min(first + ENTRIES_PER_BITMAP, blockCount);
      const filled = this.#writeBitmap(block, first, end, counts, undefined);
      const at = INDEX_ENTRIES_AT + bitmap * indexEntry.size;
      indexEntry.encode(viewOf(index), at, { block, ...filled.entry });
      allocatedCount += filled.allocatedCount;
    });
    this.write(bitmapRoot, index, blockKind.index);
    return { blockCount, allocatedCount, bitmapRoot, overflowRoot };
  }

  #writeBitmap(
    block: number, first: number, end: number, count: (block: number) => number,
    overflow: TreeBuilder | undefined,
  ): { allocatedCount: number; entry: { freeCount: number; noneFreeBefore: number } } {
    const bytes = new Uint8Array(BITMAP_HEADER_BYTES + ENTRIES_PER_BITMAP / 4);
    let allocatedCount = 0;
    let noneFreeBefore = -1;
    for (let counted = first; counted < end; counted++) {
      const found = count(counted);
      if (found === 0) {
        if (noneFreeBefore < 0) noneFreeBefore = counted - first;
        continue;
      }
      allocatedCount += 1;
      setBitmapCount(bytes, counted - first, Math.min(found, IN_OVERFLOW));
      if (found < IN_OVERFLOW || !overflow) continue;
      overflow.values.setUint32(overflow.add(counted), found, true);
    }
    this.write(block, bytes, blockKind.bitmap);
    if (noneFreeBefore < 0) noneFreeBefore = end - first;
    const freeCount = ENTRIES_PER_BITMAP - allocatedCount;
    return { allocatedCount, entry: { freeCount, noneFreeBefore } };
  }

  #put(block: number, bytes: Uint8Array): void {
    guardIo(`writing metadata block ${block}`, () => {
      this.#target?.write(block * METADATA_BLOCK_BYTES, bytes);
    });
  }

  #flush(): void {
    guardIo("flushing the metadata", () => this.#target?.flush());
  }

  #rejectFull(): never {
    throw new ThinError(
      "metadata-full",
      `the target's ${this.blockCount} metadata blocks of 4 KiB are not enough; give a larger one`,
    );
  }
}
