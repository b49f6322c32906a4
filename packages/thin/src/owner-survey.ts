/**
 * Finds out who owns each data block by reading the mapping trees of a pool, each node once however
 * many devices share it.
 *
 * First from the roots down, level by level: whoever reaches a node reaches what is below it, and
 * all parents of a node are one level above it, for all leaves of a tree are at the same depth.
 * Then the leaves: a block belongs to all owners of all leaves that map it.
 */
import { DEPTH_MAX } from "./btree.ts";
import { childAt, entryCount, isLeaf, valueAt } from "./btree-node.ts";
import type { NodeBytes } from "./btree-node.ts";
import { ClassTable } from "./class-table.ts";
import { MAPPING_BYTES, mappingDataBlock } from "./mapping.ts";
import { newNode } from "./node-reader.ts";
import type { NodeReader } from "./node-reader.ts";
import { OwnerSets } from "./owner-sets.ts";
import { ThinError } from "./thin-error.ts";

/** Called every so many nodes. */
const PAUSE_NODES = 256;

export interface SurveyOptions {
  readonly nodes: NodeReader;
  readonly dataBlockCount: number;
  readonly ownerCount: number;
  /** The position that may own a block twice: the metadata snapshot holds many trees. */
  readonly heldPosition: number;
  readonly onPause: () => void;
}

export class OwnerSurvey {
  readonly sets: OwnerSets;
  /** By data block, its set. */
  readonly table = new ClassTable();
  /** By set. */
  blocks = new Float64Array(1024);
  readonly #options: SurveyOptions;
  /** By metadata block: who reaches it. */
  readonly #ownersOf: Uint32Array;
  /** By metadata block: levels above the leaves, plus 1 when known. */
  readonly #heights: Uint8Array;
  readonly #levels: number[][] = [];
  readonly #seen: Uint32Array;
  readonly #node: NodeBytes = newNode();
  #readCount = 0;
  /** The pair that was last found to be disjoint. */
  #left = 0;
  #right = 0;
  #union = 0;

  constructor(options: SurveyOptions) {
    this.#options = options;
    this.sets = new OwnerSets(options.ownerCount);
    this.#ownersOf = new Uint32Array(options.nodes.blockCount);
    this.#heights = new Uint8Array(options.nodes.blockCount);
    this.#seen = new Uint32Array(Math.ceil(options.dataBlockCount / 32));
    for (let height = 0; height <= DEPTH_MAX; height++) this.#levels.push([]);
  }

  /** The root of one owner's mappings. All of them before `run`. */
  addRoot(root: number, position: number): void {
    this.#reach(root, this.sets.single(position), this.#heightOf(root));
  }

  run(): void {
    for (let height = DEPTH_MAX; height > 0; height--) this.#surveyLevel(height);
    // In the order in which they lie on the disk.
    for (const leaf of Uint32Array.from(this.#levels[0]!).sort()) {
      this.#surveyLeaf(this.#read(leaf, 0), this.#ownersOf[leaf]!);
    }
  }

  #surveyLevel(height: number): void {
    for (const block of Uint32Array.from(this.#levels[height]!).sort()) {
      const view = this.#read(block, height);
      const owners = this.#ownersOf[block]!;
      const count = entryCount(view);
      for (let index = 0; index < count; index++) {
        this.#reach(childAt(view, index), owners, height - 1);
      }
    }
    this.#levels[height] = [];
  }

  #reach(block: number, owners: number, height: number): void {
    const before = this.#ownersOf[block];
    if (before === undefined) throw corrupt(`metadata block ${block} is beyond the device`);
    if (before === 0) {
      this.#heights[block] = height + 1;
      this.#levels[height]!.push(block);
    } else if (this.#heights[block] !== height + 1) {
      throw corrupt(`metadata block ${block} is used at two heights`);
    }
    this.#ownersOf[block] = this.sets.union(before, owners);
  }

  #surveyLeaf(view: DataView, owners: number): void {
    const count = entryCount(view);
    const seen = this.#seen;
    if (this.sets.size > this.blocks.length) this.#growBlocks();
    for (let index = 0; index < count; index++) {
      const block = mappingDataBlock(view, valueAt(view, index));
      const word = Math.floor(block / 32);
      if (word >= seen.length) throw corrupt(`data block ${block} is beyond the pool's data`);
      const bit = 1 << (block & 31);
      if ((seen[word]! & bit) === 0) {
        seen[word]! |= bit;
        this.table.set(block, owners);
        this.blocks[owners]! += 1;
      } else {
        this.#shareBlock(block, owners);
      }
    }
  }

  #shareBlock(block: number, owners: number): void {
    const before = this.table.get(block);
    const union = this.#disjointUnion(block, before, owners);
    if (union >= this.blocks.length) this.#growBlocks();
    this.blocks[before]! -= 1;
    this.blocks[union]! += 1;
    this.table.set(block, union);
  }

  /** Pools where a device maps a block twice exist, made by hand; they cannot be accounted for. */
  #disjointUnion(block: number, left: number, right: number): number {
    if (left === this.#left && right === this.#right) return this.#union;
    const { sets } = this;
    const union = sets.union(left, right);
    const held = this.#options.heldPosition;
    const twice = sets.has(left, held) && sets.has(right, held) ? 1 : 0;
    if (sets.count(union) + twice === sets.count(left) + sets.count(right)) {
      this.#left = left;
      this.#right = right;
      this.#union = union;
      return union;
    }
    throw new ThinError("unsupported", `data block ${block} is mapped twice by one device`);
  }

  /** Down the first children to the leaf, or to a node whose height is known. */
  #heightOf(root: number): number {
    const path: number[] = [];
    let block = root;
    let height = 0;
    for (;;) {
      const known = this.#heights[block];
      if (known === undefined) throw corrupt(`metadata block ${block} is beyond the device`);
      if (known > 0 && this.#ownersOf[block] !== 0) {
        height = known - 1;
        break;
      }
      const view = this.#read(block, -1);
      if (isLeaf(view)) break;
      if (path.length === DEPTH_MAX) throw corrupt(`the tree from block ${root} is too deep`);
      path.push(block);
      block = childAt(view, 0);
    }
    if (height + path.length > DEPTH_MAX) throw corrupt(`the tree from block ${root} is too deep`);
    return height + path.length;
  }

  /** `height` -1: whatever it is. */
  #read(block: number, height: number): DataView {
    this.#readCount += 1;
    if (this.#readCount % PAUSE_NODES === 0) this.#options.onPause();
    const { view } = this.#node;
    const defect = this.#options.nodes.read(block, this.#node, MAPPING_BYTES);
    if (defect !== undefined) throw corrupt(defect);
    if (height >= 0 && isLeaf(view) !== (height === 0)) {
      throw corrupt(`metadata block ${block}: the leaves of a tree are not all at one depth`);
    }
    return view;
  }

  #growBlocks(): void {
    const blocks = new Float64Array(Math.max(this.sets.size, this.blocks.length * 2));
    blocks.set(this.blocks);
    this.blocks = blocks;
  }
}

function corrupt(defect: string): ThinError {
  return new ThinError("corrupt", `mappings: ${defect}; check the pool, then repair it`);
}
