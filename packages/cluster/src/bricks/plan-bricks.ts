/** What `remove-brick`, `replace-brick` and `reset-brick` would do: which bricks end, what is on them. */
import { brickName, volumeBrickRef } from "./brick.ts";
import { setSizeOf } from "./brick-sets.ts";
import type { Step } from "../command.ts";
import type { BrickProcessStatus } from "./brick-effects.ts";
import type { NodeEffect } from "../effect.ts";
import { CommandFailure, errno } from "../failure.ts";
import type { PlanArgs, PlanStep } from "../plan-command.ts";
import { shrunkLayout } from "../volumes/replica-change.ts";
import type { BrickDocument, VolumeDocument } from "../state.ts";
import { attemptAll, type CommandContext } from "../steps.ts";
import { text } from "../stock-text.ts";
import {
  checkBrick, parseBrick, placeBricks, refuseClaimedLv, refuseOverlap,
} from "../volumes/volume-create.ts";
import { bricksNamed, refuseRemoval } from "../volumes/volume-remove-brick.ts";
import { exchangeable, inspectPlace } from "../volumes/volume-replace-brick.ts";
import { returningPlace } from "../volumes/volume-reset-brick.ts";

export function* removalOfBricks(
  context: CommandContext,
  volume: VolumeDocument,
  { bricks = [], replica, action = "force" }: PlanArgs,
): Step<PlanStep[]> {
  const removed = bricksNamed(volume, bricks);
  const layout = replica === undefined ? undefined : shrunkLayout(volume, replica, removed);
  yield* refuseRemoval(context, volume, { removed, layout, action });
  if (action === "status") return [];
  if (action === "stop") return removed.map(staysOf);
  if (action === "start") return yield* movesOf(volume, removed);
  const lost = action === "force" && layout === undefined ? removed.map(lossOf) : [];
  const kept = yield* keptOf(context, volume, removed);
  const stops = volume.status === "Started" ? removed.map(stopOf) : [];
  const sets = (volume.bricks.length - removed.length) /
    (layout === undefined ? setSizeOf(volume) : layout.replicaCount);
  const copies = layout?.replicaCount ?? setSizeOf(volume);
  const shape = `volume ${volume.name}: ${sets} x ${copies} bricks from then on`;
  return [...stops, ...lost, ...kept, { action: "replace", object: shape }];
}

/** Until the commit they are bricks of the volume. */
function* movesOf(
  volume: VolumeDocument,
  removed: readonly BrickDocument[],
): Step<PlanStep[]> {
  const uses = yield* usedBytes(volume, removed);
  const moves = removed.map((brick, index): PlanStep => {
    const bytes = uses[index];
    const object = `the files of brick ${brickName(brick)} to the bricks that stay`;
    return { host: brick.host, action: "move", object, ...(bytes === undefined ? {} : { bytes }) };
  });
  const keeps = removed.map((brick): PlanStep => ({
    host: brick.host, action: "keep", object: `brick ${brickName(brick)}, until the commit`,
  }));
  return [...moves, ...keeps];
}

function staysOf(brick: BrickDocument): PlanStep {
  const object = `brick ${brickName(brick)}; files that were moved stay where they are now`;
  return { host: brick.host, action: "keep", object };
}

function lossOf(brick: BrickDocument): PlanStep {
  const object = `the files of brick ${brickName(brick)}, for clients: they are not moved`;
  return { host: brick.host, action: "lose", object };
}

export function* resettingOfBrick(
  context: CommandContext,
  volume: VolumeDocument,
  { bricks = [], action = "start" }: PlanArgs,
): Step<PlanStep[]> {
  const [source, target] = bricks;
  if (source === undefined || bricks.length > 2) {
    throw new CommandFailure("bad-argument", errno.EINVAL, "Say which brick.");
  }
  const brick = yield* exchangeable(context, volume, source);
  if (action === "start") {
    const uses = (yield* usedBytes(volume, [brick]))[0];
    const object = `the data of ${brick.path}`;
    const keep: PlanStep = { host: brick.host, action: "keep", object };
    return [stopOf(brick), uses === undefined ? keep : { ...keep, bytes: uses }];
  }
  if (action !== "commit" && action !== "force") {
    throw new CommandFailure("bad-argument", errno.EINVAL, "Say start, commit or force.");
  }
  const reset = { source, action, ...(target === undefined ? {} : { target }) };
  const { place } = yield* returningPlace(context, volume, brick, reset);
  const object = `brick ${brickName(brick)} by ${brickName(place)}`;
  const healed = volume.kind === "distribute" ? [] : [yield* healOf(volume, brick, place)];
  return [{ action: "replace", object }, ...healed];
}

