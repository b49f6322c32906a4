/**
 * `volume reset-brick`: a brick is taken out for its disk to be changed or its directory emptied
 * (`start`), and comes back under the same path, perhaps by another name of its node (`commit`):
 * then it is healed from the others of its set. In between nobody starts it.
 */
import { brickName, startEffects, stopEffects, volumeBrickRef } from "../bricks/brick.ts";
import { exchangeBricks } from "../bricks/brick-exchange.ts";
import type { Step } from "../command.ts";
import type { BrickFacts, BrickProcessStatus } from "../bricks/brick-effects.ts";
import { CommandFailure, NO_ERRNO, stepsFailed } from "../failure.ts";
import { begin, groupsOf, settle } from "../intent.ts";
import { changeOf, keyOf } from "../key-space.ts";
import type { BrickDocument, VolumeDocument } from "../state.ts";
import { attemptAll, commit, type CommandContext, event } from "../steps.ts";
import { text } from "../stock-text.ts";
import type { ResetBrickArgs } from "./volume-change-command.ts";
import type { VolumeRef } from "./volume-command.ts";
import {
  brickOf, type BrickPlace, checkBrick, parseBrick, placeBricks, refuseClaimedLv,
} from "./volume-create.ts";
import { exchangeable, inspectPlace } from "./volume-replace-brick.ts";
import { changed, openVolume } from "./volume-run.ts";

export function* volumeResetBrick(context: CommandContext, args: ResetBrickArgs): Step<VolumeRef> {
  const volume = yield* openVolume(context, args.volume);
  const source = yield* exchangeable(context, volume, args.source);
  const { name, id } = volume;
  if (args.action === "start") yield* takeOut(context, volume, source);
  else yield* bringBack(context, volume, source, args);
  return { name, id };
}

/** *Idempotent*, as in stock. */
function* takeOut(
  context: CommandContext,
  volume: VolumeDocument,
  source: BrickDocument,
): Step<void> {
  const bricks = volume.bricks.map((it) => (it === source ? { ...it, resetting: true } : it));
  const refOf = (brick: BrickDocument) => volumeBrickRef(volume, brick);
  const intent = yield* begin(context, {
    command: "volume reset-brick",
    holds: [keyOf.volume(volume.name)],
    direction: "finish",
    groups: groupsOf(stopEffects([source], refOf)),
    afterwards: [{ key: keyOf.volume(volume.name), put: changed(volume, { bricks }) }],
  });
  const errors = yield* settle(context, intent);
  if (errors.length > 0) {
    // The brick stays as it was; should it have ended, it is started again.
    if (source.resetting !== true) yield* attemptAll(startEffects([source], refOf));
    yield* commit(context, [changeOf.intentGone(context.state, intent.id)]);
    throw stepsFailed(errors);
  }
  yield* event("VOLUME_RESET_BRICK_START", { name: volume.name, brick: brickName(source) });
}

function* bringBack(
  context: CommandContext,
  volume: VolumeDocument,
  source: BrickDocument,
  args: ResetBrickArgs,
): Step<void> {
  const force = args.action === "force";
  const { place, facts } = yield* returningPlace(context, volume, source, args);
  const found = brickOf(volume.name, place, 0, facts);
  const target = { ...found, id: source.id, managed: source.managed };
  const bricks = volume.bricks.map((it) => (it === source ? target : it));
  yield* exchangeBricks(context, {
    command: "volume reset-brick", volume, next: changed(volume, { bricks }),
    places: [place], facts: [facts], added: [target], leaving: [],
    heals: volume.kind !== "distribute", force,
  });
  yield* event("VOLUME_RESET_BRICK_COMMIT", { name: volume.name, brick: brickName(target) });
}

/** Where it comes back, looked at. What it refuses, a dry run refuses. */
export function* returningPlace(
  context: CommandContext,
  volume: VolumeDocument,
  source: BrickDocument,
  args: Omit<ResetBrickArgs, "volume">,
): Step<{ readonly place: BrickPlace; readonly facts: BrickFacts }> {
  const force = args.action === "force";
  const places = yield* placeBricks([parseBrick(args.target ?? args.source)]);
  const place = places[0]!;
  if (place.node !== source.node || place.path !== source.path) throw refused(text.resetNew());
  if (source.resetting !== true && (yield* runs(volume, source))) {
    throw refused(text.resetRunning());
  }
  const facts = yield* inspectPlace(place);
  if (facts.volumeId !== undefined && !force) throw refused(text.resetTaken());
  checkBrick(place, facts, force);
  refuseClaimedLv(context.state, place, facts);
  return { place, facts };
}

/** A node that does not answer is no reason: what follows finds that out. */
function* runs(volume: VolumeDocument, brick: BrickDocument): Step<boolean> {
  const [outcome] = yield* attemptAll([
    {
      kind: "brickStatus", node: brick.node, brick: volumeBrickRef(volume, brick), detail: false,
    },
  ]);
  return outcome?.ok === true && (outcome.value as BrickProcessStatus).running;
}

function refused(message: string): CommandFailure {
  return new CommandFailure("brick-refused", NO_ERRNO, message);
}
