/**
 * `--dry-run`: what a destructive command would do now, told from the same documents, with the
 * bytes that it would give back. Nothing is changed.
 */
import { brickName, onThinLvs } from "./bricks/brick.ts";
import { readClusterTime } from "./nodes/cluster-clock.ts";
import type { Step } from "./command.ts";
import { CommandFailure, errno } from "./failure.ts";
import { reclaimOf, sumOfFreed } from "./bricks/reclaim.ts";
import { removalOfBricks, replacementOfBrick, resettingOfBrick } from "./bricks/plan-bricks.ts";
import {
  bookmarkDeletion, detachment, doomedBySettings, scheduleDeletion,
} from "./plan-records.ts";
import type { Plan, PlanArgs, PlanStep } from "./plan-command.ts";
import { doomedSafetySnapshots } from "./snapshots/safety.ts";
import { chosenForDeletion, refuseUndeletable } from "./snapshots/snapshot-delete.ts";
import { findSnapshot, isActivated, snapVolumeOf } from "./snapshots/snapshot-find.ts";
import { isKept, refuseKept, whyKept } from "./snapshots/snapshot-keep.ts";
import type { BrickDocument, SnapshotDocument, VolumeDocument } from "./state.ts";
import type { CommandContext } from "./steps.ts";
import { text } from "./stock-text.ts";
import { findVolume } from "./volumes/volume-run.ts";

/** Before the bytes are known. */
interface Draft {
  readonly steps: PlanStep[];
  /** Their LVs are removed. */
  readonly removed: readonly BrickDocument[];
}

export function* commandPlan(context: CommandContext, args: PlanArgs): Step<Plan> {
  const { steps, removed } = yield* draftOf(context, args);
  const pools = yield* reclaimOf(context, removed);
  return { command: args.command, steps, pools, freedBytes: sumOfFreed(pools) };
}

function* draftOf(context: CommandContext, args: PlanArgs): Step<Draft> {
  switch (args.command) {
    case "snapshot delete":
      return yield* deletionOfChosen(context, args);
    case "snapshot prune":
      return deletion(yield* doomedSafetySnapshots(context));
    case "snapshot deactivate": {
      const snapshot = findSnapshot(context.state, named(args.snapshot));
      const bricks = snapshot.volumes.flatMap((it) => it.bricks);
      const steps = isActivated(snapshot) ? [...stops(bricks), ...unmounts(bricks)] : [];
      return { steps, removed: [] };
    }
    case "snapshot restore":
      yield* refuseKept(context, findSnapshot(context.state, named(args.snapshot)), "restored");
      return restoration(context, args);
    case "volume stop":
      return { steps: stops(findVolume(context, named(args.volume)).bricks), removed: [] };
    case "volume delete":
      return volumeDeletion(findVolume(context, named(args.volume)));
    case "volume remove-brick":
      return { steps: yield* removalOfBricks(context, volumeOf(context, args), args), removed: [] };
    case "volume reset-brick":
      return { steps: yield* resettingOfBrick(context, volumeOf(context, args), args), removed: [] };
    case "peer detach":
      return { steps: yield* detachment(context, args), removed: [] };
    case "snapshot config":
      return deletionAtNextCreate(yield* doomedBySettings(context, args));
    case "snapshot schedule delete":
      return { steps: scheduleDeletion(context, named(args.name)), removed: [] };
    case "snapshot bookmark":
      return { steps: bookmarkDeletion(context, named(args.name)), removed: [] };
    case "volume replace-brick":
      break;
  }
  return { steps: yield* replacementOfBrick(context, volumeOf(context, args), args), removed: [] };
}

function volumeOf(context: CommandContext, { volume }: PlanArgs): VolumeDocument {
  return findVolume(context, named(volume));
}

function named(name: string | undefined): string {
  if (name !== undefined) return name;
  throw new CommandFailure("bad-argument", errno.EINVAL, "Say which snapshot, or which volume.");
}

