/** Ends a split-brain by a choice of a copy; switches what heals on and off. */
import type { Step } from "../command.ts";
import { CommandFailure, errno } from "../failure.ts";
import type { HealCommands, HealToolOutput, SplitBrainArgs } from "./heal-command.ts";
import { healedVolume, judgedBricks } from "./heal-report.ts";
import { healSwitchOf } from "./self-heal.ts";
import { type CommandContext, event, perform } from "../steps.ts";
import { text } from "../stock-text.ts";
import type { VolumeRef } from "../volumes/volume-command.ts";
import { putOptions } from "../volumes/volume-options.ts";
import { openVolume } from "../volumes/volume-run.ts";

const EPERM = 1;
const GRANULAR = "cluster.granular-entry-heal";

/** Done by stock's own program, with the locks of a client. */
export function* volumeSplitBrain(
  context: CommandContext,
  args: SplitBrainArgs,
): Step<VolumeRef & HealToolOutput> {
  const { name, id } = healedVolume(context, args.volume, true);
  const { policy, file, brick } = args;
  if (file !== undefined && !/^(\/|gfid:)/.test(file)) {
    throw new CommandFailure("bad-argument", EPERM, text.splitBrainFile());
  }
  const source = policy === "source-brick" ? [brick ?? ""] : [];
  const words = [policy, ...source, ...(file === undefined ? [] : [file])];
  const node = context.state.self;
  const run = yield* perform({ kind: "runHealTool", node, volume: name, words });
  const { installed, exitCode, output } = run;
  if (installed) return { name, id, exitCode, output };
  throw new CommandFailure("unsupported", errno.EINVAL, text.healToolMissing(), [{
    detail: "It belongs to GlusterFS: to the package glusterfs-common, or glusterfs-server.",
    nextStep: "Install it on this node, or give the command on a node that has it.",
  }]);
}

/**
 * Names that differ are noted one by one, or all names of a directory together. A healer that looks
 * for single names would overlook what was noted of whole directories: nothing of that may be left.
 */
export function* volumeHealSwitch(
  context: CommandContext,
  { volume: name, what, enable }: HealCommands["volumeHealSwitch"]["args"],
): Step<VolumeRef> {
  const volume = yield* openVolume(context, name);
  const { id, kind } = volume;
  if (kind === "distribute") {
    throw new CommandFailure("unsupported", errno.EG_INTRNL, text.healNotReplicated(name));
  }
  const option = what === "daemon" ? healSwitchOf(kind) : GRANULAR;
  if (what === "granular-entries") {
    if (kind === "disperse") {
      const message = text.healOnlyVolumes(name, "replicate");
      throw new CommandFailure("unsupported", errno.EINVAL, message);
    }
    if (enable) yield* refuseUnfinished(context, name);
  }
  yield* putOptions(context, volume, [{ name: option, value: enable ? "enable" : "disable" }]);
  yield* event("VOLUME_SET", { name });
  return { name, id };
}

function* refuseUnfinished(context: CommandContext, name: string): Step<void> {
  const volume = healedVolume(context, name, true);
  const bricks = yield* judgedBricks(context, volume, "summary");
  const sentence = bricks.some((it) => !it.online)
    ? text.granularNeedsBricks()
    : bricks.some((it) => it.pending + it.splitBrain > 0) ? text.granularNeedsHeal() : undefined;
  if (sentence === undefined) return;
  throw new CommandFailure("bricks-down", EPERM, sentence);
}
