/**
 * A disk in memory that is as bad as a disk may be.
 *
 * What was written since the last flush is kept, all versions of it, because a disk may write back
 * any of them at any time: see `SectorStore`. A failed flush loses sectors in the way a page cache
 * does: they read back well until the crash, and no later flush makes them durable.
 *
 * | fault | read | write | discard | flush |
 * |---|---|---|---|---|
 * | `EIO`, `ENOSPC` | throws | throws; some sectors landed | throws | throws; sectors may be lost |
 * | `short` | throws; the first sectors were read | throws; the first sectors landed | | |
 * | `lost` | | says fine, nothing landed | nothing happens | says fine, nothing is durable |
 * | `misdirected` | | says fine, landed elsewhere | | |
 * | `stale` | gives what was there before | | | |
 *
 * A fault that an operation does not know leaves it alone. A host that gets a short count goes on
 * with the rest and then meets the reason, so a `short` transfer throws too.
 */
import { PowerCut, PowerSwitch } from "./power.ts";
import type { Random } from "./random.ts";
import { SECTOR_BYTES, SectorStore, SETTLINGS } from "./sector-store.ts";
import type { Settling } from "./sector-store.ts";

export type DiskOperation = "read" | "write" | "discard" | "flush";
export type DiskErrorCode = "EIO" | "ENOSPC";
export type DiskFault = DiskErrorCode | "short" | SilentFault;
/** Nobody is told of these. */
export type SilentFault = "lost" | "misdirected" | "stale";

/** Decides for each operation whether it fails, and how. */
export type FaultPlan = (operation: DiskOperation, offset: number, lengthBytes: number) =>
  DiskFault | undefined;

/** Called before each operation that changes what is stored. */
export type BeforeChange = (change: PendingChange) => void;
export interface PendingChange {
  readonly disk: VirtualDisk;
  readonly operation: "write" | "discard" | "flush";
  readonly offset: number;
  readonly lengthBytes: number;
  /** What a write is about to store. */
  readonly source: Uint8Array | undefined;
}

/** A lie that the disk told. */
export interface ToldLie {
  readonly fault: SilentFault;
  readonly operation: DiskOperation;
  readonly offset: number;
  readonly lengthBytes: number;
  /** Where a misdirected write went. */
  readonly landed: number | undefined;
}

export class DiskError extends Error {
  override readonly name = "DiskError";
  readonly code: DiskErrorCode;
  readonly operation: DiskOperation;

  constructor(code: DiskErrorCode, operation: DiskOperation, offset: number) {
    super(`${code}: ${operation} at ${offset}`);
    this.code = code;
    this.operation = operation;
  }
}

export interface VirtualDiskOptions {
  readonly sizeBytes: number;
  readonly random: Random;
  readonly power?: PowerSwitch;
}

export class VirtualDisk {
  sizeBytes: number;
  /** Whether ranges can be made zero, which for the disk is a write like others. */
  canZero = true;
  faults: FaultPlan | undefined;
  beforeChange: BeforeChange | undefined;
  readonly count = { read: 0, write: 0, discard: 0, flush: 0 };
  readonly lies: ToldLie[] = [];
  readonly power: PowerSwitch;
  readonly #random: Random;
  #store = new SectorStore();

  constructor({ sizeBytes, random, power = new PowerSwitch() }: VirtualDiskOptions) {
    if (sizeBytes % SECTOR_BYTES !== 0) {
      throw new RangeError(`${sizeBytes} bytes are no whole sectors`);
    }
    this.sizeBytes = sizeBytes;
    this.#random = random;
    this.power = power;
  }

  read(offset: number, target: Uint8Array): void {
    this.#count("read", offset, target.length);
    if (this.power.isOff) throw new PowerCut("the machine is off");
    const fault = this.faults?.("read", offset, target.length);
    if (fault === "stale") {
      this.#lie("stale", "read", offset, target.length);
      this.#store.readOlder(offset, target);
      return;
    }
    if (fault === "short") this.#store.read(offset, this.#firstSectors(target));
    if (fault === "short" || fault === "EIO" || fault === "ENOSPC") {
      throw new DiskError(codeOf(fault), "read", offset);
    }
    this.#store.read(offset, target);
  }

  write(offset: number, source: Uint8Array): void {
    this.#count("write", offset, source.length);
    this.#tell("write", offset, source.length, source);
    if (this.power.begin()) {
      this.#writeSome(offset, source);
      throw new PowerCut(`in a write at ${offset}`);
    }
    const fault = this.faults?.("write", offset, source.length);
    switch (fault) {
      case "EIO":
      case "ENOSPC":
        this.#writeSome(offset, source);
        throw new DiskError(fault, "write", offset);
      case "short":
        this.#store.write(offset, this.#firstSectors(source));
        throw new DiskError("ENOSPC", "write", offset);
      case "lost":
        return this.#lie("lost", "write", offset, source.length);
      case "misdirected":
        return this.#misdirect(offset, source);
      case "stale":
      case undefined:
        this.#store.write(offset, source);
    }
  }

