/**
 * What is known about the objects that were used last, in typed arrays: a slot is a number, and a
 * million lookups allocate nothing. Bounded: the slot that was not used for the longest time goes.
 *
 *     gfid -> slot         hash chains over four words
 *     inode number -> slot hash chains; the birth time guards against a number that was used anew
 *
 * Everything in a slot can be read from the disk again, so losing one is never wrong. A slot is
 * valid until the next `enter`, which may evict any but the EVICTION_GUARD youngest.
 */

/** Known bits of a slot. */
export const KNOWN = {
  directory: 0x1,
  /** It is at unlink/GFID: no name is left, but somebody has it open. */
  unlinked: 0x2,
  /** The times were read: from the attribute, or there is none (`noMdata`). */
  times: 0x4,
  noMdata: 0x8,
  noCapability: 0x10,
  noIma: 0x20,
  noAclAccess: 0x40,
  noAclDefault: 0x80,
  noSelinux: 0x100,
  /** A directory's handle was compared with where it is. */
  handle: 0x200,
  symlink: 0x400,
  /** A device, pipe or socket: never opened here. */
  special: 0x800,
  /** Whether the index of pending heals has links of it. */
  pendingLink: 0x1000,
  noPendingLink: 0x2000,
  dirtyLink: 0x4000,
  noDirtyLink: 0x8000,
} as const;

const NONE = -1;
/** One request holds fewer slots than these at a time. */
const EVICTION_GUARD = 16;

export class InodeTable {
  readonly capacity: number;
  /** Called before a slot is used for another object: close what belongs to it. */
  readonly #evict: (slot: number) => void;
  readonly words: Uint32Array;
  readonly known: Uint32Array;
  /** Change, modification, access: seconds and nanoseconds, three a slot. */
  readonly seconds: Float64Array;
  readonly nanoseconds: Uint32Array;
  /** An open directory, or -1. */
  readonly directoryFd: Int32Array;
  readonly #ino: Float64Array;
  readonly #bornSeconds: Float64Array;
  readonly #bornNanoseconds: Uint32Array;
  readonly #gfidHeads: Int32Array;
  readonly #gfidNext: Int32Array;
  readonly #inoHeads: Int32Array;
  readonly #inoNext: Int32Array;
  readonly #older: Int32Array;
  readonly #younger: Int32Array;
  readonly #mask: number;
  #oldest = NONE;
  #youngest = NONE;
  #free = 0;

  constructor(capacity: number, evict: (slot: number) => void) {
    let buckets = 1024;
    while (buckets < capacity) buckets *= 2;
    this.capacity = Math.max(capacity, EVICTION_GUARD * 4);
    this.#evict = evict;
    const count = this.capacity;
    this.words = new Uint32Array(count * 4);
    this.known = new Uint32Array(count);
    this.seconds = new Float64Array(count * 3);
    this.nanoseconds = new Uint32Array(count * 3);
    this.directoryFd = new Int32Array(count).fill(NONE);
    this.#ino = new Float64Array(count);
    this.#bornSeconds = new Float64Array(count);
    this.#bornNanoseconds = new Uint32Array(count);
    this.#gfidHeads = new Int32Array(buckets).fill(NONE);
    this.#gfidNext = new Int32Array(count).fill(NONE);
    this.#inoHeads = new Int32Array(buckets).fill(NONE);
    this.#inoNext = new Int32Array(count).fill(NONE);
    this.#older = new Int32Array(count).fill(NONE);
    this.#younger = new Int32Array(count).fill(NONE);
    this.#mask = buckets - 1;
  }

  /** How many slots were ever used. */
  get size(): number {
    return this.#free;
  }

  /** The slot of the gfid at a place of a buffer, or -1. */
  find(view: DataView, at: number): number {
    const a = view.getUint32(at, false);
    const b = view.getUint32(at + 4, false);
    const c = view.getUint32(at + 8, false);
    const d = view.getUint32(at + 12, false);
    const { words } = this;
    let slot = this.#gfidHeads[this.#gfidBucket(a, b, c, d)]!;
    while (slot !== NONE) {
      const base = slot * 4;
      if (words[base + 3] === d && words[base + 2] === c && words[base + 1] === b &&
        words[base] === a) {
        this.#touch(slot);
        return slot;
      }
      slot = this.#gfidNext[slot]!;
    }
    return NONE;
  }

  /** The slot of a gfid; a new one has nothing known. */
  enter(view: DataView, at: number): number {
    const found = this.find(view, at);
    if (found !== NONE) return found;
    const slot = this.#take();
    const base = slot * 4;
    for (let word = 0; word < 4; word++) {
      this.words[base + word] = view.getUint32(at + 4 * word, false);
    }
    this.known[slot] = 0;
    const bucket = this.#bucketOf(slot);
    this.#gfidNext[slot] = this.#gfidHeads[bucket]!;
    this.#gfidHeads[bucket] = slot;
    this.#append(slot);
    return slot;
  }

