/** Volumes with copies: who heals them, and what a healing daemon is asked. */
import { parseBoolean } from "@mortar/gluster";
import { setSizeOf } from "../bricks/brick-sets.ts";
import type { Step } from "../command.ts";
import type { NodeEffect } from "../effect.ts";
import { CommandFailure, detailOf, errno } from "../failure.ts";
import type { BrickDocument, VolumeDocument } from "../state.ts";
import { attemptAll, type CommandContext, errorsOf } from "../steps.ts";
import { text } from "../stock-text.ts";
import type { VolumeRef } from "../volumes/volume-command.ts";
import { openVolume } from "../volumes/volume-run.ts";

/** What `volume status` and a node's supervisor know the daemon by. */
export function selfHealDaemonName(volume: string): string {
  return `glustershd-${volume}`;
}

/** Nodes that run a self-heal daemon for it: those that have its bricks, while it is started. */
export function healingNodes(volume: VolumeDocument): string[] {
  if (volume.kind === "distribute" || volume.status !== "Started") return [];
  return [...new Set(volume.bricks.map((it) => it.node))];
}

/** `full`: all that is on the bricks is compared; else what the index tells of. */
export function* volumeHeal(
  context: CommandContext,
  args: { readonly volume: string; readonly full?: boolean },
): Step<VolumeRef> {
  const volume = yield* openVolume(context, args.volume);
  const { name, id } = volume;
  refuseUnhealed(volume);
  const errors =
    args.full === true ? yield* healAll(context, volume) : yield* healIndexed(context, volume);
  if (errors !== undefined) {
    const message = text.healRefused();
    throw new CommandFailure("effect-failed", errno.EG_INTRNL, message, errors);
  }
  return { name, id };
}

/** Throws what keeps its daemons from healing. */
export function refuseUnhealed(volume: VolumeDocument): void {
  const { name, kind } = volume;
  if (volume.status !== "Started") throw refused(text.healNotStarted(name));
  // Of a volume without copies stock says the same as where it was switched off.
  if (kind === "distribute") throw refused(text.healDisabled(name));
  const set = volume.options.find((it) => it.name === healSwitchOf(kind))?.value;
  if (set !== undefined && parseBoolean(set) === false) throw refused(text.healDisabled(name));
}

/** The option that switches the daemon is named after the kind of the volume. */
export function healSwitchOf(kind: "replicate" | "disperse"): string {
  return kind === "replicate" ? "cluster.self-heal-daemon" : "cluster.disperse-self-heal-daemon";
}

export function brickSetsOf(volume: VolumeDocument): BrickDocument[][] {
  const size = setSizeOf(volume);
  return Array.from({ length: volume.bricks.length / size }, (_, set) =>
    volume.bricks.slice(set * size, (set + 1) * size));
}

/** The sets that a node has bricks of. */
export function setsAt(volume: VolumeDocument, node: string): number[] {
  return brickSetsOf(volume).flatMap((set, index) =>
    set.some((brick) => brick.node === node) ? [index] : []);
}

type Failures = ReturnType<typeof detailOf>[];

/** Each daemon knows the index of its own bricks. Failures, if no daemon heals. */
function* healIndexed(context: CommandContext, volume: VolumeDocument): Step<Failures | undefined> {
  const orders = healingNodes(volume).map((node) =>
    orderOf(volume, { node, sets: setsAt(volume, node), full: false }));
  const asked = yield* attemptAll(orders);
  const failures = errorsOf(asked).map(detailOf);
  // One daemon that heals is a heal; the others are told of.
  if (failures.length === asked.length) return failures;
  context.details.push(...failures);
  return undefined;
}

/**
 * All of a set is compared by one daemon, as in stock: that of the node with the highest uuid. Where
 * that one does not answer, the next one does it. Failures, if there is a set that nobody walks.
 */
function* healAll(context: CommandContext, volume: VolumeDocument): Step<Failures | undefined> {
  const waiting = brickSetsOf(volume).map((set) =>
    [...new Set(set.map((it) => it.node))].sort().toReversed());
  const failures: Failures = [];
  for (;;) {
    const turns = new Map<string, number[]>();
    for (const [set, nodes] of waiting.entries()) {
      const [node] = nodes;
      if (node !== undefined) turns.set(node, [...(turns.get(node) ?? []), set]);
    }
    if (turns.size === 0) break;
    const orders = [...turns].map(([node, sets]) => orderOf(volume, { node, sets, full: true }));
    const outcomes = yield* attemptAll(orders);
    for (const [index, { node, sets }] of orders.entries()) {
      const outcome = outcomes[index]!;
      if (!outcome.ok) failures.push(detailOf(outcome.error));
      for (const set of sets) {
        waiting[set] = outcome.ok ? [] : waiting[set]!.filter((it) => it !== node);
        if (!outcome.ok && waiting[set].length === 0) return failures;
      }
    }
  }
  context.details.push(...failures);
  return undefined;
}

function orderOf(
  { name, kind }: VolumeDocument,
  order: Pick<NodeEffect<"startHeal">, "node" | "sets" | "full">,
): NodeEffect<"startHeal"> {
  return { kind: "startHeal", volume: name, isDisperse: kind === "disperse", ...order };
}

function refused(message: string): CommandFailure {
  return new CommandFailure("volume-not-started", errno.EG_INTRNL, message);
}
