/**
 * What a server is told to serve: plain JSON, kept as RUN/pools/VG-POOL/spec.json so that a server
 * that was started again finds it. Offsets and lengths are bytes, everything is at least sector
 * aligned.
 */

import type { PoolProtection } from "./protection.ts";

/**
 * A physical volume: `name` is its key inside the VG ("pv0"), `path` a block device or a plain
 * file.
 */
export interface DeviceSpec {
  readonly name: string;
  readonly path: string;
}

export interface StripePlace {
  readonly device: string;
  readonly deviceOffsetBytes: number;
}

/**
 * A run of bytes of one device; with `striped`, the first of several that take turns. The length is
 * that of all together: see segment-stripes.ts.
 */
export interface SegmentSpec extends StripePlace {
  readonly lengthBytes: number;
  readonly striped?:
    | { readonly stripeBytes: number; readonly more: readonly StripePlace[] }
    | undefined;
}

/** A thin LV to serve. `name` is the LV's name, and the name of its file in the mount. */
export interface VolumeSpec {
  readonly name: string;
  readonly deviceId: number;
  readonly sizeBytes: number;
  readonly readOnly: boolean;
}

/**
 * LVM's thin pool messages. A snapshot is a `create` with an origin in the text; here it is named.
 */
export type PoolMessage =
  | { readonly kind: "create"; readonly deviceId: number }
  | { readonly kind: "snapshot"; readonly deviceId: number; readonly originId: number }
  | { readonly kind: "delete"; readonly deviceId: number };

export type Discards = "ignore" | "nopassdown" | "passdown";

export interface ThinPoolSpec {
  readonly kind: "thin-pool";
  readonly vgName: string;
  readonly poolName: string;
  /** The pool LV's UUID: two specs with one UUID speak of the same pool. */
  readonly uuid: string;
  /**
   * False: LVs are reached by NBD alone, which takes no privileges. Otherwise they are files of a
   * FUSE mount too.
   */
  readonly mount?: boolean | undefined;
  readonly devices: readonly DeviceSpec[];
  /** X_tmeta and X_tdata, in order. */
  readonly metadata: readonly SegmentSpec[];
  readonly data: readonly SegmentSpec[];
  readonly chunkSectors: number;
  readonly zeroNewBlocks: boolean;
  readonly discards: Discards;
  readonly errorWhenFull: boolean;
  /** The transaction id of the VG text: the pool's must equal it, or be one less. */
  readonly transactionId: number;
  /** Pending messages of the VG text; performed at start if the pool is one transaction behind. */
  readonly messages: readonly PoolMessage[];
  readonly volumes: readonly VolumeSpec[];
  /** Absent: DEFAULT_PROTECTION. */
  readonly protection?: PoolProtection | undefined;
}

/**
 * A linear LV with its segments; `deviceId` is any number that is unique in the spec and stays the
 * LV's.
 */
export interface LinearVolumeSpec extends VolumeSpec {
  readonly segments: readonly SegmentSpec[];
}

/** Linear LVs served without a pool (fragmented ones, which no single loop device can show). */
export interface LinearSpec {
  readonly kind: "linear";
  readonly vgName: string;
  /** The name of the run directory's second half, "_linear". */
  readonly poolName: string;
  readonly uuid: string;
  readonly mount?: boolean | undefined;
  readonly devices: readonly DeviceSpec[];
  readonly volumes: readonly LinearVolumeSpec[];
}

export type PoolSpec = ThinPoolSpec | LinearSpec;
