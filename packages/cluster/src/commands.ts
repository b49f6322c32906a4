/** Every command by name, and whether it changes anything. */
import type { CommandArgs, CommandName, CommandPayload, Step } from "./command.ts";
import { nodeAdd, nodeDeclare, nodeRemove } from "./membership.ts";
import { brickCreate, brickDelete, brickList, brickPlace } from "./brick-commands.ts";
import { brickReadiness } from "./brick-readiness.ts";
import { nodeLabel } from "./node-label.ts";
import { bringUp, recover } from "./recover.ts";
import {
  scheduleAdd, scheduleDelete, scheduleEdit, scheduleList, schedulePrune, scheduleSet,
} from "./schedule-commands.ts";
import { scheduleRun, scheduleTick } from "./schedule-run.ts";
import { snapshotHold, snapshotLock, snapshotRelease, snapshotUnlock } from "./snapshot-keep.ts";
import { snapshotPrune } from "./safety.ts";
import { volumeHeal } from "./self-heal.ts";
import { snapshotActivate, snapshotDeactivate } from "./snapshot-activation.ts";
import { snapshotClone } from "./snapshot-clone.ts";
import { snapshotConfigGet, snapshotConfigSet } from "./snapshot-config.ts";
import { snapshotCreate } from "./snapshot-create.ts";
import { snapshotDelete, snapshotDeleteMany } from "./snapshot-delete.ts";
import { snapshotInfo, snapshotList, snapshotStatus } from "./snapshot-query.ts";
import { commandPlan } from "./plan.ts";
import { snapshotRestore } from "./snapshot-restore.ts";
import { snapshotDiff } from "./snapshot-diff.ts";
import { snapshotReclaim, snapshotSpace } from "./snapshot-space.ts";
import { snapshotView } from "./snapshot-view.ts";
import type { CommandContext } from "./steps.ts";
import {
  volumeBarrier,
  volumeLogRotate,
  volumeProfile,
  volumeStatedump,
} from "./volume-bricks.ts";
import { volumeAddBrick } from "./volume-add-brick.ts";
import { volumeRebalance } from "./volume-rebalance.ts";
import { volumeRemoveBrick } from "./volume-remove-brick.ts";
import { volumeCreate } from "./volume-create.ts";
import {
  volumeOptionGet,
  volumeOptionHelp,
  volumeOptionReset,
  volumeOptionSet,
} from "./volume-options.ts";
import { volumeInfo, volumeList, volumeStatus } from "./volume-query.ts";
import { volumeDelete, volumeStart, volumeStop } from "./volume-run.ts";

export interface Command<Name extends CommandName> {
  /** True: it is run alone. False: a question, run at once. */
  readonly changes: boolean;
  readonly run: (
    context: CommandContext,
    args: CommandArgs<Name>,
  ) => Step<CommandPayload<Name>>;
}

const changing = <Name extends CommandName>(run: Command<Name>["run"]): Command<Name> => ({
  changes: true,
  run,
});
const question = <Name extends CommandName>(run: Command<Name>["run"]): Command<Name> => ({
  changes: false,
  run,
});

export const commands: { readonly [Name in CommandName]: Command<Name> } = {
  volumeCreate: changing(volumeCreate),
  volumeStart: changing(volumeStart),
  volumeStop: changing(volumeStop),
  volumeDelete: changing(volumeDelete),
  volumeList: question(volumeList),
  volumeInfo: question(volumeInfo),
  volumeStatus: question(volumeStatus),
  volumeProfile: changing(volumeProfile),
  volumeStatedump: question(volumeStatedump),
  volumeLogRotate: question(volumeLogRotate),
  volumeBarrier: changing(volumeBarrier),
  volumeHeal: question(volumeHeal),
  volumeOptionSet: changing(volumeOptionSet),
  volumeOptionGet: question(volumeOptionGet),
  volumeOptionReset: changing(volumeOptionReset),
  volumeAddBrick: changing(volumeAddBrick),
  volumeRemoveBrick: changing(volumeRemoveBrick),
  volumeRebalance: changing(volumeRebalance),
  volumeOptionHelp: question(volumeOptionHelp),
  snapshotCreate: changing(snapshotCreate),
  snapshotList: question(snapshotList),
  snapshotInfo: question(snapshotInfo),
  snapshotStatus: question(snapshotStatus),
  snapshotReclaim: question(snapshotReclaim),
  snapshotSpace: question(snapshotSpace),
  snapshotDiff: question(snapshotDiff),
  commandPlan: question(commandPlan),
  snapshotActivate: changing(snapshotActivate),
  snapshotDeactivate: changing(snapshotDeactivate),
  snapshotView: changing(snapshotView),
  snapshotDelete: changing(snapshotDelete),
  snapshotDeleteMany: changing(snapshotDeleteMany),
  snapshotRestore: changing(snapshotRestore),
  snapshotClone: changing(snapshotClone),
  snapshotConfigGet: question(snapshotConfigGet),
  snapshotConfigSet: changing(snapshotConfigSet),
  snapshotPrune: changing(snapshotPrune),
  snapshotHold: changing(snapshotHold),
  snapshotRelease: changing(snapshotRelease),
  snapshotLock: changing(snapshotLock),
  snapshotUnlock: changing(snapshotUnlock),
  scheduleAdd: changing(scheduleAdd),
  scheduleEdit: changing(scheduleEdit),
  scheduleDelete: changing(scheduleDelete),
  scheduleSet: changing(scheduleSet),
  scheduleList: question(scheduleList),
  schedulePrune: changing(schedulePrune),
  scheduleRun: changing(scheduleRun),
  scheduleTick: changing(scheduleTick),
  brickCreate: changing(brickCreate),
  brickPlace: changing(brickPlace),
  brickDelete: changing(brickDelete),
  brickList: question(brickList),
  brickReadiness: question(brickReadiness),
  nodeLabel: changing(nodeLabel),
  nodeDeclare: changing(nodeDeclare),
  nodeAdd: changing(nodeAdd),
  nodeRemove: changing(nodeRemove),
  recover: changing(recover),
  bringUp: changing(bringUp),
};
