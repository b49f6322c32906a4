/**
 * The superblock, block 0 of the metadata (docs/formats/dm-thin.md, "Superblock"). All live fields
 * are in the first 364 bytes, so that one sector, which the disk writes whole, changes the pool
 * from one state to the next. The rest of the block is zero; the checksum covers all of it.
 */
import { bytes, struct, u32le, u64le } from "@mortar/binary";
import {
  blockDefect, blockKind, METADATA_BLOCK_BYTES, sealBlock, viewOf,
} from "./metadata-block.ts";
import { ThinError } from "./thin-error.ts";

export const SUPERBLOCK_MAGIC = 27022010;
export const SUPERBLOCK_VERSION = 2;
export const METADATA_BLOCK_SECTORS = 8;
export const NEEDS_CHECK = 1;

const spaceMapRootFields = {
  blockCount: u64le,
  /** Blocks with a reference count above 0. */
  allocatedCount: u64le,
  /** Data: root of the tree of index entries. Metadata: the index block. */
  bitmapRoot: u64le,
  overflowRoot: u64le,
};
const spaceMapRoot = struct("space map root", 32, spaceMapRootFields);
export type SpaceMapRoot = ReturnType<typeof spaceMapRoot.decode>;

const ROOT_BYTES = 128; // 32 are used.
const layout = struct("thin superblock", 364, {
  checksum: u32le, flags: u32le, block: u64le, uuid: bytes(16), magic: u64le, version: u32le, time: u32le,
  transactionId: u64le, heldRoot: u64le, dataSpaceMap: bytes(ROOT_BYTES),
  metadataSpaceMap: bytes(ROOT_BYTES), mappingRoot: u64le, detailsRoot: u64le, dataBlockSectors: u32le,
  metadataBlockSectors: u32le, metadataBlockCount: u64le, compatFlags: u32le, compatRoFlags: u32le,
  incompatFlags: u32le,
});

export interface Superblock {
  flags: number;
  uuid: Uint8Array;
  version: number;
  time: number;
  transactionId: number;
  /** Block of the metadata snapshot, 0 for none. */
  heldRoot: number;
  dataSpaceMap: SpaceMapRoot;
  metadataSpaceMap: SpaceMapRoot;
  mappingRoot: number;
  detailsRoot: number;
  dataBlockSectors: number;
  /** As it was when the pool was made; the metadata space map knows the size of today. */
  metadataBlockCount: number;
}

/** Fill and seal `block`; `number` is 0 but for the copy that is a metadata snapshot. */
export function encodeSuperblock(superblock: Superblock, block: Uint8Array, number: number): void {
  const view = viewOf(block);
  block.fill(0);
  layout.encode(view, 0, {
    ...superblock,
    checksum: 0,
    block: number,
    magic: SUPERBLOCK_MAGIC,
    dataSpaceMap: encodeRoot(superblock.dataSpaceMap),
    metadataSpaceMap: encodeRoot(superblock.metadataSpaceMap),
    metadataBlockSectors: METADATA_BLOCK_SECTORS,
    compatFlags: 0,
    compatRoFlags: 0,
    incompatFlags: 0,
  });
  sealBlock(block, view, blockKind.superblock, number);
}

/**
 * Read and judge a superblock as the kernel does, which looks at the magic, the checksum, the
 * feature flags and the block sizes, not at the version.
 */
export function decodeSuperblock(block: Uint8Array, number: number): Superblock {
  const view = viewOf(block);
  const where = `metadata block ${number}`;
  if (number === 0 && isZero(block)) {
    throw new ThinError(
      "unformatted", "the metadata device holds no pool: its first block is all zero"
    );
  }
  if (view.getBigUint64(layout.field.magic.offset, true) !== BigInt(SUPERBLOCK_MAGIC)) {
    throw new ThinError("corrupt", `${where} is not a thin pool superblock: wrong magic number`);
  }
  const defect = blockDefect(block, view, blockKind.superblock, number);
  if (defect) {
    throw new ThinError("corrupt", `superblock in ${where}: ${defect}; run thin_repair on it`);
  }
  try {
    return checkSuperblock(layout.decode(view, 0));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ThinError("corrupt", `superblock in ${where}: ${error.message}`, { cause: error });
  }
}

function checkSuperblock(raw: ReturnType<typeof layout.decode>): Superblock {
  if (raw.incompatFlags !== 0 || raw.compatRoFlags !== 0) {
    throw new ThinError(
      "unsupported",
      `the pool uses features unknown here (incompatible ${raw.incompatFlags}, ` +
        `read-only compatible ${raw.compatRoFlags})`,
    );
  }
  if (raw.metadataBlockSectors !== METADATA_BLOCK_SECTORS) {
    throw new ThinError(
      "unsupported", `metadata blocks of ${raw.metadataBlockSectors} sectors, not 8`
    );
  }
  requireDataBlockSectors(raw.dataBlockSectors, "corrupt");
  return {
    flags: raw.flags,
    uuid: Uint8Array.from(raw.uuid),
    version: raw.version,
    time: raw.time,
    transactionId: raw.transactionId,
    heldRoot: raw.heldRoot,
    dataSpaceMap: decodeRoot(raw.dataSpaceMap),
    metadataSpaceMap: decodeRoot(raw.metadataSpaceMap),
    mappingRoot: raw.mappingRoot,
    detailsRoot: raw.detailsRoot,
    dataBlockSectors: raw.dataBlockSectors,
    metadataBlockCount: raw.metadataBlockCount,
  };
}

const DATA_BLOCK_SECTORS_MIN = 128;
const DATA_BLOCK_SECTORS_MAX = 2_097_152;

export function requireDataBlockSectors(
  sectors: number, code: "corrupt" | "invalid-argument",
): void {
  const fits =
    sectors >= DATA_BLOCK_SECTORS_MIN && sectors <= DATA_BLOCK_SECTORS_MAX &&
    sectors % DATA_BLOCK_SECTORS_MIN === 0;
  if (fits) return;
  throw new ThinError(
    code,
    `a chunk has 64 KiB to 1 GiB in steps of 64 KiB, which ${sectors} sectors of 512 bytes are not`,
  );
}

export function isZero(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0);
}

/** Memory for one. */
export function newBlock(): Uint8Array {
  return new Uint8Array(METADATA_BLOCK_BYTES);
}

function encodeRoot(root: SpaceMapRoot): Uint8Array {
  const encoded = new Uint8Array(ROOT_BYTES);
  spaceMapRoot.encode(viewOf(encoded), 0, root);
  return encoded;
}

function decodeRoot(encoded: Uint8Array): SpaceMapRoot {
  return spaceMapRoot.decode(viewOf(encoded), 0);
}
