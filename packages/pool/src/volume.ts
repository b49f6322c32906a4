/** A served LV: what its file does, within its size. The caller has checked the range. */
import type { ThinDevice } from "@mortar/thin";
import type { SegmentedDevice } from "./segmented-device.ts";

export interface VolumeBody {
  /** The thin device below, with the size of its chunks; nothing of a linear LV. */
  readonly thin?: ThinDevice;
  readonly chunkBytes?: number;
  /**
   * Where the last `place` found the range: a descriptor, and the offset in it.
   */
  readonly placeFd: number;
  readonly placeOffset: number;
  /**
   * Whether the whole range lies in one piece on one device and, for a write, may be written there
   * without further ado. Says where.
   */
  place(offset: number, lengthBytes: number, writes: boolean): boolean;
  /** False when it would have to wait for the disk and is not to. */
  read(offset: number, target: Uint8Array, mayWait: boolean): boolean;
  write(offset: number, source: Uint8Array): void;
  discard(offset: number, lengthBytes: number): void;
  zero(offset: number, lengthBytes: number): void;
  close(): void;
}

const ZEROS = new Uint8Array(1024 * 1024);

/**
 * A thin LV. A transfer whose chunks lie side by side in the data device, and for a write are the
 * LV's own, goes straight to the device: one lookup, one system call, no allocation. Everything
 * else is the engine's.
 */
export class ThinVolume implements VolumeBody {
  readonly #thin: ThinDevice;
  readonly #data: SegmentedDevice;
  readonly thin: ThinDevice;
  readonly chunkBytes: number;
  readonly #chunkBytes: number;
  readonly #onMappingChange: () => void;
  placeFd = -1;
  placeOffset = 0;

  constructor(
    thin: ThinDevice,
    data: SegmentedDevice,
    chunkBytes: number,
    onMappingChange: () => void,
  ) {
    this.thin = thin;
    this.chunkBytes = chunkBytes;
    this.#thin = thin;
    this.#data = data;
    this.#chunkBytes = chunkBytes;
    this.#onMappingChange = onMappingChange;
  }

  place(offset: number, lengthBytes: number, writes: boolean): boolean {
    const chunkBytes = this.#chunkBytes;
    const chunk = Math.floor(offset / chunkBytes);
    const inChunk = offset - chunk * chunkBytes;
    const count = Math.ceil((inChunk + lengthBytes) / chunkBytes);
    const thin = this.#thin;
    const found = writes ? thin.writableRun(chunk, count) : thin.lookupRun(chunk, count);
    if (found < count || thin.runDataBlock < 0) return false;
    const data = this.#data;
    if (!data.place(thin.runDataBlock * chunkBytes + inChunk, lengthBytes)) return false;
    this.placeFd = data.placeFd;
    this.placeOffset = data.placeOffset;
    return true;
  }

  read(offset: number, target: Uint8Array, mayWait: boolean): boolean {
    const chunkBytes = this.#chunkBytes;
    const chunk = Math.floor(offset / chunkBytes);
    const inChunk = offset - chunk * chunkBytes;
    const count = Math.ceil((inChunk + target.length) / chunkBytes);
    const thin = this.#thin;
    if (thin.lookupRun(chunk, count) < count) thin.read(offset, target);
    else if (thin.runDataBlock < 0) target.fill(0);
    else if (mayWait) this.#data.read(thin.runDataBlock * chunkBytes + inChunk, target);
    else return this.#data.readCached(thin.runDataBlock * chunkBytes + inChunk, target);
    return true;
  }

  write(offset: number, source: Uint8Array): void {
    const chunkBytes = this.#chunkBytes;
    const chunk = Math.floor(offset / chunkBytes);
    const inChunk = offset - chunk * chunkBytes;
    const count = Math.ceil((inChunk + source.length) / chunkBytes);
    const thin = this.#thin;
    if (thin.writableRun(chunk, count) === count) {
      this.#data.write(thin.runDataBlock * chunkBytes + inChunk, source);
    } else {
      this.#onMappingChange();
      thin.write(offset, source);
    }
  }

  discard(offset: number, lengthBytes: number): void {
    this.#onMappingChange();
    this.#thin.discard(offset, lengthBytes);
  }

  zero(offset: number, lengthBytes: number): void {
    this.#onMappingChange();
    this.#thin.zero(offset, lengthBytes);
  }

  close(): void {
    this.#thin.close();
  }
}

/** A linear LV: its segments, nothing else. */
export class LinearVolume implements VolumeBody {
  readonly device: SegmentedDevice;

  constructor(device: SegmentedDevice) {
    this.device = device;
  }

  get placeFd(): number {
    return this.device.placeFd;
  }

  get placeOffset(): number {
    return this.device.placeOffset;
  }

  place(offset: number, lengthBytes: number): boolean {
    return this.device.place(offset, lengthBytes);
  }

  read(offset: number, target: Uint8Array, mayWait: boolean): boolean {
    if (!mayWait) return this.device.readCached(offset, target);
    this.device.read(offset, target);
    return true;
  }

  write(offset: number, source: Uint8Array): void {
    this.device.write(offset, source);
  }

  discard(offset: number, lengthBytes: number): void {
    this.device.discard(offset, lengthBytes);
  }

  zero(offset: number, lengthBytes: number): void {
    for (let done = 0; done < lengthBytes; done += ZEROS.length) {
      this.device.write(
        offset + done,
        ZEROS.subarray(0, Math.min(ZEROS.length, lengthBytes - done)),
      );
    }
  }

  close(): void {
    // The devices belong to the table.
  }
}
