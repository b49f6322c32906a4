/** A served LV: what its file does, within its size. The caller has checked the range. */
import type { ThinDevice } from "@mortar/thin";
import type { SegmentedDevice } from "./segmented-device.ts";

export interface VolumeBody {
  read(offset: number, target: Uint8Array): void;
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
  readonly #chunkBytes: number;
  readonly #onMappingChange: () => void;

  constructor(
    thin: ThinDevice,
    data: SegmentedDevice,
    chunkBytes: number,
    onMappingChange: () => void,
  ) {
    this.#thin = thin;
    this.#data = data;
    this.#chunkBytes = chunkBytes;
    this.#onMappingChange = onMappingChange;
  }

  read(offset: number, target: Uint8Array): void {
    const chunkBytes = this.#chunkBytes;
    const chunk = Math.floor(offset / chunkBytes);
    const inChunk = offset - chunk * chunkBytes;
    const count = Math.ceil((inChunk + target.length) / chunkBytes);
    const thin = this.#thin;
    if (thin.lookupRun(chunk, count) < count) thin.read(offset, target);
    else if (thin.runDataBlock < 0) target.fill(0);
    else this.#data.read(thin.runDataBlock * chunkBytes + inChunk, target);
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

  read(offset: number, target: Uint8Array): void {
    this.device.read(offset, target);
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
