/**
 * Sets of owners as a scan of the trees finds them. An owner is a position in the order in which
 * the devices were made, so that what a line of snapshots shares is one or two runs.
 *
 *     set 0                nobody
 *     set 1 + position     that owner alone
 *     runs                 [begin, end) pairs, ascending, apart from each other
 *
 * Equal sets have the same number. Set memory is bounded: trees made up to have more different sets
 * than any history of snapshots are refused.
 */
import { ThinError } from "./thin-error.ts";

const RUN_WORDS_MAX = 1 << 25;
const UNIONS_MAX = 1 << 20;
const KEY = 2 ** 26;

export class OwnerSets {
  readonly ownerCount: number;
  /** Sets there are. */
  size = 0;
  /** Set `s` is `runs[starts[s]]` up to `runs[starts[s + 1]]`. */
  #starts = new Uint32Array(64);
  #runs = new Uint32Array(256);
  #slots = new Uint32Array(256);
  readonly #unions = new Map<number, number>();
  readonly #scratch: number[] = [];
  #lastKey = -1;
  #lastUnion = 0;

  constructor(ownerCount: number) {
    this.ownerCount = ownerCount;
    this.#intern([]);
    for (let position = 0; position < ownerCount; position++) {
      this.#intern([position, position + 1]);
    }
  }

  single(position: number): number {
    return 1 + position;
  }

  isSingle(set: number): boolean {
    return set > 0 && set <= this.ownerCount;
  }

  union(left: number, right: number): number {
    if (left === right || right === 0) return left;
    if (left === 0) return right;
    const key = left < right ? left * KEY + right : right * KEY + left;
    if (key === this.#lastKey) return this.#lastUnion;
    let union = this.#unions.get(key);
    if (union === undefined) {
      union = this.#intern(this.#merge(left, right));
      if (this.#unions.size === UNIONS_MAX) this.#unions.clear();
      this.#unions.set(key, union);
    }
    this.#lastKey = key;
    this.#lastUnion = union;
    return union;
  }

  /** How many owners are in it. */
  count(set: number): number {
    let count = 0;
    this.eachRun(set, (begin, end) => (count += end - begin));
    return count;
  }

  has(set: number, position: number): boolean {
    let found = false;
    this.eachRun(set, (begin, end) => (found ||= position >= begin && position < end));
    return found;
  }

  eachRun(set: number, visit: (begin: number, end: number) => void): void {
    const end = this.#starts[set + 1]!;
    for (let at = this.#starts[set]!; at < end; at += 2) {
      visit(this.#runs[at]!, this.#runs[at + 1]!);
    }
  }

  /** Sums over the members: `prefix[p]` is the sum of the values of all positions below p. */
  sum(set: number, prefix: Float64Array): number {
    let sum = 0;
    const end = this.#starts[set + 1]!;
    for (let at = this.#starts[set]!; at < end; at += 2) {
      sum += prefix[this.#runs[at + 1]!]! - prefix[this.#runs[at]!]!;
    }
    return sum;
  }

  /** The set of the same owners in `other`, which has the same positions. */
  copyTo(other: OwnerSets, set: number): number {
    return other.#intern(Array.from(this.#runsOf(set)));
  }

  #merge(left: number, right: number): readonly number[] {
    const merged = this.#scratch;
    merged.length = 0;
    let leftAt = this.#starts[left]!;
    let rightAt = this.#starts[right]!;
    const leftEnd = this.#starts[left + 1]!;
    const rightEnd = this.#starts[right + 1]!;
    while (leftAt < leftEnd || rightAt < rightEnd) {
      const takeLeft =
        rightAt === rightEnd || (leftAt < leftEnd && this.#runs[leftAt]! <= this.#runs[rightAt]!);
      const at = takeLeft ? leftAt : rightAt;
      const begin = this.#runs[at]!;
      const end = this.#runs[at + 1]!;
      const last = merged.length - 1;
      if (last > 0 && begin <= merged[last]!) merged[last] = Math.max(merged[last]!, end);
      else merged.push(begin, end);
      if (takeLeft) leftAt += 2;
      else rightAt += 2;
    }
    return merged;
  }

  #intern(runs: readonly number[]): number {
    const mask = this.#slots.length - 1;
    let slot = hashOf(runs) & mask;
    for (let set = this.#slots[slot]!; set !== 0; set = this.#slots[slot]!) {
      if (this.#equals(set - 1, runs)) return set - 1;
      slot = (slot + 1) & mask;
    }
    const set = this.#append(runs);
    this.#slots[slot] = set + 1;
    if (this.size * 2 > this.#slots.length) this.#rehash();
    return set;
  }

  #append(runs: readonly number[]): number {
    const set = this.size;
    const start = this.#starts[set]!;
    const end = start + runs.length;
    if (end > RUN_WORDS_MAX || set >= KEY - 1) {
      throw new ThinError(
        "unsupported",
        `the devices share data blocks in more different ways than can be kept (${set} so far)`,
      );
    }
    if (set + 1 >= this.#starts.length) this.#starts = grown(this.#starts, set + 2);
    if (end > this.#runs.length) this.#runs = grown(this.#runs, end);
    this.#runs.set(runs, start);
    this.#starts[set + 1] = end;
    this.size = set + 1;
    return set;
  }

  #equals(set: number, runs: readonly number[]): boolean {
    const start = this.#starts[set]!;
    if (this.#starts[set + 1]! - start !== runs.length) return false;
    for (let index = 0; index < runs.length; index++) {
      if (this.#runs[start + index] !== runs[index]) return false;
    }
    return true;
  }

  #runsOf(set: number): Uint32Array {
    return this.#runs.subarray(this.#starts[set], this.#starts[set + 1]);
  }

  #rehash(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let set = 0; set < this.size; set++) {
      let slot = hashOf(this.#runsOf(set)) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = set + 1;
    }
    this.#slots = slots;
  }
}

function grown(array: Uint32Array, needed: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(Math.max(needed, array.length * 2));
  larger.set(array);
  return larger;
}

function hashOf(words: ArrayLike<number>): number {
  let hash = 0x811c_9dc5;
  for (let index = 0; index < words.length; index++) {
    hash = Math.imul(hash ^ words[index]!, 0x9e37_79b1);
    hash ^= hash >>> 15;
  }
  return hash >>> 0;
}
