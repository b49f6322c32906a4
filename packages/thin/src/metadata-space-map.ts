/**
 * Reference counts of the metadata blocks, all in memory: four bytes a block, 16 MiB for the
 * largest metadata there can be. On the disk they are bitmaps under one index block, and a tree for
 * counts above 2; `metadata-space-map-io.ts` reads and writes those.
 *
 * Invariant, the whole of the crash safety: a block that was in use at any time of this transaction
 * is not given out before its commit. So the committed state stays readable until the next one is.
 */
import { ENTRIES_PER_BITMAP } from "./bitmap.ts";
import { METADATA_BLOCK_BYTES } from "./metadata-block.ts";
import { ThinError } from "./thin-error.ts";

/** An index block has room for so many bitmaps. */
export const METADATA_BITMAPS_MAX = 255;
export const METADATA_BLOCKS_MAX = METADATA_BITMAPS_MAX * ENTRIES_PER_BITMAP;
const RESERVE_MAX = 4096;
const RESERVE_SHARE = 10;

const FRESH = 1; // Allocated in this transaction: may be changed in place.
const LOCKED = 2; // Freed in this transaction: may not be given out.
const PINNED = 4; // Freed in an earlier one, and somebody still reads the state before it.

/** Blocks kept back for the commit itself; the kernel's status counts them as used. */
export function metadataReserve(blockCount: number): number {
  return Math.min(Math.floor(blockCount / RESERVE_SHARE), RESERVE_MAX);
}

export class MetadataSpaceMap {
  blockCount: number;
  counts: Uint32Array;
  allocatedCount = 0;
  /** Block of each bitmap, 0 where there is none yet. */
  readonly bitmapBlocks = new Uint32Array(METADATA_BITMAPS_MAX);
  readonly bitmapDirty = new Uint8Array(METADATA_BITMAPS_MAX);
  /** The index block as it will be written. */
  readonly index = new Uint8Array(METADATA_BLOCK_BYTES);
  /** Blocks whose entry in the overflow tree may have to change. */
  readonly overflowDirty = new Set<number>();
  indexBlock = 0;
  overflowRoot = 0;
  #marks: Uint8Array;
  #marked: number[] = [];
  #lockedCount = 0;
  /** While set, what is freed stays as it is beyond the commit. */
  #pinned: number[] | undefined;
  /** Those for whom it stays. */
  readonly #pinners = new Set<object>();
  #cursor = 0;

  constructor(blockCount: number) {
    this.blockCount = blockCount;
    this.counts = new Uint32Array(blockCount);
    this.#marks = new Uint8Array(blockCount);
  }

  get bitmapCount(): number {
    return Math.ceil(this.blockCount / ENTRIES_PER_BITMAP);
  }

  /** Blocks that could be allocated now. */
  get availableCount(): number {
    return this.blockCount - this.allocatedCount - this.#lockedCount - (this.#pinned?.length ?? 0);
  }

  /** A commit would make more available. */
  get hasLocked(): boolean {
    return this.#lockedCount > 0;
  }

  isFresh(block: number): boolean {
    return (this.#marks[block]! & FRESH) !== 0;
  }

  allocate(): number {
    const block = this.#findFree(this.#cursor, this.blockCount) ?? this.#findFree(0, this.#cursor);
    if (block === undefined) {
      throw new ThinError("metadata-full", "no metadata block is free; grow the pool's metadata");
    }
    this.#cursor = block + 1;
    this.#set(block, 1);
    this.#mark(block, FRESH);
    return block;
  }

  increment(block: number): void {
    const count = this.#inUse(block);
    this.#set(block, count + 1);
  }

  /** The count that is left. At 0 the block is free, for use after the commit. */
  decrement(block: number): number {
    const count = this.#inUse(block) - 1;
    this.#set(block, count);
    if (count === 0) {
      if ((this.#marks[block]! & LOCKED) === 0) this.#lockedCount += 1;
      this.#mark(block, LOCKED);
    }
    return count;
  }

  /**
   * Everything so far is committed: what was freed may be used, and nothing be changed in place.
   */
  startTransaction(): void {
    for (const block of this.#marked) this.#marks[block] = this.#markAfterCommit(block);
    this.#marked = [];
    this.#lockedCount = 0;
  }

  /** From now on, what the last commit made stays readable for `reader`, until `unpin`. */
  pin(reader: object): void {
    this.#pinners.add(reader);
    this.#pinned ??= [];
  }

  isPinned(reader: object): boolean {
    return this.#pinners.has(reader);
  }

  /** False when nothing was pinned for `reader`, or is no more. */
  unpin(reader: object): boolean {
    if (!this.#pinners.delete(reader)) return false;
    if (this.#pinners.size === 0) this.unpinAll();
    return true;
  }

  /** The blocks are needed: no reader has them any more. False when there was none. */
  unpinAll(): boolean {
    this.#pinners.clear();
    const pinned = this.#pinned;
    if (pinned === undefined) return false;
    for (const block of pinned) this.#marks[block]! &= ~PINNED;
    this.#pinned = undefined;
    return true;
  }

  grow(blockCount: number): void {
    const counts = new Uint32Array(blockCount);
    counts.set(this.counts);
    this.counts = counts;
    const marks = new Uint8Array(blockCount);
    marks.set(this.#marks);
    this.#marks = marks;
    const bitmapsBefore = this.bitmapCount;
    this.blockCount = blockCount;
    for (let index = bitmapsBefore; index < this.bitmapCount; index++) this.bitmapDirty[index] = 1;
  }

  #markAfterCommit(block: number): number {
    // What was allocated in the same transaction was of no committed state.
    if (this.#pinned === undefined || this.#marks[block] !== LOCKED) return 0;
    this.#pinned.push(block);
    return PINNED;
  }

  #inUse(block: number): number {
    const count = this.counts[block];
    if (count === undefined || count === 0) {
      throw new ThinError(
        "corrupt", `metadata block ${block} is referred to, but its count is ${count}`
      );
    }
    return count;
  }

  #set(block: number, count: number): void {
    const before = this.counts[block]!;
    this.counts[block] = count;
    this.allocatedCount += (count > 0 ? 1 : 0) - (before > 0 ? 1 : 0);
    this.bitmapDirty[Math.floor(block / ENTRIES_PER_BITMAP)] = 1;
    if (count > 2 || before > 2) this.overflowDirty.add(block);
  }

  #mark(block: number, mark: number): void {
    if (this.#marks[block] === 0) this.#marked.push(block);
    this.#marks[block]! |= mark;
  }

  #findFree(from: number, to: number): number | undefined {
    for (let block = from; block < to; block++) {
      if (this.counts[block] === 0 && (this.#marks[block]! & (LOCKED | PINNED)) === 0) return block;
    }
    return undefined;
  }
}
