/**
 * A pool engine over its devices, and every change that the control socket asks of it.
 *
 * Rule of transaction ids (K: the pool's, T: the VG text's), the kernel's and LVM's: K = T is the
 * resting state. K + 1 = T: the text was committed with messages and the pool has not performed
 * them; they are performed now. Any other pair means that text and pool are not of one history, and
 * the pool is not touched.
 */
import { SpaceLogWriter, ThinPool } from "@mortar/thin";
import type { MappingJournal, PoolMessage as ThinMessage } from "@mortar/thin";
import { errnoName } from "@mortar/linux";
import type { DeviceTable } from "./device-table.ts";
import { poolErrorOf } from "./errno-table.ts";
import { AddressBook } from "./memory-address.ts";
import { PoolError } from "./pool-error.ts";
import { SegmentedDevice } from "./segmented-device.ts";
import type { ServedFiles } from "./served-files.ts";
import type { ServedPool } from "./served-pool.ts";
import type { PoolMessage, PoolSpec, ThinPoolSpec, VolumeSpec } from "./spec.ts";
import type { EngineStatus, VolumeStatus } from "./status.ts";
import { ThinVolume } from "./volume.ts";
import type { VolumeBody } from "./volume.ts";
import { planVolumes } from "./volume-plan.ts";
import type { PinnedState } from "./worker-messages.ts";

const FLUSH_FAILED =
  "a flush of its devices failed; look at the disk, then deactivate the pool and activate it again";

export class ServedThinPool implements ServedPool {
  readonly #subject: string;
  readonly #devices: DeviceTable;
  readonly #journal: MappingJournal;
  readonly #addresses = new AddressBook();
  readonly #metadata: SegmentedDevice;
  readonly #data: SegmentedDevice;
  readonly #chunkBytes: number;
  #spec: ThinPoolSpec;
  #pool: ThinPool;
  readonly #onTouch: () => void;

