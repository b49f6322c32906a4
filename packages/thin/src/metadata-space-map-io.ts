/**
 * Reading the metadata space map at open, and writing it at commit.
 *
 * The map describes the blocks it is itself written to. That ends, because each of its blocks is
 * moved at most once a transaction: first the overflow tree takes its changes, then index block and
 * bitmaps move until no bitmap is dirty that has not moved, and only then are the counts written
 * down.
 */
import { viewOf, blockKind } from "./metadata-block.ts";
import type { BlockCache } from "./block-cache.ts";
import { bitmapCount, ENTRIES_PER_BITMAP, setBitmapCount } from "./bitmap.ts";
import { BTree } from "./btree.ts";
import { removeFromLeaf } from "./btree-remove.ts";
import { walkTree } from "./btree-walk.ts";
import { indexEntry, INDEX_ENTRIES_AT } from "./index-entry.ts";
import { MetadataSpaceMap, METADATA_BLOCKS_MAX } from "./metadata-space-map.ts";
import { overflowLayout } from "./overflow-layout.ts";
import type { SpaceMapRoot } from "./superblock.ts";
import { ThinError } from "./thin-error.ts";
import { Transaction } from "./transaction.ts";

/** Sizes that a root may claim are checked here, before they are believed. */
export function requireMetadataBlockCount(blockCount: number, deviceBlocks: number): void {
  if (blockCount === 0 || blockCount > METADATA_BLOCKS_MAX) {
    throw new ThinError("corrupt", `the metadata claims to have ${blockCount} blocks`);
  }
  if (blockCount > deviceBlocks) {
    throw new ThinError(
      "corrupt",
      `the metadata device has ${deviceBlocks} blocks of 4 KiB, but its metadata needs ${blockCount}`,
    );
  }
}

export function loadMetadataSpaceMap(cache: BlockCache, root: SpaceMapRoot): MetadataSpaceMap {
  const map = new MetadataSpaceMap(root.blockCount);
  map.indexBlock = root.bitmapRoot;
  map.overflowRoot = root.overflowRoot;
  const index = cache.read(root.bitmapRoot, blockKind.index);
  map.index.set(index.bytes);
  for (let bitmap = 0; bitmap < map.bitmapCount; bitmap++) {
    const block =
      indexEntry.field.block.get(index.view, INDEX_ENTRIES_AT + bitmap * indexEntry.size);
    map.bitmapBlocks[bitmap] = block;
    const { bytes } = cache.read(block, blockKind.bitmap);
    const first = bitmap * ENTRIES_PER_BITMAP;
    const count = Math.min(ENTRIES_PER_BITMAP, map.blockCount - first);
    for (let entry = 0; entry < count; entry++) {
      const found = bitmapCount(bytes, entry);
      if (found === 0) continue;
      map.counts[first + entry] = found;
      map.allocatedCount += 1;
    }
  }
  loadOverflow(cache, map);
  return map;
}

function loadOverflow(cache: BlockCache, map: MetadataSpaceMap): void {
  const overflow = new BTree(new Transaction(cache, map), overflowLayout, map.overflowRoot);
  walkTree(overflow, (block, view, at) => {
    if (block >= map.blockCount || map.counts[block]! < 3) return;
    map.counts[block] = view.getUint32(at, true);
  });
}

/** Bring bitmaps, index block and overflow tree up to date; the root for the superblock. */
export function commitMetadataSpaceMap(transaction: Transaction): SpaceMapRoot {
  const map = transaction.spaceMap;
  commitOverflow(transaction);
  map.indexBlock = moveBlock(transaction, map.indexBlock);
  const moved = moveDirtyBitmaps(transaction);
  const indexView = viewOf(map.index);
  for (const bitmap of moved) {
    writeBitmap(transaction, bitmap);
    encodeEntry(map, indexView, bitmap);
    map.bitmapDirty[bitmap] = 0;
  }
  transaction.cache.create(map.indexBlock, blockKind.index).bytes.set(map.index);
  return {
    blockCount: map.blockCount,
    allocatedCount: map.allocatedCount,
    bitmapRoot: map.indexBlock,
    overflowRoot: map.overflowRoot,
  };
}

/** An upper bound of what `commitMetadataSpaceMap` allocates. */
export function metadataCommitMax(transaction: Transaction): number {
  const map = transaction.spaceMap;
  const changes = map.overflowDirty.size;
  const overflow =
    changes === 0 ? 0 : new BTree(transaction, overflowLayout, map.overflowRoot).allocationMax(changes);
  return map.bitmapCount + 1 + overflow;
}

function commitOverflow(transaction: Transaction): void {
  const map = transaction.spaceMap;
  if (map.overflowDirty.size === 0) return;
  const tree = new BTree(transaction, overflowLayout, map.overflowRoot);
  // The tree's own nodes are referred to once, so moving them adds nothing here.
  const blocks = [...map.overflowDirty].sort((left, right) => left - right);
  map.overflowDirty.clear();
  for (const block of blocks) {
    const count = map.counts[block]!;
    if (count > 2) {
      tree.insert(block);
      tree.view.setUint32(tree.at, count, true);
    } else {
      removeFromLeaf(tree, block, block + 1);
    }
  }
  map.overflowRoot = tree.root;
}

function moveDirtyBitmaps(transaction: Transaction): Set<number> {
  const map = transaction.spaceMap;
  const moved = new Set<number>();
  for (let found = true; found; ) {
    found = false;
    for (let bitmap = 0; bitmap < map.bitmapCount; bitmap++) {
      if (map.bitmapDirty[bitmap] === 0 || moved.has(bitmap)) continue;
      map.bitmapBlocks[bitmap] = moveBlock(transaction, map.bitmapBlocks[bitmap]!);
      moved.add(bitmap);
      found = true;
    }
  }
  return moved;
}

/** Content is written later, from the counts, so nothing is copied. 0 stands for no block yet. */
function moveBlock(transaction: Transaction, block: number): number {
  const target = transaction.spaceMap.allocate();
  if (block !== 0) transaction.release(block);
  return target;
}

function writeBitmap(transaction: Transaction, bitmap: number): void {
  const map = transaction.spaceMap;
  const { bytes } = transaction.cache.create(map.bitmapBlocks[bitmap]!, blockKind.bitmap);
  bytes.fill(0);
  const first = bitmap * ENTRIES_PER_BITMAP;
  const count = Math.min(ENTRIES_PER_BITMAP, map.blockCount - first);
  for (let entry = 0; entry < count; entry++) {
    const used = map.counts[first + entry]!;
    if (used > 0) setBitmapCount(bytes, entry, Math.min(used, 3));
  }
}

function encodeEntry(map: MetadataSpaceMap, view: DataView, bitmap: number): void {
  const first = bitmap * ENTRIES_PER_BITMAP;
  const end = Math.min(first + ENTRIES_PER_BITMAP, map.blockCount);
  let free = first + ENTRIES_PER_BITMAP - end;
  let noneFreeBefore = -1;
  for (let block = first; block < end; block++) {
    if (map.counts[block] !== 0) continue;
    free += 1;
    if (noneFreeBefore < 0) noneFreeBefore = block - first;
  }
  indexEntry.encode(view, INDEX_ENTRIES_AT + bitmap * indexEntry.size, {
    block: map.bitmapBlocks[bitmap]!,
    freeCount: free,
    noneFreeBefore: noneFreeBefore < 0 ? end - first : noneFreeBefore,
  });
}
