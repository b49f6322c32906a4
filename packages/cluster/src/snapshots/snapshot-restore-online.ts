/**
 * Restoring a volume that is started. Its clients must never see the old content of one brick and
 * the new content of another:
 *
 *     the snapshot's bricks are mounted → all bricks of the volume are stopped, everywhere
 *       → commit: the volume has the snapshot's bricks → they are started
 *
 * No brick of the new set runs while one of the old set does. In between operations wait or fail
 * (the client is not connected). Before the commit everything is undone: the former bricks are
 * started again. After it the start is finished, however often it has to be tried.
 */
import { servedBricks, startEffects, stopEffects, volumeBrickRef } from "../bricks/brick.ts";
import type { Step } from "../command.ts";
import type { NodeEffect } from "../effect.ts";
import { draftIntent, groupsOf, pendingDetail, settle } from "../intent.ts";
import { keyOf } from "../key-space.ts";
import type { BrickDocument, IntentDocument, VolumeDocument } from "../state.ts";
import type { CommandContext } from "../steps.ts";

const refOf = (volume: VolumeDocument) => (brick: BrickDocument) => volumeBrickRef(volume, brick);

function started(volumes: readonly (VolumeDocument | undefined)[]): VolumeDocument[] {
  return volumes.filter((it): it is VolumeDocument => it?.status === "Started");
}

export function stopFormer(
  volumes: readonly (VolumeDocument | undefined)[],
): NodeEffect<"stopBrick">[] {
  return started(volumes).flatMap((it) => stopEffects(it.bricks, refOf(it)));
}

export function startFormer(
  volumes: readonly (VolumeDocument | undefined)[],
): NodeEffect<"startBrick">[] {
  return started(volumes).flatMap((it) => startEffects(servedBricks(it), refOf(it)));
}

/** To be committed with the restored volumes; undefined when none of them is started. */
export function* draftStart(
  volumes: readonly VolumeDocument[],
): Step<IntentDocument | undefined> {
  const running = started(volumes);
  if (running.length === 0) return undefined;
  return yield* draftIntent({
    command: "snapshot restore (start of the restored bricks)",
    holds: running.map((it) => keyOf.volume(it.name)),
    direction: "finish",
    groups: groupsOf(running.flatMap((it) => startEffects(it.bricks, refOf(it)))),
    afterwards: [],
  });
}

/** A brick that does not start is told of, and tried again. */
export function* startRestored(
  context: CommandContext,
  start: IntentDocument | undefined,
): Step<void> {
  if (start === undefined) return;
  const errors = yield* settle(context, start);
  context.details.push(...errors.map(pendingDetail));
  context.warnings.push(
    ...errors.map((it) => `The restored brick ${it.object} does not run yet: ${it.message}`),
  );
}
