/** Commands on what has to be healed: their arguments and payloads, as the HTTP routes have them. */
import type { HealCrawl } from "./heal-effects.ts";
import type { HealState } from "./heal-judgement.ts";
import type { VolumeRef } from "../volumes/volume-command.ts";

export type HealView = "info" | "summary" | "split-brain";

export interface HealEntry {
  gfid: string;
  /** Absent: the brick cannot tell. */
  path?: string;
  state: HealState;
}

export interface HealBrick {
  host: string;
  path: string;
  hostUuid: string;
  /** False: nothing is known of it, and nothing counted. */
  online: boolean;
  pending: number;
  splitBrain: number;
  healing: number;
  entries: HealEntry[];
}

export interface HealToolOutput {
  exitCode: number;
  output: string;
}

export interface HealReport extends VolumeRef {
  /** Present when it was asked for and is installed: there are no bricks then. */
  tool?: HealToolOutput;
  bricks: HealBrick[];
}

export interface HealStatistics extends VolumeRef {
  /** Absent crawls: its node's daemon does not answer. */
  bricks: { host: string; path: string; crawls?: HealCrawl[] }[];
}

export interface HealCounts extends VolumeRef {
  /** Absent count: nothing is known of this brick, or it was not asked for. */
  bricks: { host: string; path: string; count?: number }[];
}

export interface SplitBrainArgs {
  readonly volume: string;
  readonly policy: "bigger-file" | "latest-mtime" | "source-brick";
  /** From the root of the volume, or `gfid:UUID`; only a source brick can do without. */
  readonly file?: string;
  /** Of `source-brick`: `HOST:/path`. */
  readonly brick?: string;
}

export interface HealCommands {
  volumeHealInfo: {
    args: {
      readonly volume: string;
      readonly view?: HealView;
      /** What stock's own program prints, where it is installed. */
      readonly tool?: "text" | "xml";
    };
    payload: HealReport;
  };
  volumeHealStatistics: { args: { readonly volume: string }; payload: HealStatistics };
  volumeHealCount: {
    /** `HOST:/path` of a brick: only the set that it is in. */
    args: { readonly volume: string; readonly brick?: string };
    payload: HealCounts;
  };
  volumeSplitBrain: { args: SplitBrainArgs; payload: VolumeRef & HealToolOutput };
  volumeHealSwitch: {
    args: {
      readonly volume: string;
      readonly what: "daemon" | "granular-entries";
      readonly enable: boolean;
    };
    payload: VolumeRef;
  };
}
