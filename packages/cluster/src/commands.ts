/** Every command by name, and whether it changes anything. */
import type { CommandArgs, CommandName, CommandPayload, Step } from "./command.ts";
import { nodeAdd, nodeDeclare, nodeRemove } from "./nodes/membership.ts";
import { brickCreate, brickDelete, brickList, brickPlace } from "./bricks/brick-commands.ts";
import { brickReadiness } from "./bricks/brick-readiness.ts";
import { nodeLabel } from "./nodes/node-label.ts";
import { poolList } from "./bricks/pool-list.ts";
import { bringUp, recover } from "./recover.ts";
import {
  scheduleAdd, scheduleDelete, scheduleEdit, scheduleList, schedulePrune, scheduleSet,
} from "./schedules/schedule-commands.ts";
import { schedulePreview } from "./schedules/schedule-preview.ts";
import { scheduleRun, scheduleTick } from "./schedules/schedule-run.ts";
import { snapshotHold, snapshotLock, snapshotRelease, snapshotUnlock } from "./snapshots/snapshot-keep.ts";
import { snapshotPrune } from "./snapshots/safety.ts";
import { volumeHealSwitch, volumeSplitBrain } from "./heal/heal-change.ts";
import { volumeHealCount, volumeHealInfo, volumeHealStatistics } from "./heal/heal-report.ts";
import { volumeHeal } from "./heal/self-heal.ts";
import { choosesServerQuorum, inServerQuorum } from "./nodes/server-quorum.ts";
import { snapshotActivate, snapshotDeactivate } from "./snapshots/snapshot-activation.ts";
import { bookmarkBegin, bookmarkDelete, bookmarkFinish, bookmarkList } from "./transfer/bookmarks.ts";
import { receiveFinish } from "./transfer/receive-finish.ts";
import {
  receiveAbandon, receiveBegin, receiveList, receiveProgress,
} from "./transfer/snapshot-receive.ts";
import { snapshotSend } from "./transfer/snapshot-send.ts";
import { snapshotClone } from "./snapshots/snapshot-clone.ts";
import { snapshotConfigGet, snapshotConfigSet } from "./snapshots/snapshot-config.ts";
import { snapshotCreate } from "./snapshots/snapshot-create.ts";
import { snapshotDelete, snapshotDeleteMany } from "./snapshots/snapshot-delete.ts";
import { snapshotInfo, snapshotList, snapshotStatus } from "./snapshots/snapshot-query.ts";
import { commandPlan } from "./plan.ts";
import { snapshotRestore } from "./snapshots/snapshot-restore.ts";
import { snapshotDiff } from "./snapshots/snapshot-diff.ts";
import { snapshotReclaim, snapshotSpace } from "./snapshots/snapshot-space.ts";
import { snapshotView } from "./snapshots/snapshot-view.ts";
import type { CommandContext } from "./steps.ts";
import {
  volumeBarrier,
  volumeLogRotate,
  volumeProfile,
  volumeStatedump,
} from "./volumes/volume-bricks.ts";
import { volumeClearLocks, volumeTop } from "./volumes/volume-top.ts";
import { volumeAddBrick } from "./volumes/volume-add-brick.ts";
import { volumeRebalance } from "./volumes/volume-rebalance.ts";
import { volumeReplaceBrick } from "./volumes/volume-replace-brick.ts";
import { volumeResetBrick } from "./volumes/volume-reset-brick.ts";
import { volumeRemoveBrick } from "./volumes/volume-remove-brick.ts";
import { volumeCreate } from "./volumes/volume-create.ts";
import {
  volumeOptionGet,
  volumeOptionHelp,
  volumeOptionReset,
  volumeOptionSet,
} from "./volumes/volume-options.ts";
import { volumeInfo, volumeList, volumeStatus } from "./volumes/volume-query.ts";
import { volumeDelete, volumeStart, volumeStop } from "./volumes/volume-run.ts";

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
  volumeStart: changing(inServerQuorum(volumeStart)),
  volumeStop: changing(inServerQuorum(volumeStop)),
  volumeDelete: changing(inServerQuorum(volumeDelete)),
  volumeList: question(volumeList),
  volumeInfo: question(volumeInfo),
  volumeStatus: question(volumeStatus),
  volumeProfile: changing(inServerQuorum(volumeProfile)),
  volumeTop: question(inServerQuorum(volumeTop)),
  volumeClearLocks: question(inServerQuorum(volumeClearLocks)),
  volumeStatedump: question(inServerQuorum(volumeStatedump)),
  volumeLogRotate: question(inServerQuorum(volumeLogRotate)),
  volumeBarrier: changing(inServerQuorum(volumeBarrier)),
  volumeHeal: question(inServerQuorum(volumeHeal)),
  volumeHealInfo: question(volumeHealInfo),
  volumeHealStatistics: question(inServerQuorum(volumeHealStatistics)),
  volumeHealCount: question(inServerQuorum(volumeHealCount)),
  volumeSplitBrain: question(volumeSplitBrain),
  volumeHealSwitch: changing(inServerQuorum(volumeHealSwitch)),
  volumeOptionSet: changing(
    inServerQuorum(volumeOptionSet, ({ options }) => choosesServerQuorum(options)),
  ),
  volumeOptionGet: question(volumeOptionGet),
  volumeOptionReset: changing(inServerQuorum(volumeOptionReset)),
  volumeAddBrick: changing(inServerQuorum(volumeAddBrick)),
  volumeRemoveBrick: changing(inServerQuorum(volumeRemoveBrick)),
  volumeReplaceBrick: changing(inServerQuorum(volumeReplaceBrick)),
  volumeResetBrick: changing(inServerQuorum(volumeResetBrick)),
  volumeRebalance: changing(inServerQuorum(volumeRebalance)),
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
  snapshotSend: question(snapshotSend),
  bookmarkBegin: changing(bookmarkBegin),
  bookmarkFinish: changing(bookmarkFinish),
  bookmarkDelete: changing(bookmarkDelete),
  bookmarkList: question(bookmarkList),
  receiveBegin: changing(receiveBegin),
  receiveProgress: changing(receiveProgress),
  receiveFinish: changing(receiveFinish),
  receiveAbandon: changing(receiveAbandon),
  receiveList: question(receiveList),
  scheduleAdd: changing(scheduleAdd),
  scheduleEdit: changing(scheduleEdit),
  scheduleDelete: changing(scheduleDelete),
  scheduleSet: changing(scheduleSet),
  scheduleList: question(scheduleList),
  schedulePreview: question(schedulePreview),
  schedulePrune: changing(schedulePrune),
  scheduleRun: changing(scheduleRun),
  scheduleTick: changing(scheduleTick),
  brickCreate: changing(brickCreate),
  brickPlace: changing(brickPlace),
  brickDelete: changing(brickDelete),
  brickList: question(brickList),
  brickReadiness: question(brickReadiness),
  poolList: question(poolList),
  nodeLabel: changing(nodeLabel),
  nodeDeclare: changing(nodeDeclare),
  nodeAdd: changing(nodeAdd),
  nodeRemove: changing(nodeRemove),
  recover: changing(recover),
  bringUp: changing(bringUp),
  bringUpKnown: question(bringUp),
};
