/**
 * `volume replace-brick … commit force`: another brick in the place of one, which is healed from
 * the others of its set. What is on the old one stays where it is.
 */
import { brickName } from "../bricks/brick.ts";
import { exchangeBricks } from "../bricks/brick-exchange.ts";
import { keepReleased } from "../bricks/brick-release.ts";
import type { Step } from "../command.ts";
import type { BrickFacts } from "../bricks/brick-effects.ts";
import type { NodeEffect } from "../effect.ts";
import { CommandFailure, NO_ERRNO } from "../failure.ts";
import type { BrickDocument, VolumeDocument } from "../state.ts";
import { type CommandContext, event, perform } from "../steps.ts";
import { text } from "../stock-text.ts";
import type { ReplaceBrickArgs } from "./volume-change-command.ts";
import type { VolumeRef } from "./volume-command.ts";
import {
  type BrickPlace, brickOf, checkBrick, parseBrick, placeBricks, refuseClaimedLv, refuseOverlap,
  settlePlaces,
} from "./volume-create.ts";
import { changed, openVolume } from "./volume-run.ts";
import { refuseMoving, refuseRemoving } from "./volume-task.ts";

export function* volumeReplaceBrick(
  context: CommandContext,
  args: ReplaceBrickArgs,
): Step<VolumeRef> {
  const parsed = parseBrick(args.target);
  const volume = yield* openVolume(context, args.volume);
  const { name, id } = volume;
  const source = yield* exchangeable(context, volume, args.source);
  if (volume.kind === "distribute") throw refused(text.replaceDistribute());
  refuseRemoving(volume);
  const [place] = (yield* placeBricks([parsed])) as [BrickPlace];
  yield* settlePlaces(context, name, [place]);
  refuseOverlap(context.state, place);
  const facts = yield* inspectPlace(place);
  checkBrick(place, facts, true);
  refuseClaimedLv(context.state, place, facts);
  const target = { ...brickOf(name, place, 0, facts), id: source.id };
  const bricks = volume.bricks.map((it) => (it === source ? target : it));
  yield* exchangeBricks(context, {
    command: "volume replace-brick", volume, next: changed(volume, { bricks }),
    places: [place], facts: [facts], added: [target], leaving: [source], heals: true, force: true,
    changes: yield* keepReleased(context, volume, [source]),
  });
  yield* event("VOLUME_REPLACE_BRICK", {
    name, source: brickName(source), target: brickName(target),
  });
  return { name, id };
}

/** The brick of a started volume whose files stay where they are; else throws in stock's words. */
export function* exchangeable(
  context: CommandContext,
  volume: VolumeDocument,
  brick: string,
): Step<BrickDocument> {
  const { name } = volume;
  if (volume.status !== "Started") throw refused(text.exchangeNotStarted(name));
  yield* refuseMoving(context, volume, text.rebalanceInProgress(name));
  const { host, path } = parseBrick(brick);
  const found = volume.bricks.find((it) => it.host === host && it.path === path);
  if (found === undefined) throw refused(text.exchangeBrickMissing(brick, name));
  return found;
}

export function* inspectPlace({ node, path }: BrickPlace): Step<BrickFacts> {
  const effect = { kind: "inspectBrick", node, path } as const;
  return yield* perform<"inspectBrick">(effect satisfies NodeEffect);
}

function refused(message: string): CommandFailure {
  return new CommandFailure("brick-refused", NO_ERRNO, message);
}
