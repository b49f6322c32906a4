/** The leaves of one tree from left to right, with one node of memory for each level. */
import { DEPTH_MAX } from "./btree.ts";
import { childAt, entryCount, isLeaf } from "./btree-node.ts";
import type { NodeBytes } from "./btree-node.ts";
import { newNode } from "./node-reader.ts";
import type { NodeReader } from "./node-reader.ts";
import { ThinError } from "./thin-error.ts";

export interface TreeToRead {
  /** For messages. */
  readonly name: string;
  readonly root: number;
  readonly valueSize: number;
}

interface Level {
  readonly node: NodeBytes;
  /** The child to go to next. */
  index: number;
}

export class LeafCursor {
  /** The leaf that `next` found; good until the next one. */
  view: DataView;
  count = 0;
  readonly #nodes: NodeReader;
  readonly #tree: TreeToRead;
  readonly #levels: Level[] = [];
  #depth = 0;
  #started = false;

  constructor(nodes: NodeReader, tree: TreeToRead) {
    this.#nodes = nodes;
    this.#tree = tree;
    this.view = this.#level(0).node.view;
  }

  /** Go to the next leaf that has entries. Throws "corrupt" at the first damage. */
  next(): boolean {
    for (;;) {
      const child = this.#nextChild();
      if (child < 0) return false;
      const level = this.#level(this.#depth);
      this.#read(child, level);
      level.index = 0;
      if (!isLeaf(level.node.view)) {
        this.#depth += 1;
        continue;
      }
      this.view = level.node.view;
      this.count = entryCount(this.view);
      if (this.count > 0) return true;
    }
  }

  /** The block to read into the level that `#depth` is then; -1 at the end. */
  #nextChild(): number {
    if (!this.#started) {
      this.#started = true;
      return this.#tree.root;
    }
    while (this.#depth > 0) {
      const parent = this.#levels[this.#depth - 1]!;
      if (parent.index < entryCount(parent.node.view)) {
        parent.index += 1;
        return childAt(parent.node.view, parent.index - 1);
      }
      this.#depth -= 1;
    }
    return -1;
  }

  #level(depth: number): Level {
    if (depth > DEPTH_MAX) {
      throw new ThinError("corrupt", `${this.#tree.name}: deeper than a tree can be`);
    }
    return (this.#levels[depth] ??= { node: newNode(), index: 0 });
  }

  #read(block: number, level: Level): void {
    const { name, valueSize } = this.#tree;
    const defect = this.#nodes.read(block, level.node, valueSize);
    if (defect === undefined) return;
    throw new ThinError("corrupt", `${name}: ${defect}; check the pool, then repair it`);
  }
}
