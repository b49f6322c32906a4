/** What nodes do with thin pools, logical volumes and the mounts of bricks. */
import type { BrickStorage, StorageFacts } from "./brick-storage.ts";

export interface PoolFacts {
  /** `ok`, or what is wrong with it. */
  readonly state: "ok" | "read-only" | "out-of-data" | "needs-check" | "failed" | "inactive";
  readonly dataPercent: number;
  readonly metadataPercent: number;
  /** Absent of one that is not active. */
  readonly sizeBytes?: number;
  readonly usedBytes?: number;
}

/** How much of its pool a thin LV has; whole chunks. */
export interface LvSpace {
  readonly lv: string;
  readonly mappedBytes: number;
  /** What removing this one alone frees. */
  readonly exclusiveBytes: number;
  /** The rest: other LVs have it as well. */
  readonly sharedBytes: number;
}

export interface PoolReclaim {
  readonly vg: string;
  readonly pool: string;
  readonly lvs: readonly LvSpace[];
  /** By removing all of `lvs`, and nothing else. */
  readonly freedBytes: number;
}

/** A range of an LV, in bytes, whole chunks. */
export interface LvRange {
  readonly kind: "written" | "discarded";
  readonly offset: number;
  readonly length: number;
}

/** In what a thin LV differs from an earlier one of its pool. */
export interface LvDelta {
  readonly chunkBytes: number;
  readonly writtenBytes: number;
  readonly discardedBytes: number;
  readonly rangeCount: number;
  /** In ascending order; the first ones when there are more than were asked for. */
  readonly ranges: readonly LvRange[];
}

export interface StorageEffects {
  poolStatus: { args: { readonly vg: string; readonly pool: string }; result: PoolFacts };
  /** *Idempotent*. The LV's device node exists when it returns. */
  activateLv: { args: { readonly vg: string; readonly lv: string }; result: void };
  /** Unmounted everywhere before; deactivated, then removed. *Idempotent*; busy is a failure. */
  removeLv: { args: { readonly vg: string; readonly lv: string }; result: void };
  /** What removing these thin LVs frees in each of their pools. LVs that are gone are left out. */
  reclaimable: {
    args: { readonly lvs: readonly { readonly vg: string; readonly lv: string }[] };
    result: readonly PoolReclaim[];
  };
  /** From the pool's metadata alone; of an active pool as of now. */
  lvDelta: {
    args: {
      readonly vg: string;
      readonly pool: string;
      readonly from: string;
      readonly to: string;
      /** How many ranges are listed; 0 for sums only. */
      readonly rangesMax: number;
    };
    result: LvDelta;
  };
  /** As `lvs` prints them: `9.34`, `800.00m`; absent when LVM prints none. */
  lvStatus: {
    args: { readonly vg: string; readonly lv: string };
    result: { readonly dataPercent?: string; readonly size?: string; readonly sizeBytes?: number };
  };
  /**
   * Mounts an active LV, making the mount point. *Idempotent* when that LV is mounted there;
   * anything else mounted there is a failure. `nouuid` is among the options of XFS.
   */
  mountBrick: {
    args: {
      readonly vg: string;
      readonly lv: string;
      readonly mountPoint: string;
      readonly fsType: string;
      readonly mountOptions: string;
    };
    result: void;
  };
  /**
   * Unmounts the LV wherever it is mounted, and removes the emptied mount points below the node's
   * snapshot root. *Idempotent*, also when there is no such LV; busy is a failure.
   */
  unmountLv: { args: { readonly vg: string; readonly lv: string }; result: void };
  /** Nothing is changed by it. The paths are looked at for a brick that is to be made. */
  inspectStorage: {
    args: { readonly mountPoint?: string; readonly device?: string; readonly file?: string };
    result: StorageFacts;
  };
  /** A thin LV without a file system, of whole extents, marked as a brick's. *Idempotent*. */
  makeBareLv: {
    args: {
      readonly vg: string;
      readonly pool: string;
      readonly lv: string;
      readonly sizeBytes: number;
      /** A uuid. */
      readonly id: string;
    };
    result: void;
  };
  /** Makes what is not there of it, up to the mounted directory. *Idempotent*. */
  makeBrickStorage: { args: BrickStorage; result: void };
  /**
   * Unmounts it, and removes the LV and the directories, then the pool, the group and the file
   * when they carry a mark and nothing is left in them. *Idempotent*; busy is a failure.
   */
  removeBrickStorage: { args: BrickStorage; result: void };
}
