/**
 * A block device made of runs of others, as LVM's LVs are: tmeta, tdata, and plain LVs. A piece of
 * it is one run of one device, or striped over several; then each unit of a stripe is a run.
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
import { stripeLengthOf, stripesOf } from "./segment-stripes.ts";
import type { SegmentSpec } from "./spec.ts";

interface Run {
  start: number;
  end: number;
  device: OpenDevice;
  /** What to add to an offset of ours to get the device's. */
  shift: number;
}

interface Stripe {
  readonly device: OpenDevice;
  readonly offset: number;
}

interface Piece {
  readonly start: number;
  readonly end: number;
  /** Absent for a striped one. */
  readonly run: Readonly<Run> | undefined;
  readonly stripes: readonly Stripe[];
  readonly stripeBytes: number;
}

const EOPNOTSUPP = 95;
const ENOTTY = 25;
const EIO = 5;

export class SegmentedDevice {
  readonly #name: string;
  readonly #addresses: AddressBook;
  readonly #io: FileIo;
  readonly #failure: FlushFailure;
  #pieces: readonly Piece[];
  #devices: readonly OpenDevice[];
  /** Where the last transfer was: a run, or `#unit`, which moves over striped pieces. */
  #last: Readonly<Run>;
  readonly #unit: Run;
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
    this.#pieces = piecesOf(segments, devices);
    const [first] = this.#pieces;
    if (first === undefined) throw new PoolError("bad-request", `${name} has no segments`);
    this.#devices = devicesOf(this.#pieces);
    this.#unit = { start: 0, end: 0, device: first.stripes[0]!.device, shift: 0 };
    this.#last = this.#unit;
  }

  get sizeBytes(): number {
    return this.#pieces.at(-1)!.end;
  }

  /**
   * Take over a longer table. What was there must stay where it is. Nothing changes when it throws.
   */
  grow(segments: readonly SegmentSpec[], devices: DeviceTable): void {
    const pieces = piecesOf(segments, devices);
    const sizeBytes = pieces.at(-1)?.end ?? 0;
    if (sizeBytes < this.sizeBytes) {
      throw new PoolError(
        "bad-request",
        `${this.#name} cannot shrink from ${this.sizeBytes} to ${sizeBytes} bytes`,
      );
    }
    for (const old of this.#pieces) {
      if (!pieces.some((piece) => covers(piece, old))) {
        throw new PoolError(
          "bad-request",
          `${this.#name}: the segment at ${old.start} moved; deactivate it first`,
        );
      }
    }
    this.#pieces = pieces;
    this.#devices = devicesOf(pieces);
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
    return this.#devices.map((device) => device.fd);
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
    for (const device of this.#devices) {
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
    visit: (run: Readonly<Run>, at: number, length: number) => void,
  ): void {
    const end = offset + lengthBytes;
    for (let at = offset; at < end;) {
      const run = this.#runAt(at);
      const length = Math.min(end, run.end) - at;
      visit(run, at, length);
      at += length;
    }
  }

  #runAt(offset: number): Readonly<Run> {
    const last = this.#last;
    return offset >= last.start && offset < last.end ? last : this.#findRun(offset);
  }

  #findRun(offset: number): Readonly<Run> {
    let low = 0;
    let high = this.#pieces.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#pieces[middle]!.start <= offset) low = middle;
      else high = middle - 1;
    }
    const piece = this.#pieces[low]!;
    if (offset < piece.start || offset >= piece.end) {
      throw new LinuxError("transfer", `${this.#name}: offset ${offset} of ${this.sizeBytes}`, EIO);
    }
    this.#last = piece.run ?? this.#unitAt(piece, offset);
    return this.#last;
  }

  #unitAt({ start, stripes, stripeBytes }: Piece, offset: number): Readonly<Run> {
    const unit = Math.floor((offset - start) / stripeBytes);
    const row = Math.floor(unit / stripes.length);
    const stripe = stripes[unit - row * stripes.length]!;
    const run = this.#unit;
    run.start = start + unit * stripeBytes;
    run.end = run.start + stripeBytes;
    run.device = stripe.device;
    run.shift = stripe.offset + row * stripeBytes - run.start;
    return run;
  }
}

function piecesOf(segments: readonly SegmentSpec[], devices: DeviceTable): Piece[] {
  const pieces: Piece[] = [];
  let start = 0;
  for (const segment of segments) {
    const lengthBytes = stripeLengthOf(segment);
    const stripes = stripesOf(segment).map((place) => ({
      device: devices.deviceOf({ ...place, lengthBytes }),
      offset: place.deviceOffsetBytes,
    }));
    const end = start + segment.lengthBytes;
    const before = pieces.at(-1);
    const { striped } = segment;
    if (striped !== undefined) {
      pieces.push({ start, end, run: undefined, stripes, stripeBytes: striped.stripeBytes });
    } else {
      const { device, offset } = stripes[0]!;
      const shift = offset - start;
      // Neighbours on the device are one run: fewer calls, and a grown LV looks like one that was
      // made so.
      if (before?.run?.device === device && before.run.shift === shift) {
        pieces[pieces.length - 1] = { ...before, end, run: { ...before.run, end } };
      } else {
        pieces.push({ start, end, run: { start, end, device, shift }, stripes, stripeBytes: 0 });
      }
    }
    start = end;
  }
  return pieces;
}

function devicesOf(pieces: readonly Piece[]): OpenDevice[] {
  return [...new Set(pieces.flatMap(({ stripes }) => stripes.map(({ device }) => device)))];
}

function covers(piece: Piece, old: Piece): boolean {
  if (piece.run !== undefined && old.run !== undefined) {
    const { device, shift } = old.run;
    const isThere = piece.run.device === device && piece.run.shift === shift;
    return isThere && piece.start <= old.start && piece.end >= old.end;
  }
  return (
    piece.start === old.start &&
    piece.end >= old.end &&
    piece.stripeBytes === old.stripeBytes &&
    piece.stripes.length === old.stripes.length &&
    piece.stripes.every(
      ({ device, offset }, index) =>
        device === old.stripes[index]!.device && offset === old.stripes[index]!.offset,
    )
  );
}
