/**
 * Fast look-up in one device's mapping tree: it remembers the leaf it was in last, and between
 * which keys that leaf is the right one, for as long as neither the tree changes shape nor the
 * cache evicts.
 */
import { DEPTH_MAX } from "./btree.ts";
import type { BTree } from "./btree.ts";
import type { Frame } from "./block-cache.ts";
import { childAt, entryCount, isLeaf, keyAt, lowerBound, valueAt } from "./btree-node.ts";
import { mappingDataBlock, mappingTime } from "./mapping.ts";

const UNMAPPED = -1;

export class MappingCursor {
  /** Of the mapping that `lookup` found. */
  time = 0;
  /** Where the run that `run` found begins; -1 when it is unmapped. */
  runDataBlock = UNMAPPED;
  /** A node on the way to the leaf is part of another device's tree too. */
  pathShared = false;
  readonly #tree: BTree;
  #leaf: Frame | undefined;
  #low = 0;
  #high = 0;
  #version = -1;
  #epoch = -1;

  constructor(tree: BTree) {
    this.#tree = tree;
  }

  /** The data block, or -1. */
  lookup(virtualBlock: number): number {
    const { view } = this.#locate(virtualBlock);
    const index = lowerBound(view, virtualBlock);
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
    let index = lowerBound(view, virtualBlock);
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
    const leaf = this.#leaf;
    const tree = this.#tree;
    if (
      leaf && this.#version === tree.version && this.#epoch === tree.transaction.cache.epoch &&
      virtualBlock >= this.#low && virtualBlock < this.#high
    ) return leaf;
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
    this.#leaf = frame;
    this.#low = low;
    this.#high = high;
    this.#version = tree.version;
    this.#epoch = cache.epoch;
    this.pathShared = shared;
    return frame;
  }
}
