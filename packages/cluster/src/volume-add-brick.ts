/**
 * `volume add-brick`: more sets of bricks, while clients work.
 *
 * The new bricks run before any client hears of them: until then they are in the volume's `next`,
 * which their volfiles are made from.
 */
import { startEffects, stopEffects, volumeBrickRef } from "./brick.ts";
import type { Step } from "./command.ts";
import type { BrickFacts, NodeEffect } from "./effect.ts";
import { CommandFailure, errno, stepsFailed } from "./failure.ts";
import { draftIntent, groupsOf, undo } from "./intent.ts";
import { changeOf, keyOf } from "./key-space.ts";
import type { BrickDocument, VolumeDocument } from "./state.ts";
import { attemptAll, commit, type CommandContext, errorsOf, event, performAll } from "./steps.ts";
import { text } from "./stock-text.ts";
import type { AddBrickArgs } from "./volume-change-command.ts";
import type { VolumeRef } from "./volume-command.ts";
import {
  type BrickPlace, brickOf, checkBrick, parseBrick, placeBricks, refuseClaimedLv,
  refuseDuplicates, refuseOverlap, undoEffect,
} from "./volume-create.ts";
import { setSizeOf } from "./brick-sets.ts";
import { changed, openVolume } from "./volume-run.ts";
import { refuseMoving, refuseRemoving, tellClients } from "./volume-task.ts";

export function* volumeAddBrick(context: CommandContext, args: AddBrickArgs): Step<VolumeRef> {
  const parsed = args.bricks.map(parseBrick);
  refuseDuplicates(parsed);
  const volume = yield* openVolume(context, args.volume);
  const { name, id } = volume;
  const size = setSizeOf(volume);
  if (parsed.length === 0 || parsed.length % size !== 0) {
    const message = text.bricksIncorrect(parsed.length, size);
    throw new CommandFailure("bad-argument", errno.EINVAL, message);
  }
  refuseRemoving(volume);
  yield* refuseMoving(context, volume, text.rebalanceInProgress(name));
  const { places, facts } = yield* inspected(context, parsed, args.force === true);
  const first = nextNumber(volume);
  const added = places.map((place, index) => brickOf(name, place, first + index, facts[index]!));
  const next = changed(volume, { bricks: [...volume.bricks, ...added] });
  yield* exchange(context, {
    command: "volume add-brick", volume, next, places, facts, added, force: args.force === true,
  });
  yield* event("VOLUME_ADD_BRICK", { name });
  return { name, id };
}

interface Exchange {
  readonly command: string;
  readonly volume: VolumeDocument;
  readonly next: VolumeDocument;
  readonly places: readonly BrickPlace[];
  readonly facts: readonly BrickFacts[];
  readonly added: readonly BrickDocument[];
  readonly force: boolean;
}

function* inspected(
  context: CommandContext,
  parsed: readonly { readonly host: string; readonly path: string }[],
  force: boolean,
): Step<{ places: readonly BrickPlace[]; facts: readonly BrickFacts[] }> {
  const places = yield* placeBricks(parsed);
  for (const place of places) refuseOverlap(context.state, place);
  const facts = yield* performAll(
    places.map(
      ({ node, path }): NodeEffect<"inspectBrick"> => ({ kind: "inspectBrick", node, path }),
    ),
  );
  places.forEach((place, index) => checkBrick(place, facts[index]!, force));
  places.forEach((place, index) => refuseClaimedLv(context.state, place, facts[index]!));
  return { places, facts };
}

/** From `volume` to `next`: the added bricks are made and started, then clients are told. */
function* exchange(context: CommandContext, it: Exchange): Step<void> {
  const { volume, next, places, facts, added } = it;
  const refOf = (brick: BrickDocument) => volumeBrickRef(volume, brick);
  const intent = yield* draftIntent({
    command: it.command,
    holds: [keyOf.volume(volume.name)],
    direction: "undo",
    groups: groupsOf(
      stopEffects(added, refOf),
      places.map((place, index) => undoEffect(place, facts[index]!, volume.id)),
    ),
    afterwards: [{ key: keyOf.volume(volume.name), put: volume }],
  });
  yield* commit(context, [
    changeOf.volume(context.state, { ...volume, next }),
    changeOf.intent(context.state, intent),
  ]);
  try {
    yield* performAll(
      places.map(({ node, path }): NodeEffect<"prepareBrick"> => ({
        kind: "prepareBrick", node, path, volumeId: volume.id, force: it.force,
      })),
    );
    if (volume.status === "Started") {
      const errors = errorsOf(yield* attemptAll(startEffects(added, refOf)));
      if (errors.length > 0) throw stepsFailed(errors);
    }
  } catch (error) {
    yield* undo(context, intent);
    throw error;
  }
  yield* commit(context, [
    changeOf.volume(context.state, next),
    changeOf.intentGone(context.state, intent.id),
  ]);
  yield* tellClients(context, next);
}

/** Numbers of bricks that are gone are not given again: files may still name them. */
function nextNumber(volume: VolumeDocument): number {
  const numbers = volume.bricks.map(({ id }) => Number(/-client-(\d+)$/.exec(id)?.[1] ?? -1));
  return Math.max(volume.bricks.length - 1, ...numbers) + 1;
}
