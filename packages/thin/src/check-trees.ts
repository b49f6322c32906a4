/**
 * Walks the trees of a pool for the checker, each block once however many trees share it, and
 * counts who refers to what. Memory is bounded by the number of metadata blocks, 14 bytes each: 58
 * MiB for the largest.
 */
import type { BlockDevice } from "./block-device.ts";
import { DEPTH_MAX } from "./btree.ts";
import {
  childAt, entryCount, entryMax, isLeaf, keyAt, nodeDefect, valueAt, valueBytes,
} from "./btree-node.ts";
import type { CheckReport } from "./check-report.ts";
import {
  blockDefect, blockKind, blockKindName, METADATA_BLOCK_BYTES, viewOf,
} from "./metadata-block.ts";
import type { BlockKind } from "./metadata-block.ts";

/** What a block is used as. Two uses of one block are a defect. */
export const role = {
  none: 0, superblock: 1, index: 2, bitmap: 3, overflow: 4, dataOverflow: 5, dataIndex: 6, details: 7,
  devices: 8, mappings: 9,
} as const;
export type Role = (typeof role)[keyof typeof role];

export interface TreeKind {
  readonly name: string;
  readonly role: Role;
  readonly valueSize: number;
}

/** Called for each leaf, once. The bytes are good until it returns. */
export type VisitLeaf = (view: DataView, count: number) => void;

interface Walk {
  readonly kind: TreeKind;
  readonly deviceId: number | undefined;
  readonly visit: VisitLeaf;
}

const BROKEN = 255;
/** Reasons that are remembered, for nodes that several trees share. */
const REASONS_MAX = 10_000;

export class TreeChecker {
  readonly blockCount: number;
  /** References found to each metadata block. */
  readonly references: Uint32Array;
  readonly roles: Uint8Array;
  readonly report: CheckReport;
  readonly #device: BlockDevice;
  /** Height above the leaves, BROKEN for what cannot be read. */
  readonly #heights: Uint8Array;
  readonly #entries: Uint32Array;
  readonly #reasons = new Map<number, string>();

  constructor(device: BlockDevice, blockCount: number, report: CheckReport) {
    this.#device = device;
    this.blockCount = blockCount;
    this.report = report;
    this.references = new Uint32Array(blockCount);
    this.roles = new Uint8Array(blockCount);
    this.#heights = new Uint8Array(blockCount);
    this.#entries = new Uint32Array(blockCount);
  }

  /** Walk a whole tree; the number of its entries. */
  walk(root: number, kind: TreeKind, deviceId: number | undefined, visit: VisitLeaf): number {
    return this.#node({ kind, deviceId, visit }, root, 0, undefined, 0);
  }

  /** Note one reference. Undefined when the block cannot be what it is referred to as. */
  refer(block: number, as: Role): string | undefined {
    if (block >= this.blockCount) return `refers to metadata block ${block} of ${this.blockCount}`;
    this.references[block]! += 1;
    const known = this.roles[block]!;
    if (known === role.none) this.roles[block] = as;
    return known === role.none || known === as
      ? undefined
      : `metadata block ${block} is used for two different things`;
  }

