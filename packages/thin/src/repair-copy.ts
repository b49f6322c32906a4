/**
 * Copies mapping trees node by node into new metadata, and leaves out what cannot be read. A node
 * that several devices share is copied once and stays shared, so the copy is no larger than the
 * original. Where something was lost the levels above the leaves are built anew.
 */
import { DEPTH_MAX } from "./btree.ts";
import {
  childAt, entryCount, isLeaf, keyAt, setChildAt, valueAt,
} from "./btree-node.ts";
import type { NodeBytes } from "./btree-node.ts";
import { MAPPING_BYTES, mappingDataBlock, writeMapping, mappingTime } from "./mapping.ts";
import type { MetadataBuilder } from "./metadata-builder.ts";
import { blockKind } from "./metadata-block.ts";
import { newNode } from "./node-reader.ts";
import type { NodeReader } from "./node-reader.ts";
import { TreeBuilder } from "./tree-builder.ts";

/** Virtual blocks `[begin, end)` that have no mapping any more; no `end`: to the device's end. */
export interface LostRange {
  readonly begin: number;
  readonly end: number | undefined;
  readonly reason: string;
}

export interface CopiedTree {
  readonly root: number;
  readonly mappedBlocks: number;
  /** The latest of its mappings. */
  readonly time: number;
}

interface Bounds {
  readonly low: number;
  readonly high: number | undefined;
}

const UNKNOWN = 0;
const WHOLE = 1;
const DAMAGED = 2;

export class TreeCopier {
  /** Beyond the highest data block that is mapped. */
  dataBlockEnd = 0;
  readonly #nodes: NodeReader;
  readonly #builder: MetadataBuilder;
  readonly #dataBlockCount: number;
  readonly #states: Uint8Array;
  /** Where a node of the source went, how many mappings are below, and between which keys. */
  readonly #targets: Uint32Array;
  readonly #counts: Float64Array;
  readonly #firstKeys: Float64Array;
  readonly #lastKeys: Float64Array;
  readonly #times: Uint32Array;

  constructor(nodes: NodeReader, builder: MetadataBuilder, dataBlockCount: number) {
    const { blockCount } = nodes;
    this.#nodes = nodes;
    this.#builder = builder;
    this.#dataBlockCount = dataBlockCount;
    this.#states = new Uint8Array(blockCount);
    this.#targets = new Uint32Array(blockCount);
    this.#counts = new Float64Array(blockCount);
    this.#firstKeys = new Float64Array(blockCount);
    this.#lastKeys = new Float64Array(blockCount);
    this.#times = new Uint32Array(blockCount);
  }

