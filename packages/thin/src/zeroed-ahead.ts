/**
 * Free chunks that are known to read as zeros, so that the first small write to a chunk writes
 * nothing but itself. A device that can make a range zero without writing it (punch a hole, write
 * zeroes) is asked once for many chunks, those after the one that is needed.
 *
 * Invariant: the blocks in [next, end) were free when they were made zero, and none of them was
 * given out since. Whoever gives out a block says so (`take` or `skip`), and with it gives up
 * those before it. Nothing of this is kept on the disk.
 */
import type { BlockDevice } from "./block-device.ts";

const AHEAD_BYTES = 16 * 2 ** 20;

export class ZeroedAhead {
  readonly #device: BlockDevice;
  readonly #chunkBytes: number;
  readonly #blocksMax: number;
  #next = 0;
  #end = 0;
  #canZero: boolean;

  constructor(device: BlockDevice, chunkBytes: number) {
    this.#device = device;
    this.#chunkBytes = chunkBytes;
    this.#blocksMax = Math.max(Math.floor(AHEAD_BYTES / chunkBytes), 1);
    this.#canZero = device.zero !== undefined;
  }

  /**
   * The block was given out for a write to a part of it. True when it reads as zeros. `freeAfter`
   * tells how many blocks after it, `max` at most, are free now and at the last commit.
   */
  take(block: number, freeAfter: (block: number, max: number) => number): boolean {
    if (block >= this.#next && block < this.#end) {
      this.#next = block + 1;
      return true;
    }
    if (!this.#canZero) return false;
    const count = 1 + freeAfter(block, this.#blocksMax - 1);
    this.forget();
    const begin = block * this.#chunkBytes;
    this.#canZero = this.#device.zero!(begin, count * this.#chunkBytes);
    if (!this.#canZero) return false;
    this.#next = block + 1;
    this.#end = block + count;
    return true;
  }

  /** The blocks were given out for something else. */
  skip(block: number, count: number): void {
    if (block < this.#end && block + count > this.#next) this.#next = block + count;
  }

  forget(): void {
    this.#next = 0;
    this.#end = 0;
  }
}
