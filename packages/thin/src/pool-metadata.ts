/**
 * The metadata of a pool as one transaction sees it: superblock, both space maps, the tree of
 * devices and their details. Changes gather in memory; `commit` makes them the pool's state with
 * one write of the superblock. To abort is to forget this object and open another one.
 */
import { writeU64le, readU64le } from "@mortar/binary";
import { BlockCache, guardIo } from "./block-cache.ts";
import type { BlockDevice } from "./block-device.ts";
import { BTree, NODE } from "./btree.ts";
import type { ValueLayout } from "./btree.ts";
import { removeFromLeaf } from "./btree-remove.ts";
import { firstKeyFrom, lastKey, releaseTree, walkTree } from "./btree-walk.ts";
import { DataSpaceMap } from "./data-space-map.ts";
import { MappingCursor } from "./mapping-cursor.ts";
import {
  deviceDetails, DEVICE_ID_MAX, MAPPING_BYTES, mappingDataBlock, writeMapping,
} from "./mapping.ts";
import type { DeviceDetails } from "./mapping.ts";
import { METADATA_BLOCK_BYTES } from "./metadata-block.ts";
import { MetadataSpaceMap } from "./metadata-space-map.ts";
import {
  commitMetadataSpaceMap, loadMetadataSpaceMap, metadataCommitMax, requireMetadataBlockCount,
} from "./metadata-space-map-io.ts";
import type { PassdownQueue } from "./passdown-queue.ts";
import type { SpaceEvents } from "./space-events.ts";
import { decodeSuperblock, encodeSuperblock, newBlock, NEEDS_CHECK } from "./superblock.ts";
import type { Superblock } from "./superblock.ts";
import { ThinError } from "./thin-error.ts";
import { Transaction } from "./transaction.ts";

export const detailsLayout: ValueLayout = { name: "device details", size: deviceDetails.size };

/** One device, as far as this transaction knows it. */
export class DeviceState {
  readonly id: number;
  readonly tree: BTree;
  readonly cursor: MappingCursor;
  details: DeviceDetails;
  /** The details differ from those in their tree. */
  dirty = false;
  /** The way to this device in the top-level tree is writable in this transaction. */
  prepared = false;
  /** Open handles. Without any, the state is forgotten after the commit. */
  users = 0;

  constructor(id: number, tree: BTree, details: DeviceDetails) {
    this.id = id;
    this.tree = tree;
    this.cursor = new MappingCursor(tree);
    this.details = details;
  }
}

export class PoolMetadata {
  readonly device: BlockDevice;
  readonly superblock: Superblock;
  readonly transaction: Transaction;
  readonly data: DataSpaceMap;
  /** While set, takes the data blocks whose last mapping goes. */
  freed: PassdownQueue | undefined;
  /** While set, is told of every change of who owns which data block, but for `provisioned`. */
  events: SpaceEvents | undefined;
  readonly #top: BTree;
  readonly #details: BTree;
  readonly #mappingLayout: ValueLayout;
  readonly #states = new Map<number, DeviceState>();
  readonly #encoded = newBlock();
  /** Runs of data blocks are being unmapped from this device, and told; -1 for none. */
  #unmapping = -1;
  #unmappedBegin = 0;
  #unmappedEnd = 0;

