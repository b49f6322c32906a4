/**
 * A pool on a machine beside its model. Each operation is done to both; `powerCut` and `kill` end
 * the machine or the process in the midst of one and go on from there; `explore` ends copies of it
 * at every moment of one, in every way, and goes on as if nothing had been.
 */
import { DiskError, PowerCut } from "@mortar/sim";
import type { VirtualDisk } from "@mortar/sim";
import { dumpXml } from "./dump-xml.ts";
import { readUnits, requireClean, requireExpected } from "./pool-expectation.sim.ts";
import type { Expectation, InFlight, PoolState } from "./pool-expectation.sim.ts";
import { CHUNK_BYTES, CHUNK_SECTORS, Machine } from "./pool-machine.sim.ts";
import type { MachineOptions, Moment, Settlings, Wraps } from "./pool-machine.sim.ts";
import { DeviceModel, encodeTag, SECTOR_BYTES } from "./pool-model.sim.ts";
import type { PoolMessage } from "./pool-options.ts";
import type { ThinDevice } from "./thin-device.ts";
import { ThinError } from "./thin-error.ts";
import { ThinPool } from "./thin-pool.ts";

export interface HistoryOptions extends MachineOptions {
  /** Size that the devices pretend to have. */
  readonly deviceChunks: number;
  /** Model only the first sector of each chunk, and write whole chunks. */
  readonly chunksOnly?: boolean;
  readonly wraps?: Wraps;
}

/** How the moments of an operation are explored. */
export interface Exploration {
  readonly settlings: readonly Settlings[];
  /** Copies whose recovery is interrupted too, of all. */
  readonly nestedShare: number;
  /** Copies that are used after the recovery, of all. */
  readonly usedShare: number;
}

/** Disk operations within which the recovery is interrupted. */
const NESTED_OPERATIONS = 12;

