/**
 * A map from gfids to values that is asked on every operation, and mostly has no answer.
 *
 * Open addressing, linear probing, the load below one half. The keys are the four 32-bit words of a
 * gfid in one typed array: asking allocates nothing, and of an empty map costs one comparison. A
 * deletion moves the entries behind it up, so there are no tombstones and no decay.
 */

const SIZE_MIN = 16;

export class GfidMap<Value> {
  #words = new Uint32Array(4 * SIZE_MIN);
  #values: (Value | undefined)[] = Array.from({ length: SIZE_MIN }, () => undefined);
  #mask = SIZE_MIN - 1;
  #count = 0;

  get size(): number {
    return this.#count;
  }

  /** The value of the gfid whose words are `words[at]` to `words[at + 3]`. */
  get(words: Uint32Array, at: number): Value | undefined {
    return this.#count === 0 ? undefined : this.#values[this.#find(words, at)];
  }

  has(words: Uint32Array, at: number): boolean {
    return this.#count !== 0 && this.#values[this.#find(words, at)] !== undefined;
  }

  set(words: Uint32Array, at: number, value: Value): void {
    if (2 * (this.#count + 1) > this.#values.length) this.#resize(2 * this.#values.length);
    const index = this.#find(words, at);
    if (this.#values[index] === undefined) {
      this.#count++;
      for (let word = 0; word < 4; word++) this.#words[4 * index + word] = words[at + word]!;
    }
    this.#values[index] = value;
  }

  /** False when there was none. */
  delete(words: Uint32Array, at: number): boolean {
    let hole = this.#find(words, at);
    if (this.#values[hole] === undefined) return false;
    this.#count--;
    let next = (hole + 1) & this.#mask;
    while (this.#values[next] !== undefined) {
      const home = hash(this.#words, 4 * next) & this.#mask;
      // An entry may move up to the hole unless that is before the place its search starts at.
      if (((next - home) & this.#mask) >= ((next - hole) & this.#mask)) {
        this.#words.copyWithin(4 * hole, 4 * next, 4 * next + 4);
        this.#values[hole] = this.#values[next];
        hole = next;
      }
      next = (next + 1) & this.#mask;
    }
    this.#values[hole] = undefined;
    return true;
  }

  *values(): IterableIterator<Value> {
    for (const value of this.#values) if (value !== undefined) yield value;
  }

  /** Where the gfid is, or the free place where it would be. */
  #find(words: Uint32Array, at: number): number {
    let index = hash(words, at) & this.#mask;
    while (this.#values[index] !== undefined && !this.#isAt(index, words, at)) {
      index = (index + 1) & this.#mask;
    }
    return index;
  }

  #isAt(index: number, words: Uint32Array, at: number): boolean {
    const base = 4 * index;
    return this.#words[base + 3] === words[at + 3] && this.#words[base + 2] === words[at + 2]
      && this.#words[base + 1] === words[at + 1] && this.#words[base] === words[at];
  }

  #resize(size: number): void {
    const words = this.#words;
    const values = this.#values;
    this.#words = new Uint32Array(4 * size);
    this.#values = Array.from({ length: size }, () => undefined);
    this.#mask = size - 1;
    for (const [index, value] of values.entries()) {
      if (value === undefined) continue;
      const target = this.#find(words, 4 * index);
      for (let word = 0; word < 4; word++) {
        this.#words[4 * target + word] = words[4 * index + word]!;
      }
      this.#values[target] = value;
    }
  }
}

/** A gfid is random but where it was made by hand: the root's is zeros and a one. */
function hash(words: Uint32Array, at: number): number {
  let mixed = words[at]! ^ Math.imul(words[at + 1]!, 0x85ebca6b)
    ^ Math.imul(words[at + 2]!, 0xc2b2ae35) ^ Math.imul(words[at + 3]!, 0x27d4eb2f);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x2c1b3c6d);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}