/** Of several, those that are held or locked stay. */
function* deletionOfChosen(context: CommandContext, args: PlanArgs): Step<Draft> {
  if (args.snapshot !== undefined) {
    const snapshot = findSnapshot(context.state, args.snapshot);
    yield* refuseUndeletable(context, snapshot);
    return deletion([snapshot]);
  }
  if (args.volume === undefined && args.all !== true) named(undefined);
  const chosen = chosenForDeletion(context, args.volume);
  const now = yield* readClusterTime(context.state);
  const kept = chosen.flatMap((it): PlanStep[] => {
    const why = whyKept(it, now);
    return why === undefined ? [] : [{ action: "keep", object: why.detail }];
  });
  const draft = deletion(chosen.filter((it) => !isKept(it, now)));
  return { ...draft, steps: [...draft.steps, ...kept] };
}

function deletion(snapshots: readonly SnapshotDocument[]): Draft {
  const steps: PlanStep[] = [];
  const removed: BrickDocument[] = [];
  for (const snapshot of snapshots) {
    const bricks = snapshot.volumes.flatMap((it) => it.bricks);
    if (isActivated(snapshot)) steps.push(...stops(bricks), ...unmounts(bricks));
    steps.push(...removals(bricks), { action: "remove", object: `snapshot ${snapshot.name}` });
    removed.push(...bricks);
  }
  return { steps, removed };
}

/** The settings themselves remove nothing yet. */
function deletionAtNextCreate(snapshots: readonly SnapshotDocument[]): Draft {
  const { steps, removed } = deletion(snapshots);
  const limits: PlanStep = { action: "replace", object: "limits and defaults of snapshots" };
  const later = steps.map((it) => ({ ...it, object: `${it.object}, at the next "snapshot create"` }));
  return { steps: [limits, ...later], removed };
}

function restoration(context: CommandContext, args: PlanArgs): Draft {
  const snapshot = findSnapshot(context.state, named(args.snapshot));
  const chosen = args.volume === undefined ? snapshot.volumes : [snapVolumeOf(snapshot, args.volume)];
  const steps: PlanStep[] = [];
  const removed: BrickDocument[] = [];
  for (const snap of chosen) {
    if (snap.status === "Started") steps.push(...stops(snap.bricks));
    const present = context.state.volumes.get(snap.origin)?.document;
    const former = present?.bricks ?? [];
    if (present?.status === "Started") {
      if (args.online !== true) {
        const message = text.snapRestoreStarted(snap.origin);
        throw new CommandFailure("volume-started", errno.EG_VOLRUN, message);
      }
      steps.push(...stops(former));
    }
    if (args.safety === false) {
      steps.push(...removals(former));
      removed.push(...former);
    } else {
      const keeps = former.map((it): PlanStep => ({
        host: it.host, action: "keep", object: `${lvOf(it)} as a safety snapshot`,
      }));
      steps.push(...keeps);
    }
    steps.push({ action: "replace", object: `volume ${snap.origin} by ${snapshot.name}` });
  }
  if (chosen.length === snapshot.volumes.length) {
    steps.push({ action: "remove", object: `snapshot ${snapshot.name}, which becomes the volume` });
  }
  return { steps, removed };
}

function volumeDeletion(volume: VolumeDocument): Draft {
  if (volume.status === "Started") {
    const message = text.volumeDeleteStarted(volume.name);
    throw new CommandFailure("volume-started", errno.EG_INTRNL, message);
  }
  const keeps = volume.bricks.map((it): PlanStep => ({
    host: it.host,
    action: "keep",
    object: it.managed ? `${lvOf(it)} as a safety snapshot, for a week` : `the data of ${it.path}`,
  }));
  return { steps: [...keeps, { action: "remove", object: `volume ${volume.name}` }], removed: [] };
}

function stops(bricks: readonly BrickDocument[]): PlanStep[] {
  return bricks.map((it) => ({ host: it.host, action: "stop", object: `brick ${brickName(it)}` }));
}

function unmounts(bricks: readonly BrickDocument[]): PlanStep[] {
  return bricks
    .filter((it) => it.managed)
    .map((it) => ({ host: it.host, action: "unmount", object: it.mountPoint }));
}

function removals(bricks: readonly BrickDocument[]): PlanStep[] {
  return onThinLvs(bricks).map(({ brick }) => ({
    host: brick.host, action: "remove", object: lvOf(brick),
  }));
}

function lvOf({ thin, device }: BrickDocument): string {
  return thin === undefined ? device : `logical volume ${thin.vg}/${thin.lv}`;
}
