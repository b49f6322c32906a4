/**
 * The rebalance processes of a volume: started, stopped, asked; and who has to wait for them.
 *
 * The volume's document says which run is the newest and on which nodes; how far each process is,
 * or how it ended, its node knows. A run is begun in one transaction with the intent that stops
 * it again, so a run that is in the document without an intent was started everywhere.
 */
import type { RebalanceCounts } from "@mortar/gluster";
import type { Step } from "../command.ts";
import type { NodeEffect } from "../effect.ts";
import { CommandFailure, detailOf, errno } from "../failure.ts";
import { draftIntent, groupsOf, undo } from "../intent.ts";
import { changeOf, keyOf } from "../key-space.ts";
import type { BrickDocument, VolumeDocument, VolumeTaskDocument } from "../state.ts";
import {
  attemptAll, commit, type CommandContext, errorsOf, newUuids, performAll,
} from "../steps.ts";
import { text } from "../stock-text.ts";
import type { TaskProgress } from "./volume-change-command.ts";

export interface TaskDraft {
  readonly command: string;
  readonly task: Omit<VolumeTaskDocument, "id" | "nodes">;
  /** Besides the task; it is taken back when the processes cannot be started. */
  readonly change?: Partial<VolumeDocument>;
}

/** Gives the id of the run. Throws when a node could not start its process; nothing is left then. */
export function* startTask(
  context: CommandContext,
  volume: VolumeDocument,
  draft: TaskDraft,
): Step<string> {
  const [id = ""] = yield* newUuids(1);
  const nodes = [...new Set(volume.bricks.map((it) => it.node))];
  const ref = { volume: volume.name, task: id };
  const stops = nodes.map((node): NodeEffect<"stopRebalance"> => ({
    kind: "stopRebalance", node, ...ref,
  }));
  const intent = yield* draftIntent({
    command: draft.command,
    holds: [keyOf.volume(volume.name)],
    direction: "undo",
    groups: groupsOf(stops),
    afterwards: [{ key: keyOf.volume(volume.name), put: volume }],
  });
  const task: VolumeTaskDocument = { ...draft.task, id, nodes };
  const generation = volume.generation + 1;
  yield* commit(context, [
    changeOf.volume(context.state, { ...volume, ...draft.change, task, generation }),
    changeOf.intent(context.state, intent),
  ]);
  yield* tellClients(context, volume);
  try {
    yield* performAll(
      nodes.map((node): NodeEffect<"startRebalance"> & { readonly kind: "startRebalance" } => ({
        kind: "startRebalance", node, ...ref, command: task.command,
      })),
    );
  } catch (error) {
    yield* undo(context, intent);
    yield* tellClients(context, volume);
    throw error;
  }
  yield* commit(context, [changeOf.intentGone(context.state, intent.id)]);
  return id;
}

/** Clients and bricks fetch their volfiles again; one that cannot be told finds out by itself. */
export function* tellClients(context: CommandContext, volume: VolumeDocument): Step<void> {
  if (volume.status !== "Started") return;
  const told = yield* attemptAll([{ kind: "volfileChanged", volumes: [volume.name] }]);
  context.details.push(...errorsOf(told).map(detailOf));
}

export function stopEffectsOf(volume: VolumeDocument): NodeEffect<"stopRebalance">[] {
  const { task } = volume;
  return (task?.nodes ?? []).map((node) => ({
    kind: "stopRebalance", node, volume: volume.name, task: task!.id,
  }));
}

/** The volume without what is only of now: its run, and bricks that are to go or to come. */
export function withoutTask(volume: VolumeDocument): VolumeDocument {
  const { task: _task, next: _next, ...rest } = volume;
  const bricks = volume.bricks.map(
    ({ decommissioned: _former, resetting: _out, ...brick }): BrickDocument => brick,
  );
  return { ...rest, bricks };
}

/** One entry a node; of a node that does not answer there is none, and a detail says so. */
export function* taskProgress(
  context: CommandContext,
  volume: VolumeDocument,
): Step<TaskProgress[]> {
  const { task } = volume;
  if (task === undefined) return [];
  const outcomes = yield* attemptAll(
    task.nodes.map((node): NodeEffect<"rebalanceStatus"> => ({
      kind: "rebalanceStatus", node, volume: volume.name, task: task.id,
    })),
  );
  context.details.push(...errorsOf(outcomes).map(detailOf));
  return task.nodes.flatMap((node, index) => {
    const outcome = outcomes[index];
    if (outcome?.ok !== true) return [];
    const { self, nodes } = context.state;
    const document = nodes.get(node)?.document;
    const host = node === self ? "localhost" : (document?.contact ?? document?.hostname ?? node);
    return [{ host, peerId: node, ...(outcome.value as RebalanceCounts) }];
  });
}

/** Of all nodes together: what is worst comes first, as in stock's `volume status`. */
export function statusOfAll(progress: readonly TaskProgress[]): TaskProgress["status"] {
  const weight = (status: string): number =>
    ["in progress", "failed", "stopped", "not started"].findIndex((it) => status.endsWith(it));
  const ranked = progress
    .map(({ status }) => ({ status, rank: weight(status) }))
    .sort((a, b) => (a.rank + 5) % 5 - (b.rank + 5) % 5);
  return ranked[0]?.status ?? "not started";
}

/** Throws when files are being moved (as far as nodes answer), or a node cannot say so. */
export function* refuseMoving(
  context: CommandContext,
  volume: VolumeDocument,
  message: string,
): Step<void> {
  const { task } = volume;
  if (task === undefined) return;
  const before = context.details.length;
  const progress = yield* taskProgress(context, volume);
  const silent = context.details.splice(before);
  const moving = progress.some((it) => it.status.endsWith("in progress"));
  if (!moving && silent.length === 0) return;
  throw new CommandFailure("volume-rebalancing", errno.EG_RBALRUN, message, silent);
}

/** Throws when bricks are being removed, whether their files are moved by now or not. */
export function refuseRemoving(volume: VolumeDocument): void {
  if (volume.task?.kind !== "remove-brick") return;
  const message = text.removeBrickUncommitted(volume.name);
  throw new CommandFailure("volume-rebalancing", errno.EG_RBALRUN, message);
}
