/**
 * Every metadata block is 4096 bytes and begins so (docs/formats/dm-thin.md, "Blocks"):
 *
 * | at | bytes | |
 * |---|---|---|
 * | 0 | 4 | CRC-32C of bytes 4..4095 from 0xFFFFFFFF, not inverted, xor a salt by kind: bit rot, wrong kind |
 * | 4 | 4 | flags or padding |
 * | 8 | 8 | the block's own number: misdirected reads and writes |
 */
import { crc32c, writeU64le } from "@mortar/binary";

export const METADATA_BLOCK_BYTES = 4096;
export const SECTOR_BYTES = 512;

/**
 * What a metadata block holds. The value is the checksum salt, by which a block can be recognised.
 */
export const blockKind = { superblock: 160774, node: 121107, bitmap: 240779, index: 160478 } as const;
export type BlockKind = (typeof blockKind)[keyof typeof blockKind];

export function blockKindName(kind: BlockKind): string {
  for (const [name, salt] of Object.entries(blockKind)) if (salt === kind) return name;
  return "unknown";
}

export function viewOf(block: Uint8Array): DataView {
  return new DataView(block.buffer, block.byteOffset, block.length);
}

/** Write block number and checksum: the last thing before a block goes to the disk. */
export function sealBlock(
  block: Uint8Array, view: DataView, kind: BlockKind, number: number,
): void {
  writeU64le(view, 8, number);
  view.setUint32(0, checksum(block, kind), true);
}

/** Undefined when the block is what it should be, else what is wrong with it. */
export function blockDefect(
  block: Uint8Array, view: DataView, kind: BlockKind, number: number,
): string | undefined {
  const expected = checksum(block, kind);
  const found = view.getUint32(0, true);
  if (found !== expected) {
    return `checksum is ${found.toString(16)}, should be ${expected.toString(16)}`;
  }
  if (view.getUint32(8, true) + view.getUint32(12, true) * 4_294_967_296 !== number) {
    return `says it is block ${view.getBigUint64(8, true)}`;
  }
  return undefined;
}

function checksum(block: Uint8Array, kind: BlockKind): number {
  return (crc32c(block, 4, METADATA_BLOCK_BYTES) ^ kind) >>> 0;
}