  copy(root: number, lose: (range: LostRange) => void): CopiedTree {
    const bounds = { low: 0, high: undefined };
    if (this.#survey(root, bounds, 0)) {
      const target = this.#copyWhole(root);
      return { root: target, mappedBlocks: this.#counts[root]!, time: this.#times[root]! };
    }
    const tree = new TreeBuilder(this.#builder, MAPPING_BYTES);
    const saved = { count: 0, time: 0 };
    this.#save(root, bounds, 0, tree, saved, lose);
    return { root: tree.finish(), mappedBlocks: saved.count, time: saved.time };
  }

  /** Everything from here down is sound and in its place. */
  #survey(block: number, bounds: Bounds, depth: number): boolean {
    const state = this.#states[block];
    if (state === UNKNOWN) this.#states[block] = this.#examine(block, depth) ? WHOLE : DAMAGED;
    if (this.#states[block] !== WHOLE) return false;
    if (this.#counts[block] === 0) return true;
    return this.#firstKeys[block]! >= bounds.low &&
      (bounds.high === undefined || this.#lastKeys[block]! < bounds.high);
  }

  #examine(block: number, depth: number): boolean {
    // A node below itself is not sound.
    this.#states[block] = DAMAGED;
    const node = newNode();
    const defect = this.#read(block, node, depth);
    if (defect !== undefined) return false;
    const { view } = node;
    const count = entryCount(view);
    if (isLeaf(view)) return this.#examineLeaf(block, view, count);
    let whole = true;
    this.#firstKeys[block] = Number.MAX_SAFE_INTEGER;
    for (let index = 0; index < count; index++) {
      const child = childAt(view, index);
      if (!this.#survey(child, boundsOf(view, index, undefined), depth + 1)) {
        whole = false;
        continue;
      }
      if (this.#counts[child] === 0) continue;
      this.#counts[block]! += this.#counts[child]!;
      this.#firstKeys[block] = Math.min(this.#firstKeys[block], this.#firstKeys[child]!);
      this.#lastKeys[block] = Math.max(this.#lastKeys[block]!, this.#lastKeys[child]!);
      this.#times[block] = Math.max(this.#times[block]!, this.#times[child]!);
    }
    return whole;
  }

  #examineLeaf(block: number, view: DataView, count: number): boolean {
    this.#counts[block] = count;
    if (count > 0) {
      this.#firstKeys[block] = keyAt(view, 0);
      this.#lastKeys[block] = keyAt(view, count - 1);
    }
    for (let index = 0; index < count; index++) {
      const at = valueAt(view, index);
      if (mappingDataBlock(view, at) >= this.#dataBlockCount) return false;
      this.#times[block] = Math.max(this.#times[block]!, mappingTime(view, at));
    }
    return true;
  }

  /** The copy's block, with one more reference. */
  #copyWhole(block: number): number {
    const known = this.#targets[block]!;
    if (known !== 0) {
      this.#builder.refer(known);
      return known;
    }
    const node = newNode();
    this.#nodes.read(block, node, MAPPING_BYTES);
    const { bytes, view } = node;
    const count = entryCount(view);
    for (let index = 0; index < count; index++) {
      if (isLeaf(view)) this.#countData(view, index);
      else setChildAt(view, index, this.#copyWhole(childAt(view, index)));
    }
    const target = this.#builder.allocate();
    this.#builder.write(target, bytes, blockKind.node);
    this.#targets[block] = target;
    return target;
  }

  #save(
    block: number, bounds: Bounds, depth: number, tree: TreeBuilder,
    saved: { count: number; time: number }, lose: (range: LostRange) => void,
  ): void {
    const node = newNode();
    const defect = this.#read(block, node, depth);
    if (defect !== undefined) {
      lose({ begin: bounds.low, end: bounds.high, reason: defect });
      return;
    }
    const { view } = node;
    const count = entryCount(view);
    if (!isLeaf(view)) {
      for (let index = 0; index < count; index++) {
        const inner = boundsOf(view, index, bounds.high);
        this.#save(childAt(view, index), inner, depth + 1, tree, saved, lose);
      }
      return;
    }
    if (count > 0 && this.#survey(block, bounds, depth)) {
      tree.addLeaf(keyAt(view, 0), this.#copyWhole(block));
      saved.count += count;
      saved.time = Math.max(saved.time, this.#times[block]!);
      return;
    }
    for (let index = 0; index < count; index++) {
      this.#saveEntry(block, view, index, bounds, tree, saved, lose);
    }
  }

  #saveEntry(
    block: number, view: DataView, index: number, { low, high }: Bounds, tree: TreeBuilder,
    saved: { count: number; time: number }, lose: (range: LostRange) => void,
  ): void {
    const key = keyAt(view, index);
    const at = valueAt(view, index);
    const data = mappingDataBlock(view, at);
    const misplaced = key < low || (high !== undefined && key >= high);
    if (misplaced || data >= this.#dataBlockCount) {
      const why = misplaced ? "is outside its place in the tree" : `maps to data block ${data}`;
      const reason = `metadata block ${block}: block ${key} ${why}`;
      lose({ begin: key, end: key + 1, reason });
      return;
    }
    const time = mappingTime(view, at);
    writeMapping(tree.values, tree.add(key), data, time);
    this.#countData(view, index);
    saved.count += 1;
    saved.time = Math.max(saved.time, time);
  }

  #countData(view: DataView, index: number): void {
    const data = mappingDataBlock(view, valueAt(view, index));
    this.#builder.dataCounts.add(data);
    if (data >= this.dataBlockEnd) this.dataBlockEnd = data + 1;
  }

  #read(block: number, node: NodeBytes, depth: number): string | undefined {
    if (depth > DEPTH_MAX) return `metadata block ${block}: deeper than a tree can be`;
    return this.#nodes.read(block, node, MAPPING_BYTES);
  }
}

/** Keys that belong below entry `index`. */
function boundsOf(view: DataView, index: number, high: number | undefined): Bounds {
  const end = index + 1 < entryCount(view) ? keyAt(view, index + 1) : high;
  return { low: keyAt(view, index), high: end };
}
