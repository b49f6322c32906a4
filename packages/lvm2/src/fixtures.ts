/** Devices, randomness and groups for the tests beside this file. */

import type { PvDevice } from "./device.ts";
import type { Provenance, VolumeGroup } from "./model.ts";
import { createVolumeGroup } from "./group.ts";
import { newLvmId } from "./lvm-id.ts";

export const MIB = 1_048_576;

/** mulberry32: small, seeded, good enough to shuffle with. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.below(256));
  }
}

export function provenance(seed = 1): Provenance {
  const random = new Random(seed);
  return { random: (count) => random.bytes(count), now: 1_795_361_541, host: "vm" };
}

export class MemoryDevice implements PvDevice {
  readonly name = "/dev/memory";
  readonly bytes: Uint8Array;
  flushCount = 0;
  /** Called before each write; may throw. */
  onWrite: (offset: number, source: Uint8Array) => void = () => undefined;

  constructor(sizeBytes: number) {
    this.bytes = new Uint8Array(sizeBytes);
  }

  get sizeBytes(): number {
    return this.bytes.length;
  }

  read(offset: number, target: Uint8Array): void {
    this.#check(offset, target.length);
    target.set(this.bytes.subarray(offset, offset + target.length));
  }

  write(offset: number, source: Uint8Array): void {
    this.#check(offset, source.length);
    this.onWrite(offset, source);
    this.bytes.set(source, offset);
  }

  flush(): void {
    this.flushCount++;
  }

  #check(offset: number, length: number): void {
    if (offset % 512 !== 0 || length % 512 !== 0 || offset + length > this.bytes.length) {
      throw new Error(`bad access: ${length} bytes at ${offset}`);
    }
  }
}

/** A group `vg0` over devices with so many extents of 4 MiB each. */
export function groupOf(...extentCounts: readonly number[]): VolumeGroup {
  const origin = provenance(7);
  return createVolumeGroup(
    {
      name: "vg0",
      physicalVolumes: extentCounts.map((count, index) => ({
        id: newLvmId(origin.random),
        device: `/dev/loop${index}`,
        deviceSectors: 2048 + count * 8192,
        extentStartSectors: 2048,
        extentAreaSectors: count * 8192,
      })),
    },
    origin,
  );
}
