/**
 * Copy-on-write B-trees, from a key below 2^53 to a value of fixed size (docs/formats/dm-thin.md,
 * "B-trees").
 *
 * Everything that leads to a change is shadowed from the root down, so sharing travels downwards: a
 * block that stays in use elsewhere passes on its sharing to its children when it is copied.
 *
 * Invariants: all leaves are at the same depth; every node but the root is at least a third full
 * (which the kernel's balancing relies on); an empty tree is one empty leaf.
 *
 * Values are read and written in place: after `find` and `insert` the value is at `at` of `view`,
 * until the next operation on any tree of the pool.
 */
import type { Frame } from "./block-cache.ts";
import {
  childAt, entryCount, entryMax, initNode, insertEntry, isLeaf, keyAt, lowerBound, moveToLeft,
  moveToRight, setChildAt, setKeyAt, valueAt, valueBytes, CHILD_BYTES,
} from "./btree-node.ts";
import { blockKind } from "./metadata-block.ts";
import { ThinError } from "./thin-error.ts";
import type { Transaction } from "./transaction.ts";

export const NODE = blockKind.node;
/** Deeper than any tree of 2^53 keys: guards against cycles. */
export const DEPTH_MAX = 16;

/** What the values of a tree are, and what they keep alive. */
export interface ValueLayout {
  readonly name: string;
  readonly size: number;
  /** The value at `at` exists once more: its leaf was copied. */
  retain?(view: DataView, at: number): void;
  /** The value at `at` is about to go. */
  release?(view: DataView, at: number): void;
}

export class BTree {
  root: number;
  readonly layout: ValueLayout;
  readonly transaction: Transaction;
  /** Where the last `find` or `insert` left the value. */
  view: DataView = new DataView(new ArrayBuffer(0));
  at = 0;
  /** Raised by every change of shape; values that change in place leave it alone. */
  version = 0;
  /** How many entries the last removal took out. */
  removedCount = 0;
  readonly path: Frame[] = [];
  readonly pathIndex = new Int32Array(DEPTH_MAX + 1);

  constructor(transaction: Transaction, layout: ValueLayout, root: number) {
    this.transaction = transaction;
    this.layout = layout;
    this.root = root;
  }

  /** An empty tree in a new block. */
  static create(transaction: Transaction, layout: ValueLayout): BTree {
    const leaf = transaction.create(NODE);
    initNode(leaf, true, layout.size);
    return new BTree(transaction, layout, leaf.block);
  }

  /** Look a key up. When it is there, its value is at `at` of `view`. */
  find(key: number): boolean {
    const { view } = this.leafFor(key);
    const index = lowerBound(view, key);
    if (index < 0 || keyAt(view, index) !== key) return false;
    this.view = view;
    this.at = valueAt(view, index);
    return true;
  }

  /** The leaf that holds the key if any does. */
  leafFor(key: number): Frame {
    let frame = this.readNode(this.root);
    for (let depth = 0; !isLeaf(frame.view); depth++) {
      if (depth === DEPTH_MAX) this.rejectDepth();
      const index = lowerBound(frame.view, key);
      if (entryCount(frame.view) === 0) this.rejectEmpty(frame.block);
      frame = this.readNode(childAt(frame.view, Math.max(index, 0)));
    }
    return frame;
  }

  /** Make the path to a key writable without changing anything. */
  touch(key: number): void {
    this.shadowPath(key);
  }

  /**
   * True when the key was there. Its value, old or undefined, is at `at` of `view`, to be written.
   */
  insert(key: number): boolean {
    let depth = this.shadowPath(key);
    let leaf = this.path[depth]!;
    let position = lowerBound(leaf.view, key);
    if (position >= 0 && keyAt(leaf.view, position) === key) {
      this.#pointAt(leaf, position);
      return true;
    }
    this.#lowerFirstKeys(depth, key);
    position += 1;
    if (entryCount(leaf.view) === entryMax(leaf.view)) {
      this.version += 1;
      if (depth === 0) depth = this.#growRoot();
      const place = this.#makeRoom(depth, position);
      leaf = place.leaf;
      position = place.position;
    }
    insertEntry(leaf, position, key);
    this.#pointAt(leaf, position);
    return false;
  }

