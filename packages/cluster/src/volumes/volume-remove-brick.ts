/**
 * `volume remove-brick`: whole sets of bricks are emptied by rebalance processes (`start`), then
 * let go (`commit`); or let go with what is on them (`force`), which with `replica N` takes copies
 * out of every set. Released bricks keep their data.
 */
import { brickName, stopEffects, volumeBrickRef } from "../bricks/brick.ts";
import type { Step } from "../command.ts";
import type { BrickProcessStatus } from "../bricks/brick-effects.ts";
import type { NodeEffect } from "../effect.ts";
import { CommandFailure, errno, NO_ERRNO, stepsFailed } from "../failure.ts";
import { draftIntent, groupsOf, pendingDetail, settle } from "../intent.ts";
import { changeOf, keyOf } from "../key-space.ts";
import type { BrickDocument, VolumeDocument } from "../state.ts";
import { attemptAll, commit, type CommandContext, errorsOf, event } from "../steps.ts";
import { text } from "../stock-text.ts";
import type { RemoveBrickArgs, VolumeTaskReport } from "./volume-change-command.ts";
import { keepReleased } from "../bricks/brick-release.ts";
import { type BrickLayout, setSizeOf } from "../bricks/brick-sets.ts";
import { optionsOfKind, shrunkLayout } from "./replica-change.ts";
import { taskReport } from "./volume-rebalance.ts";
import { changed, openVolume } from "./volume-run.ts";
import {
  refuseMoving, startTask, stopEffectsOf, taskProgress, tellClients,
} from "./volume-task.ts";

export function* volumeRemoveBrick(
  context: CommandContext,
  args: RemoveBrickArgs,
): Step<VolumeTaskReport> {
  const volume = yield* openVolume(context, args.volume);
  const removed = bricksNamed(volume, args.bricks);
  const layout =
    args.replica === undefined ? undefined : shrunkLayout(volume, args.replica, removed);
  yield* refuseRemoval(context, volume, { removed, layout, action: args.action });
  if (args.action === "start") return yield* start(context, volume, removed);
  if (args.action === "stop") return yield* stop(context, volume);
  const report = yield* taskReport(context, volume);
  if (args.action === "status") return report;
  yield* release(context, volume, removed, layout);
  return { ...report, name: volume.name };
}

/** What the command refuses, and a dry run of it. */
export function* refuseRemoval(
  context: CommandContext,
  volume: VolumeDocument,
  { removed, layout, action }: {
    readonly removed: readonly BrickDocument[];
    readonly layout: BrickLayout | undefined;
    readonly action: RemoveBrickArgs["action"];
  },
): Step<void> {
  switch (action) {
    case "start":
      if (layout !== undefined) throw refused(text.replicaNoMigration());
      if (volume.status !== "Started") throw refused(text.removeBrickNeedsStart(volume.name));
      refuseBroken(volume, removed);
      if (volume.task?.kind === "remove-brick") {
        throw rebalancing(text.removeBrickEarlier(volume.name));
      }
      yield* refuseMoving(context, volume, text.rebalanceInProgressHere());
      yield* refuseOffline(volume, removed);
      return;
    case "status":
      refuseNotEmptied(volume, removed);
      return;
    case "stop":
      refuseOther(volume, removed);
      return;
    case "commit":
      yield* refuseUnmoved(context, volume, removed);
      break;
    case "force":
      yield* refuseOtherRun(context, volume, removed);
      break;
  }
  if (layout === undefined) refuseBroken(volume, removed);
}

function* start(
  context: CommandContext,
  volume: VolumeDocument,
  removed: readonly BrickDocument[],
): Step<VolumeTaskReport> {
  const { name } = volume;
  const bricks = volume.bricks.map((brick) =>
    removed.includes(brick) ? { ...brick, decommissioned: true } : brick,
  );
  const id = yield* startTask(context, volume, {
    command: "volume remove-brick",
    task: { kind: "remove-brick", command: "force", bricks: removed.map(brickName) },
    change: { bricks },
  });
  yield* event("VOLUME_REMOVE_BRICK_START", { name, id });
  return { name, id, fixLayout: false, status: "in progress", nodes: [] };
}

/** What is on a brick that does not run could not be moved away, and would be let go with it. */
function* refuseOffline(volume: VolumeDocument, removed: readonly BrickDocument[]): Step<void> {
  const statuses = yield* attemptAll(removed.map((brick): NodeEffect<"brickStatus"> => ({
    kind: "brickStatus", node: brick.node, brick: volumeBrickRef(volume, brick), detail: false,
  })));
  for (const [index, brick] of removed.entries()) {
    const status = statuses[index]!;
    if (!status.ok) throw refused(text.brickHostDown(brickName(brick)));
    if (!(status.value as BrickProcessStatus).running) throw refused(text.brickStopped(brickName(brick)));
  }
}

