/** Every command of the GlusterFS grammar, in one table. */
import type { GlusterCommand } from "./command.ts";
import { familyHelp, generalHelp } from "./help.ts";
import { keepCommands } from "./keep-commands.ts";
import { peerCommands } from "./peer-commands.ts";
import { scheduleCommands } from "./schedule-commands.ts";
import { snapshotCommands } from "./snapshot-commands.ts";
import { snapshotFileCommands } from "./snapshot-files.ts";
import { systemCommands } from "./system-commands.ts";
import { transferCommands } from "./transfer-commands.ts";
import { volumeCommands } from "./volume-commands.ts";
import { unsupportedOtherCommands } from "./volume-unsupported.ts";

const helpCommands: readonly GlusterCommand[] = [
  {
    words: ["help"],
    usage: "help [all]",
    help: "display command options",
    async run({ io }, args) {
      if (args.length === 0) {
        io.stdout.write(`${generalHelp}\n`);
        return 0;
      }
      for (const family of ["peer", "volume", "bitrot", "quota", "snapshot", "global"]) {
        io.stdout.write(familyHelp(family, glusterCommands));
      }
      return 0;
    },
  },
  helpOf("global", ["global", "help"], "list global commands"),
  helpOf("bitrot", ["volume", "bitrot", "help"], "display help for volume bitrot commands"),
  helpOf("quota", ["volume", "quota", "help"], "display help for volume quota commands"),
];

function helpOf(family: string, words: readonly string[], help: string): GlusterCommand {
  return {
    words,
    usage: words.join(" "),
    help,
    family,
    async run({ io }) {
      io.stdout.write(familyHelp(family, glusterCommands));
      return 0;
    },
  };
}

export const glusterCommands: readonly GlusterCommand[] = [
  ...peerCommands,
  ...volumeCommands,
  ...snapshotCommands,
  ...snapshotFileCommands,
  ...scheduleCommands,
  ...keepCommands,
  ...transferCommands,
  ...unsupportedOtherCommands,
  ...systemCommands,
  ...helpCommands,
];
