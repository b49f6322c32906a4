/** What healing is asked of a node, and what it tells: as it goes over the wire. */
import type { BrickRef } from "../bricks/brick-effects.ts";

/** Data, metadata and entry operations that a sibling has missed. */
export type MissedCounts = readonly [data: number, metadata: number, entry: number];

/** An object in the index of a brick. */
export interface HealIndexEntry {
  readonly gfid: string;
  /** From the root of the volume, with `/` before it; absent: the brick cannot tell. */
  readonly path?: string;
  /** By brick id; those that have missed nothing are left out. */
  readonly missed: Readonly<Record<string, MissedCounts>>;
  /** A change of it was begun, and not ended everywhere. */
  readonly dirty: boolean;
  /** Of a disperse set, in hexadecimal: alike on bricks that have seen the same changes. */
  readonly version?: string;
}

/** What a brick's index holds. It is read from its directory: also when the brick is down. */
export interface BrickHealIndex {
  /** Whether the brick serves. */
  readonly online: boolean;
  /** Objects of which siblings have missed something: what stock counts. */
  readonly count: number;
  /** Objects in the index of any kind that are not among the entries, which are bounded. */
  readonly unlisted: number;
  readonly entries: readonly HealIndexEntry[];
}

/** One walk of a self-heal daemon over a brick's index, or over all of the brick. */
export interface HealCrawl {
  /** `INDEX` or `FULL`. */
  readonly type: string;
  /** As the daemon prints it: `Mon Nov 23 08:35:03 2026`. */
  readonly startedAt: string;
  /** Absent: it is under way. */
  readonly endedAt?: string;
  readonly healed: number;
  readonly splitBrain: number;
  readonly failed: number;
}

/** A brick is a place in a set. */
export interface BrickCrawls {
  readonly set: number;
  readonly place: number;
  readonly crawls: readonly HealCrawl[];
}

/** What stock's `glfsheal` printed; absent fields: it is not installed. */
export interface HealToolRun {
  readonly installed: boolean;
  readonly exitCode: number;
  readonly output: string;
}

export interface HealEffects {
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
}
