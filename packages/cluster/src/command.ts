/**
 * Commands and answers. Names, arguments and payloads are those of the HTTP routes; a payload is
 * plain data that can be sent as it is.
 */
import type { Effect } from "./effect.ts";
import type { NodeCommands } from "./nodes/node-command.ts";
import type { PlanCommands } from "./plan-command.ts";
import type { PoolCommands } from "./bricks/pool-list.ts";
import type { ScheduleCommands } from "./schedules/schedule-command.ts";
import type { SnapshotCommands } from "./snapshots/snapshot-command.ts";
import type { StorageCommands } from "./bricks/storage-command.ts";
import type { TransferCommands } from "./transfer/transfer-command.ts";
import type { VolumeChangeCommands } from "./volumes/volume-change-command.ts";
import type { HealCommands } from "./heal/heal-command.ts";
import type { VolumeCommands } from "./volumes/volume-command.ts";

/** A step of a command: yields effects, is given their results. */
export type Step<Result> = Generator<Effect, Result, unknown>;

/** One of several things worth saying: where, what, and what to do now. */
export interface Detail {
  node?: string;
  object?: string;
  detail: string;
  nextStep?: string;
}

/** Stable names of the kinds of failure. */
export type FailureCode =
  | "bad-argument"
  | "volume-missing"
  | "volume-exists"
  | "volume-started"
  | "volume-not-started"
  | "volume-rebalancing"
  | "volume-has-snapshots"
  | "brick-refused"
  | "bricks-down"
  | "option-unknown"
  | "option-refused"
  | "host-unknown"
  | "snapshot-missing"
  | "snapshot-exists"
  | "snapshot-active"
  | "snapshot-inactive"
  | "snapshot-kept"
  | "schedule-missing"
  | "schedule-exists"
  | "limit-reached"
  | "not-thin"
  | "pool-unfit"
  | "busy"
  | "unsupported"
  | "node-in-use"
  | "node-unfit"
  | "no-majority"
  | "effect-failed";

export type Answer<Payload> =
  | {
      readonly ok: true;
      readonly payload: Payload;
      readonly warnings: string[];
      readonly details: Detail[];
    }
  | {
      readonly ok: false;
      readonly code: FailureCode;
      /** GlusterFS's number: an errno, or 30800 and up. */
      readonly opErrno: number;
      /** What stock prints behind `failed: `, to the letter. */
      readonly opErrstr: string;
      readonly warnings: string[];
      readonly details: Detail[];
    };

/** Every command: its arguments and the payload of its success. */
export interface CommandTable
  extends VolumeCommands, VolumeChangeCommands, SnapshotCommands, NodeCommands, PlanCommands, StorageCommands,
    ScheduleCommands, TransferCommands, HealCommands, PoolCommands {}

export type CommandName = keyof CommandTable;
export type CommandArgs<Name extends CommandName> = CommandTable[Name]["args"];
export type CommandPayload<Name extends CommandName> = CommandTable[Name]["payload"];
