/**
 * Making a new pool. Block 0 is cleared first and written last, so there is an old pool, none, or a
 * new one.
 */
import { guardIo } from "./block-cache.ts";
import { METADATA_BLOCK_BYTES, SECTOR_BYTES } from "./metadata-block.ts";
import { METADATA_BLOCKS_MAX } from "./metadata-space-map.ts";
import { freshSuperblock, PoolMetadata } from "./pool-metadata.ts";
import type { FormatOptions } from "./pool-options.ts";
import { newBlock, requireDataBlockSectors } from "./superblock.ts";
import { ThinError } from "./thin-error.ts";

const CACHE_BYTES = 2 ** 20;
/** Superblock, index, seven trees and bitmaps, and as many again for the first transaction. */
const METADATA_BLOCKS_MIN = 32;

export function formatPool({ metadata, data, dataBlockSectors }: FormatOptions): void {
  requireDataBlockSectors(dataBlockSectors, "invalid-argument");
  const dataBlockCount = Math.floor(data.sizeBytes / (dataBlockSectors * SECTOR_BYTES));
  const deviceBlocks = Math.floor(metadata.sizeBytes / METADATA_BLOCK_BYTES);
  const metadataBlockCount = Math.min(deviceBlocks, METADATA_BLOCKS_MAX);
  if (dataBlockCount === 0) {
    throw new ThinError(
      "invalid-argument", `the data device of ${data.sizeBytes} bytes holds no chunk`
    );
  }
  const pool = PoolMetadata.create(
    metadata, freshSuperblock(dataBlockSectors, metadataBlockCount), CACHE_BYTES,
  );
  if (metadataBlockCount < METADATA_BLOCKS_MIN) rejectSmall(metadata.sizeBytes);
  guardIo("clearing the superblock", () => {
    metadata.write(0, newBlock());
    metadata.flush();
  });
  try {
    pool.data.grow(dataBlockCount);
    pool.commit();
  } catch (error) {
    if (error instanceof ThinError && error.code === "metadata-full") {
      rejectSmall(metadata.sizeBytes);
    }
    throw error;
  }
}

function rejectSmall(sizeBytes: number): never {
  throw new ThinError(
    "invalid-argument",
    `${sizeBytes} bytes of metadata are too few for this pool; LVM gives 2 MiB at least`,
  );
}
