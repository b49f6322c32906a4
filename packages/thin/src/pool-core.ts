/**
 * What the pool and its devices share: the transaction under way, the journal, the mode.
 *
 * A transaction is everything between two commits. Two promises are kept here:
 * - Before a change begins, so many metadata blocks are free that the change and the commit after
 *   it cannot run out. What is short then is freed by a commit, or the change is refused.
 * - When a commit or a change fails half way, memory is thrown away and the last committed state
 *   read again. The pool is read-only from then on, with needs_check on the disk; what the journal
 *   has is replayed in memory, so that everything acknowledged can still be read; if that cannot be
 *   done nothing is read, and the next open has the journal again. Only when the data could not be
 *   flushed is the journal dropped too: its mappings would show what the blocks held before.
 */
import { guardIo } from "./block-cache.ts";
import type { BlockDevice } from "./block-device.ts";
import { JOURNAL_BASE_BYTES, sameJournalBase, UNMAPPED } from "./mapping-journal.ts";
import type { MappingJournal, MappingRecord } from "./mapping-journal.ts";
import { metadataReserve } from "./metadata-space-map.ts";
import { PassdownQueue } from "./passdown-queue.ts";
import { PoolMetadata } from "./pool-metadata.ts";
import type { DeviceState } from "./pool-metadata.ts";
import type { DiscardMode, OpenOptions, PoolMode } from "./pool-options.ts";
import type { SpaceEvents } from "./space-events.ts";
import { NEEDS_CHECK, requireDataBlockSectors } from "./superblock.ts";
import { SECTOR_BYTES } from "./metadata-block.ts";
import { ThinError } from "./thin-error.ts";
import { ZeroedAhead } from "./zeroed-ahead.ts";

const CACHE_BYTES = 128 * 2 ** 20;
const JOURNAL_COUNT_MAX = 0xffff_ffff;
const PASSDOWN_RUNS_MAX = 65_536;

/** Somebody who holds on to the state of a device, and needs the new one after an abort. */
export interface StateHolder {
  readonly deviceId: number;
  rebind(state: DeviceState | undefined): void;
}

export class PoolCore {
  metadata: PoolMetadata;
  mode: PoolMode;
  passdownFailures = 0;
  readonly data: BlockDevice;
  readonly dataBlockBytes: number;
  readonly zeroNewBlocks: boolean;
  readonly discards: DiscardMode;
  readonly #metadataDevice: BlockDevice;
  readonly #journal: MappingJournal | undefined;
  readonly #cacheBytes: number;
  readonly #readOnly: boolean;
  readonly #readOnlyBecause: string | undefined;
  readonly #passdown = new PassdownQueue();
  readonly #zeroed: ZeroedAhead;
  readonly #holders = new Set<StateHolder>();
  /** So many more changes of one block were admitted already. */
  #credit = 0;
  #events: SpaceEvents | undefined;

