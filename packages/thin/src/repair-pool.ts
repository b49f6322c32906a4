/**
 * Makes sound metadata from damaged: takes the best roots there are, copies what can be read, and
 * builds both space maps anew from what was copied. The source is only read.
 *
 * The roots of the superblock are taken whenever both lead somewhere, even if an older state of the
 * pool would be more complete: blocks that were freed since may hold other data by now.
 */
import { readU64le, writeU64le } from "@mortar/binary";
import type { BlockDevice } from "./block-device.ts";
import { DEPTH_MAX } from "./btree.ts";
import { childAt, entryCount, isLeaf, keyAt, valueAt } from "./btree-node.ts";
import { findRoots } from "./find-roots.ts";
import type { RootCandidate } from "./find-roots.ts";
import { requireOverrides } from "./geometry-overrides.ts";
import type { GeometryOverrides } from "./geometry-overrides.ts";
import { DEVICE_ID_MAX, deviceDetails, MAPPING_BYTES } from "./mapping.ts";
import type { DeviceDetails } from "./mapping.ts";
import { MetadataBuilder } from "./metadata-builder.ts";
import { newNode, NodeReader } from "./node-reader.ts";
import { TreeCopier } from "./repair-copy.ts";
import type { LostRange } from "./repair-copy.ts";
import { decodeSuperblock, NEEDS_CHECK, newBlock } from "./superblock.ts";
import type { Superblock } from "./superblock.ts";
import { ThinError } from "./thin-error.ts";
import { TreeBuilder } from "./tree-builder.ts";

export interface RootPair {
  readonly mappingRoot: number;
  readonly detailsRoot: number;
}

export interface RepairOptions {
  /** Is only read. */
  readonly source: BlockDevice;
  /** Is overwritten from its first block on. Without it nothing is written: a dry run. */
  readonly target?: BlockDevice | undefined;
  /** What the superblock said, when it is gone; they win over what it says. */
  readonly overrides?: GeometryOverrides | undefined;
  /** The same, from somebody who may be wrong: asked when the superblock is gone. */
  readonly fallback?: GeometryOverrides | undefined;
  /** Instead of the best ones. */
  readonly roots?: RootPair | undefined;
}

export interface LostMappings extends LostRange {
  /** Undefined when it is not known whose they were. */
  readonly deviceId: number | undefined;
}

export interface Repair {
  readonly roots: RootPair & { readonly from: "superblock" | "scan" | "caller" };
  /** Other roots that were found when the superblock's could not be used, best first. */
  readonly otherRoots: readonly RootCandidate[];
  readonly lost: readonly LostMappings[];
  /**
   * Devices of roots that were not the superblock's, whose mappings are not as many as their details
   * say: blocks of their trees may have been used again, and hold what belongs to another device.
   */
  readonly doubtful: readonly number[];
  /** Losses beyond those that are listed. */
  readonly omittedCount: number;
  readonly notes: readonly string[];
  readonly deviceCount: number;
  readonly mappingCount: number;
  readonly dataBlockCount: number;
  readonly usedMetadataBlocks: number;
}

const LOST_MAX = 10_000;
const OTHER_ROOTS_MAX = 20;
const DATA_BLOCKS_MAX = 2 ** 40;

/**
 * Throws "corrupt" when no roots can be found, "invalid-argument" when something has to be given
 * that the metadata does not tell any more, and "metadata-full" when the target is too small.
 */
export function repairPool(options: RepairOptions): Repair {
  for (const given of [options.overrides, options.fallback]) requireOverrides(given ?? {});
  return new RepairWork(options).run();
}

class RepairWork {
  readonly #options: RepairOptions;
  readonly #nodes: NodeReader;
  readonly #notes: string[] = [];
  readonly #lost: LostMappings[] = [];
  readonly #doubtful: number[] = [];
  #omittedCount = 0;
  #others: readonly RootCandidate[] = [];

  constructor(options: RepairOptions) {
    this.#options = options;
    this.#nodes = new NodeReader(options.source);
  }

