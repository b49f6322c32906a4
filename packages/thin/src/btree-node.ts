/**
 * One node of a B-tree (docs/formats/dm-thin.md, "B-tree node"): 32 bytes of header, then room for
 * `entryMax` keys of 8 bytes, then for as many values of `valueSize` bytes. Little-endian:
 *
 *     u32 checksum | u32 flags | u64 block | u32 entryCount | u32 entryMax | u32 valueSize | u32 padding
 *
 * Invariants: keys ascend strictly; in an internal node, key i is at most the first key of child i
 * (after removals it may be lower); what lies beyond `entryCount` is stale and means nothing.
 *
 * The functions work on bytes that `nodeDefect` has passed, so they check nothing themselves.
 */
import { writeU64le } from "@mortar/binary";
import { METADATA_BLOCK_BYTES } from "./metadata-block.ts";

export const NODE_HEADER_BYTES = 32;
export const CHILD_BYTES = 8;
const INTERNAL = 1;
const LEAF = 2;
const TWO_32 = 4_294_967_296;
const HIGH_WORD_MAX = 0x1f_ffff;

/** The bytes of a node and a view over them. A frame of the block cache is one. */
export interface NodeBytes {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** How many entries a node may hold: a multiple of three, which thin_check insists on. */
export function entryMaxFor(valueSize: number): number {
  return Math.floor((METADATA_BLOCK_BYTES - NODE_HEADER_BYTES) / (8 + valueSize) / 3) * 3;
}

export function initNode({ bytes, view }: NodeBytes, leaf: boolean, valueSize: number): void {
  bytes.fill(0);
  view.setUint32(4, leaf ? LEAF : INTERNAL, true);
  view.setUint32(20, entryMaxFor(valueSize), true);
  view.setUint32(24, valueSize, true);
}

/**
 * What makes the node unusable, undefined when nothing does. Block number and checksum are not
 * looked at.
 */
export function nodeDefect(view: DataView): string | undefined {
  const flags = view.getUint32(4, true);
  if (flags !== INTERNAL && flags !== LEAF) return `flags are ${flags}, neither internal nor leaf`;
  const count = entryCount(view);
  const max = entryMax(view);
  const valueSize = view.getUint32(24, true);
  if (count > max) return `${count} entries where ${max} are the most`;
  if (NODE_HEADER_BYTES + max * (8 + valueSize) > METADATA_BLOCK_BYTES) {
    return `${max} entries of ${valueSize} bytes do not fit a block`;
  }
  if (flags === INTERNAL && valueSize !== CHILD_BYTES) {
    return `internal node with values of ${valueSize}`;
  }
  let previousHigh = 0;
  let previousLow = -1;
  for (let at = NODE_HEADER_BYTES, end = at + count * 8; at < end; at += 8) {
    const low = view.getUint32(at, true);
    const high = view.getUint32(at + 4, true);
    if (high < previousHigh || (high === previousHigh && low <= previousLow)) {
      return `keys do not ascend at entry ${(at - NODE_HEADER_BYTES) / 8}`;
    }
    previousHigh = high;
    previousLow = low;
  }
  return previousHigh > HIGH_WORD_MAX ? "a key is 2^53 or more" : undefined;
}

export function entryCount(view: DataView): number {
  return view.getUint32(16, true);
}

export function entryMax(view: DataView): number {
  return view.getUint32(20, true);
}

export function valueBytes(view: DataView): number {
  return view.getUint32(24, true);
}

export function isLeaf(view: DataView): boolean {
  return view.getUint32(4, true) === LEAF;
}

export function keyAt(view: DataView, index: number): number {
  const at = NODE_HEADER_BYTES + index * 8;
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_32;
}

export function setKeyAt(view: DataView, index: number, key: number): void {
  writeU64le(view, NODE_HEADER_BYTES + index * 8, key);
}

/** Byte position of a value. */
export function valueAt(view: DataView, index: number): number {
  return NODE_HEADER_BYTES + entryMax(view) * 8 + index * valueBytes(view);
}

/** Child of an internal node. A number beyond every device is caught when the block is read. */
export function childAt(view: DataView, index: number): number {
  const at = NODE_HEADER_BYTES + entryMax(view) * 8 + index * CHILD_BYTES;
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_32;
}

export function setChildAt(view: DataView, index: number, block: number): void {
  writeU64le(view, NODE_HEADER_BYTES + entryMax(view) * 8 + index * CHILD_BYTES, block);
}

/** Index of the last key that is not above `key`; -1 when all are. */
export function lowerBound(view: DataView, key: number): number {
  let low = -1;
  let high = view.getUint32(16, true);
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    const at = NODE_HEADER_BYTES + middle * 8;
    const found = view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_32;
    if (found <= key) low = middle;
    else high = middle;
  }
  return low;
}

/** Open a gap for one entry, to be filled by the caller. */
export function insertEntry(node: NodeBytes, index: number, key: number): void {
  const { bytes, view } = node;
  const count = entryCount(view);
  const size = valueBytes(view);
  const keys = NODE_HEADER_BYTES;
  bytes.copyWithin(keys + (index + 1) * 8, keys + index * 8, keys + count * 8);
  const values = valueAt(view, 0);
  bytes.copyWithin(values + (index + 1) * size, values + index * size, values + count * size);
  view.setUint32(16, count + 1, true);
  setKeyAt(view, index, key);
}

/** Close the gap over entries `[from, to)`. */
export function removeEntries(node: NodeBytes, from: number, to: number): void {
  const { bytes, view } = node;
  const count = entryCount(view);
  const size = valueBytes(view);
  const keys = NODE_HEADER_BYTES;
  bytes.copyWithin(keys + from * 8, keys + to * 8, keys + count * 8);
  const values = valueAt(view, 0);
  bytes.copyWithin(values + from * size, values + to * size, values + count * size);
  view.setUint32(16, count - (to - from), true);
}

/** Move the first `count` entries of `right` behind the last of `left`. */
export function moveToLeft(left: NodeBytes, right: NodeBytes, count: number): void {
  copyEntries(right, 0, left, entryCount(left.view), count);
  left.view.setUint32(16, entryCount(left.view) + count, true);
  removeEntries(right, 0, count);
}

/** Move the last `count` entries of `left` before the first of `right`. */
export function moveToRight(left: NodeBytes, right: NodeBytes, count: number): void {
  const leftCount = entryCount(left.view);
  const rightCount = entryCount(right.view);
  const size = valueBytes(right.view);
  const keys = NODE_HEADER_BYTES;
  const values = valueAt(right.view, 0);
  right.bytes.copyWithin(keys + count * 8, keys, keys + rightCount * 8);
  right.bytes.copyWithin(values + count * size, values, values + rightCount * size);
  copyEntries(left, leftCount - count, right, 0, count);
  right.view.setUint32(16, rightCount + count, true);
  left.view.setUint32(16, leftCount - count, true);
}

function copyEntries(
  source: NodeBytes, sourceIndex: number, target: NodeBytes, targetIndex: number, count: number,
): void {
  const size = valueBytes(source.view);
  const keysFrom = NODE_HEADER_BYTES + sourceIndex * 8;
  target.bytes.set(
    source.bytes.subarray(keysFrom, keysFrom + count * 8),
    NODE_HEADER_BYTES + targetIndex * 8,
  );
  const valuesFrom = valueAt(source.view, sourceIndex);
  target.bytes.set(
    source.bytes.subarray(valuesFrom, valuesFrom + count * size),
    valueAt(target.view, targetIndex),
  );
}
