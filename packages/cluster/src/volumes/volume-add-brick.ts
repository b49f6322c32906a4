/**
 * `volume add-brick`: more sets of bricks, or with `replica N` more bricks in every set, while
 * clients work. Further copies are healed from the bricks that are there.
 */
import { volumeBrickRef } from "../bricks/brick.ts";
import { exchangeBricks } from "../bricks/brick-exchange.ts";
import { type BrickLayout, refuseSameNode, setSizeOf } from "../bricks/brick-sets.ts";
import type { Step } from "../command.ts";
import type { BrickFacts, BrickProcessStatus } from "../bricks/brick-effects.ts";
import type { NodeEffect } from "../effect.ts";
import { CommandFailure, errno, NO_ERRNO } from "../failure.ts";
import { grownLayout, intoSets, optionsOfKind } from "./replica-change.ts";
import type { BrickDocument, VolumeDocument } from "../state.ts";
import { attemptAll, type CommandContext, event, performAll } from "../steps.ts";
import { text } from "../stock-text.ts";
import type { AddBrickArgs } from "./volume-change-command.ts";
import type { VolumeRef } from "./volume-command.ts";
import {
  type BrickPlace, brickOf, checkBrick, parseBrick, placeBricks, refuseClaimedLv,
  refuseDuplicates, refuseOverlap, settlePlaces,
} from "./volume-create.ts";
import { changed, openVolume } from "./volume-run.ts";
import { refuseMoving, refuseRemoving } from "./volume-task.ts";

export function* volumeAddBrick(context: CommandContext, args: AddBrickArgs): Step<VolumeRef> {
  const parsed = args.bricks.map(parseBrick);
  refuseDuplicates(parsed);
  if (!context.state.volumes.has(args.volume)) {
    const message = text.addBrickVolumeMissing(args.volume);
    throw new CommandFailure("volume-missing", NO_ERRNO, message);
  }
  const volume = yield* openVolume(context, args.volume);
  const { name, id } = volume;
  const force = args.force === true;
  const layout = layoutWith(volume, args);
  refuseRemoving(volume);
  yield* refuseMoving(context, volume, text.rebalanceInProgress(name));
  const { places, facts } = yield* inspected(context, name, parsed, force);
  const first = nextNumber(volume);
  const added = places.map((place, index) => brickOf(name, place, first + index, facts[index]!));
  const next = grown(volume, layout, added);
  if (!force) {
    // Stock lets a volume without copies pass.
    if (volume.kind !== "distribute") refuseSameNode(next, setsOf(next, added));
    if (layout !== undefined) yield* refuseDown(volume);
  }
  yield* exchangeBricks(context, {
    command: "volume add-brick", volume, next, places, facts, added, leaving: [],
    // What was never started has nothing to heal from.
    heals: layout !== undefined && volume.status === "Started", force,
  });
  yield* event("VOLUME_ADD_BRICK", { name });
  return { name, id };
}

/** Undefined: as it is. */
function layoutWith(volume: VolumeDocument, args: AddBrickArgs): BrickLayout | undefined {
  const { replica, arbiter, bricks } = args;
  if (replica !== undefined) {
    const counts = { replica, ...(arbiter === undefined ? {} : { arbiter }) };
    return grownLayout(volume, counts, bricks.length);
  }
  const size = setSizeOf(volume);
  if (bricks.length > 0 && bricks.length % size === 0) return undefined;
  const message = text.bricksIncorrect(bricks.length, size);
  throw new CommandFailure("bad-argument", NO_ERRNO, message);
}

function grown(
  volume: VolumeDocument,
  layout: BrickLayout | undefined,
  added: readonly BrickDocument[],
): VolumeDocument {
  if (layout === undefined) return changed(volume, { bricks: [...volume.bricks, ...added] });
  const bricks = intoSets(volume, added, layout.replicaCount);
  return changed(volume, { ...layout, bricks, options: optionsOfKind(volume, layout.kind) });
}

/** Whole sets: those that an added brick is in. */
function setsOf(next: VolumeDocument, added: readonly BrickDocument[]): BrickDocument[] {
  const size = setSizeOf(next);
  const sets = new Set(added.map((it) => Math.floor(next.bricks.indexOf(it) / size)));
  return next.bricks.filter((_, index) => sets.has(Math.floor(index / size)));
}

/** Stock asks for all bricks of the node it is asked on; what is down elsewhere counts as much. */
function* refuseDown(volume: VolumeDocument): Step<void> {
  if (volume.status !== "Started") return;
  const outcomes = yield* attemptAll(
    volume.bricks.map((brick): NodeEffect<"brickStatus"> => ({
      kind: "brickStatus", node: brick.node, brick: volumeBrickRef(volume, brick), detail: false,
    })),
  );
  const down = volume.bricks.find((_, index) => {
    const outcome = outcomes[index];
    return outcome?.ok !== true || !(outcome.value as BrickProcessStatus).running;
  });
  if (down === undefined) return;
  const message = text.replicaBrickDown(down.path);
  throw new CommandFailure("bricks-down", errno.EG_BRCKDWN, message);
}

function* inspected(
  context: CommandContext,
  volume: string,
  parsed: readonly { readonly host: string; readonly path: string }[],
  force: boolean,
): Step<{ places: readonly BrickPlace[]; facts: readonly BrickFacts[] }> {
  const places = yield* placeBricks(parsed);
  yield* settlePlaces(context, volume, places);
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

/** Numbers of bricks that are gone are not given again: files may still name them. */
function nextNumber(volume: VolumeDocument): number {
  const numbers = volume.bricks.map(({ id }) => Number(/-client-(\d+)$/.exec(id)?.[1] ?? -1));
  return Math.max(volume.bricks.length - 1, ...numbers) + 1;
}