  run(): Repair {
    const superblock = this.#readSuperblock();
    const roots = this.#chooseRoots(superblock);
    const { overrides = {}, fallback = {}, target } = this.#options;
    const dataBlockSectors =
      overrides.dataBlockSectors ?? superblock?.dataBlockSectors ?? fallback.dataBlockSectors;
    if (dataBlockSectors === undefined) {
      throw new ThinError(
        "invalid-argument", "the superblock is gone, and the size of a data block with it: give it"
      );
    }
    const claimed =
      overrides.dataBlockCount ?? superblock?.dataSpaceMap.blockCount ?? fallback.dataBlockCount;
    const { details, devices } = this.#readDevices(roots);
    const builder = new MetadataBuilder(target);
    if (claimed !== undefined) builder.requireDataBlockCount(claimed);
    const copier = new TreeCopier(this.#nodes, builder, claimed ?? DATA_BLOCKS_MAX);
    const copied = this.#copyDevices(builder, copier, devices, details, superblock?.time);
    if (roots.from === "superblock") this.#doubtful.length = 0;
    const dataBlockCount = claimed ?? copier.dataBlockEnd;
    if (claimed === undefined) {
      this.#notes.push(`the pool's size is taken to be ${dataBlockCount} data blocks, the last in use`);
    }
    builder.requireDataBlockCount(dataBlockCount);
    builder.finish({
      time: copied.time,
      transactionId: overrides.transactionId ?? superblock?.transactionId ??
        fallback.transactionId ?? copied.transactionId,
      flags: 0, dataBlockSectors, dataBlockCount,
    }, copied.mappingRoot, copied.detailsRoot);
    return {
      roots, otherRoots: this.#others, lost: this.#lost, doubtful: this.#doubtful, omittedCount: this.#omittedCount,
      notes: this.#notes, deviceCount: copied.deviceCount, mappingCount: copied.mappingCount,
      dataBlockCount, usedMetadataBlocks: builder.usedCount,
    };
  }

  #readSuperblock(): Superblock | undefined {
    const block = newBlock();
    try {
      this.#options.source.read(0, block);
      const superblock = decodeSuperblock(block, 0);
      if (superblock.dataSpaceMap.blockCount > DATA_BLOCKS_MAX) {
        throw new ThinError("corrupt", "the superblock claims too many data blocks");
      }
      if ((superblock.flags & NEEDS_CHECK) !== 0) this.#notes.push("needs_check is cleared");
      if (superblock.heldRoot !== 0) this.#notes.push("the metadata snapshot is dropped");
      return superblock;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#notes.push(`the superblock cannot be used: ${reason}`);
      return undefined;
    }
  }

  #chooseRoots(superblock: Superblock | undefined): Repair["roots"] {
    if (this.#options.roots) return { ...this.#options.roots, from: "caller" };
    if (superblock) {
      const { mappingRoot, detailsRoot } = superblock;
      // Details can be made up; an older state may hold what others have written over since.
      const defect = this.#nodes.read(mappingRoot, newNode(), MAPPING_BYTES);
      if (defect === undefined) return { mappingRoot, detailsRoot, from: "superblock" };
      this.#notes.push(`the root of all devices cannot be used: ${defect}`);
    }
    const [best, ...others] = findRoots(this.#nodes);
    if (!best) {
      throw new ThinError(
        "corrupt", "no roots of a pool were found; restore a backup of the metadata, or its dump"
      );
    }
    this.#others = others.slice(0, OTHER_ROOTS_MAX);
    this.#notes.push(
      "the roots were found by their looks: they may be those of the last commit but one, or older"
    );
    return { mappingRoot: best.mappingRoot, detailsRoot: best.detailsRoot, from: "scan" };
  }

