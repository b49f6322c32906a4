/**
 * Holds and locks: snapshots that are not to be removed.
 *
 * A hold is somebody's wish, with a reason, ended by `release` or at its time. A lock is a promise:
 * it can be extended and not shortened, and is judged by the cluster's clock (cluster-clock.ts).
 * Before its time it is removed by two operators: one asks, another confirms, a day later at the
 * earliest. Whatever would remove a snapshot asks `refuseKept`; a restore is one of these, as the
 * snapshot's bricks become the volume's.
 */
import type { Step } from "../command.ts";
import { advanceClock, readClusterTime } from "../nodes/cluster-clock.ts";
import { CommandFailure, errno } from "../failure.ts";
import { changeOf } from "../key-space.ts";
import type { SnapshotChanged } from "./snapshot-command.ts";
import type { SnapshotKept, SnapshotUnlocked } from "../schedules/schedule-command.ts";
import { openSnapshot } from "./snapshot-find.ts";
import type { SnapshotDocument } from "../state.ts";
import { commit, type CommandContext, event } from "../steps.ts";

/** Between the request that a lock be removed and its confirmation. */
export const UNLOCK_DELAY_MS = 24 * 3_600_000;
const WORDS_MAX = 1024;

export interface SnapshotHold {
  readonly owner: string;
  readonly reason: string;
  readonly sinceMs: number;
  readonly untilMs?: number;
}

export interface SnapshotLock {
  readonly untilMs: number;
  /** By the cluster's clock. */
  readonly removal?: {
    readonly operator: string;
    readonly requestedMs: number;
    /** Nothing vouched for who it was. */
    readonly stated?: boolean;
  };
}

/** `clusterMs`: by the cluster's clock. */
export function isKept(snapshot: SnapshotDocument, clusterMs: number): boolean {
  return whyKept(snapshot, clusterMs) !== undefined;
}

/** One sentence; undefined: nothing keeps it. */
export function whyKept(
  { name, keptBy, lock }: SnapshotDocument,
  clusterMs: number,
): { readonly detail: string; readonly nextStep: string } | undefined {
  if (lock !== undefined && lock.untilMs > clusterMs) {
    const until = new Date(lock.untilMs).toISOString();
    return {
      detail: `Snapshot ${name} is locked until ${until}.`,
      nextStep: `Wait, or have two operators run "snapshot unlock ${name}", a day apart.`,
    };
  }
  const hold = keptBy?.find((it) => (it.untilMs ?? Number.POSITIVE_INFINITY) > clusterMs);
  if (hold === undefined) return undefined;
  return {
    detail: `Snapshot ${name} is held by ${hold.owner}: ${hold.reason}.`,
    nextStep: `Run "snapshot release ${name} --owner ${hold.owner}" when it is not needed.`,
  };
}

export function* refuseKept(
  context: CommandContext,
  snapshot: SnapshotDocument,
  what: "deleted" | "restored",
): Step<void> {
  // One whose deletion was decided before is only to be finished.
  if (snapshot.keptBy === undefined && snapshot.lock === undefined) return;
  const why = whyKept(snapshot, yield* readClusterTime(context.state));
  if (why === undefined) return;
  const copy =
    what === "deleted"
      ? ""
      : " A restore would use it up: make a clone of it instead, with snapshot clone.";
  throw new CommandFailure("snapshot-kept", errno.EG_OPNOTSUP, `${why.detail}${copy}`, [
    { object: snapshot.name, ...why },
  ]);
}

export function* snapshotHold(
  context: CommandContext,
  args: {
    readonly snapshot: string;
    readonly owner: string;
    readonly reason: string;
    readonly untilMs?: number;
  },
): Step<SnapshotChanged> {
  const { owner, reason, untilMs } = args;
  checkWords("owner", owner);
  checkWords("reason", reason);
  const snapshot = yield* openKeepable(context, args.snapshot);
  const { markMs, change } = yield* advanceClock(context.state);
  if (untilMs !== undefined) checkFuture(untilMs, markMs);
  const others = (snapshot.keptBy ?? []).filter((it) => it.owner !== owner);
  const hold = { owner, reason, sinceMs: markMs, ...(untilMs === undefined ? {} : { untilMs }) };
  const held = { ...snapshot, keptBy: [...others, hold] };
  yield* commit(context, [changeOf.snapshot(context.state, held), change]);
  yield* event("SNAPSHOT_HELD", { snapshot: snapshot.name, owner, reason });
  return { name: snapshot.name, uuid: snapshot.id };
}

export function* snapshotRelease(
  context: CommandContext,
  args: { readonly snapshot: string; readonly owner: string },
): Step<SnapshotChanged> {
  const snapshot = yield* openSnapshot(context, args.snapshot);
  const { keptBy = [], ...rest } = snapshot;
  const others = keptBy.filter((it) => it.owner !== args.owner);
  if (others.length === keptBy.length) {
    const owners = keptBy.map((it) => it.owner).join(", ") || "nobody";
    throw badArgument(
      `Snapshot ${snapshot.name} is not held by ${args.owner}. It is held by: ${owners}.`,
    );
  }
  const released = others.length === 0 ? rest : { ...rest, keptBy: others };
  yield* commit(context, [changeOf.snapshot(context.state, released)]);
  yield* event("SNAPSHOT_RELEASED", { snapshot: snapshot.name, owner: args.owner });
  return { name: snapshot.name, uuid: snapshot.id };
}

