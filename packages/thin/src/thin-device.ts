/**
 * One thin device of a pool, for I/O.
 *
 * A write goes to the data device first, and is mapped only then; so whoever sees the mapping sees
 * the data. A chunk that is written in part for the first time is put together in memory and
 * written with one call, zeros or the shared chunk's bytes around the new ones.
 */
import { UNMAPPED } from "./mapping-journal.ts";
import type { PoolCore } from "./pool-core.ts";
import type { DeviceState } from "./pool-metadata.ts";
import { ThinError } from "./thin-error.ts";

/** Larger chunks are put together in pieces. */
const PIECE_BYTES_MAX = 4 * 2 ** 20;
/** Whole new chunks that are allocated and written at once, at most. */
const RUN_BLOCKS_MAX = 64;
const ZEROS = new Uint8Array(1 << 20);

export class ThinDevice {
  readonly deviceId: number;
  /** The first data block of the run that `lookupRun` found; -1 when it is unmapped. */
  runDataBlock = UNMAPPED;
  readonly #core: PoolCore;
  readonly #chunk: number;
  #state: DeviceState | undefined;
  #closed = false;
  #piece: Uint8Array | undefined;

  constructor(core: PoolCore, deviceId: number) {
    this.#core = core;
    this.deviceId = deviceId;
    this.#chunk = core.dataBlockBytes;
    this.#state = core.hold(this);
  }

  /** The pool went back to its last commit; called by the pool. */
  rebind(state: DeviceState | undefined): void {
    this.#state = state;
  }

  /**
   * Fill `target`. Any alignment; offsets are in bytes and have no end: the host knows the size.
   */
  read(offset: number, target: Uint8Array): void {
    const { cursor } = this.#open();
    const chunk = this.#chunk;
    for (let at = 0; at < target.length; ) {
      const virtualBlock = Math.floor((offset + at) / chunk);
      const within = offset + at - virtualBlock * chunk;
      const left = target.length - at;
      const run = cursor.run(virtualBlock, Math.ceil((within + left) / chunk));
      const length = Math.min(left, run * chunk - within);
      const part = target.subarray(at, at + length);
      if (cursor.runDataBlock === UNMAPPED) part.fill(0);
      else this.#core.data.read(cursor.runDataBlock * chunk + within, part);
      at += length;
    }
  }

  /**
   * Write all of `source`, with chunks allocated and sharing broken as needed. What throws may have
   * written a part; "pool-full" can be tried again after the pool has grown.
   */
  write(offset: number, source: Uint8Array): void {
    this.#open();
    this.#core.requireDataWritable();
    const chunk = this.#chunk;
    for (let at = 0; at < source.length; ) {
      const virtualBlock = Math.floor((offset + at) / chunk);
      const within = offset + at - virtualBlock * chunk;
      const left = source.length - at;
      const own = this.writableRun(virtualBlock, Math.ceil((within + left) / chunk));
      if (own > 0) {
        const length = Math.min(left, own * chunk - within);
        this.#core.data.write(this.runDataBlock * chunk + within, source.subarray(at, at + length));
        at += length;
      } else if (within === 0 && left >= chunk) {
        at += this.#writeNewChunks(virtualBlock, source, at);
      } else {
        const length = Math.min(left, chunk - within);
        this.#writePart(virtualBlock, within, source.subarray(at, at + length));
        at += length;
      }
    }
  }

