/**
 * Builds a B-tree from entries in ascending order, bottom up, with two nodes of memory a level.
 *
 * A node is written when twice its room is waiting, and what is left at the end is halved: so every
 * node but the root is at least half full, which is more than the kernel asks. Leaves that exist
 * already, shared with another tree or saved from a damaged one, can be put between the entries.
 */
import { CHILD_BYTES, entryMaxFor, initNode, NODE_HEADER_BYTES } from "./btree-node.ts";
import { blockKind, viewOf } from "./metadata-block.ts";
import { newNode } from "./node-reader.ts";
import { writeU64le } from "@mortar/binary";

/** Where the nodes go. */
export interface NodeSink {
  allocate(): number;
  write(block: number, bytes: Uint8Array, kind: typeof blockKind.node): void;
}

/** Is told of a leaf that was written. */
export type OnLeaf = (firstKey: number, block: number) => void;

export class TreeBuilder {
  /** Where `add` makes room; good until the next call. */
  readonly values: DataView;
  readonly #sink: NodeSink;
  readonly #onLeaf: OnLeaf | undefined;
  readonly #leaves: Level;
  /** From the one above the leaves. */
  readonly #internals: Level[] = [];

  /** With `onLeaf` there is no tree: leaves are told to it, and `finishLeaves` takes the end. */
  constructor(sink: NodeSink, valueSize: number, onLeaf?: OnLeaf) {
    this.#sink = sink;
    this.#onLeaf = onLeaf;
    this.#leaves = new Level(true, valueSize);
    this.values = viewOf(this.#leaves.values);
  }

  /** The position in `values` where the value of this entry, all zero now, is to be written. */
  add(key: number): number {
    const leaves = this.#leaves;
    if (leaves.isFull) this.#writeNode(0, leaves.max);
    return leaves.add(key);
  }

  /** A leaf that exists already. The caller answers for its reference count. */
  addLeaf(firstKey: number, block: number): void {
    this.#writeRest(0);
    this.#addChild(1, firstKey, block);
  }

  finishLeaves(): void {
    this.#writeRest(0);
  }

  /** The root. */
  finish(): number {
    for (let depth = 0; ; depth++) {
      const level = this.#level(depth);
      const isTop = level.written === 0 && this.#internals.length <= depth;
      if (isTop && depth > 0 && level.count === 1) return level.firstChild;
      if (isTop && level.count <= level.max) return this.#writeNode(depth, level.count, true);
      this.#writeRest(depth);
    }
  }

  #writeRest(depth: number): void {
    const level = this.#level(depth);
    if (level.count > level.max) this.#writeNode(depth, Math.ceil(level.count / 2));
    if (level.count > 0) this.#writeNode(depth, level.count);
  }

  #writeNode(depth: number, count: number, isRoot = false): number {
    const level = this.#level(depth);
    const block = this.#sink.allocate();
    const firstKey = level.keys[0] ?? 0;
    this.#sink.write(block, level.take(count), blockKind.node);
    if (depth === 0 && this.#onLeaf) this.#onLeaf(firstKey, block);
    else if (!isRoot) this.#addChild(depth + 1, firstKey, block);
    return block;
  }

  #addChild(depth: number, key: number, block: number): void {
    const level = this.#level(depth);
    if (level.isFull) this.#writeNode(depth, level.max);
    writeU64le(viewOf(level.values), level.add(key), block);
  }

  #level(depth: number): Level {
    return depth === 0 ? this.#leaves : (this.#internals[depth - 1] ??= new Level(false, CHILD_BYTES));
  }
}

/** Entries of one level that are in no node yet. */
class Level {
  readonly max: number;
  readonly keys: Float64Array;
  readonly values: Uint8Array;
  count = 0;
  /** Nodes that were written. */
  written = 0;
  readonly #isLeaf: boolean;
  readonly #valueSize: number;
  readonly #node = newNode();

  constructor(isLeaf: boolean, valueSize: number) {
    this.#isLeaf = isLeaf;
    this.#valueSize = valueSize;
    this.max = entryMaxFor(valueSize);
    this.keys = new Float64Array(2 * this.max);
    this.values = new Uint8Array(2 * this.max * valueSize);
  }

  get isFull(): boolean {
    return this.count === 2 * this.max;
  }

  get firstChild(): number {
    return Number(viewOf(this.values).getBigUint64(0, true));
  }

  add(key: number): number {
    const at = this.count * this.#valueSize;
    this.keys[this.count] = key;
    this.values.fill(0, at, at + this.#valueSize);
    this.count += 1;
    return at;
  }

  /** A node of the first `count` entries, which are gone then. */
  take(count: number): Uint8Array {
    const { bytes, view } = this.#node;
    initNode(this.#node, this.#isLeaf, this.#valueSize);
    view.setUint32(16, count, true);
    for (let index = 0; index < count; index++) {
      writeU64le(view, NODE_HEADER_BYTES + index * 8, this.keys[index]!);
    }
    const size = count * this.#valueSize;
    bytes.set(this.values.subarray(0, size), NODE_HEADER_BYTES + this.max * 8);
    this.keys.copyWithin(0, count, this.count);
    this.values.copyWithin(0, size, this.count * this.#valueSize);
    this.count -= count;
    this.written += 1;
    return bytes;
  }
}
