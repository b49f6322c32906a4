/** Who maps a data block: the answer to "what did the disk's bad sectors hit?". */
import { DEPTH_MAX } from "./btree.ts";
import { childAt, entryCount, isLeaf, keyAt, valueAt } from "./btree-node.ts";
import type { NodeBytes } from "./btree-node.ts";
import { MAPPING_BYTES, mappingDataBlock } from "./mapping.ts";
import { newNode } from "./node-reader.ts";
import { PoolReader } from "./pool-reader.ts";
import type { ReadOptions } from "./pool-reader.ts";
import { ThinError } from "./thin-error.ts";

/** Data blocks `[begin, end)`. */
export interface DataRegion {
  readonly begin: number;
  readonly end: number;
}

/** `length` blocks from `dataBegin` on are those of a device from `begin` on. */
export interface ReverseRun {
  readonly dataBegin: number;
  readonly length: number;
  readonly deviceId: number;
  readonly begin: number;
}

export interface ReverseMapOptions extends ReadOptions {
  readonly regions: readonly DataRegion[];
}

/**
 * In order of data blocks, then devices. Every device that maps a block is named, also those that
 * share the tree that says so. Throws "corrupt" at the first damage.
 */
export function reverseMap(options: ReverseMapOptions): ReverseRun[] {
  const search = new Search(new PoolReader(options), mergeRegions(options.regions));
  return search.run().sort((a, b) =>
    a.dataBegin - b.dataBegin || a.deviceId - b.deviceId || a.begin - b.begin);
}

function mergeRegions(regions: readonly DataRegion[]): DataRegion[] {
  const merged: DataRegion[] = [];
  for (const region of [...regions].sort((a, b) => a.begin - b.begin)) {
    const last = merged.at(-1);
    if (last && region.begin <= last.end) {
      merged[merged.length - 1] = { begin: last.begin, end: Math.max(last.end, region.end) };
    } else {
      merged.push(region);
    }
  }
  return merged;
}

const MISSES = 1;
const HITS = 2;

class Search {
  readonly #pool: PoolReader;
  readonly #regions: readonly DataRegion[];
  /** Whether something below a node is in a region; shared trees without are not read again. */
  readonly #known: Uint8Array;
  readonly #levels: NodeBytes[] = [];
  readonly #found: ReverseRun[] = [];
  #deviceId = 0;

  constructor(pool: PoolReader, regions: readonly DataRegion[]) {
    this.#pool = pool;
    this.#regions = regions;
    this.#known = new Uint8Array(pool.nodes.blockCount);
  }

  run(): ReverseRun[] {
    for (const { id, root } of this.#pool.devices()) {
      this.#deviceId = id;
      this.#node(root, 0);
    }
    return this.#found;
  }

  #node(block: number, depth: number): boolean {
    if (this.#known[block] === MISSES) return false;
    const { view } = this.#read(block, depth);
    const count = entryCount(view);
    let hits = false;
    for (let index = 0; index < count; index++) {
      const hit = isLeaf(view) ? this.#entry(view, index) : this.#node(childAt(view, index), depth + 1);
      hits ||= hit;
    }
    this.#known[block] = hits ? HITS : MISSES;
    return hits;
  }

  #entry(view: DataView, index: number): boolean {
    const data = mappingDataBlock(view, valueAt(view, index));
    if (!this.#isWanted(data)) return false;
    const begin = keyAt(view, index);
    const last = this.#found.at(-1);
    const joins =
      last !== undefined && last.deviceId === this.#deviceId &&
      last.begin + last.length === begin && last.dataBegin + last.length === data;
    if (joins) this.#found[this.#found.length - 1] = { ...last, length: last.length + 1 };
    else this.#found.push({ dataBegin: data, length: 1, deviceId: this.#deviceId, begin });
    return true;
  }

  #isWanted(data: number): boolean {
    let low = 0;
    let high = this.#regions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#regions[middle]!.begin <= data) low = middle + 1;
      else high = middle;
    }
    return low > 0 && data < this.#regions[low - 1]!.end;
  }

  #read(block: number, depth: number): NodeBytes {
    if (depth > DEPTH_MAX) throw new ThinError("corrupt", "a mapping tree is deeper than it can be");
    const node = (this.#levels[depth] ??= newNode());
    const defect = this.#pool.nodes.read(block, node, MAPPING_BYTES);
    if (defect === undefined) return node;
    throw new ThinError(
      "corrupt",
      `mappings of device ${this.#deviceId}: ${defect}; check the pool, then repair it`,
    );
  }
}
