/**
 * Clients take over a changed set of bricks each for itself. A client process is there when it is
 * connected to the new brick: what it begins from then on goes to all of the set.
 */
import { volumeBrickRef } from "../bricks/brick.ts";
import { setSizeOf } from "../bricks/brick-sets.ts";
import type { Step } from "../command.ts";
import type { BrickClient } from "../bricks/brick-effects.ts";
import type { NodeEffect } from "../effect.ts";
import type { BrickDocument, VolumeDocument } from "../state.ts";
import { attemptAll, type CommandContext, performLocal } from "../steps.ts";

const LOOKS_MAX = 40;
const PAUSE_MS = 250;

/**
 * Waits, ten seconds at most, until all who are connected to a brick beside the added ones are
 * connected to those as well; details tell of who was late. Bricks that do not tell are left out.
 */
export function* clientsFollow(
  context: CommandContext,
  volume: VolumeDocument,
  added: readonly BrickDocument[],
): Step<void> {
  let late: readonly string[] = [];
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    late = yield* behind(volume, added);
    if (late.length === 0) return;
    yield* performLocal("pause", { ms: PAUSE_MS });
  }
  context.details.push({
    object: volume.name,
    detail:
      `${late.length} clients have not connected to the new bricks yet: ${late.join(", ")}. What ` +
      "they write until then may have to be healed once more.",
    nextStep: `When they have: gluster volume heal ${volume.name} full`,
  });
}

/** Addresses of clients that know a neighbour of an added brick, and not the brick. */
function* behind(volume: VolumeDocument, added: readonly BrickDocument[]): Step<string[]> {
  const size = setSizeOf(volume);
  const late = new Set<string>();
  for (const brick of added) {
    const set = Math.floor(volume.bricks.indexOf(brick) / size);
    const others = volume.bricks
      .slice(set * size, (set + 1) * size)
      .filter((it) => !added.includes(it) && it.resetting !== true);
    const here = yield* clientsOf(volume, [brick]);
    if (here === undefined) continue;
    for (const [process, address] of (yield* clientsOf(volume, others)) ?? []) {
      if (!here.has(process)) late.add(address);
    }
  }
  return [...late].sort();
}

/** Client process to address; undefined: none of the bricks tells. */
function* clientsOf(
  volume: VolumeDocument,
  bricks: readonly BrickDocument[],
): Step<Map<string, string> | undefined> {
  const outcomes = yield* attemptAll(
    bricks.map((brick): NodeEffect<"askBrick"> => ({
      kind: "askBrick", node: brick.node, brick: volumeBrickRef(volume, brick),
      question: "clients",
    })),
  );
  const told = outcomes.flatMap((it) => (it.ok ? [(it.value ?? []) as BrickClient[]] : []));
  if (told.length === 0) return undefined;
  return new Map(told.flat().map(({ identity, address }) => [processOf(identity), address]));
}

/** `CTX_ID:UUID-GRAPH_ID:N-PID:…`: the same on all bricks and in all graphs of a process. */
function processOf(identity: string): string {
  return identity.split("-GRAPH_ID:")[0] ?? identity;
}
