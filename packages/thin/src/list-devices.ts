/**
 * What each device of a pool holds, and how much of it nobody else does.
 *
 * Three passes over the nodes, each node once however many devices share it. The first finds which
 * nodes more than one device reaches; whatever lies below such a node is shared. The second counts
 * how often each data block is mapped by the leaves that are left, for blocks may be shared by
 * leaves that are not. The third asks of each such leaf which of its blocks are mapped once.
 */
import { DEPTH_MAX } from "./btree.ts";
import { childAt, entryCount, isLeaf, valueAt } from "./btree-node.ts";
import type { NodeBytes } from "./btree-node.ts";
import { DataCounts } from "./data-counts.ts";
import { MAPPING_BYTES, mappingDataBlock } from "./mapping.ts";
import { newNode } from "./node-reader.ts";
import { PoolReader } from "./pool-reader.ts";
import type { DeviceRoot, ReadOptions } from "./pool-reader.ts";
import { ThinError } from "./thin-error.ts";

/** Blocks are data blocks; times are of the pool's snapshot clock, not of day. */
export interface DeviceUsage {
  readonly id: number;
  readonly mappedBlocks: number;
  /** What deleting this device alone would free. */
  readonly exclusiveBlocks: number;
  readonly sharedBlocks: number;
  /** The pool's when the device was made. */
  readonly transactionId: number;
  readonly creationTime: number;
  readonly snapshottedTime: number;
}

export interface PoolUsage {
  readonly dataBlockSectors: number;
  readonly devices: readonly DeviceUsage[];
}

/** Throws "corrupt" at the first damage. */
export function listDevices(options: ReadOptions): PoolUsage {
  const pool = new PoolReader(options);
  const roots = pool.devices();
  const survey = new SharingSurvey(pool);
  roots.forEach((device, index) => survey.assign(device, index + 1));
  for (const device of roots) survey.count(device);
  const devices = roots.map(({ id, details }, index): DeviceUsage => {
    const { mappedBlocks, transactionId, creationTime, snapshottedTime } = details;
    const exclusiveBlocks = survey.exclusive(index + 1);
    const sharedBlocks = mappedBlocks - exclusiveBlocks;
    return {
      id, mappedBlocks, exclusiveBlocks, sharedBlocks, transactionId, creationTime, snapshottedTime,
    };
  });
  return { dataBlockSectors: pool.superblock.dataBlockSectors, devices };
}

const SHARED = 0xffff_ffff;
const NOBODY = 0;

class SharingSurvey {
  readonly #pool: PoolReader;
  /** Number of the one device that reaches a node. */
  readonly #owners: Uint32Array;
  readonly #counted: Uint8Array;
  readonly #counts = new DataCounts();
  readonly #levels: NodeBytes[] = [];
  #exclusive: Float64Array | undefined;
  #deviceCount = 0;

  constructor(pool: PoolReader) {
    this.#pool = pool;
    this.#owners = new Uint32Array(pool.nodes.blockCount);
    this.#counted = new Uint8Array(pool.nodes.blockCount);
  }

  assign(device: DeviceRoot, number: number): void {
    this.#deviceCount = number;
    this.#assign(device.root, number, 0);
  }

  #assign(block: number, number: number, depth: number): void {
    const owner = this.#owners[block];
    if (owner !== undefined && owner !== NOBODY) {
      if (owner !== number) this.#owners[block] = SHARED;
      return;
    }
    const { view } = this.#read(block, depth);
    this.#owners[block] = number;
    if (isLeaf(view)) return;
    const count = entryCount(view);
    for (let index = 0; index < count; index++) {
      this.#assign(childAt(view, index), number, depth + 1);
    }
  }

  /** After all were assigned. */
  count(device: DeviceRoot): void {
    this.#count(device.root, false, 0);
  }

  /** A block below a shared node counts twice, which is as good as any higher count. */
  #count(block: number, above: boolean, depth: number): void {
    if (this.#counted[block] === 1) return;
    this.#counted[block] = 1;
    const shared = above || this.#owners[block] === SHARED;
    const { view } = this.#read(block, depth);
    const count = entryCount(view);
    if (!isLeaf(view)) {
      for (let index = 0; index < count; index++) {
        this.#count(childAt(view, index), shared, depth + 1);
      }
      return;
    }
    if (shared) this.#owners[block] = SHARED;
    for (let index = 0; index < count; index++) {
      const data = mappingDataBlock(view, valueAt(view, index));
      this.#counts.add(data);
      if (shared) this.#counts.add(data);
    }
  }

  /** After all were counted. */
  exclusive(number: number): number {
    this.#exclusive ??= this.#countExclusive();
    return this.#exclusive[number]!;
  }

  #countExclusive(): Float64Array {
    const exclusive = new Float64Array(this.#deviceCount + 1);
    for (let block = 0; block < this.#owners.length; block++) {
      const owner = this.#owners[block]!;
      if (owner === NOBODY || owner === SHARED) continue;
      const { view } = this.#read(block, 0);
      if (!isLeaf(view)) continue;
      const count = entryCount(view);
      for (let index = 0; index < count; index++) {
        if (this.#counts.count(mappingDataBlock(view, valueAt(view, index))) === 1) {
          exclusive[owner]! += 1;
        }
      }
    }
    return exclusive;
  }

  #read(block: number, depth: number): NodeBytes {
    if (depth > DEPTH_MAX) throw new ThinError("corrupt", "a mapping tree is deeper than it can be");
    const node = (this.#levels[depth] ??= newNode());
    const defect = this.#pool.nodes.read(block, node, MAPPING_BYTES);
    if (defect === undefined) return node;
    throw new ThinError("corrupt", `mappings: ${defect}; check the pool, then repair it`);
  }
}
