/**
 * The moment of a snapshot: everything held, one thin snapshot a brick, everything released.
 *
 *     hurry → sync → prepare LVs → sync → drain
 *       → barrier on, freeze, thin snapshot: each node by itself → thaw, barrier off, drain off
 *
 * Draining lets the steps of clients that touch several bricks come to their end: lock-drain.ts.
 * What is acknowledged to any client before a write that is in the snapshot is in it too, because
 * nothing is released before the last thin snapshot exists: snapshot-cut.ts.
 *
 * However it ends, everything is thawed and released here; if the coordinator dies, the
 * watchdogs do it. A watchdog that fired early is found out by the release, and fails the
 * snapshot: what it let through may be in one brick's snapshot and not in another's.
 */
import type { Step } from "../command.ts";
import type { BrickRef } from "../bricks/brick-effects.ts";
import { EffectError, type NodeEffect, type Outcome } from "../effect.ts";
import { stepsFailed } from "../failure.ts";
import { drainEnds, drainLocks, type DrainOutcome, type DrainPlan, hurryLocks } from "./lock-drain.ts";
import type { BrickDocument } from "../state.ts";
import { attemptAll, errorsOf, performAll, performLocal } from "../steps.ts";
import { cut } from "./snapshot-cut.ts";

export interface HoldPlan {
  /** Mounted bricks with their LVs, and the process of each; no process: nothing writes there. */
  readonly origins: readonly { readonly brick: BrickDocument; readonly ref?: BrickRef }[];
  readonly lvs: readonly NodeEffect<"createSnapshotLv">[];
}

const PREPARED_WATCHDOG_MS = 30_000;
const RELEASE_TRIES = 3;

/**
 * The parts of it, in their order; writes are held from `drain` to `release`. Barrier, freeze and
 * take are parts of the cut, each as the slowest node did it.
 */
export type HoldPhase =
  | "hurry" | "sync" | "prepare" | "resync" | "drain" | "cut" | "barrier" | "freeze" | "take"
  | "release" | "settle";

export interface HoldOutcome {
  /** How long writes were held, from the first brick that drained to the last release. */
  readonly pauseMs: number;
  /** How long each part took, in milliseconds. */
  readonly phases: Partial<Record<HoldPhase, number>>;
  /** Absent: one brick alone, or none that is served. */
  readonly drain?: DrainOutcome;
}

/** Throws when any step failed, with everything released. */
export function* snapshotLvs(plan: HoldPlan): Step<HoldOutcome> {
  const draining = drainPlanOf(plan);
  const phases: HoldOutcome["phases"] = {};
  const timed = <Result>(phase: HoldPhase, step: Step<Result>) => timedStep(phases, phase, step);
  if (draining !== undefined) yield* timed("hurry", hurryLocks(draining));
  yield* timed("sync", performAll(mountEffects(plan, "syncFileSystem")));
  yield* timed("prepare", performAll(prepareEffects(plan)));
  // What was written meanwhile is little, and would be written by the freeze.
  yield* timed("resync", performAll(mountEffects(plan, "syncFileSystem")));
  const before = yield* performLocal("clock", {});
  const errors: EffectError[] = [];
  const drain =
    draining === undefined ? undefined : yield* timed("drain", drainLocks(draining));
  const { errors: failures, times } = yield* timed("cut", cut(plan));
  errors.push(...failures);
  phases.barrier = times.barrierMs;
  phases.freeze = times.freezeMs;
  phases.take = times.takeMs;
  const taken = errors.length === 0;
  errors.push(...(yield* timed("release", release(plan, taken))));
  const after = yield* performLocal("clock", {});
  const rest = taken ? "settleSnapshotLv" : "abandonSnapshotLv";
  errors.push(...(yield* timed("settle", attempt(lvEffectsOf(plan, rest)))));
  if (errors.length > 0) throw stepsFailed(errors);
  const pauseMs = after.monotonicMs - before.monotonicMs;
  return { pauseMs, phases, ...(drain === undefined ? {} : { drain }) };
}

function* timedStep<Result>(
  phases: Partial<Record<HoldPhase, number>>,
  phase: HoldPhase,
  step: Step<Result>,
): Step<Result> {
  const before = yield* performLocal("clock", {});
  const result = yield* step;
  const after = yield* performLocal("clock", {});
  phases[phase] = Math.round(10 * (after.monotonicMs - before.monotonicMs)) / 10;
  return result;
}

