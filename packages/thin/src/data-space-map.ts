/**
 * Reference counts of the data blocks: bitmaps found through a tree of index entries, and a tree
 * for counts above 2. Bitmaps are read when needed; the index is held in memory (16 TiB in chunks
 * of 64 KiB have 16,448 entries).
 *
 * Invariants: what the committed mappings show stays as it is until the next commit. So a block
 * that was freed in this transaction is not given out, and one that lost a reference in it is not
 * overwritten by the owner that is left: after a crash there would be two again. `noneFreeBefore`
 * is never too high.
 */
import {
  bitmapCount, ENTRIES_PER_BITMAP, findFreeEntry, IN_OVERFLOW, setBitmapCount, BITMAP_HEADER_BYTES,
} from "./bitmap.ts";
import { blockKind, METADATA_BLOCK_BYTES } from "./metadata-block.ts";
import { BTree } from "./btree.ts";
import type { ValueLayout } from "./btree.ts";
import { removeFromLeaf } from "./btree-remove.ts";
import { walkTree } from "./btree-walk.ts";
import { indexEntry } from "./index-entry.ts";
import { overflowLayout } from "./overflow-layout.ts";
import type { SpaceMapRoot } from "./superblock.ts";
import { ThinError } from "./thin-error.ts";
import type { Transaction } from "./transaction.ts";

const BITMAP = blockKind.bitmap;
const indexLayout: ValueLayout = { name: "data space map index", size: indexEntry.size };
const DATA_BLOCKS_MAX = 2 ** 40;

export class DataSpaceMap {
  blockCount = 0;
  allocatedCount = 0;
  readonly #transaction: Transaction;
  readonly #indexTree: BTree;
  readonly #overflow: BTree;
  #bitmapBlocks = new Uint32Array(0);
  #freeCounts = new Uint32Array(0);
  #noneFreeBefore = new Uint32Array(0);
  #entryDirty = new Uint8Array(0);
  #dirtyEntries: number[] = [];
  /** By bitmap, in its packing: what lost a reference in this transaction. */
  #locked = new Map<number, Uint8Array>();
  #lockedCount = 0;
  #cursor = 0;

  private constructor(transaction: Transaction, indexTree: BTree, overflow: BTree) {
    this.#transaction = transaction;
    this.#indexTree = indexTree;
    this.#overflow = overflow;
  }

  static create(transaction: Transaction): DataSpaceMap {
    return new DataSpaceMap(
      transaction, BTree.create(transaction, indexLayout), BTree.create(transaction, overflowLayout),
    );
  }

  static load(transaction: Transaction, root: SpaceMapRoot): DataSpaceMap {
    const map = new DataSpaceMap(
      transaction,
      new BTree(transaction, indexLayout, root.bitmapRoot),
      new BTree(transaction, overflowLayout, root.overflowRoot),
    );
    if (root.blockCount > DATA_BLOCKS_MAX || root.allocatedCount > root.blockCount) {
      throw new ThinError(
        "corrupt",
        `the data space map claims ${root.allocatedCount} of ${root.blockCount} blocks in use`,
      );
    }
    map.#loadIndex(root);
    return map;
  }

