/**
 * Draining the locks of clients over all bricks of a snapshot, before the barrier.
 *
 * Clients keep locks for a second after a write, in case they write again. So they are hurried
 * first: nobody waits yet, but such locks are given back (`hurryLocks`).
 *
 * A client's step that touches several bricks (a write to a replica, a rename from one brick to
 * another) holds locks on them while it runs. While bricks drain, they give locks only to who has
 * some already: what runs comes to its end, and nothing new begins. Then no snapshot shows both
 * names of a rename, or replicas of which one has a write that another has not.
 *
 * A brick cannot know who holds a lock on another one. Each says what is held and what waits;
 * an owner that holds somewhere may go on everywhere (`leavesFor`). DHT locks before it calls the
 * translators below, which lock for themselves under other owners: while a process holds a lock of
 * DHT anywhere, its locks in the domains below are given, too. EC has an owner for each lock, so
 * that a rename between two directories waits for itself: when nothing has changed for some rounds,
 * what waits of a process that holds something is given.
 *
 * Bounded: a client that hangs, or was cut off, may hold a lock for long. The record of the
 * snapshot says so then.
 */
import type { Step } from "../command.ts";
import type { BrickRef } from "../bricks/brick-effects.ts";
import type { DrainLeave, DrainState, LockClaim } from "./hold-effects.ts";
import type { NodeEffect, NodeEffectResult } from "../effect.ts";
import type { BrickDocument } from "../state.ts";
import { attemptAll, performLocal } from "../steps.ts";

export interface DrainPlan {
  readonly bricks: readonly { readonly brick: BrickDocument; readonly ref: BrickRef }[];
}

/** What is kept of it in the snapshot's record. */
export interface DrainOutcome {
  /** No client was in the middle of a step. */
  readonly complete: boolean;
  readonly tookMs: number;
  /** Owners of locks that were not given back in time; of bricks that cannot tell, none. */
  readonly left: number;
}

/** A little more than clients keep a lock that they do not need. */
const HURRY_MS = 1500;
const DRAIN_MS = 2000;
/** How long a brick waits for its last lock before it tells what there is. */
const ROUND_MS = 4;
const STALLED_ROUNDS = 4;
const WATCHDOG_MS = 20_000;
/** Of a request's length. What is not told of is told of in the next round. */
const LEAVES_MAX = 200;
const OUTER = /^dht\./;

/** Holds nobody up. Does not throw. */
export function* hurryLocks(plan: DrainPlan): Step<void> {
  const order = { holds: false, leaves: [], waitMs: HURRY_MS, watchdogMs: WATCHDOG_MS };
  yield* attemptAll(orders(plan, order));
}

/** Does not throw: a brick that cannot be drained makes it incomplete. */
export function* drainLocks(plan: DrainPlan): Step<DrainOutcome> {
  const start = yield* performLocal("clock", {});
  let leaves: DrainLeave[] = [];
  let before: readonly DrainState[] = [];
  let unchanged = 0;
  for (;;) {
    const order = { holds: true, leaves, waitMs: ROUND_MS, watchdogMs: WATCHDOG_MS };
    const outcomes = yield* attemptAll(orders(plan, order));
    const states = outcomes.flatMap((it) =>
      it.ok ? [it.value as NodeEffectResult<"drainLocks">] : [],
    );
    const able = outcomes.length === states.length && states.every((it) => it.drains);
    const left = new Set(states.flatMap((it) => it.held.map(ownerKey))).size;
    const { monotonicMs } = yield* performLocal("clock", {});
    const tookMs = monotonicMs - start.monotonicMs;
    if (left === 0 || tookMs >= DRAIN_MS) return { complete: able && left === 0, tookMs, left };
    unchanged = sameHolders(before, states) ? unchanged + 1 : 0;
    before = states;
    leaves = leavesFor(states, unchanged >= STALLED_ROUNDS);
  }
}

function sameHolders(before: readonly DrainState[], now: readonly DrainState[]): boolean {
  const keys = (states: readonly DrainState[]) =>
    states.flatMap((it, index) => it.held.map((claim) => `${index} ${ownerKey(claim)}`)).toSorted();
  return keys(before).join("\n") === keys(now).join("\n");
}

function orders(
  plan: DrainPlan,
  order: Omit<NodeEffect<"drainLocks">, "kind" | "node" | "brick">,
): NodeEffect<"drainLocks">[] {
  return plan.bricks.map(({ brick, ref }) => ({
    kind: "drainLocks",
    node: brick.node,
    brick: ref,
    ...order,
  }));
}

/** *Idempotent*, also when nothing drains. */
export function drainEnds(plan: DrainPlan): NodeEffect<"drainEnd">[] {
  return plan.bricks.map(({ brick, ref }) => ({
    kind: "drainEnd",
    node: brick.node,
    brick: ref,
  }));
}

/**
 * Who waits somewhere and has to go on, because of what is held elsewhere. `stalled`: nothing has
 * changed for a while.
 */
export function leavesFor(states: readonly DrainState[], stalled: boolean): DrainLeave[] {
  const held = states.flatMap((it) => it.held);
  const owners = new Set(held.map(ownerKey));
  const holders = new Set(held.map((it) => it.process));
  const outside = new Set(held.filter(isOuter).map((it) => it.process));
  const leaves = new Map<string, DrainLeave>();
  for (const claim of states.flatMap((it) => it.waiting)) {
    const { process, owner, domain } = claim;
    const key = ownerKey(claim);
    if (owners.has(key) || (stalled && holders.has(process))) {
      leaves.set(key, { process, owner });
    } else if (outside.has(process) && !isOuter(claim)) {
      leaves.set(`${process} ${domain}`, { process, domain });
    }
    if (leaves.size === LEAVES_MAX) break;
  }
  return [...leaves.values()];
}

const ownerKey = ({ process, owner }: LockClaim) => `${process} ${owner}`;
const isOuter = ({ domain }: LockClaim) => OUTER.test(domain);