  /** An upper bound of the blocks that `changes` insertions or removals allocate. */
  allocationMax(changes: number): number {
    if (changes === 0) return 0;
    let depth = 1;
    let leaf = this.readNode(this.root);
    for (; !isLeaf(leaf.view) && depth < DEPTH_MAX; depth++) {
      leaf = this.readNode(childAt(leaf.view, 0));
    }
    const alone = changes * (2 * depth + 1);
    if (changes === 1) return alone;
    // No node moves twice, and a split leaves room for a third of a node.
    const splits = Math.ceil((changes * 3) / entryMax(leaf.view));
    return Math.min(alone, 2 * this.#nodeMax(depth) + splits + depth + 2);
  }

  readNode(block: number): Frame {
    const frame = this.transaction.cache.read(block, NODE);
    if (isLeaf(frame.view) && valueBytes(frame.view) !== this.layout.size) {
      this.#rejectValueSize(frame);
    }
    return frame;
  }

  /** Shadow the nodes from the root to the leaf for a key into `path`; the depth of the leaf. */
  shadowPath(key: number): number {
    let frame = this.shadowNode(this.root);
    this.root = frame.block;
    for (let depth = 0; depth <= DEPTH_MAX; depth++) {
      this.path[depth] = frame;
      if (isLeaf(frame.view)) return depth;
      if (entryCount(frame.view) === 0) this.rejectEmpty(frame.block);
      const index = Math.max(lowerBound(frame.view, key), 0);
      this.pathIndex[depth] = index;
      frame = this.shadowChild(frame, index);
    }
    return this.rejectDepth();
  }

  shadowChild(parent: Frame, index: number): Frame {
    const block = childAt(parent.view, index);
    const frame = this.shadowNode(block);
    if (frame.block !== block) setChildAt(parent.view, index, frame.block);
    return frame;
  }

  shadowNode(block: number): Frame {
    this.readNode(block);
    const frame = this.transaction.shadow(block, NODE);
    if (frame.block === block) return frame;
    this.version += 1;
    if (this.transaction.stillShared) this.#retainContents(frame);
    return frame;
  }

  rejectDepth(): never {
    throw new ThinError(
      "corrupt", `${this.layout.name}: the tree from block ${this.root} is too deep`
    );
  }

  rejectEmpty(block: number): never {
    throw new ThinError(
      "corrupt", `${this.layout.name}: metadata block ${block} is an empty internal node`
    );
  }

  #rejectValueSize(frame: Frame): never {
    throw new ThinError(
      "corrupt",
      `${this.layout.name}: metadata block ${frame.block} has values of ${valueBytes(frame.view)} bytes, ` +
        `not ${this.layout.size}`,
    );
  }

