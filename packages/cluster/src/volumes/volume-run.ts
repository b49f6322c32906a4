/** `volume start`, `stop`, `delete`. */
import {
  brickName,
  mountGroups,
  servedBricks,
  startEffects,
  stopEffects,
  unmountEffects,
  volumeBrickRef,
} from "../bricks/brick.ts";
import type { Step } from "../command.ts";
import type { VolumeRef } from "./volume-command.ts";
import type { BrickFacts } from "../bricks/brick-effects.ts";
import type { EffectError, NodeEffect } from "../effect.ts";
import { CommandFailure, detailOf, errno, stepsFailed } from "../failure.ts";
import { begin, groupsOf, settle, settleHolding, undo } from "../intent.ts";
import { changeOf, keyOf } from "../key-space.ts";
import { keepAsSafety } from "../snapshots/safety.ts";
import type { BrickDocument, VolumeDocument } from "../state.ts";
import { attemptAll, commit, type CommandContext, errorsOf, event } from "../steps.ts";
import { text } from "../stock-text.ts";
import { refuseMoving, stopEffectsOf } from "./volume-task.ts";
import { countUserSnapshots } from "../snapshots/snapshot-find.ts";

interface RunArgs {
  readonly volume: string;
  readonly force?: boolean;
}

/** Throws stock's "does not exist". */
export function* openVolume(context: CommandContext, name: string): Step<VolumeDocument> {
  yield* settleHolding(context, name, [keyOf.volume(name)]);
  return findVolume(context, name);
}

export function findVolume(context: CommandContext, name: string): VolumeDocument {
  const found = context.state.volumes.get(name);
  if (found === undefined) {
    throw new CommandFailure("volume-missing", errno.EG_NOVOL, text.volumeMissing(name));
  }
  return found.document;
}

export function changed(volume: VolumeDocument, change: Partial<VolumeDocument>): VolumeDocument {
  return { ...volume, ...change, generation: volume.generation + 1 };
}

const refOf = (volume: VolumeDocument) => (brick: BrickDocument) => volumeBrickRef(volume, brick);

export function* volumeStart(context: CommandContext, args: RunArgs): Step<VolumeRef> {
  const volume = yield* openVolume(context, args.volume);
  const force = args.force === true;
  if (volume.status === "Started" && !force) {
    const message = text.volumeStartedAlready(volume.name);
    throw new CommandFailure("volume-started", errno.EG_INTRNL, message);
  }
  yield* mountManaged(context, volume, force);
  const bricks = yield* startable(context, volume, force);
  if (volume.status === "Started") {
    // What runs beyond this point is what the state says already: nothing to undo.
    const errors = errorsOf(yield* attemptAll(startEffects(bricks, refOf(volume))));
    warnOfBricks(context, errors);
    const back = withBricksBack(volume, bricks);
    if (back !== volume) yield* commit(context, [changeOf.volume(context.state, back)]);
  } else {
    yield* startFresh(context, volume, bricks, force);
  }
  yield* event("VOLUME_START", { name: volume.name });
  return { name: volume.name, id: volume.id };
}

function* startFresh(
  context: CommandContext,
  volume: VolumeDocument,
  bricks: readonly BrickDocument[],
  force: boolean,
): Step<void> {
  const intent = yield* begin(context, {
    command: "volume start",
    holds: [keyOf.volume(volume.name)],
    direction: "undo",
    groups: groupsOf(stopEffects(volume.bricks, refOf(volume))),
    afterwards: [],
  });
  const errors = errorsOf(yield* attemptAll(startEffects(bricks, refOf(volume))));
  if (errors.length > 0 && !force) {
    yield* undo(context, intent);
    throw stepsFailed(errors);
  }
  warnOfBricks(context, errors);
  yield* commit(context, [
    changeOf.volume(context.state, changed(withBricksBack(volume, bricks), { status: "Started" })),
    changeOf.intentGone(context.state, intent.id),
  ]);
}

/** A brick that is started is no longer being reset. */
function withBricksBack(
  volume: VolumeDocument,
  started: readonly BrickDocument[],
): VolumeDocument {
  if (!started.some((it) => it.resetting === true)) return volume;
  const bricks = volume.bricks.map((brick): BrickDocument => {
    const { resetting: _out, ...rest } = brick;
    return started.includes(brick) ? rest : brick;
  });
  return { ...volume, bricks };
}

function* mountManaged(
  context: CommandContext,
  volume: VolumeDocument,
  force: boolean,
): Step<void> {
  const { activate, mount } = mountGroups(volume.bricks.filter((it) => it.managed));
  for (const group of [activate, mount]) {
    const errors = errorsOf(yield* attemptAll(group));
    if (errors.length > 0 && !force) throw stepsFailed(errors);
    warnOfBricks(context, errors);
  }
}

