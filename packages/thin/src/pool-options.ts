/** The plain data that goes into and comes out of a pool. */
import type { BlockDevice } from "./block-device.ts";
import type { MappingJournal } from "./mapping-journal.ts";

export interface FormatOptions {
  readonly metadata: BlockDevice;
  readonly data: BlockDevice;
  /** Chunk size in sectors of 512 bytes: 128 to 2,097,152 in steps of 128. Fixed for life. */
  readonly dataBlockSectors: number;
}

/**
 * What a discard does: nothing at all, unmap, or unmap and also tell the data device once the
 * unmapping is durable. The words are LVM's.
 */
export type DiscardMode = "ignore" | "nopassdown" | "passdown";

export interface OpenOptions {
  readonly metadata: BlockDevice;
  readonly data: BlockDevice;
  /** Without it, the death of the process loses what the last commit did not make durable. */
  readonly journal?: MappingJournal;
  /** Fill the rest of a new chunk with zeros, so that no old data shows through. Default true. */
  readonly zeroNewBlocks?: boolean;
  /** Default "passdown". */
  readonly discards?: DiscardMode;
  /** Refuse every change. Default false. */
  readonly readOnly?: boolean;
  /** The same, with a reason to give to who is refused. */
  readonly readOnlyBecause?: string;
  /** Memory for cached metadata blocks; default 128 MiB, taken as needed. */
  readonly cacheBytes?: number;
  /** When given, a pool with another chunk size is refused, as the kernel does. */
  readonly dataBlockSectors?: number;
}

/**
 * - `write`: all is well.
 * - `out-of-data-space`: a write found no free chunk. Reads and writes to chunks of one's own go
 *   on.
 * - `read-only`: a commit failed, the superblock says needs_check, or it was opened so.
 * - `failed`: after a failed commit the metadata could not even be read back.
 */
export type PoolMode = "write" | "out-of-data-space" | "read-only" | "failed";

export interface PoolStatus {
  readonly mode: PoolMode;
  readonly needsCheck: boolean;
  readonly transactionId: number;
  /** The snapshot clock. */
  readonly time: number;
  readonly dataBlockSectors: number;
  readonly usedDataBlocks: number;
  readonly totalDataBlocks: number;
  /** Blocks of 4096 bytes. Includes the reserve, as the kernel's status line and LVM's Meta% do. */
  readonly usedMetadataBlocks: number;
  readonly totalMetadataBlocks: number;
  /** Blocks that really hold something. */
  readonly allocatedMetadataBlocks: number;
  /** min(total / 4, 1024): the kernel raises an event when fewer are free. */
  readonly metadataLowWaterBlocks: number;
  /** Block of the metadata snapshot; undefined when none is held. */
  readonly heldRoot: number | undefined;
  /** Something changed that the next commit has to make durable. */
  readonly dirty: boolean;
  /** Discards that the data device refused; they cost space on it, never data. */
  readonly passdownFailures: number;
}

export interface DeviceStatus {
  readonly deviceId: number;
  readonly mappedBlocks: number;
  /** Highest mapped virtual block; undefined when nothing is mapped. */
  readonly highestMappedBlock: number | undefined;
  /** The pool's transaction id when the device was created. */
  readonly transactionId: number;
  readonly creationTime: number;
  readonly snapshottedTime: number;
}

/** A message to the pool, in dm-thin's sense. */
export type PoolMessage =
  | { readonly kind: "create-thin"; readonly deviceId: number }
  | { readonly kind: "create-snapshot"; readonly deviceId: number; readonly originId: number }
  | { readonly kind: "delete"; readonly deviceId: number }
  | { readonly kind: "set-transaction-id"; readonly from: number; readonly to: number };
