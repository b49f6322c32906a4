/**
 * Bricks come, and others go for them, while clients work: one transaction.
 *
 *     prepared; those to be healed say so
 *       → self-heal daemons end; leaving bricks end; the new ones run, unknown to clients
 *       → the others of their sets note what they miss
 *       → commit: clients are told, and follow → self-heal daemons start
 *
 * The new bricks run before clients hear of them: until then they are in the volume's `next`,
 * which their volfiles are made from. A brick that is replaced gives its id to the one that comes:
 * what others noted about the one holds for the other. So the old one ends before all is noted,
 * else it would be found whole, and the notes be struck out.
 *
 * A self-heal daemon that knows the former set alone would take the root out of the index. None
 * runs until clients have followed: a file that was healed may not be written by who knows one copy
 * less.
 */
import { parseBoolean } from "@mortar/gluster";
import { brickName, servedBricks, startEffects, stopEffects, volumeBrickRef } from "./brick.ts";
import { setSizeOf } from "./brick-sets.ts";
import type { Step } from "../command.ts";
import type { BrickFacts, BrickProcessStatus, BrickRef } from "./brick-effects.ts";
import type { NodeEffect } from "../effect.ts";
import { CommandFailure, detailOf, errno, stepsFailed } from "../failure.ts";
import { draftIntent, groupsOf, settle, undo } from "../intent.ts";
import { changeOf, keyOf } from "../key-space.ts";
import { healingNodes, selfHealDaemonName } from "../heal/self-heal.ts";
import type { BrickDocument, Change, VolumeDocument } from "../state.ts";
import { attemptAll, commit, type CommandContext, errorsOf, performAll } from "../steps.ts";
import { clientsFollow } from "../volumes/client-graphs.ts";
import { type BrickPlace, placeHold, undoEffect } from "../volumes/volume-create.ts";
import { tellClients } from "../volumes/volume-task.ts";

export interface BrickExchange {
  /** For people. */
  readonly command: string;
  readonly volume: VolumeDocument;
  readonly next: VolumeDocument;
  /** Of `added`, in this order. */
  readonly places: readonly BrickPlace[];
  readonly facts: readonly BrickFacts[];
  readonly added: readonly BrickDocument[];
  readonly leaving: readonly BrickDocument[];
  /** The others of their sets have files, which the added ones are to get. */
  readonly heals: boolean;
  readonly force: boolean;
  /** Committed with the volume. */
  readonly changes?: readonly Change[];
}

/** From `volume` to `next`. Throws, and everything is as before. */
export function* exchangeBricks(context: CommandContext, it: BrickExchange): Step<void> {
  const { volume, next, added, leaving } = it;
  const refOf = (brick: BrickDocument) => volumeBrickRef(volume, brick);
  const intent = yield* draftIntent({
    command: it.command,
    holds: [keyOf.volume(volume.name)],
    direction: "undo",
    groups: groupsOf(stopEffects(added, refOf), releases(it)),
    afterwards: [{ key: keyOf.volume(volume.name), put: volume }],
  });
  yield* commit(context, [
    changeOf.volume(context.state, { ...volume, next }),
    changeOf.intent(context.state, intent),
  ]);
  let unstopped: readonly NodeEffect<"stopBrick">[] = [];
  try {
    yield* prepare(it);
    if (volume.status === "Started") unstopped = yield* swap(context, it, refOf);
  } catch (error) {
    yield* undo(context, intent);
    const back = servedBricks(volume).filter((brick) => leaving.includes(brick));
    const errors = errorsOf(yield* attemptAll(startEffects(back, refOf)));
    context.details.push(...errors.map(detailOf));
    throw error;
  }
  const healing = it.heals && next.status === "Started";
  const wait = healing ? yield* draftWait(it) : undefined;
  const late = unstopped.length === 0 ? undefined : yield* draftLateStop(it, unstopped);
  yield* commit(context, [
    changeOf.volume(context.state, next),
    changeOf.intentGone(context.state, intent.id),
    ...[wait, late].flatMap((one) => one === undefined ? [] : changeOf.intent(context.state, one)),
    ...(it.changes ?? []),
  ]);
  yield* tellClients(context, next);
  if (wait === undefined) return;
  yield* clientsFollow(context, next, added);
  // Clients that knew one copy less may have taken the root out of the index meanwhile.
  const errors = errorsOf(yield* attemptAll(yield* ofRunning(notes(it, true))));
  context.details.push(...errors.map(detailOf));
  yield* settle(context, wait);
}

/** Of a brick on a node that was away; nobody else has to wait for it but who builds there. */
function draftLateStop(it: BrickExchange, effects: readonly NodeEffect<"stopBrick">[]) {
  return draftIntent({
    command: `${it.command} (the former brick ends)`,
    holds: effects.map(({ node, brick }) => placeHold({ node, path: brick.path })),
    direction: "finish",
    groups: groupsOf(effects),
    afterwards: [],
  });
}

