/**
 * What a rebalance process is asked over its unix socket (brick operation XLATOR_DEFRAG, by the
 * name of its distribute translator), and what it tells by itself before it ends (EVENT_NOTIFY).
 * Both dictionaries have the same keys; numbers are in text. Source: observed with stock 10.3.
 *
 * | key        | what                                       |
 * |------------|--------------------------------------------|
 * | files      | files moved                                |
 * | size       | their bytes                                |
 * | lookups    | files looked at                            |
 * | failures, skipped | files that stayed where they were   |
 * | status     | `rebalanceStatuses`, by index              |
 * | run-time   | seconds, a fraction                        |
 * | time-left  | seconds; 0: not known                      |
 */

import { Dictionary } from "./dictionary.ts";
import type { BrickRequest } from "./brick-operation.ts";

/** Given to the process at its start, and asked of it later. */
export const REBALANCE_COMMAND = {
  start: 1, stop: 2, status: 3, "fix-layout": 4, force: 5,
} as const;

/** In stock's words, by the number in `status`. */
export const rebalanceStatuses = [
  "not started", "in progress", "stopped", "completed", "failed",
  "fix-layout in progress", "fix-layout stopped", "fix-layout completed", "fix-layout failed",
] as const;
export type RebalanceStatusName = (typeof rebalanceStatuses)[number];

export interface RebalanceCounts {
  readonly status: RebalanceStatusName;
  readonly files: number;
  readonly sizeBytes: number;
  readonly lookups: number;
  readonly failures: number;
  readonly skipped: number;
  readonly seconds: number;
}

export function rebalanceRequest(volume: string, command: "stop" | "status"): BrickRequest {
  const input = Dictionary.of({ "rebalance-command": REBALANCE_COMMAND[command] });
  return { name: `${volume}-dht`, op: 0, input, extra: new Dictionary() };
}

/** Keys that are missing count as 0; undefined when there is no status among them. */
export function rebalanceCounts(told: Dictionary): RebalanceCounts | undefined {
  const status = rebalanceStatuses[numberOf(told, "status") ?? -1];
  if (status === undefined) return undefined;
  return {
    status,
    files: numberOf(told, "files") ?? 0,
    sizeBytes: numberOf(told, "size") ?? 0,
    lookups: numberOf(told, "lookups") ?? 0,
    failures: numberOf(told, "failures") ?? 0,
    skipped: numberOf(told, "skipped") ?? 0,
    seconds: Math.max(0, Math.floor(numberOf(told, "run-time") ?? 0)),
  };
}

function numberOf(told: Dictionary, key: string): number | undefined {
  const value = Number.parseFloat(told.text(key) ?? "");
  return Number.isFinite(value) && value >= 0 ? value : undefined;
}