  #readDevices({ mappingRoot, detailsRoot }: RootPair): {
    devices: Map<number, number>; details: Map<number, DeviceDetails>;
  } {
    const details = new Map<number, DeviceDetails>();
    this.#walk(detailsRoot, deviceDetails.size, 0, (id, view, at) => {
      details.set(id, deviceDetails.decode(view, at));
    }, (reason, begin) => this.#notes.push(`details of devices from ${begin} on are gone: ${reason}`));
    const devices = new Map<number, number>();
    const missing: { begin: number; end: number | undefined; reason: string }[] = [];
    this.#walk(mappingRoot, MAPPING_BYTES, 0, (id, view, at) => {
      devices.set(id, readU64le(view, at));
    }, (reason, begin, end) => missing.push({ begin, end, reason }));
    for (const { begin, end, reason } of missing) {
      this.#notes.push(`devices from ${begin} to ${end ?? "the last"} are gone: ${reason}`);
    }
    for (const [id, { mappedBlocks }] of details) {
      if (devices.has(id)) continue;
      const gap = missing.find(({ begin, end }) => id >= begin && (end === undefined || id < end));
      const reason = gap?.reason ?? "the device has details but no mappings";
      if (mappedBlocks > 0) this.#lose({ deviceId: id, begin: 0, end: undefined, reason });
    }
    return { devices, details };
  }

  #walk(
    block: number, valueSize: number, low: number,
    visit: (id: number, view: DataView, at: number) => void,
    lose: (reason: string, begin: number, end: number | undefined) => void,
    high?: number, depth = 0,
  ): void {
    const node = newNode();
    const defect =
      depth > DEPTH_MAX ? "deeper than a tree can be" : this.#nodes.read(block, node, valueSize);
    if (defect !== undefined) return lose(defect, low, high);
    const { view } = node;
    const count = entryCount(view);
    for (let index = 0; index < count; index++) {
      const key = keyAt(view, index);
      if (key > DEVICE_ID_MAX) continue;
      if (isLeaf(view)) {
        visit(key, view, valueAt(view, index));
        continue;
      }
      const end = index + 1 < count ? keyAt(view, index + 1) : high;
      this.#walk(childAt(view, index), valueSize, key, visit, lose, end, depth + 1);
    }
  }

  #copyDevices(
    builder: MetadataBuilder, copier: TreeCopier, devices: ReadonlyMap<number, number>,
    known: ReadonlyMap<number, DeviceDetails>, poolTime: number | undefined,
  ): CopiedDevices {
    const roots = new TreeBuilder(builder, MAPPING_BYTES);
    const copies: { deviceId: number; found: DeviceDetails | undefined; mappedBlocks: number }[] = [];
    const ids = new Set([...devices.keys(), ...known.keys()]);
    const sum = { time: poolTime ?? 0, transactionId: 0, mappingCount: 0 };
    for (const deviceId of [...ids].sort((a, b) => a - b)) {
      const found = known.get(deviceId);
      const root = devices.get(deviceId);
      const tree = root === undefined
        ? { root: new TreeBuilder(builder, MAPPING_BYTES).finish(), mappedBlocks: 0, time: 0 }
        : copier.copy(root, (range) => this.#lose({ deviceId, ...range }));
      if (!found) this.#notes.push(`device ${deviceId}: its details are made up`);
      else if (root !== undefined) this.#compare(deviceId, found.mappedBlocks, tree.mappedBlocks);
      writeU64le(roots.values, roots.add(deviceId), tree.root);
      copies.push({ deviceId, found, mappedBlocks: tree.mappedBlocks });
      sum.mappingCount += tree.mappedBlocks;
      sum.transactionId = Math.max(sum.transactionId, found?.transactionId ?? 0);
      sum.time =
        Math.max(sum.time, tree.time, found?.creationTime ?? 0, found?.snapshottedTime ?? 0);
    }
    // A mapping older than its device's last snapshot may be shared, and is not written in place.
    // When that was is not known here, so it is as late as can be.
    const isTimeKnown = poolTime !== undefined && sum.time === poolTime;
    if (!isTimeKnown && copies.some(({ found }) => found === undefined)) sum.time += 1;
    const madeUp = { transactionId: 0, creationTime: 0, snapshottedTime: sum.time };
    const details = new TreeBuilder(builder, deviceDetails.size);
    for (const { deviceId, found, mappedBlocks } of copies) {
      const kept = found ?? madeUp;
      deviceDetails.encode(details.values, details.add(deviceId), { ...kept, mappedBlocks });
    }
    return {
      ...sum, mappingRoot: roots.finish(), detailsRoot: details.finish(), deviceCount: ids.size,
    };
  }

  #compare(deviceId: number, expected: number, found: number): void {
    if (expected === found) return;
    this.#doubtful.push(deviceId);
    this.#notes.push(`device ${deviceId}: had ${expected} blocks mapped by its details, now ${found}`);
  }

  #lose(lost: LostMappings): void {
    if (this.#lost.length < LOST_MAX) this.#lost.push(lost);
    else this.#omittedCount += 1;
  }
}

interface CopiedDevices {
  readonly mappingRoot: number;
  readonly detailsRoot: number;
  readonly deviceCount: number;
  readonly mappingCount: number;
  readonly time: number;
  readonly transactionId: number;
}