  constructor(
    subject: string,
    spec: ThinPoolSpec,
    devices: DeviceTable,
    journal: MappingJournal,
    onTouch: () => void,
  ) {
    this.#onTouch = onTouch;
    this.#subject = subject;
    this.#spec = spec;
    this.#devices = devices;
    this.#journal = journal;
    this.#metadata = new SegmentedDevice(
      `${subject}_tmeta`,
      spec.metadata,
      devices,
      this.#addresses,
    );
    this.#data = new SegmentedDevice(`${subject}_tdata`, spec.data, devices, this.#addresses);
    this.#chunkBytes = spec.chunkSectors * 512;
    if (!ThinPool.isFormatted(this.#metadata)) this.#format();
    this.#pool = this.#open(spec);
    try {
      this.#catchUp();
      this.#grow();
    } catch (error) {
      this.#pool.close();
      throw error;
    }
    onTouch(); // Mappings that came from the journal are not committed yet.
  }

  body(spec: VolumeSpec): VolumeBody {
    return new ThinVolume(
      this.#pool.device(spec.deviceId),
      this.#data,
      this.#chunkBytes,
      this.#onTouch,
    );
  }

  commit(): void {
    this.#pool.commit();
  }

  descriptorsToFlush(): readonly number[] | undefined {
    const { dirty, mode } = this.#pool.status();
    const isMore = dirty || mode === "failed" || this.#devices.failure.flushError !== 0;
    return isMore ? undefined : this.#data.descriptors();
  }

  commitIfDirty(): void {
    if (this.#pool.status().dirty) this.#pool.commit();
  }

  message(
    messages: readonly PoolMessage[],
    transactionId: number,
    files: ServedFiles,
  ): "done" | "unchanged" {
    const current = this.#pool.status().transactionId;
    if (current === transactionId) return "unchanged";
    if (current + 1 !== transactionId) throw this.#mismatch(current, transactionId);
    for (const message of messages) {
      if (message.kind === "delete" && files.isServed(message.deviceId)) {
        throw new PoolError(
          "busy",
          `${this.#subject}: thin device ${message.deviceId} is active; deactivate it first`,
        );
      }
    }
    this.#perform(messages, current, transactionId);
    return "done";
  }

  reload(spec: PoolSpec, files: ServedFiles): void {
    const before = this.#spec;
    if (
      spec.kind !== "thin-pool" ||
      spec.uuid !== before.uuid ||
      spec.chunkSectors !== before.chunkSectors
    ) {
      throw new PoolError("bad-request", `${this.#subject}: the spec is of another pool`);
    }
    const { transactionId } = this.#pool.status();
    if (spec.transactionId !== transactionId && spec.transactionId !== transactionId + 1) {
      throw this.#mismatch(transactionId, spec.transactionId);
    }
    const changes = planVolumes(spec.volumes, files);
    this.#devices.open(spec.devices);
    this.#metadata.grow(spec.metadata, this.#devices);
    this.#data.grow(spec.data, this.#devices);
    this.#spec = spec;
    if (spec.zeroNewBlocks !== before.zeroNewBlocks || spec.discards !== before.discards)
      this.#reopen(files);
    this.#grow();
    this.#catchUp();
    for (const volume of spec.volumes) this.#requireDevice(volume);
    changes.apply((volume) => this.body(volume));
  }

  settings(): ThinPoolSpec {
    return this.#spec;
  }

  status(): EngineStatus {
    const status = this.#pool.status();
    const { flushError } = this.#devices.failure;
    const hasFailed = flushError !== 0;
    return {
      transactionId: status.transactionId,
      mode: hasFailed && status.mode !== "failed" ? "read-only" : status.mode,
      ...(hasFailed && { flushFailure: errnoName(flushError) }),
      needsCheck: status.needsCheck,
      chunkSectors: status.dataBlockSectors,
      dataUsedBlocks: status.usedDataBlocks,
      dataTotalBlocks: status.totalDataBlocks,
      metadataUsedBlocks: status.usedMetadataBlocks,
      metadataTotalBlocks: status.totalMetadataBlocks,
      heldRoot: status.heldRoot ?? null,
    };
  }

  mapped(deviceId: number): Partial<VolumeStatus> {
    const { mappedBlocks, highestMappedBlock } = this.#pool.deviceStatus(deviceId);
    return { mappedBlocks, highestMappedBlock: highestMappedBlock ?? null };
  }

  holdMetadata(hold: boolean): "done" | "unchanged" {
    if ((this.#pool.status().heldRoot !== undefined) === hold) return "unchanged";
    if (hold) this.#pool.reserveMetadataSnapshot();
    else this.#pool.releaseMetadataSnapshot();
    return "done";
  }

  follow(log: SharedArrayBuffer): Uint8Array {
    return this.#pool.follow(new SpaceLogWriter(log));
  }

  scanned(): void {
    this.#pool.scanned();
  }

  unfollow(): void {
    this.#pool.unfollow();
  }

  pin(): PinnedState {
    const superblock = this.#pool.pinCommitted(this);
    const { transactionId, allocatedMetadataBlocks } = this.#pool.status();
    return { superblock, transactionId, usedBlocks: allocatedMetadataBlocks };
  }

  unpin(): boolean {
    return this.#pool.unpinCommitted(this);
  }

  /** After a failed flush nothing can be committed, and the last commit is what is left. */
  close(): void {
    if (this.#devices.failure.flushError === 0) this.#pool.close();
    this.#devices.close();
  }

  /**
   * After a failed flush, in this process or an earlier one, the journal leads to data that may
   * never have reached the disk: then the pool is what it was at its last commit.
   */
  #open(spec: ThinPoolSpec): ThinPool {
    const hasFailed = this.#devices.failure.flushError !== 0;
    return ThinPool.open({
      metadata: this.#metadata,
      data: this.#data,
      ...(hasFailed ? { readOnlyBecause: FLUSH_FAILED } : { journal: this.#journal }),
      zeroNewBlocks: spec.zeroNewBlocks,
      discards: spec.discards,
      dataBlockSectors: spec.chunkSectors,
    });
  }

  /** An all-zero superblock is a new pool, but not under a VG text that remembers transactions. */
  #format(): void {
    const { transactionId, messages, chunkSectors } = this.#spec;
    if (transactionId > 1 || (transactionId === 1 && messages.length === 0)) {
      throw new PoolError(
        "corrupt",
        `${this.#subject}: the superblock is all zero, but the volume group knows ` +
          `transaction ${transactionId}; ` +
          "the metadata is lost or on another device: restore it before activating",
      );
    }
    ThinPool.format({ metadata: this.#metadata, data: this.#data, dataBlockSectors: chunkSectors });
  }

  #catchUp(): void {
    const { transactionId: current, mode } = this.#pool.status();
    const { transactionId, messages } = this.#spec;
    if (current === transactionId) return;
    if (current + 1 !== transactionId) throw this.#mismatch(current, transactionId);
    if (mode !== "write") return; // It can be read, and the messages wait.
    const existing = new Set(this.#pool.devices().map((device) => device.deviceId));
    // LVM queues a delete even when it could not reach the pool: of a device that never was, it is
    // done already.
    const wanted = messages.filter(
      (message) => message.kind !== "delete" || existing.has(message.deviceId),
    );
    this.#perform(wanted, current, transactionId);
  }

  #perform(messages: readonly PoolMessage[], from: number, to: number): void {
    const set: ThinMessage = { kind: "set-transaction-id", from, to };
    try {
      this.#pool.transact([...messages.map(toThin), set]);
    } catch (error) {
      throw poolErrorOf(error, this.#subject);
    }
    this.#spec = { ...this.#spec, transactionId: to, messages: [] };
  }

  #grow(): void {
    if (this.#pool.status().mode === "read-only" || this.#pool.status().mode === "failed") return;
    this.#pool.growMetadata();
    this.#pool.growData();
  }

  /** Settings are given to the engine when it opens; the kernel sees nothing of this. */
  #reopen(files: ServedFiles): void {
    for (const spec of files.specs()) files.update(spec.name, spec, new ClosedVolume());
    this.#pool.close();
    this.#pool = this.#open(this.#spec);
    for (const spec of files.specs()) files.update(spec.name, spec, this.body(spec));
  }

  #requireDevice(volume: VolumeSpec): void {
    try {
      this.#pool.deviceStatus(volume.deviceId);
    } catch (error) {
      throw poolErrorOf(error, `${this.#subject}: ${volume.name}`);
    }
  }

  #mismatch(current: number, expected: number): PoolError {
    const message = `${this.#subject}: transaction_id is ${current}, while expected ${expected}`;
    return new PoolError("transaction-mismatch", message);
  }
}

/**
 * In the place of a thin device while the engine is opened anew; nothing reads or writes meanwhile.
 */
class ClosedVolume implements VolumeBody {
  readonly placeFd = -1;
  readonly placeOffset = 0;
  place(): boolean {
    return false;
  }
  read(): never {
    throw new PoolError("device-error", "the engine is being opened anew");
  }
  write(): void {
    this.read();
  }
  discard(): void {
    this.read();
  }
  zero(): void {
    this.read();
  }
  close(): void {
    // Nothing is open.
  }
}

function toThin(message: PoolMessage): ThinMessage {
  const { deviceId } = message;
  if (message.kind === "delete") return message;
  if (message.kind === "create") return { kind: "create-thin", deviceId };
  return { kind: "create-snapshot", deviceId, originId: message.originId };
}
