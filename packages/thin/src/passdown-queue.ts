/**
 * Data blocks that the data device may forget, once the commit that unmaps them is durable. Not
 * earlier: after a crash the mappings of the last commit are back, and have to find their data. Not
 * later: the commit makes the blocks free, and the next write may take them.
 */
export class PassdownQueue {
  #begins: number[] = [];
  #ends: number[] = [];

  get runCount(): number {
    return this.#begins.length;
  }

  add(block: number): void {
    const last = this.#ends.length - 1;
    if (last >= 0 && this.#ends[last] === block) this.#ends[last] = block + 1;
    else {
      this.#begins.push(block);
      this.#ends.push(block + 1);
    }
  }

  clear(): void {
    this.#begins = [];
    this.#ends = [];
  }

  /** Hand over all runs `[begin, end)`, and be empty. */
  drain(passDown: (begin: number, end: number) => void): void {
    const begins = this.#begins;
    const ends = this.#ends;
    this.clear();
    for (const [index, begin] of begins.entries()) passDown(begin, ends[index]!);
  }
}
