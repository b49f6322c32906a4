/**
 * A disk in memory that is as bad as a disk may be.
 *
 * It holds what is on the medium (sparse, by page) and, sector by sector, what was written since
 * the last flush: all versions, because a disk may write back any of them at any time. A crash
 * settles every such sector to its old bytes or to one of the versions, each on its own, so writes
 * are torn and reordered at 512 bytes. A failed flush loses sectors in the way a page cache does:
 * they read back well until the crash, and no later flush makes them durable.
 *
 * Invariant: `read` gives the newest version, or the medium.
 */
import { PowerCut, PowerSwitch } from "./power.ts";
import type { Random } from "./random.ts";

export const SECTOR_BYTES = 512;
const PAGE_BYTES = 4096;
const SECTORS_PER_PAGE = PAGE_BYTES / SECTOR_BYTES;

export type DiskOperation = "read" | "write" | "discard" | "flush";
export type DiskFault = "EIO" | "ENOSPC";

/**
 * Decides for each operation whether it fails. A write that fails may have reached some sectors.
 */
export type FaultPlan = (operation: DiskOperation, offset: number, lengthBytes: number) =>
  DiskFault | undefined;

export class DiskError extends Error {
  override readonly name = "DiskError";
  readonly code: DiskFault;
  readonly operation: DiskOperation;

  constructor(code: DiskFault, operation: DiskOperation, offset: number) {
    super(`${code}: ${operation} at ${offset}`);
    this.code = code;
    this.operation = operation;
  }
}

interface Unflushed {
  /** Oldest first; the last is what reads see. */
  readonly versions: Uint8Array[];
  /** A flush failed on it: flushing again does nothing. */
  lost: boolean;
}

export interface VirtualDiskOptions {
  readonly sizeBytes: number;
  readonly random: Random;
  readonly power?: PowerSwitch;
}

export class VirtualDisk {
  sizeBytes: number;
  faults: FaultPlan | undefined;
  readonly count = { read: 0, write: 0, discard: 0, flush: 0 };
  readonly power: PowerSwitch;
  #random: Random;
  #medium = new Map<number, Uint8Array>();
  #unflushed = new Map<number, Unflushed>();

  constructor({ sizeBytes, random, power = new PowerSwitch() }: VirtualDiskOptions) {
    if (sizeBytes % SECTOR_BYTES !== 0) {
      throw new RangeError(`${sizeBytes} bytes are no whole sectors`);
    }
    this.sizeBytes = sizeBytes;
    this.#random = random;
    this.power = power;
  }

  read(offset: number, target: Uint8Array): void {
    this.#begin("read", offset, target.length);
    let at = 0;
    while (at < target.length) {
      const sector = Math.floor((offset + at) / SECTOR_BYTES);
      const within = offset + at - sector * SECTOR_BYTES;
      const length = Math.min(SECTOR_BYTES - within, target.length - at);
      this.#readSector(sector, within, target.subarray(at, at + length));
      at += length;
    }
  }

