/**
 * The class of each data block that is in use. What it says of a free block means nothing, so a
 * page whose used blocks are all of one class is one number: what was written in one go and then
 * snapshotted takes 4 bytes for 256 blocks, and what was overwritten here and there up to 4 bytes a
 * block.
 *
 *     index[block / 256]     0: nothing yet      -c: all of class c      p > 0: page p - 1
 */
const PAGE_LOG2 = 8;
const PAGE = 1 << PAGE_LOG2;
const SLAB_PAGES_LOG2 = 10;
const SLAB_PAGES = 1 << SLAB_PAGES_LOG2;

export class ClassTable {
  #index = new Int32Array(1024);
  #slabs: Uint32Array[] = [];
  #pageCount = 0;

  /** 0 for a block that was never set. */
  get(block: number): number {
    const entry = this.#index[Math.floor(block / PAGE)];
    if (entry === undefined) return 0;
    return entry <= 0 ? -entry : this.#slabOf(entry)[placeOf(entry, block)]!;
  }

  set(block: number, one: number): void {
    const number = Math.floor(block / PAGE);
    if (number >= this.#index.length) this.#growIndex(number);
    let entry = this.#index[number]!;
    if (entry === -one) return;
    if (entry === 0) {
      this.#index[number] = -one;
      return;
    }
    if (entry < 0) entry = this.#spread(number, -entry);
    this.#slabOf(entry)[placeOf(entry, block)] = one;
  }

  /** Renumber: class c becomes `map[c]`. Class 0 then fits any, for such blocks are free. */
  remap(map: Uint32Array): void {
    const slabs = this.#slabs;
    this.#slabs = [];
    this.#pageCount = 0;
    for (let number = 0; number < this.#index.length; number++) {
      const entry = this.#index[number]!;
      if (entry < 0) this.#index[number] = -map[-entry]!;
      else if (entry > 0) {
        const slab = slabs[(entry - 1) >>> SLAB_PAGES_LOG2]!;
        const start = placeOf(entry, 0);
        this.#index[number] = this.#remapPage(slab.subarray(start, start + PAGE), map);
      }
    }
  }

  /** Bytes that the table takes. */
  get memoryBytes(): number {
    return this.#index.byteLength + this.#slabs.length * SLAB_PAGES * PAGE * 4;
  }

  #remapPage(page: Uint32Array, map: Uint32Array): number {
    let only = 0;
    let mixed = false;
    for (let at = 0; at < PAGE; at++) {
      const one = map[page[at]!]!;
      page[at] = one;
      if (one === 0 || one === only) continue;
      mixed ||= only !== 0;
      only = one;
    }
    if (!mixed) return -only;
    const entry = this.#newPage();
    this.#slabOf(entry).set(page, placeOf(entry, 0));
    return entry;
  }

  #spread(number: number, one: number): number {
    const entry = this.#newPage();
    const start = placeOf(entry, 0);
    this.#slabOf(entry).fill(one, start, start + PAGE);
    this.#index[number] = entry;
    return entry;
  }

  #newPage(): number {
    if (this.#pageCount === this.#slabs.length * SLAB_PAGES) {
      this.#slabs.push(new Uint32Array(SLAB_PAGES * PAGE));
    }
    this.#pageCount += 1;
    return this.#pageCount;
  }

  #slabOf(entry: number): Uint32Array {
    return this.#slabs[(entry - 1) >>> SLAB_PAGES_LOG2]!;
  }

  #growIndex(number: number): void {
    const index = new Int32Array(Math.max(number + 1, this.#index.length * 2));
    index.set(this.#index);
    this.#index = index;
  }
}

function placeOf(entry: number, block: number): number {
  return (((entry - 1) & (SLAB_PAGES - 1)) << PAGE_LOG2) | (block & (PAGE - 1));
}