/**
 * Checks what is at the bricks' paths: never start a brick beside its file system. With force those
 * of a node that does not answer are left out; they are started when it is back.
 */
function* startable(
  context: CommandContext,
  volume: VolumeDocument,
  force: boolean,
): Step<BrickDocument[]> {
  const outcomes = yield* attemptAll(
    volume.bricks.map(
      ({ node, path }): NodeEffect<"inspectBrick"> => ({ kind: "inspectBrick", node, path }),
    ),
  );
  const errors = errorsOf(outcomes);
  if (errors.length > 0 && !force) throw stepsFailed(errors);
  warnOfBricks(context, errors);
  return volume.bricks.filter((brick, index) => {
    const outcome = outcomes[index]!;
    if (!outcome.ok) return false;
    const defect = defectOf(volume, brick, outcome.value as BrickFacts);
    if (defect === undefined) return true;
    if (force) {
      context.warnings.push(defect);
      return false;
    }
    throw new CommandFailure("brick-refused", errno.EG_INTRNL, defect, [
      {
        object: brickName(brick),
        detail: `The file system of the brick (${brick.device}) may not be mounted.`,
        nextStep: `Mount it at ${brick.mountPoint} and start the volume again.`,
      },
    ]);
  });
}

function defectOf(
  volume: VolumeDocument,
  brick: BrickDocument,
  facts: BrickFacts,
): string | undefined {
  if (!facts.isDirectory) return text.brickDirectoryMissing(brick.path, volume.name);
  if (facts.volumeId === undefined) return text.brickIdMissing(brick.path);
  if (facts.volumeId === volume.id) return undefined;
  return text.brickIdMismatch(brick.host, brick.path, volume.id, facts.volumeId);
}

function warnOfBricks(context: CommandContext, errors: readonly EffectError[]): void {
  for (const error of errors) {
    context.warnings.push(`${error.object} on ${error.node}: ${error.message}`);
    context.details.push(detailOf(error));
  }
}

export function* volumeStop(context: CommandContext, args: RunArgs): Step<VolumeRef> {
  const volume = yield* openVolume(context, args.volume);
  const { name, id } = volume;
  if (volume.status !== "Started") {
    const message = text.volumeNotInStartedState(name);
    throw new CommandFailure("volume-not-started", errno.EG_INTRNL, message);
  }
  if (args.force !== true) yield* refuseMoving(context, volume, text.rebalanceSession(name));
  const stopped = changed(volume, { status: "Stopped" });
  const intent = yield* begin(context, {
    command: "volume stop",
    holds: [keyOf.volume(name)],
    direction: "finish",
    groups: groupsOf(stopEffectsOf(volume), stopEffects(volume.bricks, refOf(volume))),
    afterwards: [{ key: keyOf.volume(name), put: stopped }],
  });
  const errors = yield* settle(context, intent);
  if (errors.length > 0) {
    // The volume stays as it was: what did stop is started again.
    const again = errorsOf(yield* attemptAll(startEffects(servedBricks(volume), refOf(volume))));
    context.details.push(...again.map(detailOf));
    yield* commit(context, [changeOf.intentGone(context.state, intent.id)]);
    throw stepsFailed(errors);
  }
  yield* event("VOLUME_STOP", { name });
  return { name, id };
}

/**
 * The bricks keep their data. LVs that Mortar made for bricks (of clones, of restored volumes)
 * would belong to nobody then: they are kept as a safety snapshot.
 */
export function* volumeDelete(
  context: CommandContext,
  args: { readonly volume: string },
): Step<VolumeRef> {
  const volume = yield* openVolume(context, args.volume);
  const { name, id } = volume;
  if (volume.status === "Started") {
    const message = text.volumeDeleteStarted(name);
    throw new CommandFailure("volume-started", errno.EG_INTRNL, message);
  }
  const count = countUserSnapshots(context.state, volume);
  if (count > 0) {
    const message = text.volumeDeleteSnapshots(name, count);
    throw new CommandFailure("volume-has-snapshots", errno.EG_INTRNL, message);
  }
  const managed = volume.bricks.filter((it) => it.managed);
  const safety =
    managed.length === 0
      ? undefined
      : yield* keepAsSafety(context, volume, { bricks: managed, expires: true });
  yield* commit(context, [
    changeOf.volumeGone(context.state, name),
    ...(safety === undefined ? [] : [changeOf.snapshot(context.state, safety)]),
  ]);
  if (safety !== undefined) {
    context.warnings.push(
      `The logical volumes under ${name} are kept for a week as the safety snapshot ` +
        `${safety.name}; "snapshot restore ${safety.name}" brings the volume back.`,
    );
    // Nothing needs them mounted; one that is busy is unmounted when the snapshot is pruned.
    yield* attemptAll(unmountEffects(managed));
  }
  yield* event("VOLUME_DELETE", { name });
  return { name, id };
}
