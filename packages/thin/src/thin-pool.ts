/** A thin pool: format, open, messages, status. */
import type { BlockDevice } from "./block-device.ts";
import { guardIo } from "./block-cache.ts";
import { ENTRIES_PER_BITMAP } from "./bitmap.ts";
import { METADATA_BLOCK_BYTES } from "./metadata-block.ts";
import { metadataReserve, METADATA_BLOCKS_MAX } from "./metadata-space-map.ts";
import { DEVICE_ID_MAX } from "./mapping.ts";
import { PoolCore } from "./pool-core.ts";
import { formatPool } from "./format-pool.ts";
import type {
  DeviceStatus, FormatOptions, OpenOptions, PoolMessage, PoolStatus,
} from "./pool-options.ts";
import type { SpaceEvents } from "./space-events.ts";
import { decodeSuperblock, encodeSuperblock, isZero, NEEDS_CHECK, newBlock } from "./superblock.ts";
import { ThinDevice } from "./thin-device.ts";
import { ThinError } from "./thin-error.ts";

const LOW_WATER_SHARE = 4;
const LOW_WATER_MAX = 1024;

export class ThinPool {
  /** Chunk size in bytes. */
  readonly dataBlockBytes: number;
  readonly #core: PoolCore;

  private constructor(core: PoolCore) {
    this.#core = core;
    this.dataBlockBytes = core.dataBlockBytes;
  }

  /** Make an empty pool. Throws "invalid-argument" for sizes that the format cannot hold. */
  static format(options: FormatOptions): void {
    formatPool(options);
  }

  /** False when block 0 is all zero, which is what the kernel takes for a new pool. */
  static isFormatted(metadata: BlockDevice): boolean {
    const block = newBlock();
    guardIo("reading the superblock", () => metadata.read(0, block));
    return !isZero(block);
  }

  /** Take needs_check off, after the metadata was checked or repaired. */
  static clearNeedsCheck(metadata: BlockDevice): void {
    const block = newBlock();
    guardIo("reading the superblock", () => metadata.read(0, block));
    const superblock = decodeSuperblock(block, 0);
    superblock.flags &= ~NEEDS_CHECK;
    encodeSuperblock(superblock, block, 0);
    guardIo("writing the superblock", () => {
      metadata.write(0, block);
      metadata.flush();
    });
  }

  static open(options: OpenOptions): ThinPool {
    return new ThinPool(new PoolCore(options));
  }

  status(): PoolStatus {
    const { metadata, mode, passdownFailures } = this.#core;
    const { superblock, transaction, data } = metadata;
    const { blockCount, allocatedCount } = transaction.spaceMap;
    const free = blockCount - allocatedCount;
    return {
      mode,
      needsCheck: metadata.needsCheck,
      transactionId: superblock.transactionId,
      time: superblock.time,
      dataBlockSectors: superblock.dataBlockSectors,
      usedDataBlocks: data.allocatedCount,
      totalDataBlocks: data.blockCount,
      usedMetadataBlocks: blockCount - Math.max(free - metadataReserve(blockCount), 0),
      totalMetadataBlocks: blockCount,
      allocatedMetadataBlocks: allocatedCount,
      metadataLowWaterBlocks: Math.min(Math.floor(blockCount / LOW_WATER_SHARE), LOW_WATER_MAX),
      heldRoot: superblock.heldRoot === 0 ? undefined : superblock.heldRoot,
      dirty: transaction.dirty,
      passdownFailures,
    };
  }

  /** All devices, by id. */
  devices(): DeviceStatus[] {
    return this.deviceIds().map((deviceId) => this.deviceStatus(deviceId));
  }

  deviceIds(): number[] {
    this.#core.requireReadable();
    return this.#core.metadata.deviceIds();
  }

  deviceStatus(deviceId: number): DeviceStatus {
    this.#core.requireReadable();
    const { metadata } = this.#core;
    const state = metadata.state(deviceId);
    return { deviceId, highestMappedBlock: metadata.highestMappedBlock(state), ...state.details };
  }