  /** Blocks that could be allocated now. */
  get availableCount(): number {
    // Freed blocks stay locked until the commit.
    return Math.max(this.blockCount - this.allocatedCount - this.#lockedCount, 0);
  }

  /** A commit would make more available. */
  get hasLocked(): boolean {
    return this.#lockedCount > 0;
  }

  count(block: number): number {
    const bitmap = this.#bitmapOf(block);
    const { bytes } = this.#transaction.read(this.#bitmapBlocks[bitmap]!, BITMAP);
    const count = bitmapCount(bytes, block - bitmap * ENTRIES_PER_BITMAP);
    return count === IN_OVERFLOW ? this.#overflowCount(block) : count;
  }

  /** Nobody else sees this mapped block, neither now nor if the last commit came back. */
  isExclusive(block: number): boolean {
    return this.count(block) === 1 && !this.#isLocked(block);
  }

  /** A block with one reference; -1 when none is free that was free at the last commit. */
  allocate(): number {
    if (this.availableCount === 0) return -1;
    const found = this.#findFree(this.#cursor, this.blockCount);
    const block = found >= 0 ? found : this.#findFree(0, this.#cursor);
    if (block < 0) return -1;
    this.allocateAt(block);
    this.#cursor = block + 1;
    return block;
  }

  /**
   * Take the block after `block` too, if it could be given out; what a run of chunks is made of.
   */
  allocateAfter(block: number): boolean {
    const next = block + 1;
    if (next >= this.blockCount || this.availableCount === 0 || this.count(next) !== 0) {
      return false;
    }
    if (this.#isLocked(next)) return false;
    this.allocateAt(next);
    this.#cursor = next + 1;
    return true;
  }

  /** How many blocks after `block`, `max` at most, could be given out. */
  freeAfter(block: number, max: number): number {
    const end = Math.min(block + 1 + max, this.blockCount);
    let next = block + 1;
    while (next < end && this.count(next) === 0 && !this.#isLocked(next)) next += 1;
    return next - block - 1;
  }

  /** Take this very block, which is known to be free. */
  allocateAt(block: number): void {
    if (this.#setCount(block, 1) !== 0) {
      throw new ThinError("corrupt", `data block ${block} was to be allocated, but is in use`);
    }
  }

  increment(block: number): void {
    const count = this.count(block);
    if (count === 0) this.#rejectFree(block);
    this.#setCount(block, count + 1);
  }

  /** The count that is left. At 0 the block is free, for use after the commit. */
  decrement(block: number): number {
    const count = this.count(block);
    if (count === 0) this.#rejectFree(block);
    this.#setCount(block, count - 1);
    this.#lock(block);
    if (count === 1) this.#lockedCount += 1;
    return count - 1;
  }

  startTransaction(): void {
    this.#locked.clear();
    this.#lockedCount = 0;
  }

  grow(blockCount: number): void {
    const before = this.#bitmapBlocks.length;
    const after = Math.ceil(blockCount / ENTRIES_PER_BITMAP);
    if (before > 0) this.#recount(before - 1);
    this.#resizeIndex(after);
    for (let bitmap = before; bitmap < after; bitmap++) {
      const frame = this.#transaction.create(BITMAP);
      frame.bytes.fill(0);
      this.#bitmapBlocks[bitmap] = frame.block;
      this.#freeCounts[bitmap] = ENTRIES_PER_BITMAP;
      this.#markEntry(bitmap);
    }
    this.blockCount = blockCount;
    this.#transaction.dirty = true;
  }

  commit(): SpaceMapRoot {
    const tree = this.#indexTree;
    for (const bitmap of this.#dirtyEntries) {
      tree.insert(bitmap);
      indexEntry.encode(tree.view, tree.at, {
        block: this.#bitmapBlocks[bitmap]!,
        freeCount: this.#freeCounts[bitmap]!,
        noneFreeBefore: this.#noneFreeBefore[bitmap]!,
      });
      this.#entryDirty[bitmap] = 0;
    }
    this.#dirtyEntries = [];
    return {
      blockCount: this.blockCount,
      allocatedCount: this.allocatedCount,
      bitmapRoot: tree.root,
      overflowRoot: this.#overflow.root,
    };
  }

  /** An upper bound of what `commit` allocates. */
  commitMax(): number {
    return this.#indexTree.allocationMax(this.#dirtyEntries.length);
  }

  /** An upper bound of what changing the counts of `blocks` blocks allocates, `commit` included. */
  changeMax(blocks: number): number {
    const bitmaps = Math.min(blocks, this.#bitmapBlocks.length);
    return bitmaps + this.#indexTree.allocationMax(bitmaps) + this.#overflow.allocationMax(blocks);
  }

  #loadIndex(root: SpaceMapRoot): void {
    const bitmaps = Math.ceil(root.blockCount / ENTRIES_PER_BITMAP);
    let next = 0;
    const entries: [number, number, number][] = [];
    walkTree(this.#indexTree, (bitmap, view, at) => {
      if (bitmap !== next || bitmap >= bitmaps) {
        throw new ThinError(
          "corrupt", `data space map index: entry ${bitmap} where ${next} should be`
        );
      }
      const entry = indexEntry.decode(view, at);
      if (entry.block >= this.#transaction.spaceMap.blockCount) {
        throw new ThinError(
          "corrupt", `data bitmap ${bitmap} is said to be in block ${entry.block}`
        );
      }
      entries.push([entry.block, entry.freeCount, entry.noneFreeBefore]);
      next += 1;
    });
    if (next !== bitmaps) {
      throw new ThinError("corrupt", `data space map index: ${next} of ${bitmaps} bitmaps`);
    }
    this.#resizeIndex(bitmaps);
    for (const [bitmap, [block, freeCount, noneFreeBefore]] of entries.entries()) {
      this.#bitmapBlocks[bitmap] = block;
      this.#freeCounts[bitmap] = freeCount;
      this.#noneFreeBefore[bitmap] = noneFreeBefore;
    }
    this.blockCount = root.blockCount;
    this.allocatedCount = root.allocatedCount;
  }

  #resizeIndex(bitmaps: number): void {
    const copy = (from: Uint32Array): Uint32Array<ArrayBuffer> => {
      const to = new Uint32Array(bitmaps);
      to.set(from);
      return to;
    };
    this.#bitmapBlocks = copy(this.#bitmapBlocks);
    this.#freeCounts = copy(this.#freeCounts);
    this.#noneFreeBefore = copy(this.#noneFreeBefore);
    const dirty = new Uint8Array(bitmaps);
    dirty.set(this.#entryDirty);
    this.#entryDirty = dirty;
  }

  /**
   * Older tools count free entries to the end of the device only; growth needs the other
   * convention.
   */
  #recount(bitmap: number): void {
    const { bytes } = this.#transaction.read(this.#bitmapBlocks[bitmap]!, BITMAP);
    let free = 0;
    for (let entry = 0; entry < ENTRIES_PER_BITMAP; entry++) {
      if (bitmapCount(bytes, entry) === 0) free += 1;
    }
    this.#freeCounts[bitmap] = free;
    this.#markEntry(bitmap);
  }

  #findFree(from: number, end: number): number {
    for (let begin = from; begin < end; ) {
      const bitmap = Math.floor(begin / ENTRIES_PER_BITMAP);
      const first = bitmap * ENTRIES_PER_BITMAP;
      const last = Math.min(first + ENTRIES_PER_BITMAP, end);
      if (this.#freeCounts[bitmap]! > 0) {
        const start = Math.max(begin - first, this.#noneFreeBefore[bitmap]!);
        const { bytes } = this.#transaction.read(this.#bitmapBlocks[bitmap]!, BITMAP);
        const entry = findFreeEntry(bytes, start, last - first, this.#locked.get(bitmap));
        if (entry >= 0) return first + entry;
      }
      begin = first + ENTRIES_PER_BITMAP;
    }
    return -1;
  }

  #bitmapOf(block: number): number {
    if (block >= this.blockCount) {
      throw new ThinError(
        "corrupt", `metadata refers to data block ${block} of ${this.blockCount}`
      );
    }
    return Math.floor(block / ENTRIES_PER_BITMAP);
  }

  #overflowCount(block: number): number {
    const count =
      this.#overflow.find(block) ? this.#overflow.view.getUint32(this.#overflow.at, true) : 0;
    if (count >= IN_OVERFLOW) return count;
    throw new ThinError(
      "corrupt", `data block ${block}: its reference count is missing from the tree`
    );
  }

