/** What nodes do with bricks: their directories, their processes, what these are asked. */
import type { LockChoice, SpeedTrial } from "./brick-top.ts";

/** A brick process: of a volume, or of a snapshot's snap volume when `snapshot` is given. */
export interface BrickRef {
  /** Volume name; for a snapshot's brick the snap volume, 32 hex digits. */
  readonly volume: string;
  readonly volumeId: string;
  /** Snapshot name. */
  readonly snapshot?: string;
  readonly host: string;
  readonly path: string;
}

/** Facts about a brick path that need not exist. Nothing is changed by finding them out. */
export interface BrickFacts {
  readonly exists: boolean;
  /** False also when it does not exist. */
  readonly isDirectory: boolean;
  /** Whether the directory above it exists. */
  readonly parentExists: boolean;
  /** The path itself is a mount point (its device differs from its parent's). */
  readonly isMountPoint: boolean;
  /** It is (or would be made) on the file system of `/`. */
  readonly onRootFileSystem: boolean;
  /** Of the file system that holds the path, or the nearest directory above that exists. */
  readonly mountPoint: string;
  readonly device: string;
  readonly fsType: string;
  readonly mountOptions: string;
  /** The thin LV under that file system, or the failing check in words. */
  readonly lv:
    | {
        readonly thin: true;
        readonly vg: string;
        readonly lv: string;
        readonly pool: string;
        readonly sizeBytes: number;
      }
    | { readonly thin: false; readonly reason: string };
  /** `trusted.glusterfs.volume-id` of the path, as a uuid with dashes. */
  readonly volumeId?: string;
  /** `trusted.gfid` is on the path. */
  readonly hasGfid: boolean;
  /** The nearest directory above that carries a volume id or a gfid. */
  readonly parentInUse?: string;
  /** Why trusted xattrs cannot be set there; absent: they can. */
  readonly xattrRefusal?: string;
  /**
   * Names at the file system's root that are not on the way to the brick directory, at most 16,
   * sorted; `lost+found` is not foreign.
   */
  readonly foreignEntries: readonly string[];
}

export interface BrickProcessStatus {
  readonly running: boolean;
  readonly port?: number;
  readonly pid?: number;
  /** When asked for. */
  readonly detail?: BrickSpace;
}

export interface BrickSpace {
  readonly fileSystem: string;
  readonly device: string;
  readonly mountOptions: string;
  readonly inodeSizeBytes?: number;
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly inodeCount: number;
  readonly inodeFree: number;
}

export type BrickQuestion =
  | "clients" | "descriptors" | "calls" | "memory"
  | "profile" | "profile-next" | "profile-clear"
  | "statedump" | "log-rotate"
  /** See brick-top.ts; `clear-locks` gives null for a brick that has no such file. */
  | "inodes" | "top" | "top-clear" | "speed" | "clear-locks";

export interface BrickClient {
  /** IP:PORT */
  readonly address: string;
  readonly identity: string;
  /** Such as "fuse"; empty when it did not say. */
  readonly processName: string;
  readonly opVersion: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly openFiles: number;
}

export interface BrickDescriptors {
  readonly identity: string;
  readonly open: {
    readonly number: number;
    readonly gfid: string;
    readonly flags: number;
    readonly isDirectory: boolean;
  }[];
}

/** What of it was asked for. */
export interface BrickReport {
  readonly clients?: BrickClient[];
  readonly descriptors?: BrickDescriptors[];
  readonly calls?: { readonly queued: number; readonly held: number };
  /** `limit` of them are kept in memory, `known` are, `active` are open. */
  readonly inodes?: { readonly limit: number; readonly active: number; readonly known: number };
  /** Bytes, by kind. */
  readonly memory?: Record<string, number>;
}

