/**
 * A block device made of runs of others, as LVM's linear LVs are: tmeta, tdata, and plain LVs.
 *
 * Reads and writes are one synchronous system call for each run that they touch, straight between
 * the caller's memory and the page cache of the device. Runs may be added at the end while the
 * device is in use, nothing else changes.
 */
import {
  EAGAIN,
  EINTR,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  fileIo,
  LinuxError,
  preadFully,
  pwriteFully,
} from "@mortar/linux";
import type { FileIo } from "@mortar/linux";
import type { DeviceTable, FlushFailure, OpenDevice } from "./device-table.ts";
import type { AddressBook } from "./memory-address.ts";
import { PoolError } from "./pool-error.ts";
import type { SegmentSpec } from "./spec.ts";

interface Run {
  readonly start: number;
  readonly end: number;
  readonly device: OpenDevice;
  /** What to add to an offset of ours to get the device's. */
  readonly shift: number;
}

const EOPNOTSUPP = 95;
const ENOTTY = 25;
const EIO = 5;

export class SegmentedDevice {
  readonly #name: string;
  readonly #addresses: AddressBook;
  readonly #io: FileIo;
  readonly #failure: FlushFailure;
  #runs: readonly Run[] = [];
  #last: Run;
  /** Where the last `place` found the range: a descriptor, and the offset in it. */
  placeFd = -1;
  placeOffset = 0;

  /** `name` is for messages. Throws PoolError when a segment does not fit its device. */
  constructor(
    name: string,
    segments: readonly SegmentSpec[],
    devices: DeviceTable,
    addresses: AddressBook,
  ) {
    this.#failure = devices.failure;
    this.#name = name;
    this.#addresses = addresses;
    this.#io = fileIo();
    this.#runs = runsOf(segments, devices);
    const [first] = this.#runs;
    if (first === undefined) throw new PoolError("bad-request", `${name} has no segments`);
    this.#last = first;
  }

  get sizeBytes(): number {
    return this.#runs.at(-1)!.end;
  }

  /**
   * Take over a longer table. What was there must stay where it is. Nothing changes when it throws.
   */
  grow(segments: readonly SegmentSpec[], devices: DeviceTable): void {
    const runs = runsOf(segments, devices);
    const sizeBytes = runs.at(-1)?.end ?? 0;
    if (sizeBytes < this.sizeBytes) {
      throw new PoolError(
        "bad-request",
        `${this.#name} cannot shrink from ${this.sizeBytes} to ${sizeBytes} bytes`,
      );
    }
    for (const old of this.#runs) {
      if (!runs.some((run) => covers(run, old))) {
        throw new PoolError(
          "bad-request",
          `${this.#name}: the segment at ${old.start} moved; deactivate it first`,
        );
      }
    }
    this.#runs = runs;
    this.#last = runs[0]!;
  }

  read(offset: number, target: Uint8Array): void {
    const { length } = target;
    const run = this.#runAt(offset);
    const address = this.#addresses.of(target);
    if (offset + length > run.end) {
      this.#readAcross(offset, address, length);
    } else if (this.#io.pread(run.device.fd, address, length, offset + run.shift) !== length) {
      preadFully(run.device.fd, address, length, offset + run.shift, run.device.path);
    }
  }

  write(offset: number, source: Uint8Array): void {
    const { length } = source;
    const run = this.#runAt(offset);
    const address = this.#addresses.of(source);
    if (offset + length > run.end) {
      this.#writeAcross(offset, address, length);
    } else if (this.#io.pwrite(run.device.fd, address, length, offset + run.shift) !== length) {
      pwriteFully(run.device.fd, address, length, offset + run.shift, run.device.path);
    }
  }

  /** Read what the page cache has. False when it has not all of it; `target` is garbage then. */
  readCached(offset: number, target: Uint8Array): boolean {
    const { length } = target;
    const run = this.#runAt(offset);
    const { device } = run;
    if (device.tellsCached && offset + length <= run.end) {
      const address = this.#addresses.of(target);
      const count = this.#io.preadCached(device.fd, address, length, offset + run.shift);
      if (count === length) return true;
      if (count >= 0 || count === -EAGAIN || count === -EINTR) return false;
      if (count !== -EOPNOTSUPP) throw new LinuxError("preadv2", device.path, -count);
      device.tellsCached = false;
    }
    this.read(offset, target);
    return true;
  }

  /** Whether the range lies in one piece on one device; then `placeFd` and `placeOffset` say where. */
  place(offset: number, lengthBytes: number): boolean {
    const run = this.#runAt(offset);
    if (offset + lengthBytes > run.end) return false;
    this.placeFd = run.device.fd;
    this.placeOffset = offset + run.shift;
    return true;
  }

