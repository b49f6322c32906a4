import type { BlockDevice } from "./block-device.ts";

/** A device in memory, for tests that look at its bytes. */
export class MemoryDevice implements BlockDevice {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get sizeBytes(): number {
    return this.bytes.length;
  }

  read(offset: number, target: Uint8Array): void {
    target.set(this.bytes.subarray(offset, offset + target.length));
  }

  write(offset: number, source: Uint8Array): void {
    this.bytes.set(source, offset);
  }

  discard(): void {}
  flush(): void {}
}