  constructor(options: OpenOptions) {
    this.#metadataDevice = options.metadata;
    this.data = options.data;
    this.#journal = options.journal;
    this.#cacheBytes = options.cacheBytes ?? CACHE_BYTES;
    this.zeroNewBlocks = options.zeroNewBlocks ?? true;
    this.discards = options.discards ?? "passdown";
    this.#readOnlyBecause = options.readOnlyBecause;
    this.#readOnly = options.readOnly ?? this.#readOnlyBecause !== undefined;
    this.metadata = PoolMetadata.open(options.metadata, this.#cacheBytes);
    const { dataBlockSectors } = this.metadata.superblock;
    this.dataBlockBytes = dataBlockSectors * SECTOR_BYTES;
    this.#requireFit(options.dataBlockSectors);
    this.#zeroed = new ZeroedAhead(this.data, this.dataBlockBytes);
    this.mode = this.#readOnly || this.metadata.needsCheck ? "read-only" : "write";
    this.#replay();
    if (this.mode === "write") this.#settle();
    else this.metadata.transaction.cache.mayWrite = false;
  }

  hold(holder: StateHolder): DeviceState {
    this.requireReadable();
    const state = this.metadata.state(holder.deviceId);
    this.#holders.add(holder);
    state.users += 1;
    return state;
  }

  letGo(holder: StateHolder, state: DeviceState | undefined): void {
    if (this.#holders.delete(holder) && state) state.users -= 1;
  }

  requireReadable(): void {
    if (this.mode !== "failed") return;
    throw new ThinError(
      "pool-failed", "the pool failed and its metadata cannot be read; open it again"
    );
  }

  /** For changes of the metadata. */
  requireWritable(): void {
    this.requireReadable();
    if (this.mode !== "read-only") return;
    const advice = this.metadata.needsCheck
      ? "its metadata needs a check; check or repair it, and open it again"
      : (this.#readOnlyBecause ?? "open it again for writing");
    throw new ThinError("read-only", `the pool is read-only: ${advice}`);
  }

  /** False when the pool was opened read-only; see `requireDataWritable`. */
  get takesData(): boolean {
    return !this.#readOnly;
  }

  /** For data in place, which a pool that became read-only still takes, as the kernel's does. */
  requireDataWritable(): void {
    this.requireReadable();
    if (this.#readOnly) this.requireWritable();
  }

  /** Room for mapping or unmapping `blocks` blocks, and for the commit after it. */
  admitChange(state: DeviceState, blocks: number, freeing: boolean): void {
    this.requireWritable();
    if (this.#credit >= blocks) {
      this.#credit -= blocks;
      return;
    }
    const slack = this.admit(() => this.metadata.changeMax(state, blocks), freeing);
    // Other devices have deeper trees: count each change as two, and some.
    const each = 2 * this.metadata.changeMax(state, 1) + 64;
    if (!freeing) this.#credit = Math.floor(slack / each);
  }

  /** Throws "metadata-full", else the number of blocks that would be left over. */
  admit(changeMax: () => number, freeing: boolean): number {
    const slack = this.#slack(changeMax(), freeing);
    if (slack >= 0) return slack;
    const isScanned = this.metadata.transaction.spaceMap.isPinned(this);
    if (this.metadata.transaction.spaceMap.unpinAll()) {
      if (isScanned) this.unfollow();
      return this.admit(changeMax, freeing);
    }
    if (this.metadata.transaction.spaceMap.hasLocked) {
      this.commit();
      const again = this.#slack(changeMax(), freeing);
      if (again >= 0) return again;
    }
    const { availableCount, blockCount } = this.metadata.transaction.spaceMap;
    throw new ThinError(
      "metadata-full",
      `the change may need more of the pool's metadata than is free (${availableCount} of ${blockCount} ` +
        `blocks, some kept in reserve); extend the metadata, or delete devices`,
    );
  }

  /** A new data block for a change that was admitted. Commits if that makes one free. */
  allocate(): number {
    const { data } = this.metadata;
    let block = this.guard(() => data.allocate());
    if (block < 0 && data.hasLocked) {
      this.commit();
      block = this.guard(() => data.allocate());
    }
    if (block >= 0) return block;
    if (this.mode === "write") this.mode = "out-of-data-space";
    throw new ThinError(
      "pool-full",
      `all ${data.blockCount} chunks of the pool are in use; extend it, or delete something`,
    );
  }

  /**
   * The block was allocated for a write to a part of it. True when the rest reads as zeros already.
   */
  readsAsZeros(block: number): boolean {
    return this.#zeroed.take(block, (from, max) =>
      this.guard(() => this.metadata.data.freeAfter(from, max)));
  }

  /** The blocks were allocated, and all of them is going to be written. */
  willBeWritten(block: number, count: number): void {
    this.#zeroed.skip(block, count);
  }

  /** The write for which the block was allocated failed. */
  giveBack(block: number, count: number): void {
    this.guard(() => {
      for (let index = 0; index < count; index++) this.metadata.data.decrement(block + index);
    });
  }

  /**
   * The data of `count` chunks is written: map them, and keep that beyond the death of the process.
   */
  map(state: DeviceState, virtualBlock: number, dataBlock: number, count: number): void {
    const { metadata } = this;
    try {
      metadata.freed = this.#queue();
      for (let index = 0; index < count; index++) {
        metadata.map(state, virtualBlock + index, dataBlock + index);
      }
    } catch (error) {
      throw this.#abort(error);
    }
    this.#events?.provisioned(state.id, dataBlock, count);
    if (this.#journal?.append(state.id, virtualBlock, count, dataBlock) === false) this.commit();
  }

  /** Unmap `[begin, end)`, however much that is. */
  unmap(state: DeviceState, begin: number, end: number): void {
    for (let from = begin; from < end; ) {
      this.admitChange(state, UNMAP_BLOCKS_MAX, true);
      this.metadata.freed = this.#queue();
      const next = this.guard(() => this.metadata.unmapSome(state, from, end));
      if (next < 0) return;
      if (!this.#journalUnmapped(state.id, from, next) || this.#passdown.runCount > PASSDOWN_RUNS_MAX) {
        this.commit();
      }
      from = next;
      this.metadata.transaction.cache.trim();
    }
  }

  /** Everything acknowledged becomes durable; see docs/formats/dm-thin.md, "Commit". */
  commit(): void {
    this.requireReadable();
    const { metadata } = this;
    this.#credit = 0;
    if (!metadata.transaction.dirty) {
      this.data.flush();
      return;
    }
    this.requireWritable();
    try {
      this.data.flush();
    } catch (error) {
      this.#restartJournal();
      throw this.#abort(error);
    }
    this.guard(() => metadata.commit());
    this.#restartJournal();
    this.#passDown();
    if (metadata.data.availableCount > 0) this.mode = "write";
  }

  /** See `ThinPool.follow`. */
  follow(events: SpaceEvents): Uint8Array {
    this.requireReadable();
    this.unfollow();
    if (this.metadata.transaction.dirty) this.commit();
    this.metadata.transaction.spaceMap.pin(this);
    this.#events = events;
    this.metadata.events = events;
    return Uint8Array.from(this.metadata.committedSuperblock);
  }

  /** See `ThinPool.pinCommitted`. */
  pinCommitted(reader: object): Uint8Array {
    this.requireReadable();
    if (this.metadata.transaction.dirty) this.commit();
    this.metadata.transaction.spaceMap.pin(reader);
    return Uint8Array.from(this.metadata.committedSuperblock);
  }

  /** Whoever follows is told that it is over. */
  unfollow(): void {
    this.metadata.transaction.spaceMap.unpin(this);
    this.metadata.events = undefined;
    this.#events?.lost();
    this.#events = undefined;
  }

  /** Change metadata. What fails half way is undone by going back to the last commit. */
  guard<T>(change: () => T): T {
    try {
      return change();
    } catch (error) {
      throw this.#abort(error);
    }
  }

  #queue(): PassdownQueue | undefined {
    return this.discards === "passdown" ? this.#passdown : undefined;
  }

  #slack(changeMax: number, freeing: boolean): number {
    const { spaceMap } = this.metadata.transaction;
    const commitMax = this.metadata.commitMax();
    const floor = freeing ? commitMax : Math.max(commitMax, metadataReserve(spaceMap.blockCount));
    return spaceMap.availableCount - floor - changeMax;
  }

  #passDown(): void {
    const bytes = this.dataBlockBytes;
    this.#passdown.drain((begin, end) => {
      try {
        this.data.discard(begin * bytes, (end - begin) * bytes);
      } catch {
        this.passdownFailures += 1; // The blocks are free all the same.
      }
    });
  }

  #journalUnmapped(deviceId: number, begin: number, end: number): boolean {
    const journal = this.#journal;
    if (!journal) return true;
    for (let from = begin; from < end; from += JOURNAL_COUNT_MAX) {
      const count = Math.min(end - from, JOURNAL_COUNT_MAX);
      if (!journal.append(deviceId, from, count, UNMAPPED)) return false;
    }
    return true;
  }

  #requireFit(dataBlockSectors: number | undefined): void {
    const { superblock, data } = this.metadata;
    requireDataBlockSectors(superblock.dataBlockSectors, "corrupt");
    if (dataBlockSectors !== undefined && dataBlockSectors !== superblock.dataBlockSectors) {
      throw new ThinError(
        "invalid-argument",
        `the pool has chunks of ${superblock.dataBlockSectors} sectors, not of ${dataBlockSectors}`,
      );
    }
    const needed = data.blockCount * this.dataBlockBytes;
    if (this.data.sizeBytes >= needed) return;
    throw new ThinError(
      "invalid-argument",
      `the pool's data needs ${needed} bytes; its device has ${this.data.sizeBytes}`,
    );
  }

  /** Bring back what an earlier process acknowledged and did not commit. */
  #replay(): void {
    const left = this.#journal?.open();
    if (!left || !sameJournalBase(left.base, this.metadata.committedSuperblock)) return;
    this.metadata.freed = this.#queue();
    try {
      for (const record of left.records) this.#replayRecord(record);
    } catch (error) {
      // A disk that fails says nothing about the journal.
      if (error instanceof ThinError && error.code === "metadata-io") throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new ThinError(
        "corrupt",
        `the mapping journal does not fit the pool's metadata (${reason}); without the journal the pool ` +
          `opens as it was at its last commit`,
        { cause: error },
      );
    }
  }

  #replayRecord({ deviceId, virtualBlock, count, dataBlock }: MappingRecord): void {
    const { metadata } = this;
    const state = metadata.state(deviceId);
    metadata.transaction.cache.trim();
    if (dataBlock === UNMAPPED) {
      const end = virtualBlock + count;
      for (let from = virtualBlock; from >= 0; ) from = metadata.unmapSome(state, from, end);
      return;
    }
    for (let index = 0; index < count; index++) {
      metadata.data.allocateAt(dataBlock + index);
      metadata.map(state, virtualBlock + index, dataBlock + index);
    }
  }

  /**
   * The superblock that was read may be one that a killed process had written and not yet flushed.
   * It has to be durable before anything builds on it, or reuses what it freed. And its flush may
   * have failed in that process: then the page cache still shows it, and no flush alone will ever
   * write it. So it is written again. The blocks it refers to were flushed well before it.
   */
  #settle(): void {
    guardIo("writing the superblock again", () => {
      this.#metadataDevice.write(0, this.metadata.committedSuperblock);
      this.#metadataDevice.flush();
    });
    if (this.metadata.transaction.dirty) this.commit();
    else this.#restartJournal();
  }

  #restartJournal(): void {
    this.#journal?.restart(this.metadata.committedSuperblock.subarray(0, JOURNAL_BASE_BYTES));
  }

  /** Back to the last committed state, read-only. Returns the error, to be thrown. */
  #abort(error: unknown): unknown {
    this.mode = "failed";
    this.#credit = 0;
    this.#zeroed.forget();
    this.unfollow();
    this.#passdown.clear();
    const outOfRoom = error instanceof ThinError && error.code === "metadata-full";
    try {
      this.#reload();
      if (!outOfRoom) this.#setNeedsCheck();
      // Without what the journal has, reads would give less than was acknowledged.
      this.#replay();
      this.mode = "read-only";
    } catch {
      // Stays failed: the error that led here says more than the second one.
    }
    this.#passdown.clear();
    for (const holder of this.#holders) holder.rebind(this.#reboundState(holder.deviceId));
    return error;
  }

  #reload(): void {
    this.metadata = PoolMetadata.open(this.#metadataDevice, this.#cacheBytes);
    this.metadata.transaction.cache.mayWrite = false;
  }

  #setNeedsCheck(): void {
    this.metadata.superblock.flags |= NEEDS_CHECK;
    try {
      this.metadata.writeSuperblock();
    } catch {
      // The device does not take it. The next open finds the last committed state all the same.
    }
  }

  #reboundState(deviceId: number): DeviceState | undefined {
    if (this.mode === "failed") return undefined;
    try {
      const state = this.metadata.state(deviceId);
      state.users += 1;
      return state;
    } catch {
      return undefined;
    }
  }
}

/** Entries of a leaf: what `unmapSome` takes out at most. */
const UNMAP_BLOCKS_MAX = 252;
