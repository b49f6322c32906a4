/**
 * Effects: what a command asks of the world, as plain data.
 *
 * Contract of whoever performs them:
 * - A failure is thrown as `EffectError`; anything else thrown ends the command as if the
 *   coordinator had died, and its intent is left for `recover`.
 * - An effect that failed may have happened nevertheless (a reply can be lost).
 * - Effects marked *idempotent* succeed when what they ask for is already so; undoing and
 *   recovering rest upon it.
 * - Effects must survive being stored as JSON: intents keep them.
 */
import type { LockChoice, SpeedTrial } from "./brick-top.ts";
import type { BrickCrawls, BrickHealIndex, HealToolRun } from "./heal-effect.ts";
import type { BrickStorage, StorageFacts } from "./brick-storage.ts";
import type { RebalanceCounts } from "@mortar/gluster";
import type { Change } from "./state.ts";

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
  }[];
}

export interface BrickProfile {
  readonly cumulative: BrickProfileBook;
  readonly interval: BrickProfileBook;
  /** How many intervals were before this one. */
  readonly intervalNumber: number;
}

/** One run of a volume's rebalance process. */
export interface RebalanceRef {
  readonly volume: string;
  readonly task: string;
}

export interface RebalanceStart {
  readonly command: "start" | "force" | "fix-layout";
}

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

/** A released hold. `held` false: the watchdog had released it before. */
export interface Release {
  readonly held: boolean;
}

/** Who holds locks, or waits for one: told of once a domain. */
export interface LockClaim {
  /** The client process: the same on all bricks. */
  readonly process: string;
  /** In hexadecimal. */
  readonly owner: string;
  readonly domain: string;
}

/** Who may have more locks while a brick drains: an owner, or a process in a domain. */
export interface DrainLeave {
  readonly process: string;
  readonly owner?: string;
  readonly domain?: string;
}

export interface DrainState {
  /** False: its server cannot drain, and tells of no locks. */
  readonly drains: boolean;
  /** Locks that were held before it began, and still are. */
  readonly old: number;
  readonly held: readonly LockClaim[];
  readonly waiting: readonly LockClaim[];
}

/** How one part of a hook went. */
export interface HookReport {
  readonly name: string;
  readonly phase: "before" | "after";
  /** Without it no snapshot is taken. */
  readonly required: boolean;
  readonly tookMs: number;
  /** Absent: it succeeded. */
  readonly error?: string;
}

/** What nodes can be asked for: arguments and result of each kind. */
export interface NodeEffects {
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

  /** Starts the process and waits until it is online. *Idempotent*. */
  startBrick: { args: { readonly brick: BrickRef }; result: void };
  /** Stops the process and waits for its end; it is not started again. *Idempotent*. */
  stopBrick: { args: { readonly brick: BrickRef }; result: void };
  brickStatus: {
    args: { readonly brick: BrickRef; readonly detail: boolean };
    result: BrickProcessStatus;
  };

  /** Asks the node's self-heal daemon of the volume to look for what is to be healed. */
  startHeal: {
    args: {
      readonly volume: string;
      readonly isDisperse: boolean;
      /** Of all of the volume's sets those that this daemon is to look at, counted from 0. */
      readonly sets: readonly number[];
      readonly full: boolean;
    };
    result: void;
  };
  /** The walks that the node's self-heal daemon remembers of its own bricks in these sets. */
  healStatistics: {
    args: { readonly volume: string; readonly sets: readonly number[] };
    result: readonly BrickCrawls[];
  };
  /** What siblings of a brick have missed, from its index; `entriesMax` objects are told of. */
  healIndex: {
    args: { readonly brick: BrickRef; readonly entriesMax: number };
    result: BrickHealIndex;
  };
  /** Runs stock's `glfsheal` with these words, as a client of the volume on that node. */
  runHealTool: {
    args: { readonly volume: string; readonly words: readonly string[] };
    result: HealToolRun;
  };
  /**
   * Starts the rebalance process of this run on the node. *Idempotent*: one run has one process,
   * also when it ended. A process of a former run is ended before.
   */
  startRebalance: { args: RebalanceRef & RebalanceStart; result: void };
  /** It ends when the file that it moves is moved. *Idempotent*, also when it never was. */
  stopRebalance: { args: RebalanceRef; result: void };
  /** How far it is, or how it ended. */
  rebalanceStatus: { args: RebalanceRef; result: RebalanceCounts };
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
    };
    result: object | string | null;
  };

  /** syncfs: everything dirty is on the disk. */
  syncFileSystem: { args: { readonly mountPoint: string }; result: void };
  /**
   * Runs the parts before of the node's hooks for a snapshot of these volumes. The parts after of
   * all that was begun are run by themselves after `watchdogMs`, or when the daemon dies.
   */
  hooksBefore: {
    args: {
      readonly snapshot: string;
      readonly volumes: readonly string[];
      readonly watchdogMs: number;
    };
    result: readonly HookReport[];
  };
  /** `held` false: they had been run by the watchdog. *Idempotent*, also when nothing was begun. */
  hooksAfter: {
    args: { readonly snapshot: string };
    result: { readonly reports: readonly HookReport[]; readonly held: boolean };
  };

  /**
   * Begins draining or goes on with it. Without `holds` clients are only hurried: gives as soon as
   * no old lock is held; with it, as soon as none is; or after `waitMs`. Ended by itself after
   * `watchdogMs`. *Idempotent*.
   */
  drainLocks: {
    args: {
      readonly brick: BrickRef;
      readonly holds: boolean;
      readonly leaves: readonly DrainLeave[];
      readonly waitMs: number;
      readonly watchdogMs: number;
    };
    result: DrainState;
  };
  /** *Idempotent*; also when the brick is gone. */
  drainEnd: { args: { readonly brick: BrickRef }; result: void };
  /** Holds acknowledgements at the brick; released by itself after `watchdogMs`. */
  barrierOn: { args: { readonly brick: BrickRef; readonly watchdogMs: number }; result: void };
  /** *Idempotent*; also when the brick is gone. */
  barrierOff: { args: { readonly brick: BrickRef }; result: Release };
  /** FIFREEZE; thawed by itself after `watchdogMs`, also when the coordinator dies. */
  freeze: { args: { readonly mountPoint: string; readonly watchdogMs: number }; result: void };
  /** FITHAW. *Idempotent*; also when nothing is mounted there. */
  thaw: { args: { readonly mountPoint: string }; result: Release };

  poolStatus: { args: { readonly vg: string; readonly pool: string }; result: PoolFacts };
  /**
   * Does beforehand what of `createSnapshotLv` takes time; the group stays locked until that has
   * been done, or this is given up, by itself after `watchdogMs`. *Idempotent*.
   */
  prepareSnapshotLv: {
    args: {
      readonly vg: string;
      readonly origin: string;
      readonly name: string;
      readonly watchdogMs: number;
    };
    result: void;
  };
  /** Waits for what of a snapshot LV is left to be done. *Idempotent*. */
  settleSnapshotLv: { args: { readonly vg: string; readonly name: string }; result: void };
  /** What is prepared and not made is given up. *Idempotent*. */
  abandonSnapshotLv: { args: { readonly vg: string; readonly name: string }; result: void };
  /** `lvcreate -s`: durable when it returns; not active. Fails if the name is taken. */
  createSnapshotLv: {
    args: { readonly vg: string; readonly origin: string; readonly name: string };
    result: void;
  };
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

