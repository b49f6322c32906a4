import assert from "node:assert/strict";
import test from "node:test";
import { Random, VirtualDisk } from "@mortar/sim";
import { BlockCache } from "./block-cache.ts";
import { BTree, NODE } from "./btree.ts";
import type { ValueLayout } from "./btree.ts";
import { childAt, entryCount, entryMax, isLeaf, keyAt } from "./btree-node.ts";
import { removeFromLeaf } from "./btree-remove.ts";
import { firstKeyFrom, lastKey, releaseTree, walkTree } from "./btree-walk.ts";
import { MetadataSpaceMap } from "./metadata-space-map.ts";
import { Transaction } from "./transaction.ts";

const layout: ValueLayout = { name: "test", size: 8 };
const BLOCKS = 20_000;

function newTransaction(): Transaction {
  const disk = new VirtualDisk({ sizeBytes: BLOCKS * 4096, random: new Random(1) });
  return new Transaction(new BlockCache(disk, BLOCKS, 2 ** 26), new MetadataSpaceMap(BLOCKS));
}

function put(tree: BTree, key: number, value: number): void {
  tree.insert(key);
  tree.view.setFloat64(tree.at, value, true);
}

function contents(tree: BTree): [number, number][] {
  const found: [number, number][] = [];
  walkTree(tree, (key, view, at) => found.push([key, view.getFloat64(at, true)]));
  return found;
}

function sorted(model: ReadonlyMap<number, number>): [number, number][] {
  return [...model].sort(([left], [right]) => left - right);
}

/** Leaves at one depth, fill, order and bounds. The number of nodes. */
function requireSound(tree: BTree): number {
  let leafDepth = -1;
  let nodes = 0;
  const visit = (block: number, depth: number, low: number, high: number): void => {
    const { view } = tree.transaction.read(block, NODE);
    const count = entryCount(view);
    nodes += 1;
    if (depth > 0) assert.ok(count >= Math.floor(entryMax(view) / 3), `${count} entries in ${block}`);
    for (let index = 0; index < count; index++) {
      const key = keyAt(view, index);
      assert.ok(key >= low && key < high, `key ${key} outside ${low}..${high}`);
      assert.ok(index === 0 || keyAt(view, index - 1) < key);
      if (isLeaf(view)) continue;
      visit(
        childAt(view, index), depth + 1, key, index + 1 < count ? keyAt(view, index + 1) : high,
      );
    }
    if (!isLeaf(view)) return;
    if (leafDepth < 0) leafDepth = depth;
    assert.equal(depth, leafDepth);
  };
  visit(tree.root, 0, 0, Number.POSITIVE_INFINITY);
  return nodes;
}

function removeRange(tree: BTree, begin: number, end: number): number {
  let removed = 0;
  for (let from = begin; ; ) {
    from = removeFromLeaf(tree, from, end);
    if (from < 0) return removed;
    removed += tree.removedCount;
  }
}

test("any order of insertions and removals gives what a map would, in a balanced tree", () => {
  for (const keyRange of [500, 20_000, 2 ** 45]) {
    const random = new Random(keyRange);
    const tree = BTree.create(newTransaction(), layout);
    const model = new Map<number, number>();
    for (let step = 0; step < 30_000; step++) {
      const key = Math.floor((random.next() / 2 ** 32) * keyRange);
      const shrinking = step % 10_000 > 6000;
      if (random.chance(shrinking ? 0.9 : 0.2)) {
        const end = key + 1 + random.below(random.pick([1, 1, 50, keyRange / 20]));
        const gone = [...model.keys()].filter((known) => known >= key && known < end);
        assert.equal(removeRange(tree, key, end), gone.length);
        for (const known of gone) model.delete(known);
      } else {
        put(tree, key, step);
        model.set(key, step);
      }
      if (step % 3000 === 0) requireSound(tree);
    }
    requireSound(tree);
    assert.deepEqual(contents(tree), sorted(model));
    assert.equal(removeRange(tree, 0, Number.MAX_SAFE_INTEGER), model.size);
    assert.equal(tree.transaction.spaceMap.allocatedCount, 1);
  }
});

test("ascending keys leave full leaves behind", () => {
  const tree = BTree.create(newTransaction(), layout);
  for (let key = 0; key < 100_000; key++) put(tree, key, key);
  const leaves = Math.ceil(100_000 / 252);
  assert.ok(requireSound(tree) < leaves * 1.05 + 3);
  assert.equal(lastKey(tree), 99_999);
  assert.equal(firstKeyFrom(tree, 5000), 5000);
  assert.equal(firstKeyFrom(tree, 100_000), -1);
});

test("a shared tree stays as it was while its twin changes, and both give everything back", () => {
  const transaction = newTransaction();
  const tree = BTree.create(transaction, layout);
  const random = new Random(3);
  const model = new Map<number, number>();
  for (let step = 0; step < 20_000; step++) {
    const key = random.below(1_000_000);
    put(tree, key, step);
    model.set(key, step);
  }
  transaction.retain(tree.root);
  const twin = new BTree(transaction, layout, tree.root);
  transaction.spaceMap.startTransaction();
  const twinModel = new Map(model);
  for (let step = 0; step < 500; step++) {
    const key = random.below(1_000_000);
    if (step % 3 === 0) {
      removeRange(twin, key, key + 2000);
      for (let gone = key; gone < key + 2000; gone++) twinModel.delete(gone);
    } else {
      put(twin, key, -step);
      twinModel.set(key, -step);
    }
  }
  requireSound(twin);
  assert.deepEqual(contents(tree), sorted(model));
  assert.deepEqual(contents(twin), sorted(twinModel));
  releaseTree(twin, twin.root);
  assert.deepEqual(contents(tree), sorted(model));
  releaseTree(tree, tree.root);
  assert.equal(transaction.spaceMap.allocatedCount, 0);
});

test("within a transaction no block of the committed state changes, and none is given out", () => {
  const transaction = newTransaction();
  const tree = BTree.create(transaction, layout);
  for (let key = 0; key < 5000; key++) put(tree, key * 3, key);
  transaction.spaceMap.startTransaction();
  const committed = new Map<number, Uint8Array>();
  for (let block = 0; block < BLOCKS; block++) {
    if (transaction.spaceMap.counts[block] === 0) continue;
    committed.set(block, Uint8Array.from(transaction.read(block, NODE).bytes));
  }
  const random = new Random(9);
  for (let step = 0; step < 3000; step++) {
    if (step % 2 === 0) put(tree, random.below(20_000), step);
    else removeRange(tree, random.below(20_000), random.below(20_000));
  }
  for (const [block, bytes] of committed) {
    assert.deepEqual(transaction.read(block, NODE).bytes, bytes, `block ${block}`);
  }
});
