/** Reading a B-tree in order, and taking a whole tree down. */
import { DEPTH_MAX } from "./btree.ts";
import type { BTree } from "./btree.ts";
import { childAt, entryCount, isLeaf, keyAt, lowerBound, valueAt } from "./btree-node.ts";
import { viewOf } from "./metadata-block.ts";

/** Is given a key, and where its value is. */
export type VisitEntry = (key: number, view: DataView, at: number) => void;

/** The first key that is at least `from`; -1 when there is none. */
export function firstKeyFrom(tree: BTree, from: number): number {
  return firstKeyIn(tree, tree.root, from, 0);
}

function firstKeyIn(tree: BTree, block: number, from: number, depth: number): number {
  if (depth > DEPTH_MAX) tree.rejectDepth();
  const { view } = tree.readNode(block);
  const count = entryCount(view);
  if (isLeaf(view)) {
    let index = lowerBound(view, from);
    if (index < 0 || keyAt(view, index) < from) index += 1;
    return index < count ? keyAt(view, index) : -1;
  }
  for (let index = Math.max(lowerBound(view, from), 0); index < count; index++) {
    const found = firstKeyIn(tree, childAt(view, index), from, depth + 1);
    if (found >= 0) return found;
  }
  return -1;
}

/** The highest key; -1 in an empty tree. */
export function lastKey(tree: BTree): number {
  let frame = tree.readNode(tree.root);
  for (let depth = 0; !isLeaf(frame.view); depth++) {
    if (depth === DEPTH_MAX) tree.rejectDepth();
    const count = entryCount(frame.view);
    if (count === 0) tree.rejectEmpty(frame.block);
    frame = tree.readNode(childAt(frame.view, count - 1));
  }
  const count = entryCount(frame.view);
  return count === 0 ? -1 : keyAt(frame.view, count - 1);
}

/** Visit every entry in order of keys. The visitor may not change any tree. */
export function walkTree(tree: BTree, visit: VisitEntry): void {
  walkNode(tree, tree.root, 0, visit);
}

function walkNode(tree: BTree, block: number, depth: number, visit: VisitEntry): void {
  if (depth > DEPTH_MAX) tree.rejectDepth();
  const { view } = tree.readNode(block);
  const count = entryCount(view);
  if (isLeaf(view)) {
    for (let index = 0; index < count; index++) {
      visit(keyAt(view, index), view, valueAt(view, index));
    }
    return;
  }
  for (let index = 0; index < count; index++) {
    walkNode(tree, childAt(view, index), depth + 1, visit);
  }
}

/**
 * Drop one reference to a tree; whatever nobody else refers to is released with it. `block` is its
 * root. No frame may be held by the caller: memory is trimmed on the way.
 */
export function releaseTree(tree: BTree, block: number, depth = 0): void {
  if (depth > DEPTH_MAX) tree.rejectDepth();
  const { cache, spaceMap } = tree.transaction;
  if (spaceMap.counts[block]! > 1) {
    tree.transaction.release(block);
    return;
  }
  // Copied, because releasing a value may release another tree, and trim on the way.
  const view = viewOf(tree.readNode(block).bytes.slice());
  const count = entryCount(view);
  for (let index = 0; index < count; index++) {
    if (isLeaf(view)) tree.layout.release?.(view, valueAt(view, index));
    else releaseTree(tree, childAt(view, index), depth + 1);
  }
  tree.transaction.release(block);
  cache.trim();
}