  /** The contents become undefined: here, garbage. */
  discard(offset: number, lengthBytes: number): void {
    this.#count("discard", offset, lengthBytes);
    this.#tell("discard", offset, lengthBytes);
    if (this.power.begin()) throw new PowerCut(`in a discard at ${offset}`);
    const fault = this.faults?.("discard", offset, lengthBytes);
    if (fault === "EIO" || fault === "ENOSPC") throw new DiskError(fault, "discard", offset);
    if (fault === "lost") return this.#lie("lost", "discard", offset, lengthBytes);
    this.#store.write(offset, new Uint8Array(lengthBytes).fill(0xd0 + this.#random.below(16)));
  }

  /** A write of zeros, as `canZero` allows. */
  zero(offset: number, lengthBytes: number): boolean {
    if (this.canZero) this.write(offset, new Uint8Array(lengthBytes));
    return this.canZero;
  }

  flush(): void {
    this.#count("flush", 0, 0);
    this.#tell("flush", 0, 0);
    if (this.power.begin()) throw new PowerCut("in a flush");
    const fault = this.faults?.("flush", 0, 0);
    if (fault === "EIO" || fault === "ENOSPC") {
      this.#store.failFlush(this.#random);
      throw new DiskError(fault, "flush", 0);
    }
    if (fault === "lost") this.#lie("lost", "flush", 0, 0);
    else this.#store.flush();
  }

  /** Something would be lost with the power. */
  get hasUnflushed(): boolean {
    return this.#store.hasUnflushed;
  }

  /** As if a flush had gone through, whatever the faults. */
  settle(): void {
    this.#store.settle();
  }

  /** Power is lost and comes back. Without a settling, any. */
  crash(settling: Settling = this.#random.pick(SETTLINGS)): void {
    this.#store.crash(settling, this.#random);
  }

  /** The worst crash for forgetting: nothing unflushed is kept. */
  crashLosingAll(): void {
    this.crash("none");
  }

  /** A write that was under way when all stopped: some of its sectors are there. */
  landSome(offset: number, source: Uint8Array): void {
    this.#writeSome(offset, source);
  }

  /** Flip one bit of what is stored, unseen by anybody. */
  flipBit(offset: number, bit: number): void {
    this.#store.flipBit(offset, bit);
  }

  /** An independent disk with the same contents, flushed and unflushed, and no fault plan. */
  clone(random: Random, power = new PowerSwitch()): VirtualDisk {
    const copy = new VirtualDisk({ sizeBytes: this.sizeBytes, random, power });
    copy.#store = this.#store.clone();
    copy.canZero = this.canZero;
    return copy;
  }

  #count(operation: DiskOperation, offset: number, lengthBytes: number): void {
    this.count[operation] += 1;
    if (offset >= 0 && offset + lengthBytes <= this.sizeBytes && Number.isInteger(offset)) return;
    throw new RangeError(`${operation} of ${lengthBytes} bytes at ${offset} of ${this.sizeBytes}`);
  }

  #tell(
    operation: PendingChange["operation"], offset: number, lengthBytes: number, source?: Uint8Array,
  ): void {
    this.beforeChange?.({ disk: this, operation, offset, lengthBytes, source });
  }

  #lie(
    fault: SilentFault, operation: DiskOperation, offset: number, lengthBytes: number,
    landed?: number,
  ): void {
    this.lies.push({ fault, operation, offset, lengthBytes, landed });
  }

  #misdirect(offset: number, source: Uint8Array): void {
    const places = Math.floor((this.sizeBytes - source.length) / PLACE_BYTES) + 1;
    const landed = this.#random.below(places) * PLACE_BYTES;
    this.#lie("misdirected", "write", offset, source.length, landed);
    this.#store.write(landed, source);
  }

  #firstSectors(bytes: Uint8Array): Uint8Array {
    const sectors = this.#random.below(Math.ceil(bytes.length / SECTOR_BYTES));
    return bytes.subarray(0, sectors * SECTOR_BYTES);
  }

  #writeSome(offset: number, source: Uint8Array): void {
    if (this.#random.chance(0.3)) return;
    for (let at = 0; at < source.length; ) {
      const end = Math.floor((offset + at) / SECTOR_BYTES + 1) * SECTOR_BYTES - offset;
      if (this.#random.chance(0.5)) this.#store.write(offset + at, source.subarray(at, end));
      at = end;
    }
  }
}

/** Disks miss by whole blocks. */
const PLACE_BYTES = 4096;

function codeOf(fault: "short" | DiskErrorCode): DiskErrorCode {
  return fault === "ENOSPC" ? "ENOSPC" : "EIO";
}