export function* snapshotLock(
  context: CommandContext,
  args: { readonly snapshot: string; readonly untilMs: number },
): Step<SnapshotChanged> {
  const snapshot = yield* openKeepable(context, args.snapshot);
  const { markMs, change } = yield* advanceClock(context.state);
  const present = snapshot.lock;
  checkFuture(args.untilMs, markMs);
  if (present !== undefined && present.untilMs > markMs && args.untilMs < present.untilMs) {
    const until = new Date(present.untilMs).toISOString();
    throw badArgument(
      `Snapshot ${snapshot.name} is locked until ${until}: a lock can only be extended.`,
    );
  }
  // A request to remove the former lock says nothing about this one.
  const locked: SnapshotDocument = { ...snapshot, lock: { untilMs: args.untilMs } };
  yield* commit(context, [changeOf.snapshot(context.state, locked), change]);
  const until = new Date(args.untilMs).toISOString();
  yield* event("SNAPSHOT_LOCKED", { snapshot: snapshot.name, until });
  return { name: snapshot.name, uuid: snapshot.id };
}

/** The first operator asks, another confirms. */
export function* snapshotUnlock(
  context: CommandContext,
  args: { readonly snapshot: string; readonly operator: string; readonly stated?: boolean },
): Step<SnapshotUnlocked> {
  checkWords("operator", args.operator);
  const snapshot = yield* openSnapshot(context, args.snapshot);
  const { name, id: uuid } = snapshot;
  const { lock, ...rest } = snapshot;
  if (lock === undefined) throw badArgument(`Snapshot ${name} is not locked.`);
  const { operator } = args;
  const stated = args.stated === true;
  const { markMs, change } = yield* advanceClock(context.state);
  const { removal } = lock;
  if (removal === undefined) {
    const request = { operator, requestedMs: markMs, ...(stated ? { stated } : {}) };
    const asked = { ...snapshot, lock: { ...lock, removal: request } };
    yield* commit(context, [changeOf.snapshot(context.state, asked), change]);
    yield* event("SNAPSHOT_UNLOCK_REQUESTED", { snapshot: name, operator });
    return { name, uuid, unlocked: false, confirmAfterMs: markMs + UNLOCK_DELAY_MS };
  }
  if (removal.operator === operator) {
    throw badArgument(
      `${operator} asked that the lock of ${name} be removed: another operator has to confirm it.`,
    );
  }
  if ((removal.stated === true) !== stated) {
    throw badArgument(
      `${removal.operator} ${stated ? "was known by the login" : "was only stated"} and ` +
        `${operator} ${stated ? "is only stated" : "is known by the login"}: one person could be ` +
        "both. Both have to be known, or both stated.",
    );
  }
  const confirmAfterMs = removal.requestedMs + UNLOCK_DELAY_MS;
  if (markMs < confirmAfterMs) {
    const after = new Date(confirmAfterMs).toISOString();
    throw badArgument(`The lock of ${name} can be removed after ${after}. Confirm it then.`);
  }
  yield* commit(context, [changeOf.snapshot(context.state, rest), change]);
  const operators = `${removal.operator}, ${operator}`;
  yield* event("SNAPSHOT_UNLOCKED", { snapshot: name, operators });
  return { name, uuid, unlocked: true, confirmAfterMs };
}

/** For `snapshot list` and `info`. */
export function keptOf({ keptBy, lock, scheduled }: SnapshotDocument): SnapshotKept {
  return {
    ...(keptBy === undefined ? {} : { holds: keptBy.map((it) => ({ ...it })) }),
    ...(lock === undefined ? {} : { lock }),
    ...(scheduled === undefined ? {} : { schedule: scheduled.schedule }),
  };
}

function* openKeepable(context: CommandContext, name: string): Step<SnapshotDocument> {
  const snapshot = yield* openSnapshot(context, name);
  if (snapshot.deletingSinceMs === undefined) return snapshot;
  throw badArgument(`Snapshot ${name} is being deleted: it cannot be held or locked any more.`);
}

function checkWords(what: string, words: string): void {
  if (words.trim() !== "" && words.length <= WORDS_MAX) return;
  throw badArgument(`The ${what} is empty, or longer than ${WORDS_MAX} characters.`);
}

function checkFuture(untilMs: number, markMs: number): void {
  if (Number.isSafeInteger(untilMs) && untilMs > markMs && untilMs <= 8.64e15) return;
  throw badArgument(`The time must be after ${new Date(markMs).toISOString()}, the cluster's time.`);
}

function badArgument(message: string): CommandFailure {
  return new CommandFailure("bad-argument", errno.EINVAL, message);
}