  /** Unmap the whole chunks inside the range; the rest of it keeps its data. */
  discard(offset: number, lengthBytes: number): void {
    const state = this.#open();
    if (this.#core.discards === "ignore") return;
    const begin = Math.ceil(offset / this.#chunk);
    const end = Math.floor((offset + lengthBytes) / this.#chunk);
    if (begin < end) this.#core.unmap(state, begin, end);
  }

  /**
   * The range reads as zeros afterwards, and its whole chunks take no space if the pool allows it.
   */
  zero(offset: number, lengthBytes: number): void {
    const state = this.#open();
    this.#core.requireDataWritable();
    const end = offset + lengthBytes;
    if (!this.#core.zeroNewBlocks) {
      // A chunk mapped anew could show old data, so the zeros have to be there.
      this.#writeZeros(offset, end);
      return;
    }
    const firstWhole = Math.ceil(offset / this.#chunk);
    const lastWhole = Math.floor(end / this.#chunk);
    if (firstWhole > lastWhole) {
      this.#zeroMapped(offset, end);
      return;
    }
    this.#zeroMapped(offset, firstWhole * this.#chunk);
    if (firstWhole < lastWhole) this.#core.unmap(state, firstWhole, lastWhole);
    this.#zeroMapped(lastWhole * this.#chunk, end);
  }

  /** The data block of a virtual block, or -1 (UNMAPPED). */
  lookup(virtualBlock: number): number {
    return this.#open().cursor.lookup(virtualBlock);
  }

  /**
   * How many virtual blocks from here on, `blockMax` at most, map to consecutive data blocks or are
   * all unmapped; the first of them, or -1, is then in `runDataBlock`. One system call reads the
   * run, and the next run may well continue it.
   */
  lookupRun(virtualBlock: number, blockMax: number): number {
    const { cursor } = this.#open();
    const length = cursor.run(virtualBlock, blockMax);
    this.runDataBlock = cursor.runDataBlock;
    return length;
  }

  /**
   * As `lookupRun`, for writing in place: the length of the run of consecutive data blocks that
   * nobody else shares. 0 when the first block is not such a one: `write` has to be used.
   */
  writableRun(virtualBlock: number, blockMax: number): number {
    const state = this.#open();
    const { cursor } = state;
    const first = this.#core.takesData ? cursor.lookup(virtualBlock) : UNMAPPED;
    if (first === UNMAPPED || this.#isShared(state, first)) return 0;
    this.runDataBlock = first;
    let length = 1;
    while (length < blockMax) {
      const next = cursor.lookup(virtualBlock + length);
      if (next !== first + length || this.#isShared(state, next)) break;
      length += 1;
    }
    return length;
  }

  /** Give the handle back; the device can be deleted when nobody has one. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#core.letGo(this, this.#state);
  }

  #open(): DeviceState {
    const state = this.#state;
    if (state && !this.#closed) return state;
    return this.#rejectUse();
  }

  #rejectUse(): never {
    this.#core.requireReadable();
    const why =
      this.#closed ? "its handle is closed" : "it is gone, with the changes that were undone";
    throw new ThinError("device-missing", `thin device ${this.deviceId}: ${why}`);
  }

  #isShared(state: DeviceState, dataBlock: number): boolean {
    const { time, pathShared } = state.cursor;
    return this.#core.metadata.isShared(state, dataBlock, time, pathShared);
  }

  /** Whole chunks from `source[at]` on that need new blocks; the bytes written. */
  #writeNewChunks(virtualBlock: number, source: Uint8Array, at: number): number {
    const core = this.#core;
    const chunk = this.#chunk;
    const chunksLeft = Math.min(Math.floor((source.length - at) / chunk), RUN_BLOCKS_MAX);
    let wanted = 1;
    while (wanted < chunksLeft && this.writableRun(virtualBlock + wanted, 1) === 0) wanted += 1;
    core.admitChange(this.#open(), wanted, false);
    const first = core.allocate();
    let count = 1;
    core.guard(() => {
      while (count < wanted && core.metadata.data.allocateAfter(first + count - 1)) count += 1;
    });
    core.willBeWritten(first, count);
    this.#writeData(first, count, first * chunk, source.subarray(at, at + count * chunk));
    core.map(this.#open(), virtualBlock, first, count);
    return count * chunk;
  }

  /** A part of one chunk that needs a new block. */
  #writePart(virtualBlock: number, within: number, source: Uint8Array): void {
    const core = this.#core;
    core.admitChange(this.#open(), 1, false);
    const block = core.allocate();
    const old = this.#open().cursor.lookup(virtualBlock);
    const base = block * this.#chunk;
    if (old === UNMAPPED && (!core.zeroNewBlocks || this.#isZero(block))) {
      this.#writeData(block, 1, base + within, source);
    } else {
      core.willBeWritten(block, 1);
      const piece = (this.#piece ??= new Uint8Array(Math.min(this.#chunk, PIECE_BYTES_MAX)));
      for (let from = 0; from < this.#chunk; from += piece.length) {
        this.#fillPiece(old, block, from, piece);
        overlay(piece, from, source, within);
        this.#writeData(block, 1, base + from, piece);
      }
    }
    core.map(this.#open(), virtualBlock, block, 1);
  }

  #isZero(block: number): boolean {
    try {
      return this.#core.readsAsZeros(block);
    } catch (error) {
      this.#core.giveBack(block, 1);
      throw error;
    }
  }

  /** What the chunk held before, from `from` on; `block` goes back if that cannot be read. */
  #fillPiece(old: number, block: number, from: number, piece: Uint8Array): void {
    if (old === UNMAPPED) {
      piece.fill(0);
      return;
    }
    try {
      this.#core.data.read(old * this.#chunk + from, piece);
    } catch (error) {
      this.#core.giveBack(block, 1);
      throw error;
    }
  }

  #writeData(block: number, count: number, offset: number, source: Uint8Array): void {
    try {
      this.#core.data.write(offset, source);
    } catch (error) {
      this.#core.giveBack(block, count);
      throw error;
    }
  }

  /** A part of a chunk, which reads as zeros already unless it is mapped. */
  #zeroMapped(begin: number, end: number): void {
    if (begin >= end) return;
    if (this.lookup(Math.floor(begin / this.#chunk)) !== UNMAPPED) this.#writeZeros(begin, end);
  }

  #writeZeros(begin: number, end: number): void {
    for (let at = begin; at < end; at += ZEROS.length) {
      this.write(at, ZEROS.subarray(0, Math.min(ZEROS.length, end - at)));
    }
  }
}

/** Copy into `piece`, which is the chunk from `from` on, what `source` at `within` has for it. */
function overlay(piece: Uint8Array, from: number, source: Uint8Array, within: number): void {
  const begin = Math.max(from, within);
  const end = Math.min(from + piece.length, within + source.length);
  if (begin < end) piece.set(source.subarray(begin - within, end - within), begin - from);
}
