/**
 * Copy on write for metadata blocks. A block of the committed state is never changed: `shadow`
 * gives a copy in a new block, takes one reference off the old one, and says whether the old one
 * stays in use by somebody else, in which case what the copy refers to is referred to once more.
 */
import type { BlockCache, Frame } from "./block-cache.ts";
import type { BlockKind } from "./metadata-block.ts";
import type { MetadataSpaceMap } from "./metadata-space-map.ts";

export class Transaction {
  readonly cache: BlockCache;
  readonly spaceMap: MetadataSpaceMap;
  /** Whether the block that `shadow` was last called for is still in use elsewhere. */
  stillShared = false;
  /** Something changed since the last commit. */
  dirty = false;

  constructor(cache: BlockCache, spaceMap: MetadataSpaceMap) {
    this.cache = cache;
    this.spaceMap = spaceMap;
  }

  read(block: number, kind: BlockKind): Frame {
    return this.cache.read(block, kind);
  }

  /** A new block of undefined content with one reference. */
  create(kind: BlockKind): Frame {
    this.dirty = true;
    return this.cache.create(this.spaceMap.allocate(), kind);
  }

  /**
   * A writable frame with the content of `block`: itself if nobody else can see it, else a copy.
   */
  shadow(block: number, kind: BlockKind): Frame {
    const { cache, spaceMap } = this;
    const source = cache.read(block, kind);
    const shared = spaceMap.counts[block]! > 1;
    this.stillShared = shared;
    this.dirty = true;
    if (!shared && spaceMap.isFresh(block)) {
      if (!source.dirty) cache.markDirty(source);
      return source;
    }
    const copy = cache.create(spaceMap.allocate(), kind);
    copy.bytes.set(source.bytes);
    this.release(block);
    return copy;
  }

  /** Drop one reference; the count that is left. */
  release(block: number): number {
    this.dirty = true;
    const left = this.spaceMap.decrement(block);
    if (left === 0) this.cache.forget(block);
    return left;
  }

  retain(block: number): void {
    this.dirty = true;
    this.spaceMap.increment(block);
  }
}
