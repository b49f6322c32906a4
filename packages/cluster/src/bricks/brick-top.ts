/** What a brick is asked about single files, and what it answers. */

export type TopKind = "open" | "read" | "write" | "opendir" | "readdir";

/** How fast a brick's file system is: so many blocks, one after the other. */
export interface SpeedTrial {
  readonly kind: "read" | "write";
  readonly blockBytes: number;
  readonly count: number;
}

export interface BrickSpeed {
  /** Bytes a microsecond, which are MB/s. */
  readonly megabytes: number;
  readonly microseconds: number;
}

export interface BrickTop {
  readonly openNow: number;
  readonly openMax: number;
  /** Milliseconds since 1970; 0: never. */
  readonly openMaxTimeMs: number;
  readonly counts: Readonly<Record<TopKind, { path: string; count: number }[]>>;
  readonly readSpeed: { path: string; megabytes: number; timeMs: number }[];
  readonly writeSpeed: { path: string; megabytes: number; timeMs: number }[];
}

/** Which locks of one file, or of one name in a directory. */
export interface LockChoice {
  /** In the volume: `/directory/file`. */
  readonly path: string;
  readonly which: "blocked" | "granted" | "all";
  readonly kind: "inode" | "entry" | "posix";
  /** Of `entry`; absent: any. */
  readonly name?: string;
  /** Of the others, in bytes; length 0: to the end. Absent: any. */
  readonly range?: { readonly start: number; readonly length: number };
}

export interface ClearedLocks {
  readonly blocked: number;
  readonly granted: number;
}