/** The bricks take part again; files that were moved stay where they are now. */
function* stop(context: CommandContext, volume: VolumeDocument): Step<VolumeTaskReport> {
  const errors = errorsOf(yield* attemptAll(stopEffectsOf(volume)));
  if (errors.length > 0) throw stepsFailed(errors);
  const report = yield* taskReport(context, volume);
  const { task: _task, ...rest } = volume;
  const bricks = volume.bricks.map(({ decommissioned: _former, ...brick }) => brick);
  const now = changed(rest, { bricks });
  yield* commit(context, [changeOf.volume(context.state, now)]);
  yield* tellClients(context, now);
  yield* event("VOLUME_REMOVE_BRICK_STOP", { name: volume.name });
  return report;
}

/** Clients hear of it before the bricks end. */
function* release(
  context: CommandContext,
  volume: VolumeDocument,
  removed: readonly BrickDocument[],
  layout: BrickLayout | undefined,
): Step<void> {
  const { task: _task, ...rest } = volume;
  const bricks = volume.bricks.filter((it) => !removed.includes(it));
  const shape = layout && { ...layout, options: optionsOfKind(volume, layout.kind) };
  const now = changed(rest, { ...shape, bricks });
  const kept = yield* keepReleased(context, volume, removed);
  const intent = yield* draftIntent({
    command: "volume remove-brick",
    holds: [keyOf.volume(volume.name)],
    direction: "finish",
    groups: groupsOf(
      stopEffectsOf(volume),
      stopEffects(removed, (brick) => volumeBrickRef(volume, brick)),
    ),
    afterwards: [],
  });
  yield* commit(context, [
    changeOf.volume(context.state, now),
    changeOf.intent(context.state, intent),
    ...kept,
  ]);
  yield* tellClients(context, now);
  const errors = yield* settle(context, intent);
  context.details.push(...errors.map(pendingDetail));
  yield* event("VOLUME_REMOVE_BRICK_COMMIT", { name: volume.name });
}

export function bricksNamed(volume: VolumeDocument, names: readonly string[]): BrickDocument[] {
  const found = names.map((name) => {
    const brick = volume.bricks.find((it) => brickName(it) === name);
    if (brick === undefined) throw refusedAtOnce(text.brickIncorrect(name, volume.name));
    return brick;
  });
  if (new Set(found).size === found.length) return found;
  throw refused(text.brickTwice(names.find((it, index) => names.indexOf(it) < index) ?? ""));
}

/** Only whole sets can go, and not all of them. */
function refuseBroken(volume: VolumeDocument, removed: readonly BrickDocument[]): void {
  const size = setSizeOf(volume);
  if (volume.kind === "replicate" && volume.bricks.length === size) {
    throw refusedAtOnce(text.replicaImplicit());
  }
  if (removed.length === volume.bricks.length) throw refused(text.removeAllBricks());
  if (removed.length % size !== 0) {
    throw refusedAtOnce(text.removeCountIncorrect(removed.length, size, volume.kind));
  }
  const sets = new Set(removed.map((it) => Math.floor(volume.bricks.indexOf(it) / size)));
  if (sets.size * size !== removed.length) throw refusedAtOnce(text.removeNotASet(volume.name));
}

/** Throws unless exactly these bricks are being removed. */
function refuseOther(volume: VolumeDocument, removed: readonly BrickDocument[]): void {
  refuseNotEmptied(volume, removed);
  if (volume.task?.bricks.length !== removed.length) throw refused(text.removeNotASet(volume.name));
}

/** Throws unless each of these bricks is being removed, among others perhaps. */
function refuseNotEmptied({ task, name }: VolumeDocument, removed: readonly BrickDocument[]): void {
  if (task?.kind !== "remove-brick") throw refused(text.removeBrickNotStarted(name));
  for (const brick of removed.map(brickName)) {
    if (!task.bricks.includes(brick)) throw refused(text.brickNotDecommissioned(brick));
  }
}

function* refuseUnmoved(
  context: CommandContext,
  volume: VolumeDocument,
  removed: readonly BrickDocument[],
): Step<void> {
  const other = removed.find((it) => it.decommissioned !== true);
  if (other !== undefined) throw refused(text.brickNotDecommissioned(brickName(other)));
  refuseOther(volume, removed);
  yield* refuseMoving(context, volume, text.migrationInProgress());
  const progress = yield* taskProgress(context, volume);
  const whole = progress.every((it) => it.status === "completed" && it.failures === 0);
  if (!whole) throw refused(text.migrationFailed());
}

/** Bricks of a removal that was started may be forced out; others wait until it is over. */
function* refuseOtherRun(
  context: CommandContext,
  volume: VolumeDocument,
  removed: readonly BrickDocument[],
): Step<void> {
  if (volume.task?.kind === "remove-brick") refuseOther(volume, removed);
  else yield* refuseMoving(context, volume, text.rebalanceInProgressHere());
}

function rebalancing(message: string): CommandFailure {
  return new CommandFailure("volume-rebalancing", errno.EG_RBALRUN, message);
}

/** Without a number, as by stock. */
function refusedAtOnce(message: string): CommandFailure {
  return new CommandFailure("brick-refused", NO_ERRNO, message);
}

function refused(message: string): CommandFailure {
  return new CommandFailure("brick-refused", errno.EG_INTRNL, message);
}