export type NodeEffectKind = keyof NodeEffects;

/** An effect on one node, `node` being its uuid. */
export type NodeEffect<Kind extends NodeEffectKind = NodeEffectKind> = {
  [K in Kind]: { readonly kind: K; readonly node: string } & NodeEffects[K]["args"];
}[Kind];

export type NodeEffectResult<Kind extends NodeEffectKind> = NodeEffects[Kind]["result"];

/** What is asked of the coordinator itself. */
export interface LocalEffects {
  /** Wall clock, and a clock that only ever goes forward. */
  clock: { args: object; result: { readonly nowMs: number; readonly monotonicMs: number } };
  /** Others go on meanwhile. */
  pause: { args: { readonly ms: number }; result: void };
  /** Random uuids, version 4, with dashes. */
  uuids: { args: { readonly count: number }; result: readonly string[] };
  /** The node that a host name means, by resolving it; no uuid: none of this cluster. */
  resolveHost: { args: { readonly host: string }; result: { readonly uuid?: string } };
  /** Uuids of the nodes whose daemons answer this one, which is among them. */
  connectedNodes: { args: object; result: readonly string[] };
  /** Clients (and bricks) of these volumes are told to fetch their volfiles again. */
  volfileChanged: { args: { readonly volumes: readonly string[] }; result: void };
  /** For the log and for event listeners; must not fail. */
  event: {
    args: { readonly name: string; readonly fields: Readonly<Record<string, string>> };
    result: void;
  };
}

export type LocalEffectKind = keyof LocalEffects;
export type LocalEffect<Kind extends LocalEffectKind = LocalEffectKind> = {
  [K in Kind]: { readonly kind: K } & LocalEffects[K]["args"];
}[Kind];

/** What the host performs; `all` and `commit` are the driver's. */
export type SingleEffect = NodeEffect | LocalEffect;

export type Effect =
  | SingleEffect
  /** In parallel; gives one `Outcome` for each, in order, and does not fail itself. */
  | { readonly kind: "all"; readonly effects: readonly SingleEffect[] }
  /** One transaction; gives the new state. A conflict is an `EffectError` with code `conflict`. */
  | { readonly kind: "commit"; readonly changes: readonly Change[] };

export type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: EffectError };

export type EffectErrorCode =
  /** The node answered: it cannot. */
  | "failed"
  /** In use: unmount or removal can succeed later. */
  | "busy"
  /** The node did not answer (in time); the effect may have happened. */
  | "unreachable"
  /** A document was changed by somebody else meanwhile. */
  | "conflict"
  /** The store did not take the transaction. */
  | "store";

export class EffectError extends Error {
  override readonly name = "EffectError";
  readonly code: EffectErrorCode;
  /** Host name of the node, for people. */
  readonly node: string;
  /** Brick, device, mount point or LV. */
  readonly object: string;
  /** `ENOSPC`, when the failure has one. */
  readonly errno: string | undefined;
  readonly nextStep: string | undefined;
  constructor(
    code: EffectErrorCode,
    message: string,
    where: {
      readonly node: string;
      readonly object: string;
      readonly errno?: string;
      readonly nextStep?: string;
      readonly cause?: unknown;
    },
  ) {
    super(message, where.cause === undefined ? undefined : { cause: where.cause });
    this.code = code;
    this.node = where.node;
    this.object = where.object;
    this.errno = where.errno;
    this.nextStep = where.nextStep;
  }
}
