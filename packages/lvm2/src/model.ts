/**
 * A volume group as plain immutable data. Sizes are in extents or sectors of 512 bytes, as in the
 * text; times are seconds since 1970. `extra` holds the entries of newer or foreign versions of LVM
 * that mean nothing here: they are written back as they were read.
 *
 * References are by name, as in the text: a segment names its physical volume by `key` ("pv0"), a
 * thin volume its pool by name.
 */

import type { ConfigEntry } from "./config-tree.ts";

export type AllocationPolicy =
  "contiguous" | "cling" | "cling_by_tags" | "normal" | "anywhere" | "inherit";
export type Discards = "ignore" | "nopassdown" | "passdown";

export interface VolumeGroup {
  readonly name: string;
  /** 32 characters in the 6-4-4-4-4-4-6 form. */
  readonly id: string;
  /**
   * Number of this version of the text. `withNextSeqno` before each commit; 0 = never committed.
   */
  readonly seqno: number;
  readonly format: string;
  readonly status: readonly string[];
  readonly flags: readonly string[];
  readonly tags: readonly string[];
  readonly systemId: string;
  readonly lockType: string;
  readonly extentSectors: number;
  /** 0 = no limit. */
  readonly maxLv: number;
  readonly maxPv: number;
  readonly allocationPolicy: AllocationPolicy;
  readonly metadataCopies: number;
  readonly physicalVolumes: readonly PhysicalVolume[];
  /** In creation order; the text lists the visible ones first. */
  readonly logicalVolumes: readonly LogicalVolume[];
  readonly extra: readonly ConfigEntry[];
}

export interface PhysicalVolume {
  /** Section name in the text: pv0, pv1, … */
  readonly key: string;
  readonly id: string;
  /** Last known device name: a hint only. */
  readonly device: string;
  readonly status: readonly string[];
  readonly flags: readonly string[];
  readonly tags: readonly string[];
  readonly deviceSectors: number;
  readonly extentStartSectors: number;
  readonly extentCount: number;
  readonly extra: readonly ConfigEntry[];
}

export interface LogicalVolume {
  readonly name: string;
  readonly id: string;
  readonly status: readonly string[];
  readonly flags: readonly string[];
  readonly tags: readonly string[];
  /** 0 = not recorded. */
  readonly creationTime: number;
  readonly creationHost: string;
  readonly allocationPolicy: AllocationPolicy;
  readonly extra: readonly ConfigEntry[];
  readonly segments: readonly Segment[];
}

interface SegmentBase {
  readonly startExtent: number;
  readonly extentCount: number;
  readonly tags: readonly string[];
  readonly extra: readonly ConfigEntry[];
}

/** Linear when there is one stripe. Each stripe covers extentCount / stripes.length extents. */
export interface StripedSegment extends SegmentBase {
  readonly type: "striped";
  readonly stripes: readonly Stripe[];
  /** 0 when linear. */
  readonly stripeSectors: number;
}

/** `target` is the key of a physical volume, or the name of an LV under this one. */
export interface Stripe {
  readonly target: string;
  readonly startExtent: number;
}

export interface ThinPoolSegment extends SegmentBase {
  readonly type: "thin-pool";
  readonly metadataLv: string;
  readonly dataLv: string;
  readonly transactionId: number;
  readonly chunkSectors: number;
  readonly discards: Discards;
  readonly zeroNewBlocks: boolean;
  /** Queued for the pool; delivered together with the step to `transactionId`. */
  readonly messages: readonly PoolMessage[];
}

export type PoolMessage =
  | { readonly kind: "create"; readonly lv: string }
  | { readonly kind: "delete"; readonly deviceId: number };

export interface ThinSegment extends SegmentBase {
  readonly type: "thin";
  readonly pool: string;
  /** The pool's transaction before the one that made this LV. */
  readonly transactionId: number;
  readonly deviceId: number;
  /** The LV this is a snapshot of, while that exists. */
  readonly origin: string | undefined;
  /** The LV that this snapshot replaces when that is activated next. */
  readonly mergeInto?: string | undefined;
}

/** A segment type that is carried but not understood: its LV is refused any change. */
export interface OpaqueSegment extends SegmentBase {
  readonly type: "opaque";
  /** The type as the text has it, flags included: "raid1", "thin-pool+CROP_METADATA". */
  readonly textType: string;
}

export type Segment = StripedSegment | ThinPoolSegment | ThinSegment | OpaqueSegment;

/** An LV known to be a pool, with its one segment. */
export interface ThinPool {
  readonly lv: LogicalVolume;
  readonly segment: ThinPoolSegment;
}

/** An LV known to be a thin volume, with its one segment. */
export interface ThinVolume {
  readonly lv: LogicalVolume;
  readonly segment: ThinSegment;
}

/** Whence new ids and dates come; the model has neither clock nor randomness of its own. */
export interface Provenance {
  readonly random: (byteCount: number) => Uint8Array;
  /** Seconds since 1970. */
  readonly now: number;
  readonly host: string;
}
