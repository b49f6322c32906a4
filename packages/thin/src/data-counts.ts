/**
 * How often each data block is referred to: one byte a block in pages as large as a bitmap, made
 * when one of their blocks is first counted. So memory follows what is mapped, not what is claimed.
 */
import { ENTRIES_PER_BITMAP } from "./bitmap.ts";

const BYTE_FULL = 255;

export class DataCounts {
  readonly #pages = new Map<number, Uint8Array>();
  readonly #large = new Map<number, number>();
  #lastNumber = -1;
  #last: Uint8Array = new Uint8Array(0);

  add(block: number): void {
    const number = Math.floor(block / ENTRIES_PER_BITMAP);
    if (number !== this.#lastNumber) this.#turnTo(number);
    const index = block - number * ENTRIES_PER_BITMAP;
    const count = this.#last[index]!;
    if (count < BYTE_FULL) this.#last[index] = count + 1;
    else this.#large.set(block, (this.#large.get(block) ?? BYTE_FULL) + 1);
  }

  addRun(begin: number, length: number): void {
    for (let block = begin; block < begin + length; block++) this.add(block);
  }

  count(block: number): number {
    const number = Math.floor(block / ENTRIES_PER_BITMAP);
    const count = this.#pages.get(number)?.[block - number * ENTRIES_PER_BITMAP] ?? 0;
    return count < BYTE_FULL ? count : (this.#large.get(block) ?? BYTE_FULL);
  }

  /** Some block that bitmap `number` covers was counted. */
  hasPage(number: number): boolean {
    return this.#pages.has(number);
  }

  #turnTo(number: number): void {
    let page = this.#pages.get(number);
    if (!page) {
      page = new Uint8Array(ENTRIES_PER_BITMAP);
      this.#pages.set(number, page);
    }
    this.#last = page;
    this.#lastNumber = number;
  }
}
