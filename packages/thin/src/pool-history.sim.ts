/**
 * A pool on virtual disks beside its model. Each operation is done to both; `powerCut` and `kill`
 * end the machine or the process in the midst of one, open the pool again and compare.
 */
import { DiskError, PowerCut, PowerSwitch, VirtualDisk } from "@mortar/sim";
import type { Random } from "@mortar/sim";
import { BufferJournal } from "./buffer-journal.ts";
import { checkPool } from "./check-pool.ts";
import type { MappingJournal } from "./mapping-journal.ts";
import { decodeTags, DeviceModel, encodeTag, SECTOR_BYTES } from "./pool-model.sim.ts";
import type { DiscardMode, PoolMessage } from "./pool-options.ts";
import type { ThinDevice } from "./thin-device.ts";
import { ThinError } from "./thin-error.ts";
import { ThinPool } from "./thin-pool.ts";

export const CHUNK_SECTORS = 128;
const CHUNK_BYTES = CHUNK_SECTORS * SECTOR_BYTES;

export interface HistoryOptions {
  readonly random: Random;
  readonly metadataBlocks: number;
  readonly dataChunks: number;
  /** Size that the devices pretend to have. */
  readonly deviceChunks: number;
  readonly journalRecords: number;
  readonly discards: DiscardMode;
}

/** What was being done when it all stopped. */
type InFlight =
  | { readonly kind: "nothing" }
  | { readonly kind: "sectors"; readonly deviceId: number; readonly begin: number; readonly end: number }
  | { readonly kind: "messages"; readonly before: ReadonlyMap<number, DeviceModel> };