export class PoolHistory {
  readonly machine: Machine;
  readonly counts = {
    operations: 0, points: 0, crashes: 0, kills: 0, refusals: 0, failures: 0,
    interruptedRecoveries: 0,
  };
  /** The devices that should be there. */
  devices = new Map<number, DeviceModel>();
  readonly #options: HistoryOptions;
  #pool: ThinPool;
  #handles = new Map<number, ThinDevice>();
  #inFlight: InFlight = { kind: "nothing" };
  #transactionId = 0;
  #tag = 0;
  /** A disk failed since the pool was opened, so it may refuse what it would do otherwise. */
  #sick = false;
  /** A message failed, but can be seen: a power cut may yet bring this back. */
  #doubted: PoolState | undefined;
  /** What the metadata snapshot shows; undefined when there is none, or perhaps none. */
  #held: string | undefined;
  /** The data disk failed to flush: what was acknowledged since the last commit may be undone. */
  #flushFailed = false;

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.machine = new Machine(options);
    this.machine.format();
    this.machine.wraps = options.wraps ?? {};
    this.#pool = this.machine.open();
  }

  get pool(): ThinPool {
    return this.#pool;
  }

  get transactionId(): number {
    return this.#transactionId;
  }

  get unitSectors(): number {
    return this.#options.chunksOnly ? CHUNK_SECTORS : 1;
  }

  /** Units of a device: sectors, or chunks. */
  get deviceUnits(): number {
    return (this.#options.deviceChunks * CHUNK_SECTORS) / this.unitSectors;
  }

  get unitsPerChunk(): number {
    return CHUNK_SECTORS / this.unitSectors;
  }

  get expectation(): Expectation {
    const { transactionId, deviceUnits, unitSectors } = this;
    const now = { devices: this.devices, transactionId };
    const doubted = this.#doubted;
    return { now, doubted, inFlight: this.#inFlight, deviceUnits, unitSectors };
  }

  write(deviceId: number, unit: number, count: number): void {
    this.#tag += 1;
    const tag = this.#tag;
    const bytes = encodeTag(tag, count * this.unitSectors);
    this.#changeUnits(deviceId, unit, count, tag, (device) => {
      device.write(unit * this.#unitBytes, bytes);
    });
  }

  zero(deviceId: number, unit: number, count: number): void {
    this.#changeUnits(deviceId, unit, count, 0, (device) => {
      device.zero(unit * this.#unitBytes, count * this.#unitBytes);
    });
  }

  discard(deviceId: number, unit: number, count: number): void {
    const { unitsPerChunk } = this;
    const begin = Math.ceil(unit / unitsPerChunk) * unitsPerChunk;
    const end = Math.floor((unit + count) / unitsPerChunk) * unitsPerChunk;
    const changed = this.#options.discards === "ignore" ? 0 : Math.max(end - begin, 0);
    this.#changeUnits(deviceId, begin, changed, 0, (device) => {
      device.discard(unit * this.#unitBytes, count * this.#unitBytes);
    });
  }

  /** Messages, and with them one step of the transaction id, as LVM does; or without. */
  transact(messages: readonly PoolMessage[], step: 0 | 1 = 1): void {
    const from = this.#transactionId;
    const before = { devices: this.devices, transactionId: from };
    for (const message of messages) {
      if (message.kind === "delete") this.#closeHandle(message.deviceId);
    }
    const after = new Map(this.devices);
    for (const message of messages) this.#applyToModel(after, message);
    this.#inFlight = { kind: "messages", before };
    this.devices = after;
    this.#transactionId = from + step;
    const setId: PoolMessage = { kind: "set-transaction-id", from, to: from + step };
    const done = this.#attempt(() => {
      this.#pool.transact(step === 0 ? messages : [...messages, setId]);
    });
    // A pool that failed cannot tell whether it was done: the next open does.
    if (!done && this.#pool.status().mode === "failed") return;
    if (done) this.#committed();
    else if (this.#isMessageDone()) this.#doubted = before;
    else this.#restore(before);
    this.#inFlight = { kind: "nothing" };
  }

  commit(): void {
    if (this.#attempt(() => this.#pool.commit())) this.#committed();
  }

  /** Make either disk larger, and tell the pool. */
  grow(dataChunks: number, metadataBlocks: number): void {
    this.machine.data.sizeBytes += dataChunks * CHUNK_BYTES;
    this.machine.metadata.sizeBytes += metadataBlocks * 4096;
    this.#attempt(() => {
      if (dataChunks > 0) this.#pool.growData();
      if (metadataBlocks > 0) this.#pool.growMetadata();
    });
  }

  /** Take a metadata snapshot, or release the one there is. */
  holdRoot(): void {
    this.#held = undefined;
    const done = this.#attempt(() => {
      if (this.#pool.status().heldRoot === undefined) this.#pool.reserveMetadataSnapshot();
      else this.#pool.releaseMetadataSnapshot();
    });
    if (done) this.#held = this.#dumpHeld();
  }

  /** What the metadata snapshot shows is what it showed when it was taken. */
  #requireHeld(where: string): void {
    if (this.#held === undefined || this.#held === this.#dumpHeld()) return;
    throw new Error(`${where}: the metadata snapshot has changed`);
  }

  #dumpHeld(): string | undefined {
    if (this.#pool.status().heldRoot === undefined) return undefined;
    let dump = "";
    const write = (text: string): void => void (dump += text);
    this.machine.withoutFaults(() => {
      dumpXml({ metadata: this.machine.metadataDevice, fromSnapshot: true, write });
    });
    return dump;
  }

  /** Close it, look at it without the right to change anything, and open it again. */
  visitReadOnly(): void {
    if (!this.#attempt(() => this.#pool.commit())) return;
    this.#committed();
    this.#handles.clear();
    this.machine.withoutFaults(() => this.#visitReadOnly());
  }

  #visitReadOnly(): void {
    const reader = this.machine.open(true);
    const { writeCount } = this.machine;
    requireExpected(reader, this.expectation, "read-only", true);
    for (const change of [() => reader.createThin(999), () => reader.growData()]) {
      let refused = false;
      try {
        change();
      } catch (error) {
        refused = error instanceof ThinError && error.code === "read-only";
      }
      if (!refused) throw new Error("a pool that was opened read-only took a change");
    }
    if (this.machine.writeCount !== writeCount) {
      throw new Error("a pool that was opened read-only wrote to its disks");
    }
    this.#pool = this.machine.open();
  }

  /** Put other metadata under the pool while it is closed, which has to be as good; or leave it. */
  replaceMetadata(replace: (metadata: VirtualDisk) => VirtualDisk | undefined): void {
    if (!this.#attempt(() => this.#pool.commit())) return;
    this.#committed();
    const { metadata } = this.machine;
    const replacement = replace(metadata.clone(this.machine.random.fork()));
    if (!replacement) return;
    const bytes = new Uint8Array(metadata.sizeBytes);
    replacement.read(0, bytes);
    metadata.write(0, bytes);
    metadata.flush();
    this.#held = undefined; // A repair drops the metadata snapshot, and says so.
    this.#reopen("after a repair", true);
  }

  /**
   * Do something and lose power in its `operations`-th disk operation; false if it ended before.
   */
  powerCut(operations: number, change: () => void): boolean {
    const cut = this.#interrupted(operations, change);
    this.counts.crashes += 1;
    this.machine.losePower(undefined);
    this.#reopen("after a power cut", false);
    return cut;
  }

  /** The same, but only the process dies: disks and journal keep what they were given. */
  kill(operations: number, change: () => void): boolean {
    const cut = this.#interrupted(operations, change);
    this.counts.kills += 1;
    this.#reopen("after a kill", !this.#flushFailed);
    return cut;
  }

  /**
   * Do it, and end copies of the machine before each operation of a disk, within it, within each
   * change of the journal, and at the end: by power cuts that settle in each of the ways, and by
   * kills.
   */
  explore(exploration: Exploration, change: () => void): void {
    this.machine.watch((moment) => this.#endCopies(moment, exploration), change);
    this.#endCopies(undefined, exploration);
  }

  /** Everything reads as the model says. */
  verify(where: string): void {
    this.#requireHeld(where);
    for (const [id, model] of this.devices) {
      model.requireCurrent(this.#readDevice(id, where), where);
    }
  }

  requireClean(where: string): void {
    requireClean(this.machine.metadataDevice, where);
  }

  /** Whether the pool took no more changes because a disk failed, yet knows its contents. */
  get isReadOnly(): boolean {
    return this.#pool.status().mode === "read-only" && !this.#flushFailed;
  }

  /** After faults: a pool that gave up must be openable, and have everything it acknowledged. */
  recover(): void {
    const { mode } = this.#pool.status();
    if (mode === "write" || mode === "out-of-data-space") {
      this.#flushFailed = false;
      this.#sick = false;
      return;
    }
    this.counts.failures += 1;
    if (this.isReadOnly) this.verify("read-only after a failure");
    this.#reopen("after a failure", !this.#flushFailed);
  }

  get #unitBytes(): number {
    return this.unitSectors * SECTOR_BYTES;
  }

  #endCopies(moment: Moment | undefined, exploration: Exploration): void {
    const { machine } = this;
    const name = moment?.operation ?? "end";
    const changes = moment && moment.operation !== "journal" && moment.source !== undefined;
    // A change of the journal moves nothing on the disks.
    if (moment?.operation !== "journal") {
      const all = changes || name === "discard" || machine.hasUnflushed;
      for (const settlings of all ? exploration.settlings : exploration.settlings.slice(0, 1)) {
        const copy = machine.copy();
        copy.losePower(moment, settlings);
        const how = settlings.join(" and ");
        this.#requireSurvives(copy, `power cut at ${name} settling ${how}`, false, exploration);
      }
    }
    for (const torn of changes || moment?.operation === "journal" ? [false, true] : [false]) {
      const copy = machine.copy();
      copy.killProcess(moment, torn);
      const how = torn ? "within" : "before";
      this.#requireSurvives(copy, `kill ${how} ${name}`, true, exploration);
    }
  }

  #requireSurvives(
    copy: Machine, where: string, processOnly: boolean, exploration: Exploration,
  ): void {
    this.counts.points += 1;
    const { random } = copy;
    requireClean(copy.metadataDevice, `${where}, before opening`);
    const { writeCount } = copy;
    let safe = processOnly;
    if (random.chance(exploration.nestedShare)) safe = this.#interruptRecovery(copy, safe);
    const pool = copy.open();
    // What was not written to is as clean as it was.
    if (copy.writeCount !== writeCount) requireClean(copy.metadataDevice, where);
    requireExpected(pool, this.expectation, where, safe);
    if (!random.chance(exploration.usedShare)) return;
    useSome(pool);
    pool.close();
    requireClean(copy.metadataDevice, `${where}, and used`);
  }

  /** Whether what was acknowledged has to be there still. */
  #interruptRecovery(copy: Machine, safe: boolean): boolean {
    const { random, power } = copy;
    power.cutAfter(random.below(NESTED_OPERATIONS));
    try {
      copy.open();
    } catch (error) {
      if (!power.isOff) throw error;
    }
    this.counts.interruptedRecoveries += 1;
    power.restore();
    if (random.chance(0.5)) return safe;
    copy.losePower(undefined);
    return false;
  }

  #changeUnits(
    deviceId: number, unit: number, count: number, tag: number,
    change: (device: ThinDevice) => void,
  ): void {
    const model = this.devices.get(deviceId)!;
    this.#inFlight = { kind: "sectors", deviceId, begin: unit, end: unit + count };
    model.attempt(unit, count, tag);
    if (this.#attempt(() => change(this.#handle(deviceId)))) {
      model.put(unit, count, tag);
    } else if (this.#pool.status().mode === "failed") {
      return; // It cannot tell how far it came: the next open does.
    } else if (!this.#flushFailed) {
      this.#adoptPart(model, deviceId, unit, count, tag);
    }
    this.#inFlight = { kind: "nothing" };
  }

  /** A write that failed may have done a part of its work. */
  #adoptPart(
    model: DeviceModel, deviceId: number, unit: number, count: number, tag: number,
  ): void {
    const found = this.machine.withoutFaults(() => this.#readDevice(deviceId, "after an error"));
    model.requireCurrent(found, "after an error", unit, unit + count);
    for (let index = unit; index < unit + count; index++) {
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
      if (error instanceof DiskError && error.operation === "flush") this.#noteFailedFlush();
      const refused = error instanceof ThinError || error instanceof DiskError;
      const cut = error instanceof Error && error.cause instanceof PowerCut;
      if (!refused || cut || this.machine.power.isOff) throw error;
      this.#sick ||= this.machine.hasFaults;
      requireRefusal(error, this.#sick);
      this.counts.refusals += 1;
      return false;
    }
  }

  #noteFailedFlush(): void {
    this.#flushFailed = true;
    for (const model of this.devices.values()) model.flushFailed();
    if (this.#inFlight.kind !== "messages") return;
    for (const model of this.#inFlight.before.devices.values()) model.flushFailed();
  }

  #interrupted(operations: number, change: () => void): boolean {
    const { power } = this.machine;
    power.cutAfter(operations);
    try {
      change();
    } catch (error) {
      if (!power.isOff) throw error;
    }
    const cut = power.isOff;
    power.restore();
    return cut;
  }

  #applyToModel(devices: Map<number, DeviceModel>, message: PoolMessage): void {
    if (message.kind === "create-thin") {
      devices.set(message.deviceId, new DeviceModel(new Int32Array(this.deviceUnits)));
    } else if (message.kind === "create-snapshot") {
      devices.set(message.deviceId, devices.get(message.originId)!.snapshot());
    } else if (message.kind === "delete") {
      devices.delete(message.deviceId);
    }
  }

  /** A message that threw may be the pool's state all the same, if only the last flush failed. */
  #isMessageDone(): boolean {
    const ids = this.machine.withoutFaults(() => this.#pool.deviceIds());
    return this.#pool.status().transactionId === this.#transactionId &&
      ids.length === this.devices.size && ids.every((id) => this.devices.has(id));
  }

  #restore({ devices, transactionId }: PoolState): void {
    this.devices = new Map(devices);
    this.#transactionId = transactionId;
  }

  #committed(): void {
    this.#doubted = undefined;
    for (const model of this.devices.values()) model.commit();
  }

  #reopen(where: string, processOnly: boolean): void {
    this.#handles.clear();
    this.#flushFailed = false;
    this.#sick = false;
    this.requireClean(`${where}, before opening`);
    this.#pool = this.machine.open();
    this.requireClean(where);
    let found = requireExpected(this.#pool, this.expectation, where, processOnly);
    if (this.#pool.status().needsCheck) {
      // Until somebody says that it was checked, it can be read.
      ThinPool.clearNeedsCheck(this.machine.metadataDevice);
      this.#pool = this.machine.open();
      found = requireExpected(this.#pool, this.expectation, `${where}, checked`, processOnly);
    }
    if (this.#pool.status().mode !== "write") throw new Error(`${where}: the pool is not writable`);
    this.#requireHeld(where);
    this.#inFlight = { kind: "nothing" };
    this.#doubted = undefined;
    this.#restore(found.state);
    for (const [id, contents] of found.contents) this.devices.get(id)!.current.set(contents);
    // Half the time, what was not flushed stays so, and may be lost to the next crash.
    if (!processOnly || this.machine.random.chance(0.5)) this.commit();
  }

  #readDevice(deviceId: number, where: string): Int32Array {
    return readUnits(this.#handle(deviceId), this, `${where}: device ${deviceId}`);
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
}

/** With disks that work, nothing but the lack of room is a reason. */
function requireRefusal(error: ThinError | DiskError, faulty: boolean): void {
  if (error instanceof DiskError || error.cause instanceof DiskError) return;
  const { code } = error;
  if (code === "pool-full" || code === "metadata-full") return;
  if (!faulty || (code !== "read-only" && code !== "pool-failed")) throw error;
}

/** A recovered pool works: devices, old and new, take changes as far as there is room. */
function useSome(pool: ThinPool): void {
  const ids = pool.deviceIds();
  const bytes = encodeTag(-1, 1);
  try {
    const deviceId = Math.max(0, ...ids) + 1;
    pool.createThin(deviceId);
    const device = pool.device(deviceId);
    device.write(0, bytes);
    device.close();
    for (const id of ids) {
      const old = pool.device(id);
      old.write(SECTOR_BYTES, bytes);
      old.discard(CHUNK_BYTES, CHUNK_BYTES);
      old.close();
    }
  } catch (error) {
    if (!(error instanceof ThinError)) throw error;
    requireRefusal(error, false);
  }
}