  /** Write a count; the bitmap's part of the count before. */
  #setCount(block: number, count: number): number {
    const bitmap = this.#bitmapOf(block);
    const entry = block - bitmap * ENTRIES_PER_BITMAP;
    const { bytes } = this.#writableBitmap(bitmap);
    const before = bitmapCount(bytes, entry);
    setBitmapCount(bytes, entry, Math.min(count, IN_OVERFLOW));
    if (count >= IN_OVERFLOW) {
      this.#overflow.insert(block);
      this.#overflow.view.setUint32(this.#overflow.at, count, true);
    } else if (before === IN_OVERFLOW) {
      removeFromLeaf(this.#overflow, block, block + 1);
    }
    if (before === 0) this.#countAllocated(bitmap, entry, 1);
    else if (count === 0) this.#countAllocated(bitmap, entry, -1);
    return before;
  }

  #countAllocated(bitmap: number, entry: number, change: 1 | -1): void {
    this.allocatedCount += change;
    this.#freeCounts[bitmap] = Math.max(this.#freeCounts[bitmap]! - change, 0);
    const hint = this.#noneFreeBefore[bitmap]!;
    if (change > 0 && entry === hint) this.#noneFreeBefore[bitmap] = entry + 1;
    if (change < 0 && entry < hint) this.#noneFreeBefore[bitmap] = entry;
    this.#markEntry(bitmap);
  }

  #writableBitmap(bitmap: number): { readonly bytes: Uint8Array } {
    const block = this.#bitmapBlocks[bitmap]!;
    const frame = this.#transaction.shadow(block, BITMAP);
    if (frame.block !== block) {
      this.#bitmapBlocks[bitmap] = frame.block;
      this.#markEntry(bitmap);
    }
    return frame;
  }

  #markEntry(bitmap: number): void {
    if (this.#entryDirty[bitmap] === 1) return;
    this.#entryDirty[bitmap] = 1;
    this.#dirtyEntries.push(bitmap);
  }

  #lock(block: number): void {
    const bitmap = this.#bitmapOf(block);
    let locked = this.#locked.get(bitmap);
    if (!locked) {
      locked = new Uint8Array(METADATA_BLOCK_BYTES - BITMAP_HEADER_BYTES);
      this.#locked.set(bitmap, locked);
    }
    const entry = block - bitmap * ENTRIES_PER_BITMAP;
    locked[entry >>> 2]! |= 1 << ((entry & 3) * 2);
  }

  #isLocked(block: number): boolean {
    if (this.#locked.size === 0) return false;
    const bitmap = this.#bitmapOf(block);
    const locked = this.#locked.get(bitmap);
    const entry = block - bitmap * ENTRIES_PER_BITMAP;
    return locked !== undefined && ((locked[entry >>> 2]! >>> ((entry & 3) * 2)) & 1) !== 0;
  }

  #rejectFree(block: number): never {
    throw new ThinError("corrupt", `data block ${block} is mapped, but its reference count is 0`);
  }
}
