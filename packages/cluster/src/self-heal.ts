/** Volumes with copies: who heals them, and what a healing daemon is asked. */
import { parseBoolean } from "@mortar/gluster";
import type { Step } from "./command.ts";
import type { NodeEffect } from "./effect.ts";
import { CommandFailure, detailOf, errno } from "./failure.ts";
import type { VolumeDocument } from "./state.ts";
import { attemptAll, type CommandContext, errorsOf } from "./steps.ts";
import { text } from "./stock-text.ts";
import type { VolumeRef } from "./volume-command.ts";
import { openVolume } from "./volume-run.ts";

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
  const { name, id, kind } = volume;
  if (kind === "distribute") throw refused(text.healNotReplicated(name));
  if (volume.status !== "Started") throw refused(text.healNotStarted(name));
  const option =
    kind === "replicate" ? "cluster.self-heal-daemon" : "cluster.disperse-self-heal-daemon";
  const set = volume.options.find((it) => it.name === option)?.value;
  if (set !== undefined && parseBoolean(set) === false) throw refused(text.healDisabled(name));
  const asked = yield* attemptAll(
    healingNodes(volume).map((node): NodeEffect<"startHeal"> => ({
      kind: "startHeal", node, volume: name, isDisperse: kind === "disperse",
      sets: setCount(volume), full: args.full === true,
    })),
  );
  const errors = errorsOf(asked);
  // One daemon that heals is a heal; the others are told of.
  if (errors.length === asked.length) {
    const message = text.healRefused();
    throw new CommandFailure("effect-failed", errno.EG_INTRNL, message, errors.map(detailOf));
  }
  context.details.push(...errors.map(detailOf));
  return { name, id };
}

function setCount(volume: VolumeDocument): number {
  const size = volume.kind === "disperse" ? volume.disperseCount : volume.replicaCount;
  return volume.bricks.length / size;
}

function refused(message: string): CommandFailure {
  return new CommandFailure("volume-not-started", errno.EG_INTRNL, message);
}
