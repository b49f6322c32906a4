/**
 * How many snapshots a pool's metadata has room for, when a hundredth of what is mapped changes
 * between two of them.
 *
 * Changed chunks that lie side by side share the leaves that have to be copied; changes all over a
 * volume may copy a leaf each. What a pool needs lies between the two.
 */
import type { EngineStatus } from "@mortar/pool";

export interface SnapshotCapacity {
  readonly sideBySide: number;
  readonly scattered: number;
}

const METADATA_BLOCK_BYTES = 4096;
/** Mappings of a full leaf, and of one after it was split. */
const LEAF_MAX = 252;
const LEAF_SPLIT = 126;
const CHANGED_SHARE = 0.01;

/** `growthBytes`: by how much the metadata could still be extended. */
export function snapshotCapacity(status: EngineStatus, growthBytes: number): SnapshotCapacity {
  const mapped = status.dataUsedBlocks;
  const levels = mapped <= LEAF_MAX ? 1 : Math.ceil(Math.log(mapped) / Math.log(LEAF_SPLIT));
  const changed = Math.ceil(mapped * CHANGED_SHARE);
  const leaves = Math.ceil(mapped / LEAF_SPLIT);
  const free =
    status.metadataTotalBlocks - status.metadataUsedBlocks +
    Math.floor(growthBytes / METADATA_BLOCK_BYTES);
  const fit = (copied: number): number => Math.max(Math.floor(free / (copied + levels)), 0);
  return {
    sideBySide: fit(Math.ceil(changed / LEAF_SPLIT)),
    scattered: fit(Math.min(leaves, changed)),
  };
}