  write(offset: number, source: Uint8Array): void {
    const cut = this.#begin("write", offset, source.length, (fault) => {
      this.#writeSome(offset, source);
      throw new DiskError(fault, "write", offset);
    });
    if (cut) {
      this.#writeSome(offset, source);
      throw new PowerCut(`in a write at ${offset}`);
    }
    this.#store(offset, source, undefined);
  }

  /** The contents become undefined: here, garbage. */
  discard(offset: number, lengthBytes: number): void {
    if (this.#begin("discard", offset, lengthBytes)) {
      throw new PowerCut(`in a discard at ${offset}`);
    }
    const garbage = new Uint8Array(lengthBytes).fill(0xd0 + this.#random.below(16));
    this.#store(offset, garbage, undefined);
  }

  flush(): void {
    const cut = this.#begin("flush", 0, 0, (fault) => {
      for (const sector of this.#unflushed.values()) {
        if (this.#random.chance(0.5)) sector.lost = true;
      }
      throw new DiskError(fault, "flush", 0);
    });
    if (cut) throw new PowerCut("in a flush");
    this.#settleAll();
  }

  /** As if a flush had gone through, whatever the faults. */
  settle(): void {
    for (const sector of this.#unflushed.values()) sector.lost = false;
    this.#settleAll();
  }

  /** Power is lost and comes back: each unflushed sector keeps its old bytes, or any version. */
  crash(): void {
    for (const [sector, { versions, lost }] of this.#unflushed) {
      const kept = this.#random.below(versions.length + 1);
      if (kept > 0 && !(lost && kept === versions.length)) {
        this.#toMedium(sector, versions[kept - 1]!);
      }
    }
    this.#unflushed.clear();
  }

  /** The worst crash for forgetting: nothing unflushed is kept. */
  crashLosingAll(): void {
    this.#unflushed.clear();
  }

  /** Flip one bit of what is stored, unseen by anybody. */
  flipBit(offset: number, bit: number): void {
    const byte = new Uint8Array(1);
    const sector = Math.floor(offset / SECTOR_BYTES);
    this.#readSector(sector, offset % SECTOR_BYTES, byte);
    const whole = new Uint8Array(SECTOR_BYTES);
    this.#readSector(sector, 0, whole);
    whole[offset % SECTOR_BYTES] = byte[0]! ^ (1 << bit);
    this.#unflushed.delete(sector);
    this.#toMedium(sector, whole);
  }

  /** An independent disk with the same contents, flushed and unflushed, and no fault plan. */
  clone(random: Random, power = new PowerSwitch()): VirtualDisk {
    const copy = new VirtualDisk({ sizeBytes: this.sizeBytes, random, power });
    for (const [page, bytes] of this.#medium) copy.#medium.set(page, Uint8Array.from(bytes));
    for (const [sector, { versions, lost }] of this.#unflushed) {
      copy.#unflushed.set(sector, { versions: [...versions], lost });
    }
    return copy;
  }

  /** True when the operation is to be cut short. */
  #begin(
    operation: DiskOperation, offset: number, lengthBytes: number,
    fail: (fault: DiskFault) => never = (fault) => {
      throw new DiskError(fault, operation, offset);
    },
  ): boolean {
    this.count[operation] += 1;
    if (offset < 0 || offset + lengthBytes > this.sizeBytes || !Number.isInteger(offset)) {
      throw new RangeError(
        `${operation} of ${lengthBytes} bytes at ${offset} of ${this.sizeBytes}`,
      );
    }
    if (operation === "read") {
      if (this.power.isOff) throw new PowerCut("the machine is off");
    } else if (this.power.begin()) {
      return true;
    }
    const fault = this.faults?.(operation, offset, lengthBytes);
    if (fault) fail(fault);
    return false;
  }

  #writeSome(offset: number, source: Uint8Array): void {
    if (this.#random.chance(0.3)) return;
    const keep = this.#random.fork();
    this.#store(offset, source, () => keep.chance(0.5));
  }

  #store(offset: number, source: Uint8Array, keep: (() => boolean) | undefined): void {
    let at = 0;
    while (at < source.length) {
      const sector = Math.floor((offset + at) / SECTOR_BYTES);
      const within = offset + at - sector * SECTOR_BYTES;
      const length = Math.min(SECTOR_BYTES - within, source.length - at);
      if (!keep || keep()) {
        const version = new Uint8Array(SECTOR_BYTES);
        if (length < SECTOR_BYTES) this.#readSector(sector, 0, version);
        version.set(source.subarray(at, at + length), within);
        const unflushed = this.#unflushed.get(sector);
        if (unflushed) {
          unflushed.versions.push(version);
          unflushed.lost = false;
        } else {
          this.#unflushed.set(sector, { versions: [version], lost: false });
        }
      }
      at += length;
    }
  }

  #readSector(sector: number, within: number, target: Uint8Array): void {
    const unflushed = this.#unflushed.get(sector);
    if (unflushed) {
      target.set(unflushed.versions.at(-1)!.subarray(within, within + target.length));
      return;
    }
    const page = this.#medium.get(Math.floor(sector / SECTORS_PER_PAGE));
    if (!page) {
      target.fill(0);
      return;
    }
    const at = (sector % SECTORS_PER_PAGE) * SECTOR_BYTES + within;
    target.set(page.subarray(at, at + target.length));
  }

  #settleAll(): void {
    for (const [sector, { versions, lost }] of this.#unflushed) {
      if (lost) continue;
      this.#toMedium(sector, versions.at(-1)!);
      this.#unflushed.delete(sector);
    }
  }

  #toMedium(sector: number, bytes: Uint8Array): void {
    const number = Math.floor(sector / SECTORS_PER_PAGE);
    let page = this.#medium.get(number);
    if (!page) {
      page = new Uint8Array(PAGE_BYTES);
      this.#medium.set(number, page);
    }
    page.set(bytes, (sector % SECTORS_PER_PAGE) * SECTOR_BYTES);
  }
}
