/** `volume rebalance`: files are brought to the bricks that they belong to. */
import type { Step } from "../command.ts";
import { CommandFailure, errno, stepsFailed } from "../failure.ts";
import type { VolumeDocument } from "../state.ts";
import { attemptAll, type CommandContext, errorsOf, event } from "../steps.ts";
import { text } from "../stock-text.ts";
import type { RebalanceArgs, VolumeTaskReport } from "./volume-change-command.ts";
import { setSizeOf } from "../bricks/brick-sets.ts";
import { openVolume } from "./volume-run.ts";
import {
  refuseMoving, refuseRemoving, startTask, statusOfAll, stopEffectsOf, taskProgress,
} from "./volume-task.ts";

export function* volumeRebalance(
  context: CommandContext,
  args: RebalanceArgs,
): Step<VolumeTaskReport> {
  const volume = yield* openVolume(context, args.volume);
  const { name } = volume;
  if (args.action !== "stop" && args.action !== "status") {
    refuseUnfit(volume);
    refuseRemoving(volume);
    yield* refuseMoving(context, volume, text.rebalanceStartedAlready(name));
    const task = { kind: "rebalance", command: args.action, bricks: [] } as const;
    const id = yield* startTask(context, volume, { command: "volume rebalance", task });
    yield* event("VOLUME_REBALANCE_START", { name, id });
    const fixLayout = args.action === "fix-layout";
    return { name, id, fixLayout, status: "in progress", nodes: [] };
  }
  if (volume.task?.kind !== "rebalance") throw refused(text.rebalanceNotStarted(name));
  if (args.action === "stop") {
    const errors = errorsOf(yield* attemptAll(stopEffectsOf(volume)));
    if (errors.length > 0) throw stepsFailed(errors);
    yield* event("VOLUME_REBALANCE_STOP", { name });
  }
  return yield* taskReport(context, volume);
}

/** What `status` and `stop` print. */
export function* taskReport(
  context: CommandContext,
  volume: VolumeDocument,
): Step<VolumeTaskReport> {
  const nodes = yield* taskProgress(context, volume);
  const { name, task } = volume;
  return {
    name,
    ...(task === undefined ? {} : { id: task.id }),
    fixLayout: task?.command === "fix-layout",
    status: statusOfAll(nodes),
    nodes,
  };
}

function refuseUnfit(volume: VolumeDocument): void {
  if (volume.status !== "Started") throw refused(text.rebalanceNeedsStart(volume.name));
  if (volume.bricks.length <= setSizeOf(volume)) {
    throw refused(text.rebalanceNotDistributed(volume.name));
  }
}

function refused(message: string): CommandFailure {
  return new CommandFailure("volume-not-started", errno.EG_INTRNL, message);
}
