/** Compares both space maps with the references that were found. */
import { BITMAP_HEADER_BYTES, bitmapCount, ENTRIES_PER_BITMAP, IN_OVERFLOW } from "./bitmap.ts";
import { CountDefects } from "./check-report.ts";
import type { CheckReport, DefectSeverity } from "./check-report.ts";
import { eachValue, role } from "./check-trees.ts";
import type { TreeChecker, TreeKind } from "./check-trees.ts";
import { indexEntry, INDEX_ENTRIES_AT } from "./index-entry.ts";
import { entryCount, valueAt } from "./btree-node.ts";
import { mappingDataBlock } from "./mapping.ts";
import { blockKind, viewOf } from "./metadata-block.ts";
import type { SpaceMapRoot } from "./superblock.ts";

/** Data blocks whose counts are held at a time, one byte each. */
const WINDOW_BLOCKS = 64 * 2 ** 20;
const BYTE_FULL = 255;

const overflowKind: TreeKind =
  { name: "reference count overflow", role: role.overflow, valueSize: 4 };
const dataOverflowKind: TreeKind = { ...overflowKind, role: role.dataOverflow };
const dataIndexKind: TreeKind =
  { name: "data space map index", role: role.dataIndex, valueSize: 16 };

interface IndexEntry {
  readonly bitmap: number;
  readonly block: number;
  readonly freeCount: number;
  readonly noneFreeBefore: number;
}

/** The claimed counts of a range of blocks against the found ones. */
class Comparison {
  readonly begin: number;
  readonly end: number;
  /** The overflow tree has an entry. */
  readonly inTree: Uint8Array;
  readonly #counts: CountDefects;
  readonly #found: (block: number) => number;
  /** Nobody refers to any block of a range. */
  readonly #isUnused: (begin: number, end: number) => boolean;
  allocatedCount = 0;

  constructor(
    begin: number, end: number, counts: CountDefects, found: (block: number) => number,
    isUnused: (begin: number, end: number) => boolean,
  ) {
    this.begin = begin;
    this.end = end;
    this.#counts = counts;
    this.#isUnused = isUnused;
    this.#found = found;
    this.inTree = new Uint8Array(Math.ceil((end - begin) / 8));
  }

  addOverflow(block: number, count: number): void {
    if (block < this.begin || block >= this.end) return;
    const index = block - this.begin;
    this.inTree[index >>> 3]! |= 1 << (index & 7);
    this.compare(block, count);
  }

  isInTree(block: number): boolean {
    const index = block - this.begin;
    return (this.inTree[index >>> 3]! & (1 << (index & 7))) !== 0;
  }

  /** Of blocks whose bitmap says they are free, none is in the tree or referred to. */
  areFree(first: number, last: number): boolean {
    const begin = Math.max(first, this.begin);
    const end = Math.min(last, this.end);
    const from = (begin - this.begin) >>> 3;
    const to = Math.ceil((end - this.begin) / 8);
    for (let index = from; index < to; index++) if (this.inTree[index] !== 0) return false;
    return this.#isUnused(begin, end);
  }

  compare(block: number, claimed: number): void {
    const found = this.#found(block);
    if (found !== claimed) this.#counts.add(block, found, claimed);
  }

  finish(): void {
    this.#counts.finish();
  }
}

/** References from the mappings to the data blocks of one window. */
export class DataReferences {
  readonly begin: number;
  readonly end: number;
  readonly #counts: Uint8Array;
  readonly #large = new Map<number, number>();

  constructor(begin: number, blockCount: number) {
    this.begin = begin;
    this.end = Math.min(begin + WINDOW_BLOCKS, blockCount);
    this.#counts = new Uint8Array(Math.max(this.end - begin, 0));
  }

