/**
 * Metadata blocks in memory. A block is verified when it is read: checksum by kind, its own number,
 * and for a node its structure. So code above works on sound nodes.
 *
 * Invariants
 * - Between two safe points (`trim`) no frame is evicted or given to another block: whoever got a
 *   frame may hold it until the operation ends. Only `trim` makes room, and it counts `epoch` up.
 * - A dirty frame belongs to a block that no committed state refers to, so it may be written at any
 *   time: `trim` does when memory is short. The superblock does not come through here.
 */
import {
  blockDefect, blockKind, blockKindName, METADATA_BLOCK_BYTES, sealBlock,
} from "./metadata-block.ts";
import type { BlockKind } from "./metadata-block.ts";
import type { BlockDevice } from "./block-device.ts";
import { nodeDefect } from "./btree-node.ts";
import { ThinError } from "./thin-error.ts";

/** Holds one block. Reused for another one after eviction. */
export class Frame {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly slot: number;
  block = NO_BLOCK;
  kind: BlockKind = blockKind.node;
  dirty = false;
  referenced = false;

  constructor(slot: number, bytes: Uint8Array) {
    this.slot = slot;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }
}

const NO_BLOCK = -1;
const FRAMES_PER_SLAB = 256;
const FRAMES_MIN = 64;
const WRITE_RUN_MAX = 64;

export class BlockCache {
  /** Raised whenever frames change owners, so that a holder across operations knows. */
  epoch = 0;
  /** False for a pool that takes no changes: what is dirty then stays in memory. */
  mayWrite = true;
  readonly #device: BlockDevice;
  readonly #frameMax: number;
  #slots: Int32Array;
  readonly #frames: Frame[] = [];
  #free: Frame[] = [];
  /** Frames that became dirty since the last write; some are clean again, and some are in twice. */
  #dirtied: Frame[] = [];
  #dirtyCount = 0;
  #hand = 0;
  readonly #slabFrames: number;
  readonly #run: Uint8Array;

  constructor(device: BlockDevice, blockCount: number, cacheBytes: number) {
    this.#device = device;
    this.#frameMax = Math.max(FRAMES_MIN, Math.floor(cacheBytes / METADATA_BLOCK_BYTES));
    this.#slots = new Int32Array(blockCount).fill(-1);
    // Small metadata needs little memory.
    this.#slabFrames = Math.min(FRAMES_PER_SLAB, Math.max(blockCount, FRAMES_MIN));
    this.#run = new Uint8Array(Math.min(WRITE_RUN_MAX, this.#slabFrames) * METADATA_BLOCK_BYTES);
  }

  /** The verified block. The frame is good until the next safe point. */
  read(block: number, kind: BlockKind): Frame {
    const slot = this.#slots[block];
    if (slot === undefined || slot < 0) return this.#readMissing(block, kind);
    const frame = this.#frames[slot]!;
    if (frame.kind !== kind) this.#rejectKind(frame, kind);
    frame.referenced = true;
    return frame;
  }

  /** A dirty frame of undefined content for a block that was just allocated. */
  create(block: number, kind: BlockKind): Frame {
    const slot = this.#slots[block]!;
    const frame = slot >= 0 ? this.#frames[slot]! : this.#takeFrame(block);
    frame.kind = kind;
    this.markDirty(frame);
    return frame;
  }

  markDirty(frame: Frame): void {
    if (frame.dirty) return;
    frame.dirty = true;
    this.#dirtyCount += 1;
    this.#dirtied.push(frame);
  }

  /** The block was freed; what is in memory need not be written. */
  forget(block: number): void {
    const slot = this.#slots[block]!;
    if (slot < 0) return;
    const frame = this.#frames[slot]!;
    if (frame.dirty) this.#dirtyCount -= 1;
    frame.dirty = false;
    frame.referenced = false;
  }

  get overfull(): boolean {
    return this.#frames.length - this.#free.length > this.#frameMax;
  }

