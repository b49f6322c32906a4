/** What a server tells about itself; everything that `lvs` prints comes from here. */

export type PoolMode = "write" | "out-of-data-space" | "read-only" | "failed";

export interface VolumeStatus {
  readonly name: string;
  readonly deviceId: number;
  readonly sizeBytes: number;
  readonly readOnly: boolean;
  /** How often its file is open: above 0 while a loop device or another program uses it. */
  readonly openCount: number;
  /**
   * Mapped chunks; Data% of a thin LV is `mappedBlocks * chunk size / sizeBytes`. Absent for linear
   * LVs.
   */
  readonly mappedBlocks?: number;
  /** The highest mapped chunk of the LV, null when nothing is mapped. Absent for linear LVs. */
  readonly highestMappedBlock?: number | null;
}

/**
 * The pool as dm-thin's status line has it. `metadataUsedBlocks` includes the kernel's reserve, as
 * LVM prints it.
 */
export interface EngineStatus {
  readonly transactionId: number;
  readonly mode: PoolMode;
  readonly needsCheck: boolean;
  readonly chunkSectors: number;
  readonly dataUsedBlocks: number;
  readonly dataTotalBlocks: number;
  readonly metadataUsedBlocks: number;
  readonly metadataTotalBlocks: number;
  /**
   * The errno of a flush that failed, by name: what was written is in doubt, and the pool takes no
   * changes until it is deactivated and activated again.
   */
  readonly flushFailure?: string;
  /** Block of the held metadata snapshot, null without one. */
  readonly heldRoot: number | null;
}

export interface RequestCounters {
  readonly reads: number;
  readonly readBytes: number;
  readonly writes: number;
  readonly writeBytes: number;
  readonly discards: number;
  readonly zeroes: number;
  readonly flushes: number;
  /** Of all these, how many an executor did: long ones, and those that wait for the disk. */
  readonly elsewhere: number;
  readonly errors: number;
}

export interface PoolStatus {
  readonly vgName: string;
  readonly poolName: string;
  readonly uuid: string;
  readonly serverPid: number;
  readonly holderPid: number;
  /** False while a holder is being started: until it is at work, the server must live. */
  readonly isHeld: boolean;
  /** When this server process began, and how many ran before it on this mount. */
  readonly startedAtMs: number;
  readonly restarts: number;
  /** Of this package, as the server runs it, and the directory of the modules it runs. */
  readonly version: string;
  readonly program: string;
  /** The directory with one file per active LV. */
  readonly mountPoint: string;
  /** Absent for a server of linear LVs. */
  readonly pool?: EngineStatus;
  readonly volumes: readonly VolumeStatus[];
  readonly requests: RequestCounters;
}
