/**
 * Fast look-up in one device's mapping tree: it remembers the leaves it was in, and between which
 * keys each of them is the right one, for as long as neither the tree changes shape nor the cache
 * evicts. So a random read of a mapped device seldom walks the tree.
 *
 *     place   = (virtual block / 64) mod 1024      a leaf holds 126 to 252 chunks of a full device
 *     its leaf is right  when low <= virtual block < high, and tree version and cache epoch are
 *                        those under which it was found
 */
import { DEPTH_MAX } from "./btree.ts";
import type { BTree } from "./btree.ts";
import type { Frame } from "./block-cache.ts";
import { childAt, entryCount, isLeaf, keyAt, lowerBound, valueAt } from "./btree-node.ts";
import { mappingDataBlock, mappingTime } from "./mapping.ts";

const UNMAPPED = -1;
const PLACES = 1024;
const PLACE_BLOCKS_LOG2 = 6;

/** What is known of the leaves, by place. Only devices that are looked into have one. */
class LeafTable {
  readonly frames = Array.from<Frame | undefined>({ length: PLACES });
  readonly low = new Float64Array(PLACES);
  readonly high = new Float64Array(PLACES);
  readonly version = new Float64Array(PLACES).fill(-1);
  readonly epoch = new Float64Array(PLACES).fill(-1);
  readonly shared = new Uint8Array(PLACES);
}

export class MappingCursor {
  /** Of the mapping that `lookup` found. */
  time = 0;
  /** Where the run that `run` found begins; -1 when it is unmapped. */
  runDataBlock = UNMAPPED;
  /** A node on the way to the leaf is part of another device's tree too. */
  pathShared = false;
  readonly #tree: BTree;
  #leaves: LeafTable | undefined;
  /** End of the keys of the leaf that was found last. */
  #high = 0;

  constructor(tree: BTree) {
    this.#tree = tree;
  }

  /** The data block, or -1. */
  lookup(virtualBlock: number): number {
    const { view } = this.#locate(virtualBlock);
    const index = entryFor(view, virtualBlock);
    if (index < 0 || keyAt(view, index) !== virtualBlock) return UNMAPPED;
    const at = valueAt(view, index);
    this.time = mappingTime(view, at);
    return mappingDataBlock(view, at);
  }

  /**
   * How many blocks from `virtualBlock` on, `blockMax` at most, are mapped to consecutive data
   * blocks or are all unmapped. Looks no further than this leaf, so the next run may continue this
   * one.
   */
  run(virtualBlock: number, blockMax: number): number {
    const { view } = this.#locate(virtualBlock);
    const count = entryCount(view);
    const end = Math.min(virtualBlock + blockMax, this.#high);
    let index = entryFor(view, virtualBlock);
    if (index < 0 || keyAt(view, index) !== virtualBlock) {
      this.runDataBlock = UNMAPPED;
      index += 1;
      return (index < count ? Math.min(keyAt(view, index), end) : end) - virtualBlock;
    }
    const first = mappingDataBlock(view, valueAt(view, index));
    this.runDataBlock = first;
    let length = 1;
    const longest = Math.min(end - virtualBlock, count - index);
    while (
      length < longest && keyAt(view, index + length) === virtualBlock + length &&
      mappingDataBlock(view, valueAt(view, index + length)) === first + length
    ) length += 1;
    return length;
  }

  #locate(virtualBlock: number): Frame {
    const leaves = this.#leaves;
    if (leaves === undefined) return this.#descend(virtualBlock);
    const place = (virtualBlock >>> PLACE_BLOCKS_LOG2) & (PLACES - 1);
    const high = leaves.high[place]!;
    const tree = this.#tree;
    if (
      virtualBlock < high && virtualBlock >= leaves.low[place]! &&
      leaves.version[place] === tree.version &&
      leaves.epoch[place] === tree.transaction.cache.epoch
    ) {
      const frame = leaves.frames[place]!;
      frame.referenced = true; // It is in use, though the cache was not asked for it.
      this.#high = high;
      this.pathShared = leaves.shared[place] === 1;
      return frame;
    }
    return this.#descend(virtualBlock);
  }

  #descend(virtualBlock: number): Frame {
    const tree = this.#tree;
    const { cache, spaceMap } = tree.transaction;
    cache.trim(); // Between two look-ups nobody holds a frame.
    const { counts } = spaceMap;
    let frame = tree.readNode(tree.root);
    let low = 0;
    let high = Number.MAX_SAFE_INTEGER;
    let shared = counts[tree.root]! > 1;
    for (let depth = 0; !isLeaf(frame.view); depth++) {
      if (depth === DEPTH_MAX) tree.rejectDepth();
      const { view } = frame;
      const count = entryCount(view);
      if (count === 0) tree.rejectEmpty(frame.block);
      const index = Math.max(lowerBound(view, virtualBlock), 0);
      if (index > 0) low = Math.max(low, keyAt(view, index));
      if (index + 1 < count) high = Math.min(high, keyAt(view, index + 1));
      const child = childAt(view, index);
      if (counts[child]! > 1) shared = true;
      frame = tree.readNode(child);
    }
    const leaves = (this.#leaves ??= new LeafTable());
    const place = (virtualBlock >>> PLACE_BLOCKS_LOG2) & (PLACES - 1);
    leaves.frames[place] = frame;
    leaves.low[place] = low;
    leaves.high[place] = high;
    leaves.version[place] = tree.version;
    leaves.epoch[place] = cache.epoch;
    leaves.shared[place] = shared ? 1 : 0;
    this.#high = high;
    this.pathShared = shared;
    return frame;
  }
}

/**
 * Index of the last key that is not above the block's; -1 when all are. In a device that was
 * written from end to end the keys follow each other, and the place of one is known at once.
 */
function entryFor(view: DataView, virtualBlock: number): number {
  const guess = virtualBlock - keyAt(view, 0);
  if (guess >= 0 && guess < entryCount(view) && keyAt(view, guess) === virtualBlock) return guess;
  return lowerBound(view, virtualBlock);
}