/** One for each pool: what is made in it is one transaction. */
function prepareEffects(
  plan: HoldPlan,
): (NodeEffect<"prepareSnapshotLv"> & { readonly kind: "prepareSnapshotLv" })[] {
  const pools = new Map(plan.origins.flatMap(({ brick: { node, thin } }) =>
    thin === undefined ? [] : [[`${node} ${thin.vg}/${thin.lv}`, thin.pool]]));
  const groups = new Map<string, NodeEffect<"createSnapshotLv">[]>();
  for (const lv of plan.lvs) {
    const origin = `${lv.node} ${lv.vg}/${lv.origin}`;
    const pool = pools.get(origin);
    const key = pool === undefined ? origin : `${lv.node} ${lv.vg} ${pool}`;
    groups.set(key, [...(groups.get(key) ?? []), lv]);
  }
  return [...groups.values()].map(([first, ...rest]) => {
    const { node, vg, origin, name } = first!;
    const others = rest.map((it) => ({ origin: it.origin, name: it.name }));
    return {
      kind: "prepareSnapshotLv", node, vg, origin, name, watchdogMs: PREPARED_WATCHDOG_MS,
      ...(others.length === 0 ? {} : { others }),
    };
  });
}

/** Also of the undoing of an interrupted snapshot: what is only prepared is given up. */
export function lvEffectsOf<Kind extends "settleSnapshotLv" | "abandonSnapshotLv">(
  plan: Pick<HoldPlan, "lvs">, kind: Kind,
): (NodeEffect<Kind> & { readonly kind: Kind })[] {
  return plan.lvs.map(({ node, vg, name }) => ({ kind, node, vg, name }));
}

/** A step that touches one brick only is in its snapshot or not. */
function drainPlanOf(plan: Pick<HoldPlan, "origins">): DrainPlan | undefined {
  const bricks = plan.origins.flatMap(({ brick, ref }) =>
    ref === undefined ? [] : [{ brick, ref }],
  );
  return bricks.length > 1 ? { bricks } : undefined;
}

/** Also of the undoing of an interrupted snapshot. */
export function drainEndsOf(plan: Pick<HoldPlan, "origins">): NodeEffect<"drainEnd">[] {
  const draining = drainPlanOf(plan);
  return draining === undefined ? [] : drainEnds(draining);
}

function* attempt(effects: readonly NodeEffect[]): Step<EffectError[]> {
  return errorsOf(yield* attemptAll(effects));
}

/** Also the undoing of an interrupted snapshot. */
export function barrierOff(plan: Pick<HoldPlan, "origins">): NodeEffect<"barrierOff">[] {
  return plan.origins.flatMap(({ brick, ref }) =>
    ref === undefined ? [] : [{ kind: "barrierOff", node: brick.node, brick: ref }],
  );
}

export function mountEffects<Kind extends "syncFileSystem" | "thaw">(
  plan: Pick<HoldPlan, "origins">,
  kind: Kind,
): (NodeEffect<Kind> & { readonly kind: Kind })[] {
  const effects = plan.origins.map(({ brick: { node, mountPoint } }) => ({
    kind,
    node,
    mountPoint,
  }));
  return effects;
}

/**
 * All at once: once the thin snapshots exist, what goes on first is of no importance. Tries again
 * what could not be released. `mustHold`: a release that came too late is an error, as is one of
 * which the first answer was lost and that found nothing held when tried again. Draining that cannot
 * be ended ends by its watchdog: the snapshot is none the worse for it.
 */
function* release(plan: HoldPlan, mustHold: boolean): Step<EffectError[]> {
  let left: NodeEffect<"thaw" | "barrierOff" | "drainEnd">[] = [
    ...mountEffects(plan, "thaw"), ...barrierOff(plan), ...drainEndsOf(plan),
  ];
  let errors: EffectError[] = [];
  const early: EffectError[] = [];
  for (let round = 0; round < RELEASE_TRIES && left.length > 0; round++) {
    const outcomes = yield* attemptAll(left);
    errors = left.flatMap(({ kind }, index) => {
      const outcome = outcomes[index];
      return outcome?.ok === false && kind !== "drainEnd" ? [outcome.error] : [];
    });
    if (mustHold) early.push(...releasedEarly(plan, left, outcomes));
    left = left.filter((_, index) => outcomes[index]?.ok !== true);
  }
  return [...errors, ...early];
}

function releasedEarly(
  plan: HoldPlan,
  effects: readonly NodeEffect<"thaw" | "barrierOff" | "drainEnd">[],
  outcomes: readonly Outcome[],
): EffectError[] {
  return effects.flatMap((effect, index) => {
    const outcome = outcomes[index];
    if (effect.kind === "drainEnd" || outcome?.ok !== true) return [];
    if ((outcome.value as { held: boolean }).held) return [];
    const object = effect.kind === "thaw" ? effect.mountPoint : effect.brick.path;
    const what = effect.kind === "thaw" ? "file system" : "brick";
    const origin = plan.origins.find((it) => it.brick.node === effect.node);
    const node = origin?.brick.host ?? effect.node;
    const message = `The ${what} ${object} was released by its watchdog before the snapshot was.`;
    const nextStep = "The disk is slow or overloaded: try again when it is less busy.";
    return [new EffectError("failed", message, { node, object, nextStep })];
  });
}
