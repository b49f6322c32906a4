/**
 * The machine a pool runs on: two disks on one power switch, and the memory that survives a process
 * with the journal in it. It can be copied at any moment, which is how one history is cut at each
 * of its moments.
 */
import { PowerCut, PowerSwitch, SETTLINGS, VirtualDisk } from "@mortar/sim";
import type { PendingChange, Random, Settling } from "@mortar/sim";
import { BufferJournal } from "./buffer-journal.ts";
import type { BlockDevice } from "./block-device.ts";
import type { MappingJournal } from "./mapping-journal.ts";
import { SegmentedDisk } from "./pool-layout.sim.ts";
import type { Layout } from "./pool-layout.sim.ts";
import type { DiscardMode } from "./pool-options.ts";
import { ThinPool } from "./thin-pool.ts";

export const CHUNK_SECTORS = 128;
export const CHUNK_BYTES = CHUNK_SECTORS * 512;
const JOURNAL_SEAL_AT = 528;
const JOURNAL_RECORDS_AT = 1024;
const JOURNAL_RECORD_BYTES = 32;

export interface MachineOptions {
  readonly random: Random;
  readonly metadataBlocks: number;
  readonly dataChunks: number;
  readonly journalRecords: number;
  readonly discards: DiscardMode;
  /** Default true. */
  readonly zeroNewBlocks?: boolean;
  /** The disks can make ranges zero without a write of the engine's. Default true. */
  readonly canZero?: boolean;
  /** Default: metadata on the first disk, data on the second. */
  readonly layout?: Layout;
}

/** What becomes of what each of the two disks has not flushed. */
export type Settlings = readonly [Settling, Settling];

/** Each way for both disks; and that one of them wrote all back, and the other nothing. */
export const SETTLING_PAIRS: readonly Settlings[] = [
  ...SETTLINGS.map((settling) => [settling, settling] as const), ["all", "none"], ["none", "all"],
];

/** What is about to happen, or for a journal has just happened. */
export type Moment =
  | (PendingChange & { readonly diskIndex: number })
  | { readonly operation: "journal"; readonly before: Uint8Array };

/** Between the pool and its disks, to plant a fault of the engine. */
export type WrapDevice = (device: BlockDevice, which: "metadata" | "data") => BlockDevice;
export type WrapJournal = (journal: MappingJournal) => MappingJournal;
export interface Wraps {
  readonly device?: WrapDevice;
  readonly journal?: WrapJournal;
}

export class Machine {
  readonly options: MachineOptions;
  readonly random: Random;
  readonly power = new PowerSwitch();
  /** Of the first disk, or in runs over both. */
  readonly metadataDevice: BlockDevice;
  readonly dataDevice: BlockDevice;
  wraps: Wraps = {};
  readonly #disks: readonly [VirtualDisk, VirtualDisk];
  #journalMemory: Uint8Array;
  #watch: ((moment: Moment) => void) | undefined;