/** Times of operations in microseconds, `duration` in milliseconds; sizes by power of two. */
export interface BrickProfileBook {
  readonly duration: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly readSizes: number[];
  readonly writeSizes: number[];
  readonly fops: {
    readonly name: string;
    readonly count: number;
    readonly least: number;
    readonly mean: number;
    readonly most: number;
    /** Counts: bucket n is of those below 2^n. Absent: the brick does not count them so. */
    readonly latency?: readonly number[];
  }[];
}

export interface BrickProfile {
  readonly cumulative: BrickProfileBook;
  readonly interval: BrickProfileBook;
  /** How many intervals were before this one. */
  readonly intervalNumber: number;
}

export interface BrickEffects {
  inspectBrick: { args: { readonly path: string }; result: BrickFacts };
  /**
   * Makes the directory (mode 0755, only the last component) if absent and sets its volume id,
   * exclusively unless `force`. *Idempotent* for the same volume id. Fails without a trace.
   */
  prepareBrick: {
    args: { readonly path: string; readonly volumeId: string; readonly force: boolean };
    result: { readonly created: boolean };
  };
  /**
   * Takes back a `prepareBrick`: only if the path carries this volume id, removes it, and the
   * directory if `removeDirectory` and it is empty. *Idempotent*, also when there is no such path.
   */
  releaseBrick: {
    args: {
      readonly path: string;
      readonly volumeId: string;
      readonly removeDirectory: boolean;
    };
    result: void;
  };
  /**
   * The root of a prepared brick, which does not run, says that it is not to be trusted
   * (`trusted.afr.dirty`): for who meets it before the others of its set tell. *Idempotent*.
   */
  markUnhealed: { args: { readonly path: string }; result: void };
  /**
   * A running brick of a replica set notes that siblings have missed all of its root
   * (`trusted.afr.SIBLING`, and in its index): from there on they are healed. `again`: it puts into
   * its index what it has noted before, which is *idempotent*.
   */
  noteMissing: {
    args: {
      readonly brick: BrickRef;
      /** Brick ids. */
      readonly siblings: readonly string[];
      /** Whether the volume heals directories name by name. */
      readonly granular: boolean;
      readonly again: boolean;
    };
    result: void;
  };
  /** Sets `trusted.glusterfs.volume-id` of a mounted brick directory. *Idempotent*. */
  setVolumeId: { args: { readonly path: string; readonly volumeId: string }; result: void };
  /**
   * Starts the process and waits until it is online. *Idempotent*. `unlessEnded`: one that somebody
   * else told to end stays as it is.
   */
  startBrick: {
    args: { readonly brick: BrickRef; readonly unlessEnded?: boolean };
    result: void;
  };
  /** Stops the process and waits for its end; it is not started again. *Idempotent*. */
  stopBrick: { args: { readonly brick: BrickRef }; result: void };
  brickStatus: {
    args: { readonly brick: BrickRef; readonly detail: boolean };
    result: BrickProcessStatus;
  };
  /** The same of many at once, in their order. */
  brickStatuses: {
    args: { readonly bricks: readonly BrickRef[]; readonly detail: boolean };
    result: readonly BrickProcessStatus[];
  };
  /**
   * A brick that runs is to take over what its volfile says now; stock ones do so by themselves.
   * Gives the options that wait for its next start. *Idempotent*, also when it does not run.
   */
  reconfigureBrick: {
    args: { readonly brick: BrickRef };
    result: { readonly afterRestart: readonly string[] };
  };
  /**
   * Asks a running brick. `log-rotate` and `statedump` give the name of the file that was written;
   * the other results are in `BrickReport` and `BrickProfile`.
   */
  askBrick: {
    args: {
      readonly brick: BrickRef;
      readonly question: BrickQuestion;
      /** Of `speed`. */
      readonly trial?: SpeedTrial;
      /** Of `clear-locks`. */
      readonly locks?: LockChoice;
      /** Of `statedump`: where it is written; absent: where the node writes them. */
      readonly directory?: string;
    };
    result: object | string | null;
  };
}