/** While it is there, nodes start nothing for the volume by themselves. */
function draftWait(it: BrickExchange) {
  return draftIntent({
    command: `${it.command} (clients follow)`,
    holds: [keyOf.volume(it.volume.name)],
    direction: "finish",
    groups: [],
    afterwards: [],
  });
}

/** A brick that has the volume's id already, as one that is reset, keeps what it has. */
function releases({ places, facts, volume }: BrickExchange): NodeEffect[] {
  return places.flatMap((place, index) => {
    const found = facts[index]!;
    return found.volumeId === volume.id ? [] : [undoEffect(place, found, volume.id)];
  });
}

function* prepare({ volume, places, force, heals }: BrickExchange): Step<void> {
  const { id: volumeId } = volume;
  yield* performAll(
    places.map(({ node, path }): NodeEffect<"prepareBrick"> => ({
      kind: "prepareBrick", node, path, volumeId, force,
    })),
  );
  if (!heals || volume.kind === "disperse") return;
  yield* performAll(
    places.map(({ node, path }): NodeEffect<"markUnhealed"> => ({
      kind: "markUnhealed", node, path,
    })),
  );
}

/** Gives the stops that have to wait for their nodes. */
function* swap(
  context: CommandContext,
  it: BrickExchange,
  refOf: (brick: BrickDocument) => BrickRef,
): Step<NodeEffect<"stopBrick">[]> {
  const { volume, added, leaving } = it;
  if (it.heals) yield* endAll(context, healerStops(volume));
  const unstopped = yield* endAll(context, stopEffects(leaving, refOf));
  const errors = errorsOf(yield* attemptAll(startEffects(added, refOf)));
  if (errors.length > 0) throw stepsFailed(errors);
  yield* noteAll(it);
  return unstopped;
}

/** What is on a node that does not answer is ended when it is back; those are given. */
function* endAll(
  context: CommandContext,
  effects: readonly NodeEffect<"stopBrick">[],
): Step<NodeEffect<"stopBrick">[]> {
  const outcomes = yield* attemptAll(effects);
  const errors = errorsOf(outcomes);
  const refusals = errors.filter((error) => error.code !== "unreachable");
  if (refusals.length > 0) throw stepsFailed(refusals);
  context.details.push(...errors.map(detailOf));
  return effects.filter((_, index) => outcomes[index]?.ok !== true);
}

function healerStops(volume: VolumeDocument): NodeEffect<"stopBrick">[] {
  const { name, id } = volume;
  return healingNodes(volume).map((node) => ({
    kind: "stopBrick", node,
    brick: { volume: name, volumeId: id, host: "", path: selfHealDaemonName(name) },
  }));
}

/** All that run note it. One of a set is enough, as for stock: the others may be down. */
function* noteAll(it: BrickExchange): Step<void> {
  const running = yield* ofRunning(notes(it, false));
  const errors = errorsOf(yield* attemptAll(running));
  if (errors.length > 0) throw stepsFailed(errors);
  const noted = new Set(running.flatMap(({ siblings }) => siblings));
  const lonely = it.next.kind === "replicate" && it.heals
    ? it.added.find(({ id }) => !noted.has(id))
    : undefined;
  if (lonely === undefined) return;
  throw new CommandFailure(
    "bricks-down", errno.EG_BRCKDWN,
    `There is no brick that ${brickName(lonely)} could be healed from.`,
  );
}

function* ofRunning(
  effects: readonly NodeEffect<"noteMissing">[],
): Step<NodeEffect<"noteMissing">[]> {
  const statuses = yield* attemptAll(
    effects.map(({ node, brick }): NodeEffect<"brickStatus"> => ({
      kind: "brickStatus", node, brick, detail: false,
    })),
  );
  return effects.filter((_, index) => {
    const status = statuses[index]!;
    // Who does not say whether it runs is asked to note it.
    if (!status.ok) return status.error.code !== "unreachable";
    return (status.value as BrickProcessStatus).running;
  });
}

/** Replicas note; disperse sets find by themselves who has nothing. */
function notes(it: BrickExchange, again: boolean): NodeEffect<"noteMissing">[] {
  const { next, added } = it;
  if (!it.heals || next.kind !== "replicate") return [];
  const size = setSizeOf(next);
  const setting = next.options.find(({ name }) => name === "cluster.granular-entry-heal")?.value;
  const granular = setting !== undefined && parseBoolean(setting) === true;
  return next.bricks.flatMap((brick, index) => {
    const first = index - (index % size);
    const set = next.bricks.slice(first, first + size);
    const siblings = set.filter((other) => added.includes(other)).map(({ id }) => id);
    if (siblings.length === 0 || added.includes(brick) || brick.resetting === true) return [];
    return [{
      kind: "noteMissing", node: brick.node, brick: volumeBrickRef(next, brick),
      siblings, granular, again,
    }];
  });
}
