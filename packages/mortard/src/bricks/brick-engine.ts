/**
 * The two programs that can serve a brick, behind one face. Which one is started, the volume's
 * option `mortar.brick-engine` says; which one runs, its command line.
 */
import type { BrickEngine, BrickQuestion, DrainLeave, DrainState, LockChoice } from "@mortar/cluster";
import type { ProcessIdentity } from "../process-identity.ts";
import type { BrickAddress } from "./brick-client.ts";
import type { BrickFiles, BrickSpec } from "./brick-process.ts";
import { builtinEngine } from "./builtin-engine.ts";
import { stockEngine } from "./stock-engine.ts";

/** What all bricks of a node have in common. */
export interface BrickNode {
  readonly uuid: string;
  /** The program of the stock brick server. */
  readonly glusterfsd: string;
  /** The program of the stock client, which heals volumes with copies. */
  readonly glusterfs: string;
  /** Bricks listen here and look for their volfile here; absent: everywhere, and 127.0.0.1. */
  readonly address: string | undefined;
  readonly managementPort: number;
  /** Snapshot daemons ask for snapshots there, and close those that nobody looks into so long. */
  readonly commandSocket: string;
  readonly snapshotIdleMs: number;
}

export interface BrickStart {
  readonly spec: BrickSpec;
  readonly files: BrickFiles;
  readonly port: number;
  readonly volfile: string;
  readonly node: BrickNode;
  readonly timeoutMs: number;
}

export interface DrainOrder {
  /** False: clients are hurried, and nobody waits. */
  readonly holds: boolean;
  readonly leaves: readonly DrainLeave[];
  readonly watchdogMs: number;
}

/** All of them throw `BrickError`. */
export interface BrickEngineCalls {
  /** Returns when the brick serves. A port that is taken is told as "address already in use". */
  readonly start: (input: BrickStart) => Promise<ProcessIdentity>;
  /** Asks it to end; whether it does is the caller's to see. */
  readonly end: (brick: BrickAddress, path: string) => Promise<void>;
  readonly raiseBarrier: (brick: BrickAddress, path: string) => Promise<void>;
  /** Returns whether acknowledgements were held back until now. */
  readonly releaseBarrier: (brick: BrickAddress, path: string) => Promise<boolean>;
  /** Drains the locks of its clients, from now on and for `watchdogMs`. */
  readonly drain: (brick: BrickAddress, how: DrainOrder) => Promise<DrainState>;
  readonly endDrain: (brick: BrickAddress) => Promise<void>;
  /** What it tells of itself: plain data. */
  readonly ask: (
    brick: BrickAddress, path: string, question: BrickQuestion, locks?: LockChoice,
  ) => Promise<object | null>;
  /** Has it take over its volfile. Gives the options that wait for its next start. */
  readonly reconfigure: (brick: BrickAddress, volfile: string) => Promise<readonly string[]>;
}

export const brickEngines: { readonly [Name in BrickEngine]: BrickEngineCalls } = {
  builtin: builtinEngine,
  glusterfsd: stockEngine,
};