/** What the new one, or the one that comes back, gets from the others of its set. */
function* healOf(
  volume: VolumeDocument,
  former: BrickDocument,
  place: { readonly host: string; readonly path: string },
): Step<PlanStep> {
  const siblings = siblingsOf(volume, former);
  const uses = yield* usedBytes(volume, siblings);
  const known = uses.filter((it): it is number => it !== undefined);
  return {
    host: place.host, action: "heal",
    object: `${brickName(place)} from ${siblings.map(brickName).join(", ")}`,
    ...(known.length === 0 ? {} : { bytes: Math.max(...known) }),
  };
}

export function* replacementOfBrick(
  context: CommandContext,
  volume: VolumeDocument,
  { bricks = [] }: PlanArgs,
): Step<PlanStep[]> {
  const [source, target] = bricks;
  if (source === undefined || target === undefined || bricks.length > 2) {
    throw new CommandFailure("bad-argument", errno.EINVAL, "Say which brick, and which new one.");
  }
  const former = yield* exchangeable(context, volume, source);
  if (volume.kind === "distribute") {
    throw new CommandFailure("brick-refused", errno.EINVAL, text.replaceDistribute());
  }
  const [place] = yield* placeBricks([parseBrick(target)]);
  refuseOverlap(context.state, place!);
  const facts = yield* inspectPlace(place!);
  checkBrick(place!, facts, true);
  refuseClaimedLv(context.state, place!, facts);
  const kept = yield* keptOf(context, volume, [former]);
  return [
    stopOf(former),
    ...kept,
    { action: "replace", object: `brick ${brickName(former)} by ${brickName(place!)}` },
    yield* healOf(volume, former, place!),
  ];
}

function siblingsOf(volume: VolumeDocument, brick: BrickDocument): BrickDocument[] {
  const size = setSizeOf(volume);
  const set = Math.floor(volume.bricks.indexOf(brick) / size);
  const members = volume.bricks.slice(set * size, (set + 1) * size);
  return members.filter((it) => it !== brick && it.resetting !== true);
}

function stopOf(brick: BrickDocument): PlanStep {
  return { host: brick.host, action: "stop", object: `brick ${brickName(brick)}` };
}

/** Nothing is removed: it says who has it then. */
function* keptOf(
  context: CommandContext,
  volume: VolumeDocument,
  released: readonly BrickDocument[],
): Step<PlanStep[]> {
  const uses = yield* usedBytes(volume, released);
  return released.map((brick, index): PlanStep => {
    const made = context.state.nodes.get(brick.node)?.document.madeBricks ?? [];
    const own = made.find((it) => it.path === brick.path);
    const lv = brick.thin === undefined ? brick.device : `${brick.thin.vg}/${brick.thin.lv}`;
    const object = brick.managed
      ? `logical volume ${lv} as a safety snapshot, for a week`
      : own === undefined
        ? `the data of ${brick.path}`
        : `logical volume ${own.vg}/${own.lv}, made for it, until "mortar brick delete"`;
    const bytes = uses[index];
    return { host: brick.host, action: "keep", object, ...(bytes === undefined ? {} : { bytes }) };
  });
}

/** Of the bricks' file systems, where their nodes tell. */
function* usedBytes(
  volume: VolumeDocument,
  bricks: readonly BrickDocument[],
): Step<(number | undefined)[]> {
  const outcomes = yield* attemptAll(
    bricks.map((brick): NodeEffect<"brickStatus"> => ({
      kind: "brickStatus", node: brick.node, brick: volumeBrickRef(volume, brick), detail: true,
    })),
  );
  return outcomes.map((outcome) => {
    const detail = outcome.ok ? (outcome.value as BrickProcessStatus).detail : undefined;
    return detail === undefined ? undefined : detail.totalBytes - detail.freeBytes;
  });
}