  /** At most so many nodes, which is exact enough where it matters: in small trees. */
  #nodeMax(depth: number): number {
    const { view } = this.readNode(this.root);
    if (depth === 1) return 1;
    let nodes = 1 + entryCount(view);
    if (depth === 2) return nodes;
    for (let index = entryCount(view) - 1; index >= 0; index--) {
      nodes += entryCount(this.readNode(childAt(view, index)).view);
    }
    return depth === 3 ? nodes : this.transaction.spaceMap.allocatedCount;
  }

  #pointAt(leaf: Frame, position: number): void {
    this.view = leaf.view;
    this.at = valueAt(leaf.view, position);
  }

  #retainContents(frame: Frame): void {
    const { view } = frame;
    const count = entryCount(view);
    if (!isLeaf(view)) {
      for (let index = 0; index < count; index++) this.transaction.retain(childAt(view, index));
    } else if (this.layout.retain) {
      for (let index = 0; index < count; index++) this.layout.retain(view, valueAt(view, index));
    }
  }

  /** A key below all others is the new first key of every node on its way. */
  #lowerFirstKeys(leafDepth: number, key: number): void {
    for (let depth = 0; depth < leafDepth; depth++) {
      const { view } = this.path[depth]!;
      if (this.pathIndex[depth] === 0 && keyAt(view, 0) > key) setKeyAt(view, 0, key);
    }
  }

  /** The root becomes the only child of a new root. The leaf is one deeper then. */
  #growRoot(): number {
    const oldRoot = this.path[0]!;
    const root = this.transaction.create(NODE);
    initNode(root, false, CHILD_BYTES);
    insertEntry(root, 0, keyAt(oldRoot.view, 0));
    setChildAt(root.view, 0, oldRoot.block);
    this.root = root.block;
    this.path.unshift(root);
    this.pathIndex.copyWithin(1, 0, DEPTH_MAX);
    this.pathIndex[0] = 0;
    return 1;
  }

  /** The leaf at `depth` is full and not the root: where does the entry for `position` go now? */
  #makeRoom(depth: number, position: number): { leaf: Frame; position: number } {
    const leaf = this.path[depth]!;
    const parent = this.path[depth - 1]!;
    const index = this.pathIndex[depth - 1]!;
    const left = this.#roomySibling(parent, index - 1);
    if (left) {
      const before = entryCount(left.view);
      const room = entryMax(left.view) - before;
      // Keys that come in ascending order leave full leaves behind, not half full ones.
      const moved = position === entryCount(leaf.view) ? room : Math.ceil(room / 2);
      moveToLeft(left, leaf, moved);
      setKeyAt(parent.view, index, keyAt(leaf.view, 0));
      return position <= moved
        ? { leaf: left, position: before + position }
        : { leaf, position: position - moved };
    }
    const right = this.#roomySibling(parent, index + 1);
    if (right) {
      moveToRight(leaf, right, Math.ceil((entryMax(right.view) - entryCount(right.view)) / 2));
      setKeyAt(parent.view, index + 1, keyAt(right.view, 0));
      return this.#placeIn(leaf, right, position);
    }
    return this.#splitLeaf(depth, position);
  }

  /** A neighbour that is worth shifting to: unshared, and a quarter empty. */
  #roomySibling(parent: Frame, index: number): Frame | undefined {
    if (index < 0 || index >= entryCount(parent.view)) return undefined;
    const block = childAt(parent.view, index);
    if (this.transaction.spaceMap.counts[block]! > 1) return undefined;
    const { view } = this.readNode(block);
    if (entryCount(view) > entryMax(view) * 0.75) return undefined;
    return this.shadowChild(parent, index);
  }

  #splitLeaf(leafDepth: number, position: number): { leaf: Frame; position: number } {
    const depth = this.#makeRoomAbove(leafDepth);
    const leaf = this.path[depth]!;
    const count = entryCount(leaf.view);
    const moved = position === count ? Math.ceil(count / 3) : count >>> 1;
    const right = this.transaction.create(NODE);
    initNode(right, true, this.layout.size);
    moveToRight(leaf, right, moved);
    this.#addChild(this.path[depth - 1]!, this.pathIndex[depth - 1]! + 1, right);
    return this.#placeIn(leaf, right, position);
  }

  #placeIn(left: Frame, right: Frame, position: number): { leaf: Frame; position: number } {
    const leftCount = entryCount(left.view);
    return position <= leftCount
      ? { leaf: left, position }
      : { leaf: right, position: position - leftCount };
  }

  /**
   * Split full ancestors until the parent of `depth` can take a child. The depth may grow by one.
   */
  #makeRoomAbove(depthBefore: number): number {
    let depth = depthBefore;
    if (depth === 0) depth = this.#growRoot();
    const node = this.path[depth - 1]!;
    if (entryCount(node.view) < entryMax(node.view)) return depth;
    depth = this.#makeRoomAbove(depth - 1) + 1;
    const right = this.transaction.create(NODE);
    initNode(right, false, CHILD_BYTES);
    moveToRight(node, right, entryCount(node.view) >>> 1);
    const parentIndex = this.pathIndex[depth - 2]!;
    this.#addChild(this.path[depth - 2]!, parentIndex + 1, right);
    const kept = entryCount(node.view);
    const index = this.pathIndex[depth - 1]!;
    if (index >= kept) {
      this.path[depth - 1] = right;
      this.pathIndex[depth - 1] = index - kept;
      this.pathIndex[depth - 2] = parentIndex + 1;
    }
    return depth;
  }

  #addChild(parent: Frame, index: number, child: Frame): void {
    insertEntry(parent, index, keyAt(child.view, 0));
    setChildAt(parent.view, index, child.block);
  }
}
