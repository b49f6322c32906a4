import { closeSync, constants, openSync, readSync } from "node:fs";
import type { BlockDevice } from "@mortar/thin";
import { PoolError } from "./pool-error.ts";
import { flattened } from "./segment-stripes.ts";
import type { DeviceSpec, SegmentSpec } from "./spec.ts";

/**
 * Reads what segments of several devices make up, through descriptors of its own that cannot write:
 * for a thread that looks at what another one serves.
 */
export class SegmentedReader implements BlockDevice {
  readonly sizeBytes: number;
  readonly #segments: readonly SegmentSpec[];
  readonly #fds = new Map<string, number>();

  /** Throws PoolError `device-error`; nothing stays open then. */
  constructor(segments: readonly SegmentSpec[], devices: readonly DeviceSpec[]) {
    this.#segments = flattened(segments);
    this.sizeBytes = segments.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
    const used = new Set(this.#segments.map(({ device }) => device));
    try {
      for (const { name, path } of devices) {
        if (used.has(name)) this.#fds.set(name, openSync(path, constants.O_RDONLY));
      }
    } catch (error) {
      this.close();
      throw new PoolError("device-error", (error as Error).message, { cause: error });
    }
  }

  read(offset: number, target: Uint8Array): void {
    let start = 0;
    for (const { device, deviceOffsetBytes, lengthBytes } of this.#segments) {
      const begin = Math.max(offset, start);
      const end = Math.min(offset + target.length, start + lengthBytes);
      if (begin < end) {
        const part = target.subarray(begin - offset, end - offset);
        this.#readPart(device, part, deviceOffsetBytes + begin - start);
      }
      start += lengthBytes;
    }
    if (offset + target.length > start) {
      throw new PoolError("device-error", `read at ${offset} of ${start} bytes`);
    }
  }

  write(): never {
    throw new PoolError("read-only", "these devices are open for reading");
  }

  discard(): never {
    return this.write();
  }

  flush(): void {
    // Nothing was written.
  }

  close(): void {
    for (const fd of this.#fds.values()) closeSync(fd);
    this.#fds.clear();
  }

  #readPart(device: string, target: Uint8Array, position: number): void {
    const fd = this.#fds.get(device);
    if (fd === undefined) throw new PoolError("bad-request", `segment on unknown device ${device}`);
    for (let done = 0; done < target.length;) {
      const count = readSync(fd, target, done, target.length - done, position + done);
      if (count === 0) throw new PoolError("device-error", `${device} ends at ${position + done}`);
      done += count;
    }
  }
}
