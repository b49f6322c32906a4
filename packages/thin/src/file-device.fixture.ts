/** A file as a device, for what other programs read or wrote. */
import assert from "node:assert/strict";
import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import type { BlockDevice } from "./block-device.ts";

export class FileDevice implements BlockDevice {
  readonly path: string;
  readonly #descriptor: number;

  constructor(path: string, sizeBytes?: number) {
    this.path = path;
    this.#descriptor = openSync(path, sizeBytes === undefined ? "r+" : "w+");
    if (sizeBytes !== undefined) ftruncateSync(this.#descriptor, sizeBytes);
  }

  get sizeBytes(): number {
    return fstatSync(this.#descriptor).size;
  }

  grow(sizeBytes: number): void {
    ftruncateSync(this.#descriptor, sizeBytes);
  }

  read(offset: number, target: Uint8Array): void {
    assert.equal(readSync(this.#descriptor, target, 0, target.length, offset), target.length);
  }

  write(offset: number, source: Uint8Array): void {
    assert.equal(writeSync(this.#descriptor, source, 0, source.length, offset), source.length);
  }

  discard(): void {}

  flush(): void {
    fsyncSync(this.#descriptor);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
