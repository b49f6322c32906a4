/**
 * How big a thin pool's chunks and metadata should be, by LVM's rules.
 *
 * Metadata is estimated at 64 bytes a chunk. When no chunk size is given it starts at 64 KiB and
 * doubles while the estimate exceeds 128 MiB. What results is rounded up to whole extents, and held
 * between 2 MiB and the most that a pool can address.
 */

import { Lvm2Error } from "./errors.ts";
import { formatSize } from "./size-print.ts";

const CHUNK_MIN = 128; // sectors: 64 KiB
const CHUNK_MAX = 2_097_152; // 1 GiB
const LARGE_CHUNK = 1024; // 512 KiB, above which zeroing is slow
const METADATA_MIN = 4096; // 2 MiB
const METADATA_OPTIMAL = 262_144; // 128 MiB
/** 255 bitmap blocks of 16320 blocks of 4 KiB, in sectors. */
export const METADATA_MAX_SECTORS = 255 * 16_320 * 8;
/** Chunks that one sector of metadata can map: 512 / 64. */
const CHUNKS_PER_SECTOR = 8;
const CHUNK_STEP_AT_LARGE = 2048; // LVM rounds a large estimate up to 1 MiB

export interface PoolSizing {
  readonly chunkSectors: number;
  readonly metadataExtentCount: number;
  /** What LVM prints on standard output: how much the chunk size can address. */
  readonly notice: string;
  /** What LVM prints on standard error. */
  readonly warnings: readonly string[];
}

export function checkChunkSectors(chunkSectors: number): void {
  const size = formatSize(chunkSectors, { long: true });
  if (!(chunkSectors >= CHUNK_MIN && chunkSectors <= CHUNK_MAX)) {
    const [min, max] = [
      formatSize(CHUNK_MIN, { long: true }),
      formatSize(CHUNK_MAX, { long: true }),
    ];
    throw new Lvm2Error(
      "bad-chunk-size",
      `Thin pool chunk size ${size} is not in the range ${min} to ${max}.`,
    );
  }
  if (chunkSectors % CHUNK_MIN !== 0) {
    const step = formatSize(CHUNK_MIN, { long: true });
    throw new Lvm2Error(
      "bad-chunk-size",
      `Thin pool chunk size ${size} must be a multiple of ${step}.`,
    );
  }
}

export function choosePoolSizing(request: {
  readonly dataExtentCount: number;
  readonly extentSectors: number;
  readonly chunkSectors?: number | undefined;
  readonly metadataExtentCount?: number | undefined;
  readonly zeroNewBlocks?: boolean | undefined;
}): PoolSizing {
  const { extentSectors } = request;
  const dataSectors = request.dataExtentCount * extentSectors;
  if (request.chunkSectors !== undefined) checkChunkSectors(request.chunkSectors);
  const warnings: string[] = [];
  const size = (sectors: number): string => formatSize(sectors, { long: true });

  let chunkSectors = request.chunkSectors ?? CHUNK_MIN;
  let metadataSectors: number;
  if (request.metadataExtentCount) {
    metadataSectors = request.metadataExtentCount * extentSectors;
    const suggested = chunkFor(dataSectors, metadataSectors);
    if (request.chunkSectors === undefined) chunkSectors = suggested;
    else if (chunkSectors < suggested) {
      warnings.push(
        `WARNING: Chunk size is smaller then suggested minimum size ${size(suggested)}.`,
      );
    }
  } else {
    metadataSectors = metadataFor(dataSectors, chunkSectors);
    if (request.chunkSectors === undefined) {
      while (metadataSectors > METADATA_OPTIMAL && chunkSectors < CHUNK_MAX) {
        chunkSectors *= 2;
        metadataSectors = Math.floor(metadataSectors / 2);
      }
    } else if (metadataSectors > METADATA_MAX_SECTORS) {
      const suggested = size(chunkFor(dataSectors, METADATA_MAX_SECTORS));
      warnings.push(
        `WARNING: Chunk size is too small for pool, suggested minimum is ${suggested}.`,
      );
    }
  }
  metadataSectors = Math.min(Math.max(metadataSectors, METADATA_MIN), METADATA_MAX_SECTORS);

  const addressable = METADATA_MAX_SECTORS * chunkSectors * CHUNKS_PER_SECTOR;
  if (Math.floor(addressable / extentSectors) < request.dataExtentCount) {
    throw new Lvm2Error(
      "chunk-too-small",
      `Selected chunk size ${size(chunkSectors)} cannot address more than ` +
        `${size(addressable)} of thin pool data space.`,
    );
  }
  if (chunkSectors > dataSectors) {
    throw new Lvm2Error(
      "chunk-too-large",
      `Size of thin-pool data volume cannot be smaller than chunk size ${size(chunkSectors)}.`,
    );
  }
  if (request.zeroNewBlocks !== false && chunkSectors >= LARGE_CHUNK) {
    warnings.push(
      `WARNING: Pool zeroing and ${size(chunkSectors)} large chunk size slows down thin provisioning.`,
      `WARNING: Consider disabling zeroing (-Zn) or using smaller chunk size (<${size(LARGE_CHUNK)}).`,
    );
  }
  return {
    chunkSectors,
    metadataExtentCount: Math.ceil(metadataSectors / extentSectors),
    notice:
      `Thin pool volume with chunk size ${size(chunkSectors)} can address at most ` +
      `${size(addressable)} of data.`,
    warnings,
  };
}

function metadataFor(dataSectors: number, chunkSectors: number): number {
  return Math.floor(dataSectors / (chunkSectors * CHUNKS_PER_SECTOR));
}

/** The chunk size at which `metadataSectors` can map all of the data. */
function chunkFor(dataSectors: number, metadataSectors: number): number {
  let chunk = metadataFor(dataSectors, metadataSectors);
  if (chunk > CHUNK_STEP_AT_LARGE - 1)
    chunk = Math.ceil(chunk / CHUNK_STEP_AT_LARGE) * CHUNK_STEP_AT_LARGE;
  else if (chunk > 1) chunk = 2 ** Math.ceil(Math.log2(chunk));
  return Math.min(Math.max(chunk, CHUNK_MIN), CHUNK_MAX);
}
