/**
 * Exact books of who owns the data blocks of a pool: how much of a device nobody else has, and what
 * deleting any set of devices gives back. Kept by events, so that nothing is read when it is asked.
 *
 * Three tables: the forest of versions (version-forest.ts) says which devices are below a node, a
 * class (owner-classes.ts) says whose a block is in terms of nodes, and the class table says which
 * class a block is of. An event costs: snapshot and deletion O(1), however much is mapped; a block
 * mapped or unmapped, one entry. A question is one pass over the classes.
 *
 * Classes and nodes that mean nothing any more are swept out when they have become as many as those
 * that did at the last sweep, so the cost of that is shared by the events in between.
 */
import { ClassTable } from "./class-table.ts";
import { BORN, OwnerClasses, SET } from "./owner-classes.ts";
import { OwnerSets } from "./owner-sets.ts";
import type { SpaceEvents } from "./space-events.ts";
import { VersionForest } from "./version-forest.ts";

/** In data blocks of the pool. */
export interface DeviceSpace {
  readonly deviceId: number;
  readonly mappedBlocks: number;
  /** What deleting this device alone would free. The rest of `mappedBlocks` is shared. */
  readonly exclusiveBlocks: number;
}

/** What a scan of the trees found; see space-scan.ts. */
export interface SpaceBase {
  readonly forest: VersionForest;
  readonly sets: OwnerSets;
  /** Node of each position in the sets. */
  readonly nodes: Uint32Array;
  readonly classes: OwnerClasses;
  readonly table: ClassTable;
}

const SWEEP_MIN = 65_536;
const SWEEP_TABLE_BYTES_MIN = 64 * 2 ** 20;

export class SpaceAccounting implements SpaceEvents {
  /** False once the engine went back in time: then it has to be made anew. */
  valid = true;
  readonly #forest: VersionForest;
  #sets: OwnerSets;
  readonly #nodes: Uint32Array;
  #classes: OwnerClasses;
  readonly #table: ClassTable;
  #sweepAt = SWEEP_MIN;
  #sweepAtTableBytes = SWEEP_TABLE_BYTES_MIN;
  #usage: Map<number, DeviceSpace> | undefined;

  constructor(base: SpaceBase) {
    this.#forest = base.forest;
    this.#sets = base.sets;
    this.#nodes = base.nodes;
    this.#classes = base.classes;
    this.#table = base.table;
    this.#setLimits();
  }

  provisioned(deviceId: number, dataBlock: number, count: number): void {
    this.#usage = undefined;
    const one = this.#classes.bornAt(this.#forest.leafOf(deviceId));
    this.#classes.blocks[one]! += count;
    for (let block = dataBlock; block < dataBlock + count; block++) this.#table.set(block, one);
    this.#sweepIfGrown();
  }

  unmapped(deviceId: number, dataBlock: number, count: number): void {
    this.#usage = undefined;
    const leaf = this.#forest.leafOf(deviceId);
    const classes = this.#classes;
    for (let block = dataBlock; block < dataBlock + count; block++) {
      const one = this.#table.get(block);
      if (one === 0) throw new RangeError(`data block ${block} was unmapped, but is nobody's`);
      const next = classes.less(one, leaf);
      classes.blocks[one]! -= 1;
      if (next === 0) continue;
      classes.blocks[next]! += 1;
      this.#table.set(block, next);
    }
    this.#sweepIfGrown();
  }

  created(deviceId: number): void {
    this.#usage = undefined;
    this.#forest.create(deviceId);
    this.#sweepIfGrown();
  }

  snapshotted(deviceId: number, originId: number): void {
    this.#usage = undefined;
    this.#forest.snapshot(deviceId, originId);
    this.#sweepIfGrown();
  }

  deleted(deviceId: number): void {
    this.#usage = undefined;
    this.#forest.delete(deviceId);
  }

  held(): void {
    this.#usage = undefined;
    this.#forest.hold();
    this.#sweepIfGrown();
  }

  released(): void {
    this.#usage = undefined;
    this.#forest.release();
  }

  lost(): void {
    this.valid = false;
  }

