/**
 * The cluster's clock: what locks are judged by.
 *
 * The wall clock of a node can be set, forward and back, by whoever wants a lock to end. So the
 * time of the cluster is a mark in the store, that only grows, and by no more than the monotonic
 * clocks of nodes vouch for:
 *
 *     mark' = max(mark, min(wall, voucher.mark + elapsed(voucher)))
 *
 * A voucher is what a node saw the last time: its monotonic clock, and the mark. That clock begins
 * at 0 with the process; a lower one than before is another process, which vouches for its own
 * time. Both are less than, or as much as, what really went by. Time at which no node ran is
 * vouched for by nobody: locks last that much longer, never shorter.
 */
import type { Step } from "../command.ts";
import { changeOf } from "../key-space.ts";
import type { Change, ClusterState } from "../state.ts";
import { performLocal } from "../steps.ts";

export interface ClusterClockDocument {
  readonly schema: 1;
  /** UTC milliseconds. */
  readonly markMs: number;
  /** By node uuid. */
  readonly vouchers: Readonly<Record<string, { readonly monotonicMs: number; readonly markMs: number }>>;
}

interface Reading {
  readonly nowMs: number;
  readonly monotonicMs: number;
}

/** Without a mark there is no lock to be judged: then it is the wall clock. */
export function clusterTime(
  clock: ClusterClockDocument | undefined,
  self: string,
  { nowMs, monotonicMs }: Reading,
): number {
  if (clock === undefined) return nowMs;
  const voucher = clock.vouchers[self];
  if (voucher === undefined) return clock.markMs;
  const { monotonicMs: before } = voucher;
  const elapsed = monotonicMs >= before ? monotonicMs - before : monotonicMs;
  // Whole milliseconds; what is cut off is time that counts for less.
  return Math.max(clock.markMs, Math.floor(Math.min(nowMs, voucher.markMs + elapsed)));
}

/** Without locks there is nothing to guard, and the mark follows the wall clock, also back. */
export function hasLocks(state: ClusterState): boolean {
  for (const { document } of state.snapshots.values()) {
    if (document.lock !== undefined) return true;
  }
  return false;
}

export function* readClusterTime(state: ClusterState): Step<number> {
  return clusterTime(guarding(state), state.self, yield* performLocal("clock", {}));
}

function guarding(state: ClusterState): ClusterClockDocument | undefined {
  return hasLocks(state) ? state.clusterClock?.document : undefined;
}

/** The mark as this node has it now, and its voucher renewed. */
export function* advanceClock(state: ClusterState): Step<{ markMs: number; change: Change }> {
  const reading = yield* performLocal("clock", {});
  const former = guarding(state);
  const markMs = clusterTime(former, state.self, reading);
  const isCurrent = (node: string) => state.nodes.has(node);
  const others = Object.entries(former?.vouchers ?? {}).filter(([node]) => isCurrent(node));
  const voucher = { monotonicMs: reading.monotonicMs, markMs };
  const vouchers = { ...Object.fromEntries(others), [state.self]: voucher };
  return { markMs, change: changeOf.clusterClock(state, { schema: 1, markMs, vouchers }) };
}
