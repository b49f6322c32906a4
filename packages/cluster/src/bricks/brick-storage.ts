/**
 * The storage below a brick that Mortar makes, as nodes are asked for it.
 *
 *     device or file → volume group → thin pool → thin LV → XFS → mount point → brick directory
 *
 * Everything that is made carries a mark: the LV the tag `mortar_brick_ID`, the file system the id
 * as its uuid, a pool `mortar_bricks`, a group `mortar_bricks` and, of a file, `mortar_brick_file`.
 * What carries none is never removed.
 */

/** What one brick is made of; the args of the effects that make and remove it. */
export interface BrickStorage {
  /** A uuid. */
  readonly id: string;
  readonly path: string;
  readonly mountPoint: string;
  readonly vg: string;
  readonly pool: string;
  readonly lv: string;
  readonly sizeBytes: number;
  /** For a group that is not there. */
  readonly device?: string;
  readonly file?: { readonly path: string; readonly sizeBytes: number };
  /** For a pool that is not there; absent: all that is free. */
  readonly poolSizeBytes?: number;
}

export interface PoolRoom {
  readonly name: string;
  readonly sizeBytes: number;
  /** Sizes of its thin LVs together: what it may have to hold. */
  readonly promisedBytes: number;
}

export interface GroupRoom {
  readonly name: string;
  readonly freeBytes: number;
  /** Another node of this machine serves it. */
  readonly elsewhere: boolean;
  readonly pools: readonly PoolRoom[];
  /** Names of its visible LVs, pools included. */
  readonly lvs: readonly string[];
}

/** What is known of a node before a brick is made there. */
export interface StorageFacts {
  /** Where bricks are mounted whose place nobody named. */
  readonly bricksDirectory: string;
  readonly groups: readonly GroupRoom[];
  /** Why nothing can be mounted at the mount point that was asked about. */
  readonly mountPointRefusal?: string;
  /** Why the device, or the file, that was asked about cannot be used. */
  readonly deviceRefusal?: string;
  readonly fileRefusal?: string;
}
