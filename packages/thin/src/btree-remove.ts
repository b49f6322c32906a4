/**
 * Removal from a B-tree, and the balancing that keeps every node but the root a third full: a node
 * that falls below takes from a neighbour, or is merged with it when both fit two thirds of a
 * block.
 */
import { NODE } from "./btree.ts";
import type { BTree } from "./btree.ts";
import type { Frame } from "./block-cache.ts";
import { firstKeyFrom } from "./btree-walk.ts";
import {
  childAt, entryCount, entryMax, initNode, isLeaf, keyAt, lowerBound, moveToLeft, moveToRight,
  removeEntries, setKeyAt, valueAt,
} from "./btree-node.ts";

/**
 * Remove the keys in `[begin, end)` that are in the first leaf with any. Answers the key up to
 * which (exclusive) the range is now empty, or -1 when it was; `tree.removedCount` tells how many
 * went. The values are released, unless the caller keeps what they refer to.
 */
export function removeFromLeaf(
  tree: BTree, begin: number, end: number, releaseValues = true,
): number {
  const first = firstKeyFrom(tree, begin);
  if (first < 0 || first >= end) return -1;
  const depth = tree.shadowPath(first);
  const leaf = tree.path[depth]!;
  const from = lowerBound(leaf.view, first);
  const count = entryCount(leaf.view);
  let to = from;
  while (to < count && keyAt(leaf.view, to) < end) {
    if (releaseValues) tree.layout.release?.(leaf.view, valueAt(leaf.view, to));
    to += 1;
  }
  const emptyEnd = keyAt(leaf.view, to - 1) + 1;
  removeEntries(leaf, from, to);
  tree.removedCount = to - from;
  tree.version += 1;
  balance(tree, depth);
  return emptyEnd;
}

function balance(tree: BTree, leafDepth: number): void {
  for (let depth = leafDepth; depth > 0; depth--) {
    const node = tree.path[depth]!;
    const parent = tree.path[depth - 1]!;
    const count = entryCount(node.view);
    if (count >= Math.floor(entryMax(node.view) / 3)) return;
    if (entryCount(parent.view) > 1) {
      balanceWithSibling(tree, parent, tree.pathIndex[depth - 1]!);
    } else if (count === 0) {
      // Only foreign metadata has a parent with a single child that is not the root.
      tree.transaction.release(node.block);
      removeEntries(parent, 0, 1);
    } else {
      return;
    }
  }
  lowerRoot(tree);
}

/**
 * Child `index` of the parent is too small. Both it and the neighbour end up big enough, or as one.
 */
function balanceWithSibling(tree: BTree, parent: Frame, index: number): void {
  const leftIndex = index > 0 ? index - 1 : 0;
  const left = tree.shadowChild(parent, leftIndex);
  const right = tree.shadowChild(parent, leftIndex + 1);
  const leftCount = entryCount(left.view);
  const rightCount = entryCount(right.view);
  if (leftCount + rightCount <= 2 * Math.floor(entryMax(left.view) / 3)) {
    moveToLeft(left, right, rightCount);
    tree.transaction.release(right.block);
    removeEntries(parent, leftIndex + 1, leftIndex + 2);
    return;
  }
  const half = (leftCount + rightCount) >>> 1;
  if (leftCount < half) moveToLeft(left, right, half - leftCount);
  else moveToRight(left, right, leftCount - half);
  setKeyAt(parent.view, leftIndex + 1, keyAt(right.view, 0));
}

function lowerRoot(tree: BTree): void {
  let root = tree.path[0]!;
  while (!isLeaf(root.view) && entryCount(root.view) === 1) {
    const child = childAt(root.view, 0);
    tree.transaction.release(root.block);
    tree.root = child;
    root = tree.transaction.read(child, NODE);
  }
  if (!isLeaf(root.view) && entryCount(root.view) === 0) initNode(root, true, tree.layout.size);
}