  addLeaf(view: DataView): void {
    const count = entryCount(view);
    const first = valueAt(view, 0);
    for (let at = first, end = first + count * 8; at < end; at += 8) {
      const block = mappingDataBlock(view, at);
      if (block < this.begin || block >= this.end) continue;
      const index = block - this.begin;
      if (this.#counts[index]! < BYTE_FULL) this.#counts[index]! += 1;
      else this.#large.set(block, (this.#large.get(block) ?? BYTE_FULL) + 1);
    }
  }

  isUnused(begin: number, end: number): boolean {
    for (let index = begin - this.begin; index < end - this.begin; index++) {
      if (this.#counts[index] !== 0) return false;
    }
    return true;
  }

  count(block: number): number {
    const count = this.#counts[block - this.begin]!;
    return count < BYTE_FULL ? count : (this.#large.get(block) ?? BYTE_FULL);
  }
}

/** Compares the data space map with the references that the walk of the mappings found. */
export function checkDataSpaceMap(
  trees: TreeChecker, root: SpaceMapRoot, first: DataReferences,
): void {
  const { report } = trees;
  const entries = readDataIndex(trees, root);
  trees.walk(root.overflowRoot, dataOverflowKind, undefined, eachValue((block) => {
    if (block >= root.blockCount) rejectOverflow(report, "data", block, root.blockCount);
  }));
  const covered = Math.min(root.blockCount, entries.length * ENTRIES_PER_BITMAP);
  let references = first;
  let allocated = compareWindow(trees, entries, root.blockCount, references);
  while (references.end < covered) {
    references = new DataReferences(references.end, covered);
    for (const leaf of trees.leaves(role.mappings)) references.addLeaf(leaf);
    allocated += compareWindow(trees, entries, root.blockCount, references);
  }
  if (allocated === root.allocatedCount) return;
  report.add({
    severity: "error",
    message: `data space map: says ${root.allocatedCount} blocks are in use, its bitmaps say ${allocated}`,
  });
}

function readDataIndex(trees: TreeChecker, root: SpaceMapRoot): IndexEntry[] {
  const entries: IndexEntry[] = [];
  trees.walk(root.bitmapRoot, dataIndexKind, undefined, eachValue((bitmap, view, at) => {
    entries.push({ bitmap, ...indexEntry.decode(view, at) });
  }));
  const bitmaps = Math.ceil(root.blockCount / ENTRIES_PER_BITMAP);
  if (entries.length !== bitmaps || entries.some(({ bitmap }, index) => bitmap !== index)) {
    trees.report.add({
      severity: "error", message: `data space map: ${entries.length} of ${bitmaps} bitmaps`,
    });
  }
  for (const entry of entries) trees.refer(entry.block, role.bitmap);
  return entries;
}

/** Blocks in use in the range of `references`, by the bitmaps. */
function compareWindow(
  trees: TreeChecker, entries: readonly IndexEntry[], blockCount: number, references: DataReferences,
): number {
  const counts = new CountDefects(trees.report, "data block");
  const comparison = new Comparison(
    references.begin, references.end, counts, (block) => references.count(block),
    (begin, end) => references.isUnused(begin, end),
  );
  const visit =
    eachValue((block, view, at) => comparison.addOverflow(block, view.getUint32(at, true)));
  for (const leaf of trees.leaves(role.dataOverflow)) visit(leaf, entryCount(leaf));
  comparison.finish();
  for (const entry of entries) checkBitmap(trees, "data", entry, blockCount, comparison);
  comparison.finish();
  return comparison.allocatedCount;
}

/**
 * Reads what the metadata space map consists of, and counts it in. Compare after all trees were
 * walked.
 */
export function readMetadataSpaceMap(trees: TreeChecker, root: SpaceMapRoot): () => void {
  const { report } = trees;
  const misuse = trees.refer(root.bitmapRoot, role.index);
  const index = misuse ?? trees.readBlock(root.bitmapRoot, blockKind.index);
  if (typeof index === "string") {
    report.add({
      severity: "error", message: `metadata space map index: ${index}`, metadataBlock: root.bitmapRoot,
    });
    return () => {};
  }
  const entries: IndexEntry[] = [];
  for (let bitmap = 0; bitmap < Math.ceil(root.blockCount / ENTRIES_PER_BITMAP); bitmap++) {
    const entry = indexEntry.decode(viewOf(index), INDEX_ENTRIES_AT + bitmap * indexEntry.size);
    trees.refer(entry.block, role.bitmap);
    entries.push({ bitmap, ...entry });
  }
  trees.walk(root.overflowRoot, overflowKind, undefined, eachValue((block) => {
    if (block >= root.blockCount) rejectOverflow(report, "metadata", block, root.blockCount);
  }));
  return () => {
    const counts = new CountDefects(report, "metadata block");
    const found = (block: number): number => trees.references[block]!;
    const comparison = new Comparison(0, root.blockCount, counts, found, (begin, end) => {
      for (let block = begin; block < end; block++) if (trees.references[block] !== 0) return false;
      return true;
    });
    const visit =
      eachValue((block, view, at) => comparison.addOverflow(block, view.getUint32(at, true)));
    for (const leaf of trees.leaves(role.overflow)) visit(leaf, entryCount(leaf));
    comparison.finish();
    for (const entry of entries) checkBitmap(trees, "metadata", entry, root.blockCount, comparison);
    comparison.finish();
    const off = root.allocatedCount - comparison.allocatedCount;
    if (off === 0) return;
    report.add({
      // thin_restore 0.9.0 can leave it one too high, and the kernel carries that along.
      severity: off === 1 ? "note" : "error",
      message:
        `metadata space map: says ${root.allocatedCount} blocks are in use, ` +
        `its bitmaps say ${comparison.allocatedCount}`,
    });
  };
}

function rejectOverflow(
  report: CheckReport, which: string, block: number, blockCount: number,
): void {
  report.add({
    severity: "error",
    message: `${which} space map: an overflow count for block ${block}, but there are ${blockCount}`,
  });
}

/** One bitmap against the references, as far as it lies in the range of the comparison. */
function checkBitmap(
  trees: TreeChecker, which: string, entry: IndexEntry, blockCount: number, comparison: Comparison,
): void {
  const first = entry.bitmap * ENTRIES_PER_BITMAP;
  if (first >= comparison.end || first + ENTRIES_PER_BITMAP <= comparison.begin) return;
  const name = `${which} space map: bitmap ${entry.bitmap}`;
  const fail = (message: string, severity: DefectSeverity = "error"): void => {
    trees.report.add({ severity, message: `${name}: ${message}`, metadataBlock: entry.block });
  };
  if (entry.block >= trees.blockCount) return fail(`is said to be in block ${entry.block}`);
  if (trees.roles[entry.block] !== role.bitmap) return fail("its block is used for something else");
  const bytes = trees.readBlock(entry.block, blockKind.bitmap);
  if (typeof bytes === "string") return fail(bytes);
  if (viewOf(bytes).getUint32(4, true) !== 0) fail("unused header field is not 0", "note");
  const end = Math.min(ENTRIES_PER_BITMAP, blockCount - first);
  // Most bitmaps of a pool that is not full are all zero, and that is told much faster.
  const isFree = isAllFree(bytes) && comparison.areFree(first, first + end);
  let free = isFree ? end : 0;
  let firstFree = isFree ? 0 : end;
  for (let index = free; index < end; index++) {
    const block = first + index;
    const count = bitmapCount(bytes, index);
    if (count === 0) {
      if (free === 0) firstFree = index;
      free += 1;
    }
    if (block >= comparison.begin && block < comparison.end) {
      checkCount(comparison, block, count, fail);
    }
  }
  if (!isFree) checkBeyond(bytes, end, fail);
  // Either convention counts; too few only hide space, which thin_restore 0.9.0 does in the
  // metadata's.
  const whole = free + ENTRIES_PER_BITMAP - end;
  if (entry.freeCount !== whole && entry.freeCount !== free) {
    const hides = entry.freeCount < free || (entry.freeCount > free && entry.freeCount < whole);
    fail(
      `its index says ${entry.freeCount} entries are free, ${whole} are`, hides ? "leak" : "error",
    );
  }
  if (entry.noneFreeBefore > firstFree) {
    fail(`its index says none is free before ${entry.noneFreeBefore}, but ${firstFree} is`, "leak");
  }
}

function isAllFree(bytes: Uint8Array): boolean {
  for (let at = BITMAP_HEADER_BYTES; at < bytes.length; at++) if (bytes[at] !== 0) return false;
  return true;
}

function checkCount(
  comparison: Comparison, block: number, count: number, fail: (message: string) => void,
): void {
  if (count > 0) comparison.allocatedCount += 1;
  if (count === IN_OVERFLOW) {
    if (!comparison.isInTree(block)) {
      fail(`block ${block} should be in the overflow tree, and is not`);
    }
    return;
  }
  if (comparison.isInTree(block)) {
    fail(`block ${block} has count ${count}, yet is in the overflow tree`);
  }
  comparison.compare(block, count);
}

function checkBeyond(bytes: Uint8Array, end: number, fail: (message: string) => void): void {
  for (let index = end; index < ENTRIES_PER_BITMAP; index++) {
    if (bitmapCount(bytes, index) === 0) {
      // Four of them are a byte, and most bytes are 0.
      const at = BITMAP_HEADER_BYTES + (index >>> 2);
      if ((index & 3) === 0 && bytes[at] === 0) index += 3;
      continue;
    }
    fail(`entry ${index} is beyond the end, and not free`);
    return;
  }
}