  /** The slot of an inode of the brick's file system, or -1. */
  findInode(ino: number, bornSeconds: number, bornNanoseconds: number): number {
    let slot = this.#inoHeads[this.#inoBucket(ino)]!;
    while (slot !== NONE) {
      if (this.#ino[slot] === ino) {
        if (this.#bornSeconds[slot] === bornSeconds &&
          this.#bornNanoseconds[slot] === bornNanoseconds) {
          this.#touch(slot);
          return slot;
        }
      }
      slot = this.#inoNext[slot]!;
    }
    return NONE;
  }

  setInode(slot: number, ino: number, bornSeconds: number, bornNanoseconds: number): void {
    if (this.#ino[slot] === ino) {
      this.#bornSeconds[slot] = bornSeconds;
      this.#bornNanoseconds[slot] = bornNanoseconds;
      return;
    }
    this.#unlinkInode(slot);
    this.#ino[slot] = ino;
    this.#bornSeconds[slot] = bornSeconds;
    this.#bornNanoseconds[slot] = bornNanoseconds;
    const bucket = this.#inoBucket(ino);
    this.#inoNext[slot] = this.#inoHeads[bucket]!;
    this.#inoHeads[bucket] = slot;
  }

  /** The object is gone: the slot is the next to be used for another. */
  forget(slot: number): void {
    this.#evict(slot);
    this.#unlinkInode(slot);
    this.#removeFrom(this.#gfidHeads, this.#gfidNext, this.#bucketOf(slot), slot);
    this.words.fill(0, 4 * slot, 4 * slot + 4);
    this.known[slot] = 0;
    this.#detach(slot);
    this.#younger[slot] = this.#oldest;
    this.#older[slot] = NONE;
    if (this.#oldest === NONE) this.#youngest = slot;
    else this.#older[this.#oldest] = slot;
    this.#oldest = slot;
  }

  has(slot: number, bits: number): boolean {
    return (this.known[slot]! & bits) === bits;
  }

  set(slot: number, bits: number): void {
    this.known[slot]! |= bits;
  }

  clear(slot: number, bits: number): void {
    this.known[slot]! &= ~bits;
  }

  isRoot(slot: number): boolean {
    const base = slot * 4;
    return this.words[base + 3] === 1 && this.words[base] === 0 && this.words[base + 1] === 0 &&
      this.words[base + 2] === 0;
  }

  #gfidBucket(a: number, b: number, c: number, d: number): number {
    // Gfids are random, but not those of a hostile client; chains then grow long, and no more.
    let hash = Math.imul(a ^ b, 0x9e37_79b1) ^ Math.imul(c ^ d, 0x85eb_ca6b);
    hash ^= hash >>> 15;
    return hash & this.#mask;
  }

  #bucketOf(slot: number): number {
    const { words } = this;
    const base = slot * 4;
    return this.#gfidBucket(words[base]!, words[base + 1]!, words[base + 2]!, words[base + 3]!);
  }

  #inoBucket(ino: number): number {
    const low = ino % 0x1_0000_0000;
    return (Math.imul(low, 0x9e37_79b1) >>> 12) & this.#mask;
  }

  #take(): number {
    if (this.#free < this.capacity) return this.#free++;
    const slot = this.#oldest; // Perhaps one that was forgotten: then it is in no chain.
    this.#evict(slot);
    this.#detach(slot);
    this.#unlinkInode(slot);
    this.#removeFrom(this.#gfidHeads, this.#gfidNext, this.#bucketOf(slot), slot);
    return slot;
  }

  #unlinkInode(slot: number): void {
    if (this.#ino[slot] === 0) return;
    this.#removeFrom(this.#inoHeads, this.#inoNext, this.#inoBucket(this.#ino[slot]!), slot);
    this.#ino[slot] = 0;
  }

  #removeFrom(heads: Int32Array, next: Int32Array, bucket: number, slot: number): void {
    let at = heads[bucket]!;
    if (at === slot) {
      heads[bucket] = next[slot]!;
      return;
    }
    while (at !== NONE && next[at] !== slot) at = next[at]!;
    if (at !== NONE) next[at] = next[slot]!;
  }

  #touch(slot: number): void {
    if (slot === this.#youngest) return;
    this.#detach(slot);
    this.#append(slot);
  }

  #append(slot: number): void {
    this.#older[slot] = this.#youngest;
    this.#younger[slot] = NONE;
    if (this.#youngest === NONE) this.#oldest = slot;
    else this.#younger[this.#youngest] = slot;
    this.#youngest = slot;
  }

  #detach(slot: number): void {
    const older = this.#older[slot]!;
    const younger = this.#younger[slot]!;
    if (older === NONE) this.#oldest = younger;
    else this.#younger[older] = younger;
    if (younger === NONE) this.#youngest = older;
    else this.#older[younger] = older;
  }
}