export class PoolHistory {
  readonly random: Random;
  readonly power = new PowerSwitch();
  readonly metadata: VirtualDisk;
  readonly data: VirtualDisk;
  readonly counts = { operations: 0, crashes: 0, kills: 0, refusals: 0, failures: 0 };
  /** The devices that should be there. */
  devices = new Map<number, DeviceModel>();
  readonly #options: HistoryOptions;
  #journalMemory: Uint8Array;
  #pool: ThinPool;
  #handles = new Map<number, ThinDevice>();
  #inFlight: InFlight = { kind: "nothing" };
  #transactionId = 0;
  #tag = 0;
  /** The data disk failed to flush: what was acknowledged since the last commit may be undone. */
  #flushFailed = false;

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.random = options.random;
    const { random, power } = this;
    this.metadata = new VirtualDisk({ sizeBytes: options.metadataBlocks * 4096, random, power });
    this.data = new VirtualDisk({ sizeBytes: options.dataChunks * CHUNK_BYTES, random, power });
    this.#journalMemory = this.#newJournal();
    ThinPool.format({ metadata: this.metadata, data: this.data, dataBlockSectors: CHUNK_SECTORS });
    this.#pool = this.#open();
  }

  get pool(): ThinPool {
    return this.#pool;
  }

  get deviceSectors(): number {
    return this.#options.deviceChunks * CHUNK_SECTORS;
  }

  write(deviceId: number, sector: number, count: number): void {
    this.#tag += 1;
    const tag = this.#tag;
    this.#changeSectors(deviceId, sector, count, tag, (device) => {
      device.write(sector * SECTOR_BYTES, encodeTag(tag, count));
    });
  }

  zero(deviceId: number, sector: number, count: number): void {
    this.#changeSectors(deviceId, sector, count, 0, (device) => {
      device.zero(sector * SECTOR_BYTES, count * SECTOR_BYTES);
    });
  }

  discard(deviceId: number, sector: number, count: number): void {
    const begin = Math.ceil(sector / CHUNK_SECTORS) * CHUNK_SECTORS;
    const end = Math.floor((sector + count) / CHUNK_SECTORS) * CHUNK_SECTORS;
    const changed = this.#options.discards === "ignore" ? 0 : Math.max(end - begin, 0);
    this.#changeSectors(deviceId, begin, changed, 0, (device) => {
      device.discard(sector * SECTOR_BYTES, count * SECTOR_BYTES);
    });
  }

  /** Messages, and with them one step of the transaction id. */
  transact(messages: readonly PoolMessage[]): void {
    const before = new Map(this.devices);
    this.#inFlight = { kind: "messages", before };
    const from = this.#transactionId;
    for (const message of messages) {
      if (message.kind === "delete") this.#closeHandle(message.deviceId);
    }
    const after = new Map(this.devices);
    for (const message of messages) this.#applyToModel(after, message);
    this.devices = after;
    this.#transactionId = from + 1;
    const done = this.#attempt(() => {
      this.#pool.transact([...messages, { kind: "set-transaction-id", from, to: from + 1 }]);
    });
    if (done) this.#committed();
    else if (this.#pool.status().transactionId === from) this.#undoMessages(before, from);
    this.#inFlight = { kind: "nothing" };
  }

  commit(): void {
    if (this.#attempt(() => this.#pool.commit())) this.#committed();
  }

  /** Make either disk larger, and tell the pool. */
  grow(dataChunks: number, metadataBlocks: number): void {
    this.data.sizeBytes += dataChunks * CHUNK_BYTES;
    this.metadata.sizeBytes += metadataBlocks * 4096;
    this.#attempt(() => {
      if (dataChunks > 0) this.#pool.growData();
      if (metadataBlocks > 0) this.#pool.growMetadata();
    });
  }

  holdRoot(): void {
    this.#attempt(() => {
      if (this.#pool.status().heldRoot === undefined) this.#pool.reserveMetadataSnapshot();
      else this.#pool.releaseMetadataSnapshot();
    });
  }

  /**
   * Do something and lose power in its `operations`-th disk operation; false if it ended before.
   */
  powerCut(operations: number, change: () => void): boolean {
    this.power.cutAfter(operations);
    const cut = this.#interrupted(change);
    this.counts.crashes += 1;
    this.power.restore();
    if (this.random.chance(0.2)) {
      this.metadata.crashLosingAll();
      this.data.crashLosingAll();
    } else {
      this.metadata.crash();
      this.data.crash();
    }
    this.#journalMemory = this.#newJournal();
    this.#reopen("after a power cut", false);
    return cut;
  }

  /** The same, but only the process dies: disks and journal keep what they were given. */
  kill(operations: number, change: () => void): boolean {
    this.power.cutAfter(operations);
    const cut = this.#interrupted(change);
    this.counts.kills += 1;
    this.power.restore();
    this.#reopen("after a kill", true);
    return cut;
  }

  /** Everything reads as the model says. */
  verify(where: string): void {
    for (const [id, model] of this.devices) {
      model.requireCurrent(this.#readDevice(id, where), where);
    }
  }

  requireClean(where: string): void {
    const { defects } = checkPool(this.metadata);
    const bad = defects.filter(({ severity, message }) =>
      severity !== "note" || !message.includes("needs_check"));
    if (bad.length === 0) return;
    throw new Error(`${where}: ${bad.map(({ message }) => message).join("; ")}`);
  }

  /** After faults: a pool that gave up must be openable, and have everything it acknowledged. */
  recover(): void {
    const { mode } = this.#pool.status();
    const undone = this.#flushFailed;
    this.#flushFailed = false;
    if (mode === "write" || mode === "out-of-data-space") return;
    this.counts.failures += 1;
    if (mode === "read-only" && !undone) this.verify("read-only after a failure");
    ThinPool.clearNeedsCheck(this.metadata);
    this.#reopen("after a failure", !undone);
  }

  #changeSectors(
    deviceId: number, sector: number, count: number, tag: number, change: (device: ThinDevice) => void,
  ): void {
    const model = this.devices.get(deviceId)!;
    this.#inFlight = { kind: "sectors", deviceId, begin: sector, end: sector + count };
    model.attempt(sector, count, tag);
    if (this.#attempt(() => change(this.#handle(deviceId)))) {
      model.put(sector, count, tag);
    } else if (this.#pool.status().mode !== "failed" && !this.#flushFailed) {
      this.#adoptPart(model, deviceId, sector, count, tag);
    }
    this.#inFlight = { kind: "nothing" };
  }

  /** A write that failed may have done a part of its work. */
  #adoptPart(
    model: DeviceModel, deviceId: number, sector: number, count: number, tag: number,
  ): void {
    const found = this.#readDevice(deviceId, "after an error");
    model.requireCurrent(found, "after an error", sector, sector + count);
    for (let index = sector; index < sector + count; index++) {
      if (found[index] !== tag && found[index] !== model.current[index]) {
        throw new Error(`after an error: sector ${index} has ${found[index]}`);
      }
      model.current[index] = found[index]!;
    }
  }

  /** True when it was done; false when the pool or a disk refused. A power cut passes through. */
  #attempt(change: () => void): boolean {
    this.counts.operations += 1;
    try {
      change();
      return true;
    } catch (error) {
      const refused = error instanceof ThinError || error instanceof DiskError;
      const cut = error instanceof Error && error.cause instanceof PowerCut;
      if (!refused || cut || this.power.isOff) throw error;
      this.#requireExpected(error);
      if (error instanceof DiskError && error.operation === "flush") {
        this.#flushFailed = true;
        for (const model of this.devices.values()) model.flushFailed();
        if (this.#inFlight.kind === "messages") {
          for (const model of this.#inFlight.before.values()) model.flushFailed();
        }
      }
      this.counts.refusals += 1;
      return false;
    }
  }

  #requireExpected(error: ThinError | DiskError): void {
    if (error instanceof DiskError || error.cause instanceof DiskError) return;
    const expected = ["pool-full", "metadata-full", "read-only", "pool-failed"];
    if (!expected.includes(error.code)) throw error;
  }

  #interrupted(change: () => void): boolean {
    try {
      change();
    } catch (error) {
      if (this.power.isOff) return true;
      throw error;
    }
    return false;
  }

  #applyToModel(devices: Map<number, DeviceModel>, message: PoolMessage): void {
    if (message.kind === "create-thin") {
      devices.set(message.deviceId, new DeviceModel(new Int32Array(this.deviceSectors)));
    } else if (message.kind === "create-snapshot") {
      devices.set(message.deviceId, devices.get(message.originId)!.snapshot());
    } else if (message.kind === "delete") {
      devices.delete(message.deviceId);
    }
  }

  #undoMessages(before: Map<number, DeviceModel>, transactionId: number): void {
    this.devices = before;
    this.#transactionId = transactionId;
  }

  #committed(): void {
    for (const model of this.devices.values()) model.commit();
  }

  #reopen(where: string, processOnly: boolean): void {
    this.#handles.clear();
    const inFlight = this.#inFlight;
    this.#inFlight = { kind: "nothing" };
    this.requireClean(`${where}, before opening`);
    this.#pool = this.#open();
    this.requireClean(where);
    if (inFlight.kind === "messages" && this.#pool.status().transactionId !== this.#transactionId) {
      this.#undoMessages(new Map(inFlight.before), this.#transactionId - 1);
    }
    this.#requireDevices(where);
    for (const [id, model] of this.devices) {
      const found = this.#readDevice(id, where);
      model.requirePossible(found, `${where}: device ${id}`);
      if (processOnly) {
        const hit = inFlight.kind === "sectors" && inFlight.deviceId === id ? inFlight : undefined;
        model.requireCurrent(found, `${where}: device ${id}`, hit?.begin, hit?.end);
      }
      model.current.set(found);
    }
    // Half the time, what was not flushed stays so, and may be lost to the next crash.
    if (!processOnly || this.random.chance(0.5)) this.commit();
  }

  #requireDevices(where: string): void {
    const found = this.#pool.deviceIds().join(" ");
    const expected = [...this.devices.keys()].toSorted((left, right) => left - right).join(" ");
    if (found !== expected) throw new Error(`${where}: devices are ${found}, not ${expected}`);
    const { transactionId } = this.#pool.status();
    if (transactionId === this.#transactionId) return;
    throw new Error(`${where}: transaction is ${transactionId}, not ${this.#transactionId}`);
  }

  #readDevice(deviceId: number, where: string): Int32Array {
    const bytes = new Uint8Array(this.deviceSectors * SECTOR_BYTES);
    this.#handle(deviceId).read(0, bytes);
    return decodeTags(bytes, `${where}: device ${deviceId}`);
  }

  #handle(deviceId: number): ThinDevice {
    let handle = this.#handles.get(deviceId);
    if (!handle) {
      handle = this.#pool.device(deviceId);
      this.#handles.set(deviceId, handle);
    }
    return handle;
  }

  #closeHandle(deviceId: number): void {
    this.#handles.get(deviceId)?.close();
    this.#handles.delete(deviceId);
  }

  #open(): ThinPool {
    return ThinPool.open({
      metadata: this.metadata,
      data: this.data,
      journal: this.#journal(),
      discards: this.#options.discards,
      cacheBytes: 1,
    });
  }

  /** A journal that a dead process can no longer write to. */
  #journal(): MappingJournal {
    const journal = new BufferJournal(this.#journalMemory);
    const requirePower = (): void => {
      if (this.power.isOff) throw new PowerCut("the process is dead");
    };
    return {
      open: () => journal.open(),
      restart(base) {
        requirePower();
        journal.restart(base);
      },
      append(...record) {
        requirePower();
        return journal.append(...record);
      },
    };
  }

  #newJournal(): Uint8Array {
    return new Uint8Array(1024 + 32 * this.#options.journalRecords);
  }
}