  /** A handle for I/O; `close()` it. Two handles of one device are fine. */
  device(deviceId: number): ThinDevice {
    return new ThinDevice(this.#core, deviceId);
  }

  createThin(deviceId: number): void {
    this.transact([{ kind: "create-thin", deviceId }]);
  }

  /** The origin as it is now, what is not committed yet included. */
  createSnapshot(deviceId: number, originId: number): void {
    this.transact([{ kind: "create-snapshot", deviceId, originId }]);
  }

  deleteDevice(deviceId: number): void {
    this.transact([{ kind: "delete", deviceId }]);
  }

  setTransactionId(from: number, to: number): void {
    this.transact([{ kind: "set-transaction-id", from, to }]);
  }

  /** All messages or none, in one transaction with one commit, durable when this returns. */
  transact(messages: readonly PoolMessage[]): void {
    this.#core.requireWritable();
    this.#requirePossible(messages);
    const mapped = this.#mappedOf(messages);
    const creates = messages.some(({ kind }) => kind.startsWith("create"));
    const changes = messages.filter(({ kind }) => kind !== "set-transaction-id").length;
    const { metadata } = this.#core;
    this.#core.admit(() => changes * metadata.messageMax(mapped), !creates);
    this.#core.guard(() => {
      for (const message of messages) this.#apply(message);
      metadata.transaction.dirty = true;
    });
    this.#core.commit();
  }

  /** Take in what the data device has become larger by. Answers the new number of chunks. */
  growData(): number {
    this.#core.requireWritable();
    const { metadata, data: device } = this.#core;
    const before = metadata.data.blockCount;
    const after = Math.floor(device.sizeBytes / this.dataBlockBytes);
    requireNoShrink("data", before, after);
    if (after === before) return after;
    const bitmaps = Math.ceil((after - before) / ENTRIES_PER_BITMAP) + 1;
    this.#core.admit(() => metadata.data.changeMax(bitmaps) + bitmaps, true);
    this.#core.guard(() => metadata.data.grow(after));
    this.#core.commit();
    return after;
  }

  /** The same for the metadata device. Answers the new number of metadata blocks. */
  growMetadata(): number {
    this.#core.requireWritable();
    const { metadata } = this.#core;
    const before = metadata.transaction.spaceMap.blockCount;
    const deviceBlocks = Math.floor(metadata.device.sizeBytes / METADATA_BLOCK_BYTES);
    const after = Math.min(deviceBlocks, METADATA_BLOCKS_MAX);
    requireNoShrink("metadata", before, after);
    if (after === before) return after;
    this.#core.guard(() => metadata.growMetadata(after));
    this.#core.commit();
    return after;
  }

  /** Keep today's trees readable for tools, in a block that `status().heldRoot` names. */
  reserveMetadataSnapshot(): void {
    this.#core.requireWritable();
    const { metadata } = this.#core;
    if (metadata.superblock.heldRoot !== 0) {
      throw new ThinError("snapshot-held", "the pool has a metadata snapshot; release it first");
    }
    this.#core.admit(() => 1, false);
    this.#core.commit();
    this.#core.guard(() => metadata.reserveSnapshot());
    this.#core.commit();
  }

  releaseMetadataSnapshot(): void {
    this.#core.requireWritable();
    const { metadata } = this.#core;
    if (metadata.superblock.heldRoot === 0) {
      throw new ThinError("snapshot-missing", "the pool has no metadata snapshot");
    }
    this.#core.commit();
    this.#core.admit(() => metadata.messageMax(metadata.data.blockCount), true);
    this.#core.guard(() => metadata.releaseSnapshot());
    this.#core.commit();
  }

  /** Make everything durable: flush the data and, if mappings changed, commit the metadata. */
  commit(): void {
    this.#core.commit();
  }

  /**
   * From now on tell `events` of every change of who owns which data block. Answers the superblock
   * of the state that the first change builds on, for `scanSpace`: its trees stay on the device
   * until `scanned` is called. Who followed before is told that it is over, and so is `events` when
   * the pool goes back to its last commit or needs the metadata blocks that are kept for the scan.
   * Commits; throws "read-only" when there are changes that cannot be committed.
   */
  follow(events: SpaceEvents): Uint8Array {
    return this.#core.follow(events);
  }

  /** The scan of the state that `follow` answered is done. */
  scanned(): void {
    this.#core.metadata.transaction.spaceMap.unpin(this.#core);
  }

  /**
   * Commits. Until `unpinCommitted` of the same object, the trees of this state stay on the device,
   * for somebody to read beside the pool. Answers its superblock. When the pool needs the blocks
   * itself, or goes back to its last commit, it takes them, and `unpinCommitted` says so.
   */
  pinCommitted(reader: object): Uint8Array {
    return this.#core.pinCommitted(reader);
  }

  /** False when what was read meanwhile may be no state of the pool at all. */
  unpinCommitted(reader: object): boolean {
    return this.#core.metadata.transaction.spaceMap.unpin(reader);
  }

  /** Tell nobody any more. */
  unfollow(): void {
    this.#core.unfollow();
  }

  /** Commit, unless the pool takes no changes. The object is of no use afterwards. */
  close(): void {
    if (this.#core.mode === "write" || this.#core.mode === "out-of-data-space") this.#core.commit();
    this.#core.unfollow();
  }

  #apply(message: PoolMessage): void {
    const { metadata } = this.#core;
    metadata.freed = undefined; // As in the kernel, deleting discards nothing.
    switch (message.kind) {
      case "create-thin": return metadata.createThin(message.deviceId);
      case "create-snapshot": return metadata.createSnapshot(message.deviceId, message.originId);
      case "delete": return metadata.deleteDevice(message.deviceId);
      case "set-transaction-id":
        metadata.superblock.transactionId = message.to;
    }
  }

  /** Judge all messages before the first is obeyed. */
  #requirePossible(messages: readonly PoolMessage[]): void {
    const { metadata } = this.#core;
    let { transactionId } = metadata.superblock;
    const changed = new Map<number, boolean>();
    const exists = (id: number): boolean => changed.get(id) ?? metadata.has(id);
    for (const message of messages) {
      if (message.kind === "set-transaction-id") {
        requireTransactionId(message.from, transactionId, message.to);
        transactionId = message.to;
        continue;
      }
      const { deviceId } = message;
      requireDeviceId(deviceId);
      if (message.kind === "delete") {
        requireDevice(exists(deviceId), deviceId);
        this.#requireIdle(deviceId);
        changed.set(deviceId, false);
        continue;
      }
      if (exists(deviceId)) {
        throw new ThinError("device-exists", `the pool already has a thin device ${deviceId}`);
      }
      if (message.kind === "create-snapshot") {
        requireDevice(exists(message.originId), message.originId);
      }
      changed.set(deviceId, true);
    }
  }

  #requireIdle(deviceId: number): void {
    const { metadata } = this.#core;
    if (!metadata.has(deviceId) || metadata.state(deviceId).users === 0) return;
    throw new ThinError("device-busy", `thin device ${deviceId} is in use; deactivate it first`);
  }

  #mappedOf(messages: readonly PoolMessage[]): number {
    const { metadata } = this.#core;
    let mapped = 0;
    for (const message of messages) {
      if (message.kind !== "delete" || !metadata.has(message.deviceId)) continue;
      mapped += metadata.state(message.deviceId).details.mappedBlocks;
    }
    return mapped;
  }
}

function requireDevice(exists: boolean, deviceId: number): void {
  if (!exists) throw new ThinError("device-missing", `the pool has no thin device ${deviceId}`);
}

function requireDeviceId(deviceId: number): void {
  if (Number.isInteger(deviceId) && deviceId >= 0 && deviceId <= DEVICE_ID_MAX) return;
  throw new ThinError(
    "invalid-argument", `thin device ids are 0 to ${DEVICE_ID_MAX}, not ${deviceId}`
  );
}

function requireTransactionId(from: number, current: number, to: number): void {
  if (!Number.isSafeInteger(to) || to < 0) {
    throw new ThinError("invalid-argument", `${to} is no transaction id`);
  }
  if (from === current) return;
  throw new ThinError(
    "transaction-mismatch", `the pool is at transaction ${current}, not ${from}; it stays there`,
  );
}

function requireNoShrink(what: string, before: number, after: number): void {
  if (after >= before) return;
  throw new ThinError(
    "invalid-argument", `the pool's ${what} has ${before} blocks; ${after} are too few`
  );
}
