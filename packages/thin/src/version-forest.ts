/**
 * How the devices of a pool descend from one another, as far as data blocks care.
 *
 *     create 1      snapshot 2 of 1     snapshot 3 of 1       delete 2
 *        a(1)              a                   a                  a
 *                         / \                 / \                / \
 *                      b(1)  c(2)            b   c(2)           b   c
 *                                           / \                / \
 *                                        d(1)  e(3)         d(1)  e(3)
 *
 * A device is a leaf. A snapshot makes the origin's leaf an inner node with two leaves, the origin
 * going on and the snapshot; a deletion leaves a dead one. A block mapped at a node belongs to all
 * living leaves below it, but for those below nodes where it was unmapped since. So snapshots and
 * deletions touch no block. A metadata snapshot is a leaf too, beside each device's.
 *
 * Invariants: a node's number is above its parent's; only leaves have an owner; node 0 is none.
 * `compact` drops what has no living leaf and merges a node into its only child.
 */
const NO_OWNER = 0;
const HELD = 0xffff_ffff;
const NODES_MIN = 64;

export class VersionForest {
  /** Nodes there are, node 0 included. */
  size = 1;
  #parents = new Uint32Array(NODES_MIN);
  /** Device id + 1 of a living leaf, HELD for one of the metadata snapshot's, else NO_OWNER. */
  #owners = new Uint32Array(NODES_MIN);
  #leaves = new Map<number, number>();
  #heldLeaves: number[] = [];

  create(deviceId: number): number {
    if (this.#leaves.has(deviceId)) throw new RangeError(`device ${deviceId} exists already`);
    const leaf = this.#add(0, deviceId + 1);
    this.#leaves.set(deviceId, leaf);
    return leaf;
  }

  /** A leaf for what a metadata snapshot holds that no device maps. */
  createHeld(): number {
    const leaf = this.#add(0, HELD);
    this.#heldLeaves.push(leaf);
    return leaf;
  }

  snapshot(deviceId: number, originId: number): void {
    if (this.#leaves.has(deviceId)) throw new RangeError(`device ${deviceId} exists already`);
    this.#leaves.set(deviceId, this.#split(originId, deviceId + 1));
  }

  delete(deviceId: number): void {
    this.#owners[this.leafOf(deviceId)] = NO_OWNER;
    this.#leaves.delete(deviceId);
  }

  hold(): void {
    for (const deviceId of this.#leaves.keys()) this.#heldLeaves.push(this.#split(deviceId, HELD));
  }

  release(): void {
    for (const leaf of this.#heldLeaves) this.#owners[leaf] = NO_OWNER;
    this.#heldLeaves = [];
  }

  leafOf(deviceId: number): number {
    const leaf = this.#leaves.get(deviceId);
    if (leaf === undefined) throw new RangeError(`device ${deviceId} is not known`);
    return leaf;
  }

  has(deviceId: number): boolean {
    return this.#leaves.has(deviceId);
  }

  deviceIds(): number[] {
    return [...this.#leaves.keys()].toSorted((left, right) => left - right);
  }

  /** By node: how many owners are below it. */
  ownerCounts(): Float64Array {
    const counts = new Float64Array(this.size);
    for (let node = 1; node < this.size; node++) {
      if (this.#owners[node] !== NO_OWNER) counts[node] = 1;
    }
    return this.#sumUp(counts);
  }

  /** By node: the sum of device id + 1 over the devices below it, which names the one of one. */
  deviceSums(): Float64Array {
    const sums = new Float64Array(this.size);
    for (const [deviceId, leaf] of this.#leaves) sums[leaf] = deviceId + 1;
    return this.#sumUp(sums);
  }

  /** By node: how many of these devices are below it. */
  countsOf(deviceIds: Iterable<number>): Float64Array {
    const counts = new Float64Array(this.size);
    for (const deviceId of deviceIds) counts[this.leafOf(deviceId)] = 1;
    return this.#sumUp(counts);
  }

  /** Adds to each node what its ancestors have. */
  pushDown(weights: Float64Array): void {
    for (let node = 1; node < this.size; node++) weights[node]! += weights[this.#parents[node]!]!;
  }

  /** The new number of each node, 0 where no owner is left. */
  compact(): Uint32Array {
    const map = this.#mergeOnlyChildren();
    const above = new Uint32Array(this.size);
    let size = 1;
    // `above` is the nearest node that stays, itself included; parents come first.
    for (let node = 1; node < this.size; node++) {
      const parent = above[this.#parents[node]!]!;
      if (map[node] !== node) {
        above[node] = parent;
        continue;
      }
      this.#parents[size] = parent;
      this.#owners[size] = this.#owners[node]!;
      above[node] = size;
      size += 1;
    }
    for (let node = 1; node < this.size; node++) map[node] = above[map[node]!]!;
    this.size = size;
    this.#renumberLeaves(map);
    return map;
  }

  /** By node: the node that stands for it. Itself if it stays, 0 if it has no owner. */
  #mergeOnlyChildren(): Uint32Array {
    const map = new Uint32Array(this.size);
    const living = new Uint32Array(this.size);
    const lastLiving = new Uint32Array(this.size);
    for (let node = this.size - 1; node > 0; node--) {
      const isLeaf = this.#owners[node] !== NO_OWNER;
      if (!isLeaf && living[node] === 0) continue;
      map[node] = isLeaf || living[node]! > 1 ? node : map[lastLiving[node]!]!;
      const parent = this.#parents[node]!;
      living[parent]! += 1;
      lastLiving[parent] = node;
    }
    return map;
  }

  #renumberLeaves(map: Uint32Array): void {
    for (const [deviceId, leaf] of this.#leaves) this.#leaves.set(deviceId, map[leaf]!);
    this.#heldLeaves = this.#heldLeaves.map((leaf) => map[leaf]!);
  }

  /** The device goes on in a leaf of its own; the other new leaf is the answer. */
  #split(deviceId: number, owner: number): number {
    const node = this.leafOf(deviceId);
    this.#owners[node] = NO_OWNER;
    this.#leaves.set(deviceId, this.#add(node, deviceId + 1));
    return this.#add(node, owner);
  }

  #add(parent: number, owner: number): number {
    if (this.size === this.#parents.length) this.#grow();
    const node = this.size;
    this.#parents[node] = parent;
    this.#owners[node] = owner;
    this.size = node + 1;
    return node;
  }

  #sumUp(values: Float64Array): Float64Array {
    for (let node = this.size - 1; node > 0; node--) values[this.#parents[node]!]! += values[node]!;
    values[0] = 0;
    return values;
  }

  #grow(): void {
    const parents = new Uint32Array(this.size * 2);
    const owners = new Uint32Array(this.size * 2);
    parents.set(this.#parents);
    owners.set(this.#owners);
    this.#parents = parents;
    this.#owners = owners;
  }
}
