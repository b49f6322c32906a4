/**
 * Space events on their way to another thread: a ring in shared memory with one writer, the engine,
 * and one reader. The engine never waits: if the ring is full, the log is lost, and the books are
 * made anew.
 *
 *     offset  size  what
 *          0     4  records written, modulo 2^32         } the difference is what the reader
 *          4     4  records read, modulo 2^32            } has to read
 *          8     4  1 once the log is lost
 *         12     4  raised to wake the reader, which waits on it
 *         64        records of 16 bytes: u32 kind << 24 | device, u32 count or origin,
 *                   f64 first data block
 *
 * A record is published, by the count, before the change that it tells of is acknowledged. So
 * whoever asks after an answer finds it counted.
 */
import type { SpaceEvents } from "./space-events.ts";

const HEADER_BYTES = 64;
const RECORD_BYTES = 16;
const WRITTEN = 0;
const READ = 1;
const LOST = 2;
const WAKE = 3;
const DEVICE_MASK = 0xff_ffff;
const kind = {
  provisioned: 1, unmapped: 2, created: 3, snapshotted: 4, deleted: 5, held: 6, released: 7,
} as const;

/** Memory for a log of `recordCount` records, a power of two. */
export function newSpaceLog(recordCount = 131_072): SharedArrayBuffer {
  return new SharedArrayBuffer(HEADER_BYTES + recordCount * RECORD_BYTES);
}

class SpaceLog {
  readonly header: Int32Array;
  readonly words: Uint32Array;
  readonly blocks: Float64Array;
  readonly recordCount: number;

  constructor(memory: SharedArrayBuffer) {
    this.recordCount = (memory.byteLength - HEADER_BYTES) / RECORD_BYTES;
    if (!Number.isInteger(Math.log2(this.recordCount))) {
      throw new RangeError(`a log of ${this.recordCount} records, which is no power of two`);
    }
    this.header = new Int32Array(memory, 0, HEADER_BYTES / 4);
    this.words = new Uint32Array(memory, HEADER_BYTES);
    this.blocks = new Float64Array(memory, HEADER_BYTES);
  }
}

/** Make the reader look, for records or for what its caller told it otherwise. */
export function wakeSpaceLogReader(memory: SharedArrayBuffer): void {
  const header = new Int32Array(memory, 0, HEADER_BYTES / 4);
  Atomics.add(header, WAKE, 1);
  Atomics.notify(header, WAKE);
}

export class SpaceLogWriter implements SpaceEvents {
  readonly #memory: SharedArrayBuffer;
  readonly #log: SpaceLog;
  readonly #mask: number;
  readonly #wakeMask: number;
  #written: number;
  #isLost = false;

  constructor(memory: SharedArrayBuffer) {
    this.#memory = memory;
    this.#log = new SpaceLog(memory);
    this.#mask = this.#log.recordCount - 1;
    this.#wakeMask = (this.#log.recordCount >>> 2) - 1;
    this.#written = Atomics.load(this.#log.header, WRITTEN);
  }

  provisioned(deviceId: number, dataBlock: number, count: number): void {
    this.#append(kind.provisioned, deviceId, count, dataBlock);
  }

  unmapped(deviceId: number, dataBlock: number, count: number): void {
    this.#append(kind.unmapped, deviceId, count, dataBlock);
  }

  created(deviceId: number): void {
    this.#append(kind.created, deviceId, 0, 0);
  }

  snapshotted(deviceId: number, originId: number): void {
    this.#append(kind.snapshotted, deviceId, originId, 0);
  }

  deleted(deviceId: number): void {
    this.#append(kind.deleted, deviceId, 0, 0);
  }

  held(): void {
    this.#append(kind.held, 0, 0, 0);
  }

  released(): void {
    this.#append(kind.released, 0, 0, 0);
  }

  lost(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    Atomics.store(this.#log.header, LOST, 1);
    wakeSpaceLogReader(this.#memory);
  }

  #append(what: number, deviceId: number, count: number, dataBlock: number): void {
    if (this.#isLost) return;
    const { header, words, blocks, recordCount } = this.#log;
    const written = this.#written;
    if (((written - Atomics.load(header, READ)) >>> 0) >= recordCount) {
      this.lost();
      return;
    }
    const slot = written & this.#mask;
    words[slot * 4] = what * (DEVICE_MASK + 1) + deviceId;
    words[slot * 4 + 1] = count;
    blocks[slot * 2 + 1] = dataBlock;
    this.#written = (written + 1) | 0;
    Atomics.store(header, WRITTEN, this.#written);
    if ((this.#written & this.#wakeMask) === 0) wakeSpaceLogReader(this.#memory);
  }
}

export class SpaceLogReader {
  readonly #log: SpaceLog;
  readonly #mask: number;
  #wake: number;

  constructor(memory: SharedArrayBuffer) {
    this.#log = new SpaceLog(memory);
    this.#mask = this.#log.recordCount - 1;
    this.#wake = Atomics.load(this.#log.header, WAKE);
  }

  /** What was read so far is of no use. */
  get isLost(): boolean {
    return Atomics.load(this.#log.header, LOST) !== 0;
  }

  /** Tell `events` of everything that was published before the call. */
  drain(events: SpaceEvents): void {
    const { header } = this.#log;
    const end = Atomics.load(header, WRITTEN);
    for (let at = Atomics.load(header, READ); at !== end; at = (at + 1) | 0) {
      this.#tell(events, at & this.#mask);
      Atomics.store(header, READ, (at + 1) | 0);
    }
  }

  /** Wait until the writer or somebody else wakes the reader; at once if that happened since. */
  wait(): void {
    Atomics.wait(this.#log.header, WAKE, this.#wake);
    this.#wake = Atomics.load(this.#log.header, WAKE);
  }

  #tell(events: SpaceEvents, slot: number): void {
    const word = this.#log.words[slot * 4]!;
    const count = this.#log.words[slot * 4 + 1]!;
    const block = this.#log.blocks[slot * 2 + 1]!;
    const deviceId = word & DEVICE_MASK;
    switch (word >>> 24) {
      case kind.provisioned: return events.provisioned(deviceId, block, count);
      case kind.unmapped: return events.unmapped(deviceId, block, count);
      case kind.created: return events.created(deviceId);
      case kind.snapshotted: return events.snapshotted(deviceId, count);
      case kind.deleted: return events.deleted(deviceId);
      case kind.held: return events.held();
      case kind.released: return events.released();
      default: throw new RangeError(`space log: no event has kind ${word >>> 24}`);
    }
  }
}