  /** Safe point: nobody holds a frame. Evict until the bound is kept. */
  trim(): void {
    if (!this.overfull) return;
    if (this.#dirtyCount > this.#frameMax / 2 && this.mayWrite) this.writeDirty();
    this.epoch += 1;
    const frames = this.#frames;
    let target = frames.length - this.#free.length - this.#frameMax + (this.#frameMax >>> 4);
    for (let looked = 0; target > 0 && looked < 2 * frames.length; looked++) {
      const frame = frames[this.#hand]!;
      this.#hand = (this.#hand + 1) % frames.length;
      if (frame.dirty || frame.block === NO_BLOCK) continue;
      if (frame.referenced) {
        frame.referenced = false;
        continue;
      }
      this.#release(frame);
      target -= 1;
    }
  }

  /** Seal and write every dirty block, in runs of consecutive ones. Does not flush. */
  writeDirty(): void {
    const dirty = [...new Set(this.#dirtied)].filter((frame) => frame.dirty);
    dirty.sort((left, right) => left.block - right.block);
    for (let from = 0; from < dirty.length; ) {
      let to = from + 1;
      const end = Math.min(dirty.length, from + WRITE_RUN_MAX);
      while (to < end && dirty[to]!.block === dirty[to - 1]!.block + 1) to += 1;
      this.#writeRun(dirty, from, to);
      from = to;
    }
    this.#dirtied = [];
  }

  /** Forget everything, also what is dirty; the metadata may have another size now. */
  reset(blockCount: number): void {
    this.epoch += 1;
    this.#slots = new Int32Array(blockCount).fill(-1);
    this.#free = [];
    for (const frame of this.#frames) {
      frame.block = NO_BLOCK;
      frame.dirty = false;
      this.#free.push(frame);
    }
    this.#dirtied = [];
    this.#dirtyCount = 0;
  }

  grow(blockCount: number): void {
    const slots = new Int32Array(blockCount).fill(-1);
    slots.set(this.#slots);
    this.#slots = slots;
  }

  #writeRun(dirty: readonly Frame[], from: number, to: number): void {
    for (let index = from; index < to; index++) {
      const frame = dirty[index]!;
      sealBlock(frame.bytes, frame.view, frame.kind, frame.block);
      this.#run.set(frame.bytes, (index - from) * METADATA_BLOCK_BYTES);
    }
    const first = dirty[from]!.block;
    const run = this.#run.subarray(0, (to - from) * METADATA_BLOCK_BYTES);
    guardIo(`writing metadata block ${first}`, () => {
      this.#device.write(first * METADATA_BLOCK_BYTES, run);
    });
    for (let index = from; index < to; index++) dirty[index]!.dirty = false;
    this.#dirtyCount -= to - from;
  }

  #readMissing(block: number, kind: BlockKind): Frame {
    if (block >= this.#slots.length) {
      throw new ThinError("corrupt", `metadata refers to block ${block} of ${this.#slots.length}`);
    }
    const frame = this.#takeFrame(block);
    try {
      guardIo(`reading metadata block ${block}`, () => {
        this.#device.read(block * METADATA_BLOCK_BYTES, frame.bytes);
      });
      const defect = blockDefect(frame.bytes, frame.view, kind, block) ??
        (kind === blockKind.node ? nodeDefect(frame.view) : undefined);
      if (defect) {
        throw new ThinError(
          "corrupt", `metadata block ${block} (${blockKindName(kind)}): ${defect}`
        );
      }
    } catch (error) {
      this.#release(frame);
      throw error;
    }
    frame.kind = kind;
    return frame;
  }

  #rejectKind(frame: Frame, kind: BlockKind): never {
    throw new ThinError(
      "corrupt",
      `metadata block ${frame.block} is a ${blockKindName(frame.kind)}, not a ${blockKindName(kind)}`,
    );
  }

  #takeFrame(block: number): Frame {
    if (this.#free.length === 0) this.#addSlab();
    const frame = this.#free.pop()!;
    frame.block = block;
    frame.referenced = true;
    this.#slots[block] = frame.slot;
    return frame;
  }

  #release(frame: Frame): void {
    this.#slots[frame.block] = -1;
    frame.block = NO_BLOCK;
    frame.referenced = false;
    this.#free.push(frame);
  }

  #addSlab(): void {
    const slab = new Uint8Array(this.#slabFrames * METADATA_BLOCK_BYTES);
    for (let index = this.#slabFrames - 1; index >= 0; index--) {
      const at = index * METADATA_BLOCK_BYTES;
      const slot = this.#frames.length;
      const frame = new Frame(slot, slab.subarray(at, at + METADATA_BLOCK_BYTES));
      this.#frames.push(frame);
      this.#free.push(frame);
    }
  }
}

/** Tell a failing metadata device from the data device, whose errors pass through as they are. */
export function guardIo(doing: string, io: () => void): void {
  try {
    io();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ThinError("metadata-io", `${doing}: ${reason}`, { cause: error });
  }
}
