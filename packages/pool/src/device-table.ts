import { closeSync, constants, fstatSync, openSync } from "node:fs";
import {
  blockDeviceSize,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_ZERO_RANGE,
} from "@mortar/linux";
import { PoolError } from "./pool-error.ts";
import type { DeviceSpec, StripePlace } from "./spec.ts";

/** Keeps what is allocated of a file; of a block device it may write zeros, and is not used. */
const ZERO_RANGE = FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE;
/** A hole in a file; of a block device its write-zeroes command, or nothing. */
const PUNCH_HOLE = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

/** An open physical volume. */
export interface OpenDevice {
  readonly name: string;
  readonly path: string;
  readonly fd: number;
  readonly sizeBytes: number;
  /** Cleared when the device says that it cannot discard. */
  canDiscard: boolean;
  /** How a range can be made zero without writing it, best first: modes of fallocate(2). */
  zeroModes: readonly number[];
  /** Cleared when the device cannot tell whether a read would wait. */
  tellsCached: boolean;
}

/**
 * The errno of the first flush of any device that failed, 0 before that. It stays: the kernel tells
 * of a failed write-back once, to one of all who use the device, and drops the data. So after one
 * failed flush none may succeed any more, or somebody would take for durable what is lost.
 */
export interface FlushFailure {
  flushError: number;
}

/** The physical volumes of a spec, opened once each through the page cache. */
export class DeviceTable {
  readonly failure: FlushFailure;
  readonly #devices = new Map<string, OpenDevice>();

  constructor(failure: FlushFailure = { flushError: 0 }) {
    this.failure = failure;
  }

  /** Open what is not open yet. Throws PoolError `device-error`; then nothing was opened. */
  open(specs: readonly DeviceSpec[]): void {
    const opened: OpenDevice[] = [];
    try {
      for (const spec of specs) {
        const known = this.#devices.get(spec.name);
        if (known === undefined) opened.push(openDevice(spec));
        else if (known.path !== spec.path) throw moved(known, spec);
      }
    } catch (error) {
      for (const device of opened) closeSync(device.fd);
      throw error;
    }
    for (const device of opened) this.#devices.set(device.name, device);
  }

  /** The device of a linear segment or a stripe, after a look whether it lies inside it. */
  deviceOf(segment: StripePlace & { readonly lengthBytes: number }): OpenDevice {
    const device = this.#devices.get(segment.device);
    if (device === undefined)
      throw new PoolError("bad-request", `segment on unknown device ${segment.device}`);
    const end = segment.deviceOffsetBytes + segment.lengthBytes;
    if (end > device.sizeBytes) {
      const { path, sizeBytes } = device;
      const message = `${path} has ${sizeBytes} bytes, a segment on it ends at ${end}`;
      throw new PoolError("device-error", `${message}: is it the right device, and complete?`);
    }
    return device;
  }

  close(): void {
    for (const device of this.#devices.values()) closeSync(device.fd);
    this.#devices.clear();
  }
}

function openDevice(spec: DeviceSpec): OpenDevice {
  let fd: number;
  try {
    fd = openSync(spec.path, constants.O_RDWR);
  } catch (error) {
    throw new PoolError(
      "device-error",
      `physical volume ${spec.name}: ${(error as Error).message}`,
      { cause: error },
    );
  }
  const stat = fstatSync(fd);
  if (!stat.isFile() && !stat.isBlockDevice()) {
    closeSync(fd);
    throw new PoolError("device-error", `${spec.path} is neither a block device nor a plain file`);
  }
  const zeroModes = stat.isFile() ? [ZERO_RANGE, PUNCH_HOLE] : [PUNCH_HOLE];
  const sizeBytes = stat.isFile() ? stat.size : blockDeviceSize(fd, spec.path);
  return { name: spec.name, path: spec.path, fd, sizeBytes, canDiscard: true, zeroModes, tellsCached: true };
}

function moved(known: OpenDevice, spec: DeviceSpec): PoolError {
  const { name, path } = spec;
  const message = `physical volume ${name} is open as ${known.path}, the spec says ${path}`;
  return new PoolError("bad-request", `${message}: deactivate the volume group first`);
}