  /** Make the range read as zeros without writing it. False when that cannot be done everywhere. */
  zero(offset: number, lengthBytes: number): boolean {
    let done = true;
    this.#eachRun(offset, lengthBytes, (run, at, length) => {
      done = this.#zeroIn(run.device, at + run.shift, length) && done;
    });
    return done;
  }

  /** The descriptors to flush. */
  descriptors(): number[] {
    return [...new Set(this.#runs.map((run) => run.device.fd))];
  }

  /** A hint: a device that cannot discard is asked once and then left alone. */
  discard(offset: number, lengthBytes: number): void {
    const mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    this.#eachRun(offset, lengthBytes, (run, at, length) => {
      if (!run.device.canDiscard) return;
      const result = this.#io.fallocate(run.device.fd, mode, at + run.shift, length);
      if (result === -EOPNOTSUPP || result === -ENOTTY) run.device.canDiscard = false;
      else if (result < 0 && result !== -EINTR)
        throw new LinuxError("fallocate", run.device.path, -result);
    });
  }

  /** Once it failed it fails for good: see FlushFailure. */
  flush(): void {
    const failure = this.#failure;
    if (failure.flushError !== 0) {
      const subject = `${this.#name}: an earlier flush failed, what was written before is in doubt`;
      throw new LinuxError("fdatasync", subject, failure.flushError);
    }
    for (const device of new Set(this.#runs.map((run) => run.device))) {
      let result: number;
      do result = this.#io.fdatasync(device.fd);
      while (result === -EINTR);
      if (result < 0) {
        failure.flushError = -result;
        throw new LinuxError("fdatasync", device.path, -result);
      }
    }
  }

  /**
   * A way that fails is not tried again, whatever the reason: a file system may have no room for
   * what it is to keep allocated. Nothing is lost with it, as chunks are written whole then, and a
   * disk that is sick says so to that write.
   */
  #zeroIn(device: OpenDevice, offset: number, length: number): boolean {
    for (const mode of device.zeroModes) {
      let result: number;
      do result = this.#io.fallocate(device.fd, mode, offset, length);
      while (result === -EINTR);
      if (result >= 0) return true;
      device.zeroModes = device.zeroModes.filter((each) => each !== mode);
    }
    return false;
  }

  #readAcross(offset: number, address: number, length: number): void {
    this.#eachRun(offset, length, (run, at, part) => {
      preadFully(run.device.fd, address + at - offset, part, at + run.shift, run.device.path);
    });
  }

  #writeAcross(offset: number, address: number, length: number): void {
    this.#eachRun(offset, length, (run, at, part) => {
      pwriteFully(run.device.fd, address + at - offset, part, at + run.shift, run.device.path);
    });
  }

  #eachRun(
    offset: number,
    lengthBytes: number,
    visit: (run: Run, at: number, length: number) => void,
  ): void {
    const end = offset + lengthBytes;
    for (let at = offset; at < end;) {
      const run = this.#runAt(at);
      const length = Math.min(end, run.end) - at;
      visit(run, at, length);
      at += length;
    }
  }

  #runAt(offset: number): Run {
    const last = this.#last;
    return offset >= last.start && offset < last.end ? last : this.#findRun(offset);
  }

  #findRun(offset: number): Run {
    let low = 0;
    let high = this.#runs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#runs[middle]!.start <= offset) low = middle;
      else high = middle - 1;
    }
    const run = this.#runs[low]!;
    if (offset < run.start || offset >= run.end) {
      throw new LinuxError("transfer", `${this.#name}: offset ${offset} of ${this.sizeBytes}`, EIO);
    }
    this.#last = run;
    return run;
  }
}

function runsOf(segments: readonly SegmentSpec[], devices: DeviceTable): Run[] {
  const runs: Run[] = [];
  let start = 0;
  for (const segment of segments) {
    const device = devices.deviceOf(segment);
    const end = start + segment.lengthBytes;
    const shift = segment.deviceOffsetBytes - start;
    const before = runs.at(-1);
    // Neighbours on the device are one run: fewer calls, and a grown LV looks like one that was
    // made so.
    if (before !== undefined && before.device === device && before.shift === shift) {
      runs[runs.length - 1] = { start: before.start, end, device, shift };
    } else {
      runs.push({ start, end, device, shift });
    }
    start = end;
  }
  return runs;
}

function covers(run: Run, old: Run): boolean {
  return (
    run.device === old.device &&
    run.shift === old.shift &&
    run.start <= old.start &&
    run.end >= old.end
  );
}