  /** The block, verified, or what is wrong with it. */
  readBlock(block: number, kind: BlockKind): Uint8Array | string {
    const bytes = new Uint8Array(METADATA_BLOCK_BYTES);
    try {
      this.#device.read(block * METADATA_BLOCK_BYTES, bytes);
    } catch (error) {
      return `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    }
    const defect = blockDefect(bytes, viewOf(bytes), kind, block);
    return defect === undefined ? bytes : `(${blockKindName(kind)}) ${defect}`;
  }

  /** Leaves that were found sound, for passes that only count. */
  *leaves(wanted: Role): Generator<DataView> {
    for (let block = 0; block < this.blockCount; block++) {
      if (this.roles[block] !== wanted || this.#heights[block] !== 0) continue;
      const bytes = this.readBlock(block, blockKind.node);
      if (typeof bytes !== "string") yield viewOf(bytes);
    }
  }

  #node(walk: Walk, block: number, low: number, high: number | undefined, depth: number): number {
    const misuse = this.refer(block, walk.kind.role);
    if (misuse !== undefined) return this.#lose(walk, block, low, high, misuse);
    const seen = this.references[block]! > 1;
    if (seen) {
      const reason = this.#reasons.get(block);
      if (reason !== undefined) return this.#lose(walk, block, low, high, reason);
      this.#checkBounds(walk, block, low, high);
      return this.#entries[block]!;
    }
    const view = this.#readNode(walk, block, low, high, depth);
    if (!view) return 0;
    this.#checkKeys(walk, view, block, low, high);
    const count = entryCount(view);
    if (isLeaf(view)) {
      this.#entries[block] = count;
      walk.visit(view, count);
      return count;
    }
    let entries = 0;
    let height = 0;
    for (let index = 0; index < count; index++) {
      const child = childAt(view, index);
      const end = index + 1 < count ? keyAt(view, index + 1) : high;
      entries += this.#node(walk, child, keyAt(view, index), end, depth + 1);
      const below = this.#heights[child];
      if (below === undefined || below === BROKEN) continue;
      if (height !== 0 && height !== below + 1) {
        this.#error(walk, block, `leaves at different depths below entry ${index}`);
      }
      height = below + 1;
    }
    this.#heights[block] = height === 0 ? BROKEN : height;
    this.#entries[block] = entries;
    return entries;
  }

  #readNode(
    walk: Walk, block: number, low: number, high: number | undefined, depth: number,
  ): DataView | undefined {
    const bytes = this.readBlock(block, blockKind.node);
    const reason =
      typeof bytes === "string" ? bytes : this.#nodeReason(walk.kind, viewOf(bytes), depth);
    if (typeof bytes !== "string" && reason === undefined) {
      this.#noteNode(walk, viewOf(bytes), block, depth);
      return viewOf(bytes);
    }
    this.#lose(walk, block, low, high, `metadata block ${block} ${reason}`);
    return undefined;
  }

  #nodeReason(kind: TreeKind, view: DataView, depth: number): string | undefined {
    if (depth > DEPTH_MAX) return "is deeper than a tree can be";
    const defect = nodeDefect(view);
    if (defect !== undefined) return defect;
    if (isLeaf(view) && valueBytes(view) !== kind.valueSize) {
      return `has values of ${valueBytes(view)} bytes, not ${kind.valueSize}`;
    }
    if (entryMax(view) % 3 !== 0) {
      return `has room for ${entryMax(view)} entries, not a multiple of 3`;
    }
    if (!isLeaf(view) && entryCount(view) === 0) return "is an internal node without children";
    return undefined;
  }

  #noteNode(walk: Walk, view: DataView, block: number, depth: number): void {
    const padding = view.getUint32(28, true);
    if (padding !== 0) this.#add(walk, "note", block, `padding is ${padding}, not 0`);
    if (depth > 0 && entryCount(view) < Math.floor(entryMax(view) / 3)) {
      const room = entryMax(view);
      this.#add(
        walk, "note", block, `${entryCount(view)} entries are less than a third of ${room}`,
      );
    }
  }

  #checkKeys(
    walk: Walk, view: DataView, block: number, low: number, high: number | undefined,
  ): void {
    const count = entryCount(view);
    if (count === 0) return;
    const first = keyAt(view, 0);
    const last = keyAt(view, count - 1);
    if (first >= low && (high === undefined || last < high)) return;
    const range = high === undefined ? `${low} on` : `${low} to ${high - 1}`;
    this.#error(
      walk, block, `keys ${first} to ${last} are outside those of their parent, ${range}`,
    );
  }

  /** A shared node, met again below another parent. */
  #checkBounds(walk: Walk, block: number, low: number, high: number | undefined): void {
    let at = block;
    for (let depth = 0; depth <= DEPTH_MAX; depth++) {
      const bytes = this.readBlock(at, blockKind.node);
      if (typeof bytes === "string") return;
      const view = viewOf(bytes);
      if (nodeDefect(view) !== undefined || entryCount(view) === 0) return;
      this.#checkKeys(walk, view, at, at === block ? low : 0, high);
      if (isLeaf(view)) return;
      at = childAt(view, entryCount(view) - 1);
      if (at >= this.blockCount) return;
    }
  }

  /** Everything below is lost; it holds no entries as far as can be told. */
  #lose(walk: Walk, block: number, low: number, high: number | undefined, reason: string): number {
    if (block < this.blockCount) {
      this.#heights[block] = BROKEN;
      if (this.#reasons.size < REASONS_MAX) this.#reasons.set(block, reason);
    }
    this.report.add({
      severity: "error",
      message: `${this.#where(walk)}: ${reason}`,
      metadataBlock: block,
      ...(walk.deviceId === undefined ? {} : { deviceId: walk.deviceId, lost: { begin: low, end: high } }),
    });
    return 0;
  }

  #error(walk: Walk, block: number, what: string): void {
    this.#add(walk, "error", block, what);
  }

  #add(walk: Walk, severity: "error" | "note", block: number, what: string): void {
    this.report.add({
      severity,
      message: `${this.#where(walk)}: metadata block ${block}: ${what}`,
      metadataBlock: block,
      ...(walk.deviceId === undefined ? {} : { deviceId: walk.deviceId }),
    });
  }

  #where({ kind, deviceId }: Walk): string {
    return deviceId === undefined ? kind.name : `${kind.name} of device ${deviceId}`;
  }
}

/** Visit the values of a leaf one by one. */
export function eachValue(visit: (key: number, view: DataView, at: number) => void): VisitLeaf {
  return (view, count) => {
    for (let index = 0; index < count; index++) {
      visit(keyAt(view, index), view, valueAt(view, index));
    }
  };
}
