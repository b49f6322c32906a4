/**
 * The cut of a snapshot: on every node, in one call, barriers on, file systems frozen, thin
 * snapshots taken, in this order. Nodes do not wait for each other.
 *
 * What is acknowledged to any client before a write that is in the snapshot was begun is in it too.
 * Say X is in it, on brick P, and Y was acknowledged on brick Q before X was begun. Had Q
 * acknowledged Y after its barrier was on, it did so after all was released, that is after P's thin
 * snapshot: then X is not in it. So Q acknowledged Y before, and Q's thin snapshot has it. All that
 * this needs is that no barrier ends before the last thin snapshot exists.
 *
 *     node a   barrier ─ freeze ─ take ───────────┐
 *     node b      barrier ─── freeze ─── take ────┤ release, everywhere
 *     node c     barrier ─ freeze ─── take ───────┘
 */
import type { Step } from "../command.ts";
import type { BrickRef } from "../bricks/brick-effects.ts";
import type { EffectError, NodeEffect, Outcome } from "../effect.ts";
import { attemptAll, errorsOf } from "../steps.ts";
import type { CutTimes } from "./hold-effects.ts";

export interface CutPlan {
  readonly origins: readonly CutOrigin[];
  readonly lvs: readonly NodeEffect<"createSnapshotLv">[];
}

interface CutOrigin {
  readonly brick: { readonly node: string; readonly mountPoint: string };
  readonly ref?: BrickRef;
}

export interface CutOutcome {
  /** Empty: all thin snapshots exist, and everything is held still. */
  readonly errors: readonly EffectError[];
  /** Of the slowest node in each part. */
  readonly times: CutTimes;
}

/** A barrier outlives the freeze; both bound how long a dead coordinator can hold writes up. */
const BARRIER_WATCHDOG_MS = 20_000;
const FREEZE_WATCHDOG_MS = 10_000;

/** Does not throw. Whatever came of it, all is held until it is released. */
export function* cut(plan: CutPlan): Step<CutOutcome> {
  const effects = cutsOf(plan);
  const outcomes = yield* attemptAll(effects);
  const errors: EffectError[] = [];
  const times: CutTimes[] = [];
  for (const [index, outcome] of outcomes.entries()) {
    const effect = effects[index]!;
    if (outcome.ok) times.push(outcome.value as CutTimes);
    else if (isUnknown(outcome)) errors.push(...(yield* cutInSteps(effect)));
    else errors.push(outcome.error);
  }
  return { errors, times: slowest(times) };
}

function cutsOf({ origins, lvs }: CutPlan): NodeEffect<"cut">[] {
  const nodes = [...new Set(origins.map(({ brick }) => brick.node))];
  return nodes.map((node) => {
    const own = origins.filter(({ brick }) => brick.node === node);
    return {
      kind: "cut", node,
      bricks: own.flatMap(({ ref }) => (ref === undefined ? [] : [ref])),
      mountPoints: own.map(({ brick }) => brick.mountPoint),
      lvs: lvs.flatMap((it) =>
        it.node === node ? [{ vg: it.vg, origin: it.origin, name: it.name }] : []),
      barrierWatchdogMs: BARRIER_WATCHDOG_MS, freezeWatchdogMs: FREEZE_WATCHDOG_MS,
    };
  });
}

/** The parts of a node's cut, each to be done by itself before the next is begun. */
export function partsOfCut(effect: NodeEffect<"cut">): NodeEffect[][] {
  const { node, bricks, mountPoints, lvs, barrierWatchdogMs, freezeWatchdogMs } = effect;
  return [
    bricks.map((brick) => ({ kind: "barrierOn", node, brick, watchdogMs: barrierWatchdogMs })),
    mountPoints.map((mountPoint) =>
      ({ kind: "freeze", node, mountPoint, watchdogMs: freezeWatchdogMs })),
    lvs.map((lv) => ({ kind: "createSnapshotLv", node, ...lv })),
  ];
}

/** A node of an older version knows the parts alone. */
function isUnknown(outcome: Outcome): boolean {
  return !outcome.ok && outcome.error.code === "failed" && outcome.error.object === "cut";
}

function* cutInSteps(effect: NodeEffect<"cut">): Step<EffectError[]> {
  for (const part of partsOfCut(effect)) {
    const errors = errorsOf(yield* attemptAll(part));
    if (errors.length > 0) return errors;
  }
  return [];
}

function slowest(times: readonly CutTimes[]): CutTimes {
  const longest = (part: keyof CutTimes) => Math.max(0, ...times.map((it) => it[part]));
  return {
    barrierMs: longest("barrierMs"), freezeMs: longest("freezeMs"), takeMs: longest("takeMs"),
  };
}
