/** `snapshot activate` and `deactivate`: mounting and serving a snapshot's bricks, and back. */
import {
  mountGroups,
  setVolumeIdEffects,
  snapBrickRef,
  startEffects,
  stopEffects,
  unmountEffects,
} from "../bricks/brick.ts";
import type { Step } from "../command.ts";
import type { SnapshotChanged } from "./snapshot-command.ts";
import type { NodeEffect } from "../effect.ts";
import { CommandFailure, detailOf, errno, stepsFailed } from "../failure.ts";
import { begin, groupsOf, settle, undo } from "../intent.ts";
import { changeOf, keyOf } from "../key-space.ts";
import {
  isActivated, openSnapshot, refuseSafety, withoutViewers, withStatus,
} from "./snapshot-find.ts";
import type { SnapshotDocument } from "../state.ts";
import { attemptAll, commit, type CommandContext, errorsOf, event } from "../steps.ts";
import { text } from "../stock-text.ts";

/** From nothing to served, group after group; each can be repeated. */
export function upGroups(snapshot: SnapshotDocument): NodeEffect[][] {
  const up = snapshot.volumes.map((it) => ({
    ...mountGroups(it.bricks),
    id: setVolumeIdEffects(it.bricks, it.volumeId),
    start: startEffects(it.bricks, (brick) => snapBrickRef(snapshot, it, brick)),
  }));
  return groupsOf(
    up.flatMap((it) => it.activate),
    up.flatMap((it) => it.mount),
    up.flatMap((it) => it.id),
    up.flatMap((it) => it.start),
  );
}

export function stopSnapshotEffects(snapshot: SnapshotDocument): NodeEffect<"stopBrick">[] {
  return snapshot.volumes.flatMap((it) =>
    stopEffects(it.bricks, (brick) => snapBrickRef(snapshot, it, brick)),
  );
}

/** From served to unmounted. The LVs stay active, as stock leaves them. */
export function downGroups(snapshot: SnapshotDocument): NodeEffect[][] {
  return groupsOf(
    stopSnapshotEffects(snapshot),
    snapshot.volumes.flatMap((it) => unmountEffects(it.bricks)),
  );
}

/** Group after group; throws at the first one in which something failed. */
export function* performGroups(groups: readonly (readonly NodeEffect[])[]): Step<void> {
  for (const group of groups) {
    const errors = errorsOf(yield* attemptAll(group));
    if (errors.length > 0) throw stepsFailed(errors);
  }
}

export function* snapshotActivate(
  context: CommandContext,
  args: { readonly snapshot: string; readonly force?: boolean },
): Step<SnapshotChanged> {
  const snapshot = yield* openSnapshot(context, args.snapshot, text.snapMissingDot);
  refuseSafety(snapshot);
  const { name, id } = snapshot;
  if (!isActivated(snapshot)) {
    yield* activateSnapshot(context, snapshot);
  } else if (snapshot.viewers !== undefined) {
    // Activated for who looks at it: from now on it stays so.
    yield* commit(context, [changeOf.snapshot(context.state, withoutViewers(snapshot))]);
  } else if (args.force === true) {
    // Bricks that died are started again; the state says already that they run.
    yield* performGroups(upGroups(snapshot));
  } else {
    throw new CommandFailure("snapshot-active", errno.EINVAL, text.snapActivated(name));
  }
  return { name, uuid: id };
}

/** `up`: how its groups are performed. */
export function* activateSnapshot(
  context: CommandContext,
  snapshot: SnapshotDocument,
  up: (groups: readonly (readonly NodeEffect[])[]) => Step<void> = performGroups,
): Step<void> {
  // Mounting it may write into it, whatever becomes of this.
  const activations = (snapshot.activations ?? 0) + 1;
  const now = context.state.snapshots.get(snapshot.name)?.document ?? snapshot;
  const draft = {
    command: "snapshot activate",
    holds: [keyOf.snapshot(snapshot.name)],
    direction: "undo" as const,
    groups: downGroups(snapshot),
    afterwards: [],
  };
  const counted = changeOf.snapshot(context.state, { ...now, activations });
  const intent = yield* begin(context, draft, [counted]);
  try {
    yield* up(upGroups(snapshot));
  } catch (error) {
    yield* undo(context, intent);
    throw error;
  }
  yield* commit(context, [
    changeOf.snapshot(context.state, withStatus({ ...snapshot, activations }, "Started")),
    changeOf.intentGone(context.state, intent.id),
  ]);
  yield* event("SNAPSHOT_ACTIVATED", { snapshot: snapshot.name });
}

export function* snapshotDeactivate(
  context: CommandContext,
  args: { readonly snapshot: string },
): Step<SnapshotChanged> {
  const snapshot = yield* openSnapshot(context, args.snapshot, text.snapMissingDot);
  refuseSafety(snapshot);
  const { name, id } = snapshot;
  if (!isActivated(snapshot)) {
    throw new CommandFailure("snapshot-inactive", errno.EINVAL, text.snapDeactivated(name));
  }
  yield* deactivateSnapshot(context, snapshot);
  return { name, uuid: id };
}

export function* deactivateSnapshot(
  context: CommandContext,
  snapshot: SnapshotDocument,
): Step<void> {
  const { name } = snapshot;
  const intent = yield* begin(context, {
    command: "snapshot deactivate",
    holds: [keyOf.snapshot(name)],
    direction: "finish",
    groups: downGroups(snapshot),
    afterwards: [{ key: keyOf.snapshot(name), put: withStatus(snapshot, "Stopped") }],
  });
  const errors = yield* settle(context, intent);
  if (errors.length > 0) {
    // It stays activated: what was taken down is brought up again.
    for (const group of upGroups(snapshot)) {
      context.details.push(...errorsOf(yield* attemptAll(group)).map(detailOf));
    }
    yield* commit(context, [changeOf.intentGone(context.state, intent.id)]);
    throw stepsFailed(errors);
  }
  yield* event("SNAPSHOT_DEACTIVATED", { snapshot: name });
}
