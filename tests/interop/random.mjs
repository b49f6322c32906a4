/** Pseudo-random numbers from a seed (mulberry32), so that a failure can be repeated. */
export class Random {
  #state;

  /** @param {number} seed */
  constructor(seed) {
    this.#state = Math.imul(seed, 0x9e37_79b1) | 0;
  }

  /** 32 bits. */
  word() {
    this.#state = (this.#state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** An integer from 0 to `limit` - 1. @param {number} limit */
  below(limit) {
    return Math.floor((this.word() / 2 ** 32) * limit);
  }

  /** True so often. @param {number} share between 0 and 1 */
  chance(share) {
    return this.word() / 2 ** 32 < share;
  }

  /** @template T @param {readonly T[]} items @returns {T} */
  pick(items) {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  }

  /** @param {number} count @returns {Uint8Array} */
  bytes(count) {
    const words = Uint32Array.from({ length: Math.ceil(count / 4) }, () => this.word());
    return new Uint8Array(words.buffer, 0, count);
  }
}