  /** All devices, by id. */
  all(): DeviceSpace[] {
    return [...this.#usageOfAll().values()];
  }

  has(deviceId: number): boolean {
    return this.#forest.has(deviceId);
  }

  /** What deleting this device alone would free. Throws RangeError for an unknown device. */
  exclusiveBlocks(deviceId: number): number {
    const usage = this.#usageOfAll().get(deviceId);
    if (usage === undefined) throw new RangeError(`device ${deviceId} is not known`);
    return usage.exclusiveBlocks;
  }

  /** What deleting exactly these devices would free. Throws RangeError for an unknown one. */
  freedBy(deviceIds: Iterable<number>): number {
    const owners = this.#perClass(this.#forest.ownerCounts());
    const among = this.#perClass(this.#forest.countsOf(deviceIds));
    const { blocks, size } = this.#classes;
    let freed = 0;
    for (let one = 1; one < size; one++) {
      if (among[one]! > 0 && among[one] === owners[one]) freed += blocks[one]!;
    }
    return freed;
  }

  /** All blocks that somebody owns: the pool's used data blocks. */
  usedBlocks(): number {
    const owners = this.#perClass(this.#forest.ownerCounts());
    const { blocks, size } = this.#classes;
    let used = 0;
    for (let one = 1; one < size; one++) if (owners[one]! > 0) used += blocks[one]!;
    return used;
  }

  /** For measurements. */
  figures(): { readonly classes: number; readonly nodes: number; readonly tableBytes: number } {
    return {
      classes: this.#classes.size, nodes: this.#forest.size, tableBytes: this.#table.memoryBytes,
    };
  }

  /** Drop what means nothing any more, and bring equal classes together. */
  sweep(): void {
    const owners = this.#perClass(this.#forest.ownerCounts());
    const inUse = this.#withLess();
    const nodeMap = this.#forest.compact();
    for (const [position, node] of this.#nodes.entries()) this.#nodes[position] = nodeMap[node]!;
    const old = this.#classes;
    const fresh = { classes: new OwnerClasses(), sets: new OwnerSets(this.#nodes.length) };
    const map = new Uint32Array(old.size);
    for (let one = 1; one < old.size; one++) {
      if (owners[one] === 0 || inUse[one] === 0) continue;
      const renewed = this.#renew(one, map, nodeMap, fresh);
      fresh.classes.blocks[renewed]! += old.blocks[one]!;
      map[one] = renewed;
    }
    this.#classes = fresh.classes;
    this.#sets = fresh.sets;
    this.#table.remap(map);
    this.#setLimits();
  }

  #renew(
    one: number, map: Uint32Array, nodeMap: Uint32Array,
    { classes, sets }: { readonly classes: OwnerClasses; readonly sets: OwnerSets },
  ): number {
    const above = this.#classes.above[one]!;
    const what = this.#classes.what[one]!;
    if (above === BORN) return classes.bornAt(nodeMap[what]!);
    if (above !== SET) {
      const node = nodeMap[what]!;
      return node === 0 ? map[above]! : classes.less(map[above]!, node);
    }
    let living = 0;
    let livingNode = 0;
    this.#sets.eachRun(what, (begin, end) => {
      for (let position = begin; position < end; position++) {
        if (this.#nodes[position] === 0) continue;
        living += 1;
        livingNode = this.#nodes[position]!;
      }
    });
    return living === 1 ? classes.bornAt(livingNode) : classes.ofSet(this.#sets.copyTo(sets, what));
  }

  #sweepIfGrown(): void {
    const size = this.#classes.size + this.#forest.size;
    if (size < this.#sweepAt && this.#table.memoryBytes < this.#sweepAtTableBytes) return;
    this.sweep();
  }

  #setLimits(): void {
    this.#sweepAt = Math.max(SWEEP_MIN, 2 * (this.#classes.size + this.#forest.size));
    this.#sweepAtTableBytes = Math.max(SWEEP_TABLE_BYTES_MIN, 2 * this.#table.memoryBytes);
  }

  #usageOfAll(): Map<number, DeviceSpace> {
    if (this.#usage !== undefined) return this.#usage;
    const exclusive = this.#exclusive();
    const mapped = this.#mapped();
    const usage = new Map<number, DeviceSpace>();
    for (const deviceId of this.#forest.deviceIds()) {
      usage.set(deviceId, {
        deviceId,
        mappedBlocks: mapped[this.#forest.leafOf(deviceId)]!,
        exclusiveBlocks: exclusive.get(deviceId) ?? 0,
      });
    }
    this.#usage = usage;
    return usage;
  }

  /** By device. */
  #exclusive(): Map<number, number> {
    const owners = this.#perClass(this.#forest.ownerCounts());
    const sums = this.#perClass(this.#forest.deviceSums());
    const { blocks, size } = this.#classes;
    const exclusive = new Map<number, number>();
    for (let one = 1; one < size; one++) {
      // A sum of 0 is the metadata snapshot.
      if (owners[one] !== 1 || sums[one] === 0 || blocks[one] === 0) continue;
      const deviceId = sums[one]! - 1;
      exclusive.set(deviceId, (exclusive.get(deviceId) ?? 0) + blocks[one]!);
    }
    return exclusive;
  }

  /** By node; of a leaf it is what its device maps. */
  #mapped(): Float64Array {
    const { above, what, size } = this.#classes;
    const total = this.#withLess();
    const mapped = new Float64Array(this.#forest.size);
    const steps = new Float64Array(this.#nodes.length + 1);
    for (let one = 1; one < size; one++) {
      if (above[one] === BORN) mapped[what[one]!]! += total[one]!;
      else if (above[one] !== SET) mapped[what[one]!]! -= total[one]!;
      else {
        this.#sets.eachRun(what[one]!, (begin, end) => {
          steps[begin]! += total[one]!;
          steps[end]! -= total[one]!;
        });
      }
    }
    let height = 0;
    for (const [position, node] of this.#nodes.entries()) {
      height += steps[position]!;
      if (node !== 0) mapped[node]! += height;
    }
    this.#forest.pushDown(mapped);
    return mapped;
  }

  /** By class: its blocks and those of all classes that are less of it. */
  #withLess(): Float64Array {
    const classes = this.#classes;
    const total = classes.blocks.slice(0, classes.size);
    for (let one = classes.size - 1; one > 0; one--) {
      if (classes.isLess(one)) total[classes.above[one]!]! += total[one]!;
    }
    return total;
  }

  /** By class, the sum over its owners of what `perNode` says. */
  #perClass(perNode: Float64Array): Float64Array {
    const { above, what, size } = this.#classes;
    const prefix = new Float64Array(this.#nodes.length + 1);
    for (const [position, node] of this.#nodes.entries()) {
      prefix[position + 1] = prefix[position]! + perNode[node]!;
    }
    const values = new Float64Array(size);
    for (let one = 1; one < size; one++) {
      const kind = above[one]!;
      if (kind === BORN) values[one] = perNode[what[one]!]!;
      else if (kind === SET) values[one] = this.#sets.sum(what[one]!, prefix);
      else values[one] = values[kind]! - perNode[what[one]!]!;
    }
    return values;
  }
}
