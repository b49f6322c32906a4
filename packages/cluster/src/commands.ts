/** Every command by name, and whether it changes anything. */
import type { CommandArgs, CommandName, CommandPayload, Step } from "./command.ts";
import { nodeAdd, nodeDeclare, nodeRemove } from "./membership.ts";
import { bringUp, recover } from "./recover.ts";
import { snapshotPrune } from "./safety.ts";
import { snapshotActivate, snapshotDeactivate } from "./snapshot-activation.ts";
import { snapshotClone } from "./snapshot-clone.ts";
import { snapshotConfigGet, snapshotConfigSet } from "./snapshot-config.ts";
import { snapshotCreate } from "./snapshot-create.ts";
import { snapshotDelete, snapshotDeleteMany } from "./snapshot-delete.ts";
import { snapshotInfo, snapshotList, snapshotStatus } from "./snapshot-query.ts";
import { snapshotRestore } from "./snapshot-restore.ts";
import type { CommandContext } from "./steps.ts";
import {
  volumeBarrier,
  volumeLogRotate,
  volumeProfile,
  volumeStatedump,
} from "./volume-bricks.ts";
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
  volumeOptionSet: changing(volumeOptionSet),
  volumeOptionGet: question(volumeOptionGet),
  volumeOptionReset: changing(volumeOptionReset),
  volumeOptionHelp: question(volumeOptionHelp),
  snapshotCreate: changing(snapshotCreate),
  snapshotList: question(snapshotList),
  snapshotInfo: question(snapshotInfo),
  snapshotStatus: question(snapshotStatus),
  snapshotActivate: changing(snapshotActivate),
  snapshotDeactivate: changing(snapshotDeactivate),
  snapshotDelete: changing(snapshotDelete),
  snapshotDeleteMany: changing(snapshotDeleteMany),
  snapshotRestore: changing(snapshotRestore),
  snapshotClone: changing(snapshotClone),
  snapshotConfigGet: question(snapshotConfigGet),
  snapshotConfigSet: changing(snapshotConfigSet),
  snapshotPrune: changing(snapshotPrune),
  nodeDeclare: changing(nodeDeclare),
  nodeAdd: changing(nodeAdd),
  nodeRemove: changing(nodeRemove),
  recover: changing(recover),
  bringUp: changing(bringUp),
};
