/** `snapshot clone`: a volume of its own, made of an activated snapshot. */
import {
  bricksOnNewLvs,
  mountGroups,
  removeLvEffects,
  setVolumeIdEffects,
  snapBrickRef,
  unmountEffects,
} from "../bricks/brick.ts";
import type { Step } from "../command.ts";
import type { VolumeRef } from "../volumes/volume-command.ts";
import type { NodeEffect } from "../effect.ts";
import { CommandFailure, errno } from "../failure.ts";
import { begin, groupsOf, settleHolding, undo } from "../intent.ts";
import { changeOf, keyOf } from "../key-space.ts";
import { performGroups } from "./snapshot-activation.ts";
import { lvEffects } from "./snapshot-create.ts";
import { isActivated, openSnapshot, refuseSafety, snapVolumeOf } from "./snapshot-find.ts";
import { lvEffectsOf, mountEffects, snapshotLvs } from "./snapshot-hold.ts";
import { checkCloneName } from "./snapshot-name.ts";
import { optionsFromSnapshot } from "./snapshot-restore.ts";
import {
  type BrickDocument,
  SCHEMA,
  type SnapshotDocument,
  type SnapVolumeDocument,
  type VolumeDocument,
} from "../state.ts";
import { commit, type CommandContext, event, newUuids, performAll } from "../steps.ts";
import { text } from "../stock-text.ts";
import { checkVolumeName, volumeNameTaken } from "../volumes/volume-create.ts";

interface CloneArgs {
  readonly snapshot: string;
  readonly name: string;
  /** Of a snapshot of several volumes: which one. */
  readonly volume?: string;
}

export function* snapshotClone(context: CommandContext, args: CloneArgs): Step<VolumeRef> {
  const { name } = args;
  checkCloneName(name);
  checkVolumeName(name);
  yield* settleHolding(context, name, [keyOf.volume(name)]);
  if (volumeNameTaken(context.state, name)) {
    const message = text.cloneVolumeExists(name);
    throw new CommandFailure("volume-exists", errno.EG_VOLEXST, message);
  }
  const snapshot = yield* openSnapshot(context, args.snapshot, text.cloneSnapMissing);
  refuseSafety(snapshot);
  if (!isActivated(snapshot)) {
    const message = text.cloneInactive(snapshot.name);
    throw new CommandFailure("snapshot-inactive", errno.EG_VOLSTP, message);
  }
  const snapVolume = snapVolumeOf(snapshot, args.volume);
  yield* refuseStopped(snapshot, snapVolume);
  const [id = "", username = "", password = ""] = yield* newUuids(3);
  const clone = cloneOf(context, snapVolume, { name, id, username, password });
  yield* make(context, snapshot.name, snapVolume.bricks, clone);
  yield* event("SNAPSHOT_CLONED", { snapshot: snapshot.name, clone: name });
  return { name, id };
}

function cloneOf(
  context: CommandContext,
  snapVolume: SnapVolumeDocument,
  of: Pick<VolumeDocument, "name" | "id" | "username" | "password">,
): VolumeDocument {
  const { restoredFromSnap: _of, snapMaxHardLimit: _limit, ...origin } = snapVolume.volume;
  const lvName = of.id.replaceAll("-", "");
  // New brick ids: what replicas of the origin still owed each other is forgotten.
  const idOf = (index: number) => `${of.name}-client-${index}`;
  return {
    ...origin,
    ...of,
    schema: SCHEMA,
    status: "Created",
    bricks: bricksOnNewLvs(context.state, lvName, snapVolume.bricks, idOf),
    options: optionsFromSnapshot(origin.options),
    generation: 1,
  };
}

function* make(
  context: CommandContext,
  snapshot: string,
  origins: readonly BrickDocument[],
  clone: VolumeDocument,
): Step<void> {
  // A snapshot's clients only read: its file systems are frozen, but no barrier is needed.
  const plan = {
    origins: origins.map((brick) => ({ brick })),
    lvs: lvEffects(origins, clone.bricks),
  };
  const intent = yield* begin(context, {
    command: "snapshot clone",
    holds: [keyOf.volume(clone.name), keyOf.snapshot(snapshot)],
    direction: "undo",
    groups: groupsOf(
      [...mountEffects(plan, "thaw"), ...lvEffectsOf(plan, "abandonSnapshotLv")],
      unmountEffects(clone.bricks),
      removeLvEffects(clone.bricks),
    ),
    afterwards: [],
  });
  const { activate, mount } = mountGroups(clone.bricks);
  try {
    yield* snapshotLvs(plan);
    yield* performGroups([activate, mount, setVolumeIdEffects(clone.bricks, clone.id)]);
  } catch (error) {
    yield* undo(context, intent);
    throw error;
  }
  yield* commit(context, [
    changeOf.volume(context.state, clone),
    changeOf.intentGone(context.state, intent.id),
  ]);
}

function* refuseStopped(
  snapshot: SnapshotDocument,
  snapVolume: SnapVolumeDocument,
): Step<void> {
  const states = yield* performAll(
    snapVolume.bricks.map(
      (brick): NodeEffect<"brickStatus"> => ({
        kind: "brickStatus",
        node: brick.node,
        brick: snapBrickRef(snapshot, snapVolume, brick),
        detail: false,
      }),
    ),
  );
  if (states.every((it) => it.running)) return;
  throw new CommandFailure("bricks-down", errno.EG_BRCKDWN, text.cloneBricksDown(), [
    {
      object: snapshot.name,
      detail: `Not all bricks of the snapshot ${snapshot.name} are running.`,
      nextStep: `snapshot activate ${snapshot.name} force`,
    },
  ]);
}
