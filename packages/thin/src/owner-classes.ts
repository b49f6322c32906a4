/**
 * Data blocks that the same devices own are one class, and only the class remembers who they are.
 *
 *     kind      above        what     its owners are
 *     born      BORN         a node   the devices below the node
 *     of a set  SET          a set    the devices below the nodes of the set (found by the scan)
 *     less      a class      a node   those of the class above, without the devices below the node
 *
 * `less` is what becomes of a block that one device unmaps while others keep it. The nodes taken
 * away from one class are chained in ascending order, so that the order in which the devices let go
 * makes no different classes; equal classes have one number. Invariants: a class has a number above
 * that of its `above`; nodes of one chain have no common leaves; class 0 is nobody's.
 */
import { ThinError } from "./thin-error.ts";

export const BORN = 0;
export const SET = 0xffff_ffff;
const CLASSES_MAX = 1 << 24;

export class OwnerClasses {
  /** Classes there are, class 0 included. */
  size = 1;
  above = new Uint32Array(64);
  what = new Uint32Array(64);
  /** Blocks of exactly this class. */
  blocks = new Float64Array(64);
  #slots = new Uint32Array(256);
  readonly #chain: number[] = [];
  #lastClass = 0;
  #lastNode = 0;
  #lastLess = 0;

  bornAt(node: number): number {
    return this.#intern(BORN, node);
  }

  ofSet(set: number): number {
    return this.#intern(SET, set);
  }

  /** The class of a block of `from` once the leaf `node` does not have it any more. */
  less(from: number, node: number): number {
    if (from === this.#lastClass && node === this.#lastNode) return this.#lastLess;
    const chain = this.#chain;
    chain.length = 0;
    let base = from;
    for (; this.isLess(base) && this.what[base]! > node; base = this.above[base]!) {
      chain.push(this.what[base]!);
    }
    const isSole = this.above[base] === BORN && this.what[base] === node && chain.length === 0;
    let found = isSole ? 0 : this.#intern(base, node);
    for (let index = chain.length - 1; index >= 0; index--) {
      found = this.#intern(found, chain[index]!);
    }
    this.#lastClass = from;
    this.#lastNode = node;
    this.#lastLess = found;
    return found;
  }

  isLess(one: number): boolean {
    const above = this.above[one]!;
    return above !== BORN && above !== SET;
  }

  #intern(above: number, what: number): number {
    const mask = this.#slots.length - 1;
    let slot = hashOf(above, what) & mask;
    for (let one = this.#slots[slot]!; one !== 0; one = this.#slots[slot]!) {
      if (this.above[one] === above && this.what[one] === what) return one;
      slot = (slot + 1) & mask;
    }
    const one = this.#append(above, what);
    this.#slots[slot] = one;
    if (this.size * 2 > this.#slots.length) this.#rehash();
    return one;
  }

  #append(above: number, what: number): number {
    const one = this.size;
    if (one === CLASSES_MAX) {
      throw new ThinError(
        "unsupported", `the devices share data blocks in more than ${CLASSES_MAX} different ways`,
      );
    }
    if (one === this.above.length) this.#grow();
    this.above[one] = above;
    this.what[one] = what;
    this.size = one + 1;
    return one;
  }

  #grow(): void {
    const above = new Uint32Array(this.size * 2);
    const what = new Uint32Array(this.size * 2);
    const blocks = new Float64Array(this.size * 2);
    above.set(this.above);
    what.set(this.what);
    blocks.set(this.blocks);
    this.above = above;
    this.what = what;
    this.blocks = blocks;
  }

  #rehash(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let one = 1; one < this.size; one++) {
      let slot = hashOf(this.above[one]!, this.what[one]!) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = one;
    }
    this.#slots = slots;
  }
}

function hashOf(above: number, what: number): number {
  const mixed = Math.imul(Math.imul(above, 0x85eb_ca6b) ^ what, 0x9e37_79b1);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