  private constructor(
    device: BlockDevice, superblock: Superblock, transaction: Transaction, data: DataSpaceMap,
    roots: { mapping: number; details: number } | undefined,
  ) {
    this.device = device;
    this.superblock = superblock;
    this.transaction = transaction;
    this.data = data;
    this.#mappingLayout = {
      name: "mappings",
      size: MAPPING_BYTES,
      retain: (view, at) => data.increment(mappingDataBlock(view, at)),
      release: (view, at) => {
        const block = mappingDataBlock(view, at);
        if (data.decrement(block) === 0) this.freed?.add(block);
        if (this.#unmapping >= 0) this.#noteUnmapped(block);
      },
    };
    const topLayout: ValueLayout = {
      name: "devices",
      size: MAPPING_BYTES,
      retain: (view, at) => transaction.retain(readU64le(view, at)),
      release: (view, at) => {
        const root = readU64le(view, at);
        releaseTree(new BTree(transaction, this.#mappingLayout, root), root);
      },
    };
    this.#top = roots
      ? new BTree(transaction, topLayout, roots.mapping)
      : BTree.create(transaction, topLayout);
    this.#details = roots
      ? new BTree(transaction, detailsLayout, roots.details)
      : BTree.create(transaction, detailsLayout);
  }

  /**
   * The committed state. Reads the superblock, the metadata space map, and the data space map's
   * index.
   */
  static open(device: BlockDevice, cacheBytes: number): PoolMetadata {
    const block = newBlock();
    guardIo("reading the superblock", () => device.read(0, block));
    const superblock = decodeSuperblock(block, 0);
    const { blockCount } = superblock.metadataSpaceMap;
    requireMetadataBlockCount(blockCount, Math.floor(device.sizeBytes / METADATA_BLOCK_BYTES));
    const cache = new BlockCache(device, blockCount, cacheBytes);
    const spaceMap = loadMetadataSpaceMap(cache, superblock.metadataSpaceMap);
    const transaction = new Transaction(cache, spaceMap);
    const data = DataSpaceMap.load(transaction, superblock.dataSpaceMap);
    const { mappingRoot: mapping, detailsRoot: details } = superblock;
    const metadata = new PoolMetadata(device, superblock, transaction, data, { mapping, details });
    metadata.#encoded.set(block);
    transaction.read(mapping, NODE);
    transaction.read(details, NODE);
    return metadata;
  }

  /** A new, empty pool in memory; the first commit writes it. */
  static create(device: BlockDevice, superblock: Superblock, cacheBytes: number): PoolMetadata {
    const blockCount = superblock.metadataBlockCount;
    const cache = new BlockCache(device, blockCount, cacheBytes);
    const spaceMap = new MetadataSpaceMap(blockCount);
    const transaction = new Transaction(cache, spaceMap);
    spaceMap.allocate(); // Block 0 is the superblock.
    spaceMap.bitmapDirty.fill(1, 0, spaceMap.bitmapCount);
    spaceMap.overflowRoot = BTree.create(
      transaction, { name: "metadata reference count overflow tree", size: 4 },
    ).root;
    return new PoolMetadata(
      device, superblock, transaction, DataSpaceMap.create(transaction), undefined,
    );
  }

  /** The superblock as it is on the disk. */
  get committedSuperblock(): Uint8Array {
    return this.#encoded;
  }

  get needsCheck(): boolean {
    return (this.superblock.flags & NEEDS_CHECK) !== 0;
  }

  has(id: number): boolean {
    return this.#states.has(id) || this.#details.find(id);
  }

  /** The state that all users of the device share. */
  state(id: number): DeviceState {
    const known = this.#states.get(id);
    if (known) return known;
    if (!this.#details.find(id) || !this.#top.find(id)) {
      throw new ThinError("device-missing", `the pool has no thin device ${id}`);
    }
    const root = readU64le(this.#top.view, this.#top.at);
    this.#details.find(id);
    const details = deviceDetails.decode(this.#details.view, this.#details.at);
    return this.#addState(id, root, details);
  }

  deviceIds(): number[] {
    const ids = new Set<number>(this.#states.keys());
    walkTree(this.#details, (id) => ids.add(id));
    return [...ids].sort((left, right) => left - right);
  }

  createThin(id: number): void {
    this.#requireNew(id);
    const tree = BTree.create(this.transaction, this.#mappingLayout);
    this.#setRoot(id, tree.root);
    const { time, transactionId } = this.superblock;
    this.#addState(id, tree.root, {
      mappedBlocks: 0, transactionId, creationTime: time, snapshottedTime: time,
    }).dirty = true;
    this.events?.created(id);
  }

  createSnapshot(id: number, originId: number): void {
    this.#requireNew(id);
    const origin = this.state(originId);
    this.#top.touch(originId);
    this.transaction.retain(origin.tree.root);
    this.#setRoot(id, origin.tree.root);
    this.superblock.time += 1;
    const { time, transactionId } = this.superblock;
    this.#addState(id, origin.tree.root, {
      mappedBlocks: origin.details.mappedBlocks, transactionId, creationTime: time, snapshottedTime: time,
    }).dirty = true;
    origin.details.snapshottedTime = time;
    origin.dirty = true;
    origin.tree.version += 1; // Its cursor has to notice that the path is shared now.
    this.events?.snapshotted(id, originId);
  }

  deleteDevice(id: number): void {
    const { tree } = this.state(id);
    removeFromLeaf(this.#details, id, id + 1);
    removeFromLeaf(this.#top, id, id + 1, false);
    this.#states.delete(id);
    releaseTree(tree, tree.root);
    this.events?.deleted(id);
  }

  /** Point a virtual block at a data block that already has its reference. */
  map(state: DeviceState, virtualBlock: number, dataBlock: number): void {
    const root = this.#prepare(state);
    const { tree } = state;
    if (tree.insert(virtualBlock)) {
      const { view, at } = tree;
      const old = mappingDataBlock(view, at);
      this.#mappingLayout.release!(view, at);
      writeMapping(view, at, dataBlock, this.superblock.time);
      this.events?.unmapped(state.id, old, 1);
    } else {
      writeMapping(tree.view, tree.at, dataBlock, this.superblock.time);
      state.details.mappedBlocks += 1;
      state.dirty = true;
    }
    if (tree.root !== root) this.#setRoot(state.id, tree.root);
  }

  /**
   * Unmap what one leaf maps of `[begin, end)`: from `begin` to the block that is answered, nothing
   * is mapped any more; -1 when nothing was.
   */
  unmapSome(state: DeviceState, begin: number, end: number): number {
    const first = firstKeyFrom(state.tree, begin);
    if (first < 0 || first >= end) return -1;
    const root = this.#prepare(state);
    const { tree } = state;
    if (this.events) this.#unmapping = state.id;
    const unmappedEnd = removeFromLeaf(tree, first, end);
    if (this.events) this.#tellUnmapped();
    state.details.mappedBlocks -= tree.removedCount;
    state.dirty = true;
    if (tree.root !== root) this.#setRoot(state.id, tree.root);
    return unmappedEnd;
  }

  highestMappedBlock(state: DeviceState): number | undefined {
    const key = lastKey(state.tree);
    return key < 0 ? undefined : key;
  }

  /** Somebody else can see this data block too, so it may not be overwritten. */
  isShared(state: DeviceState, dataBlock: number, time: number, pathShared: boolean): boolean {
    // Mapped after the last snapshot of this device: nobody else can have it.
    if (time >= state.details.snapshottedTime) return false;
    return pathShared || !this.data.isExclusive(dataBlock);
  }

  growMetadata(blockCount: number): void {
    this.transaction.cache.grow(blockCount);
    this.transaction.spaceMap.grow(blockCount);
    this.transaction.dirty = true;
  }

  /** Keep the committed trees readable in a copy of the superblock. To be committed again. */
  reserveSnapshot(): void {
    const block = this.transaction.spaceMap.allocate();
    const empty = { blockCount: 0, allocatedCount: 0, bitmapRoot: 0, overflowRoot: 0 };
    const copy = newBlock();
    const held = { ...this.superblock, heldRoot: 0, dataSpaceMap: empty, metadataSpaceMap: empty };
    encodeSuperblock(held, copy, block);
    guardIo(`writing metadata block ${block}`, () => {
      this.device.write(block * METADATA_BLOCK_BYTES, copy);
    });
    this.transaction.retain(this.#top.root);
    this.transaction.retain(this.#details.root);
    this.superblock.heldRoot = block;
    this.events?.held();
  }

  releaseSnapshot(): void {
    const block = this.superblock.heldRoot;
    const copy = newBlock();
    guardIo(`reading metadata block ${block}`, () => {
      this.device.read(block * METADATA_BLOCK_BYTES, copy);
    });
    const held = decodeSuperblock(copy, block);
    releaseTree(this.#top, held.mappingRoot);
    releaseTree(this.#details, held.detailsRoot);
    this.transaction.release(block);
    this.superblock.heldRoot = 0;
    this.events?.released();
  }

  /** Blocks that a commit may have to allocate, at most. */
  commitMax(): number {
    let devices = 0;
    for (const state of this.#states.values()) if (state.dirty) devices += 1;
    return (
      this.data.commitMax() + this.#details.allocationMax(devices) + metadataCommitMax(this.transaction)
    );
  }

  /** Blocks that mapping or unmapping `blocks` blocks of one leaf may allocate, at most. */
  changeMax(state: DeviceState, blocks: number): number {
    const treeMax = state.tree.allocationMax(blocks) * 2 + this.#top.allocationMax(1);
    // Each shared leaf that is copied counts up all its data blocks.
    const leaves = 3 + Math.ceil(blocks / (LEAF_ENTRIES / 3));
    const counts = this.data.changeMax(blocks + leaves * LEAF_ENTRIES);
    return treeMax + this.#details.allocationMax(1) + counts;
  }

  /** Blocks that creating or deleting devices may allocate, at most. */
  messageMax(mappedBlocksFreed: number): number {
    const trees = 2 * this.#top.allocationMax(1) + 2 * this.#details.allocationMax(2) + 1;
    return trees + (mappedBlocksFreed > 0 ? this.data.changeMax(mappedBlocksFreed) : 0);
  }

  /** Write everything, then the superblock. The caller has flushed the data device. */
  commit(): void {
    for (const state of this.#states.values()) {
      if (state.dirty) {
        this.#details.insert(state.id);
        deviceDetails.encode(this.#details.view, this.#details.at, state.details);
      }
    }
    const { superblock, transaction, device } = this;
    superblock.dataSpaceMap = this.data.commit();
    superblock.mappingRoot = this.#top.root;
    superblock.detailsRoot = this.#details.root;
    superblock.metadataSpaceMap = commitMetadataSpaceMap(transaction);
    transaction.cache.writeDirty();
    guardIo("flushing the metadata device", () => device.flush());
    this.writeSuperblock();
    transaction.spaceMap.startTransaction();
    transaction.dirty = false;
    this.data.startTransaction();
    for (const state of this.#states.values()) {
      state.dirty = false;
      state.prepared = false;
      if (state.users === 0) this.#states.delete(state.id);
    }
    transaction.cache.trim();
  }

  /** Write the superblock as it is in memory, durably. */
  writeSuperblock(): void {
    encodeSuperblock(this.superblock, this.#encoded, 0);
    guardIo("writing the superblock", () => this.device.write(0, this.#encoded));
    guardIo("flushing the metadata device", () => this.device.flush());
  }

  #addState(id: number, root: number, details: DeviceDetails): DeviceState {
    const tree = new BTree(this.transaction, this.#mappingLayout, root);
    const state = new DeviceState(id, tree, details);
    this.#states.set(id, state);
    return state;
  }

  #noteUnmapped(block: number): void {
    if (block !== this.#unmappedEnd) {
      this.#tellRun();
      this.#unmappedBegin = block;
    }
    this.#unmappedEnd = block + 1;
  }

  #tellUnmapped(): void {
    this.#tellRun();
    this.#unmapping = -1;
    this.#unmappedBegin = 0;
    this.#unmappedEnd = 0;
  }

  #tellRun(): void {
    const count = this.#unmappedEnd - this.#unmappedBegin;
    if (count > 0) this.events?.unmapped(this.#unmapping, this.#unmappedBegin, count);
  }

  /** The root of the device's tree, once the way to it is writable. */
  #prepare(state: DeviceState): number {
    if (!state.prepared) {
      this.#top.touch(state.id);
      state.prepared = true;
    }
    return state.tree.root;
  }

  #setRoot(id: number, root: number): void {
    this.#top.insert(id);
    writeU64le(this.#top.view, this.#top.at, root);
  }

  #requireNew(id: number): void {
    if (!Number.isInteger(id) || id < 0 || id > DEVICE_ID_MAX) {
      throw new ThinError(
        "invalid-argument", `thin device ids are 0 to ${DEVICE_ID_MAX}, not ${id}`
      );
    }
    if (this.has(id)) {
      throw new ThinError("device-exists", `the pool already has a thin device ${id}`);
    }
  }
}

const LEAF_ENTRIES = 252;

/** The superblock a PoolMetadata starts from when there is none to read. */
export function freshSuperblock(dataBlockSectors: number, metadataBlockCount: number): Superblock {
  const nothing = { blockCount: 0, allocatedCount: 0, bitmapRoot: 0, overflowRoot: 0 };
  return {
    flags: 0, uuid: new Uint8Array(16), version: 2, time: 0, transactionId: 0, heldRoot: 0,
    dataSpaceMap: nothing, metadataSpaceMap: nothing, mappingRoot: 0, detailsRoot: 0, dataBlockSectors,
    metadataBlockCount,
  };
}
