/**
 * The mappings of one device as runs: consecutive in the device and in the pool, and of one time.
 */
import { keyAt, valueAt } from "./btree-node.ts";
import type { LeafCursor } from "./leaf-cursor.ts";
import { mappingDataBlock, mappingTime } from "./mapping.ts";

export class MappingRuns {
  /** The run that `next` found; length 0 at the end. */
  begin = 0;
  dataBegin = 0;
  length = 0;
  time = 0;
  readonly #leaves: LeafCursor;
  #index = 0;

  constructor(leaves: LeafCursor) {
    this.#leaves = leaves;
  }

  /** Go to the next run, which is as long as can be. */
  next(): boolean {
    const leaves = this.#leaves;
    this.length = 0;
    for (;;) {
      if (this.#index >= leaves.count) {
        leaves.count = 0;
        this.#index = 0;
        if (!leaves.next()) return this.length > 0;
      }
      const { view } = leaves;
      for (let index = this.#index; index < leaves.count; index++) {
        if (this.#extend(view, index)) continue;
        this.#index = index;
        return true;
      }
      this.#index = leaves.count;
    }
  }

  /** Drop the first blocks of the run. */
  skip(count: number): void {
    this.begin += count;
    this.dataBegin += count;
    this.length -= count;
  }

  #extend(view: DataView, index: number): boolean {
    const key = keyAt(view, index);
    const at = valueAt(view, index);
    const data = mappingDataBlock(view, at);
    const time = mappingTime(view, at);
    if (this.length === 0) {
      this.begin = key;
      this.dataBegin = data;
      this.time = time;
    } else if (
      key !== this.begin + this.length || data !== this.dataBegin + this.length || time !== this.time
    ) {
      return false;
    }
    this.length += 1;
    return true;
  }
}
