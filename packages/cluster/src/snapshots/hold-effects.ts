/**
 * What nodes do in the moment of a snapshot: hooks, draining, barriers, freezes, the thin snapshot.
 * Whatever is held is released by itself after its `watchdogMs`.
 */
import type { BrickRef } from "../bricks/brick-effects.ts";

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

/** Milliseconds that a node needed for each part of its cut. */
export interface CutTimes {
  readonly barrierMs: number;
  readonly freezeMs: number;
  readonly takeMs: number;
}

export interface HoldEffects {
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
  /**
   * All that the node does in the moment itself: `barrierOn` of its bricks, then `freeze` of their
   * file systems, then `createSnapshotLv`; a part that fails is the last. What is held stays held.
   */
  cut: {
    args: {
      readonly bricks: readonly BrickRef[];
      readonly mountPoints: readonly string[];
      readonly lvs: readonly { readonly vg: string; readonly origin: string; readonly name: string }[];
      readonly barrierWatchdogMs: number;
      readonly freezeWatchdogMs: number;
    };
    result: CutTimes;
  };
  /** FITHAW. *Idempotent*; also when nothing is mounted there. */
  thaw: { args: { readonly mountPoint: string }; result: Release };
  /**
   * Does beforehand what of `createSnapshotLv` takes time; the group stays locked until that has
   * been done, or this is given up, by itself after `watchdogMs`. *Idempotent*. `others` are of the
   * same pool, and prepared with it: all are taken in one commit with the first that is.
   */
  prepareSnapshotLv: {
    args: {
      readonly vg: string;
      readonly origin: string;
      readonly name: string;
      readonly others?: readonly { readonly origin: string; readonly name: string }[];
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
}