  constructor(options: MachineOptions, from?: Machine) {
    const { random, layout } = options;
    this.options = options;
    this.random = random;
    const { power } = this;
    const newDisk = (index: 0 | 1, sizeBytes: number): VirtualDisk =>
      from
        ? from.#disks[index].clone(random, power)
        : new VirtualDisk({ sizeBytes, random, power });
    const { metadataBlocks, dataChunks } = options;
    const sizes = layout?.diskBytes ?? [metadataBlocks * 4096, dataChunks * CHUNK_BYTES];
    this.#disks = [newDisk(0, sizes[0]), newDisk(1, sizes[1])];
    for (const disk of this.#disks) disk.canZero = options.canZero ?? true;
    this.metadataDevice = layout ? new SegmentedDisk(layout.metadata, this.#disks) : this.#disks[0];
    this.dataDevice = layout ? new SegmentedDisk(layout.data, this.#disks) : this.#disks[1];
    this.#journalMemory = from ? Uint8Array.from(from.#journalMemory) : this.#newJournal();
    this.wraps = from?.wraps ?? {};
  }

  /** The disk that has the metadata and nothing else. */
  get metadata(): VirtualDisk {
    return this.#disks[0];
  }

  get data(): VirtualDisk {
    return this.#disks[1];
  }

  /** Writes to any disk so far. */
  get writeCount(): number {
    return this.metadata.count.write + this.data.count.write;
  }

  /** Something would be lost with the power. */
  get hasUnflushed(): boolean {
    return this.metadata.hasUnflushed || this.data.hasUnflushed;
  }

  get hasFaults(): boolean {
    return this.#disks.some(({ faults }) => faults !== undefined);
  }

  format(): void {
    const { metadataDevice: metadata, dataDevice: data } = this;
    ThinPool.format({ metadata, data, dataBlockSectors: CHUNK_SECTORS });
  }

  open(readOnly = false): ThinPool {
    const wrap = this.wraps.device ?? ((device: BlockDevice): BlockDevice => device);
    const journal = this.#journal();
    return ThinPool.open({
      metadata: wrap(this.metadataDevice, "metadata"),
      data: wrap(this.dataDevice, "data"),
      journal: this.wraps.journal?.(journal) ?? journal,
      discards: this.options.discards,
      cacheBytes: 1,
      zeroNewBlocks: this.options.zeroNewBlocks ?? true,
      readOnly,
    });
  }

  /** Call `see` at each moment of `change` at which everything might stop. */
  watch(see: (moment: Moment) => void, change: () => void): void {
    this.#watch = see;
    for (const [diskIndex, disk] of this.#disks.entries()) {
      disk.beforeChange = (pending) => see({ ...pending, diskIndex });
    }
    try {
      change();
    } finally {
      this.#watch = undefined;
      for (const disk of this.#disks) disk.beforeChange = undefined;
    }
  }

  /** Look at something without the faults that are planned. */
  withoutFaults<T>(look: () => T): T {
    const plans = this.#disks.map(({ faults }) => faults);
    for (const disk of this.#disks) disk.faults = undefined;
    try {
      return look();
    } finally {
      for (const [index, disk] of this.#disks.entries()) disk.faults = plans[index];
    }
  }

  /** The machine as it is now, to live on beside this one. */
  copy(): Machine {
    return new Machine({ ...this.options, random: this.random.fork() }, this);
  }

  /** Power is lost and comes back, in the midst of what `moment` is about to do. */
  losePower(moment: Moment | undefined, settlings?: Settlings): void {
    if (moment && moment.operation !== "journal") {
      const disk = this.#disks[moment.diskIndex]!;
      if (moment.source) disk.write(moment.offset, moment.source);
      else disk.discard(moment.offset, moment.lengthBytes);
    }
    this.metadata.crash(settlings?.[0]);
    this.data.crash(settlings?.[1]);
    this.#journalMemory = this.#newJournal();
  }

  /** The process dies in the midst of it; disks and journal keep what they were given. */
  killProcess(moment: Moment | undefined, torn: boolean): void {
    if (!moment) return;
    if (moment.operation === "journal") {
      const { before } = moment;
      this.#journalMemory = torn ? this.#tornJournal(before) : Uint8Array.from(before);
    } else if (torn && moment.source) {
      this.#disks[moment.diskIndex]!.landSome(moment.offset, moment.source);
    }
  }

  #newJournal(): Uint8Array {
    return new Uint8Array(JOURNAL_RECORDS_AT + JOURNAL_RECORD_BYTES * this.options.journalRecords);
  }

  /** A journal that a dead process can no longer write to. */
  #journal(): MappingJournal {
    const memory = this.#journalMemory;
    const journal = new BufferJournal(memory);
    const guarded = <T>(change: () => T): T => {
      if (this.power.isOff) throw new PowerCut("the process is dead");
      const before = this.#watch && Uint8Array.from(memory);
      const result = change();
      if (before) this.#watch?.({ operation: "journal", before });
      return result;
    };
    return {
      open: () => journal.open(),
      restart: (base) => guarded(() => journal.restart(base)),
      append: (...record) => guarded(() => journal.append(...record)),
    };
  }

  /** Any of the words that were changed are the new ones, under a seal that was broken first. */
  #tornJournal(before: Uint8Array): Uint8Array {
    const torn = Uint8Array.from(this.#journalMemory);
    let changed = -1;
    for (let at = 0; at < torn.length; at += 4) {
      let same = true;
      for (let byte = at; byte < at + 4; byte++) same &&= torn[byte] === before[byte];
      if (same) continue;
      if (changed < 0) changed = at;
      if (this.random.chance(0.5)) torn.set(before.subarray(at, at + 4), at);
    }
    if (changed < 0) return torn; // It was full, and said so.
    const record = changed - (changed % JOURNAL_RECORD_BYTES);
    const seal = changed < JOURNAL_RECORDS_AT ? JOURNAL_SEAL_AT : record + JOURNAL_RECORD_BYTES - 4;
    torn.fill(0, seal, seal + 4);
    return torn;
  }
}
