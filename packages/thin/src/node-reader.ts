/**
 * Reads nodes of trees that may be damaged, one at a time, into memory of the caller. What is wrong
 * with a node is an answer here, not an exception.
 */
import type { BlockDevice } from "./block-device.ts";
import { entryCount, isLeaf, nodeDefect, valueBytes } from "./btree-node.ts";
import type { NodeBytes } from "./btree-node.ts";
import { blockDefect, blockKind, METADATA_BLOCK_BYTES, viewOf } from "./metadata-block.ts";
import { METADATA_BLOCKS_MAX } from "./metadata-space-map.ts";
import { newBlock } from "./superblock.ts";

/** Memory for one node. */
export function newNode(): NodeBytes {
  const bytes = newBlock();
  return { bytes, view: viewOf(bytes) };
}

export class NodeReader {
  /** Blocks that the device has; none is read beyond. */
  readonly blockCount: number;
  readonly #device: BlockDevice;

  constructor(device: BlockDevice) {
    this.#device = device;
    this.blockCount =
      Math.min(Math.floor(device.sizeBytes / METADATA_BLOCK_BYTES), METADATA_BLOCKS_MAX);
  }

  /** Fill `target`. Undefined when it is a sound node whose leaf values have `valueSize` bytes. */
  read(block: number, target: NodeBytes, valueSize: number): string | undefined {
    if (block === 0 || block >= this.blockCount) return `metadata block ${block} cannot be a node`;
    try {
      this.#device.read(block * METADATA_BLOCK_BYTES, target.bytes);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return `metadata block ${block} cannot be read: ${reason}`;
    }
    const defect =
      blockDefect(target.bytes, target.view, blockKind.node, block) ??
      nodeDefect(target.view) ?? shapeDefect(target.view, valueSize);
    return defect === undefined ? undefined : `metadata block ${block}: ${defect}`;
  }
}

function shapeDefect(view: DataView, valueSize: number): string | undefined {
  if (!isLeaf(view)) return entryCount(view) === 0 ? "an internal node without children" : undefined;
  const found = valueBytes(view);
  return found === valueSize ? undefined : `values of ${found} bytes, not ${valueSize}`;
}
