/**
 * How a pool is kept from running full, and what happens when it does. Part of a PoolSpec; every
 * member may be left out.
 */
export interface PoolProtection {
  /** Fill of data or metadata in percent above which the pool is to grow. 100: it never is. */
  readonly thresholdPercent: number;
  /** Makes the pool larger: program and arguments, run without a shell. Empty: nobody does. */
  readonly extendCommand: readonly string[];
  /** How long writes wait for room in a full pool. 0: they fail at once. */
  readonly noSpaceTimeoutMs: number;
  readonly backups?: MetadataBackups | undefined;
}

/** Copies of the pool's metadata, made while it runs. */
export interface MetadataBackups {
  /** Of this pool alone. Made when it is not there. */
  readonly directory: string;
  /** So many; the oldest goes. */
  readonly keep: number;
  readonly everyMs: number;
}

/** LVM's example value; its default of 100 leaves pools to run full. */
export const THRESHOLD_PERCENT = 80;
/** dm-thin's no_space_timeout. */
export const NO_SPACE_TIMEOUT_MS = 60_000;

export const DEFAULT_PROTECTION: PoolProtection = {
  thresholdPercent: THRESHOLD_PERCENT,
  extendCommand: [],
  noSpaceTimeoutMs: NO_SPACE_TIMEOUT_MS,
};
