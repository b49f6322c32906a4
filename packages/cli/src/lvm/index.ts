/** The commands of LVM that Mortar speaks, under their own names. */
import { parseCommandLine, type CommandLine, type OptionSpec } from "./command-line.ts";
import { changeOptions } from "./common-options.ts";
import { complain } from "./complain.ts";
import {
  lvrename,
  pvcreate,
  pvcreateOptions,
  pvremove,
  vgchange,
  vgchangeOptions,
  vgcreate,
  vgcreateOptions,
  vgextend,
  vgreduce,
  vgremove,
} from "./group-commands.ts";
import { lvchange, lvchangeOptions } from "./lvchange.ts";
import { lvcreate } from "./lvcreate.ts";
import { lvcreateOptions } from "./lvcreate-request.ts";
import { lvextend, lvextendOptions } from "./lvextend.ts";
import { failed, LvmExit } from "./lvm-exit.ts";
import { lvremove, lvremoveOptions } from "./lvremove.ts";
import { report, reportOptions } from "./report.ts";
import { vgcfgbackup, vgcfgbackupOptions } from "./vgcfgbackup.ts";
import { Session, type LvmContext, type LvmIo } from "./session.ts";

export type { LvmContext, LvmIo } from "./session.ts";

interface Tool {
  readonly summary: string;
  readonly options: readonly OptionSpec[];
  readonly run: (session: Session) => Promise<number>;
}

const TOOLS: Readonly<Record<string, Tool>> = {
  lvchange: {
    summary: "Change the attributes of logical volume(s)",
    options: lvchangeOptions,
    run: lvchange,
  },
  lvcreate: { summary: "Create a logical volume", options: lvcreateOptions, run: lvcreate },
  lvextend: { summary: "Add space to a logical volume", options: lvextendOptions, run: lvextend },
  lvremove: {
    summary: "Remove logical volume(s) from the system",
    options: lvremoveOptions,
    run: lvremove,
  },
  lvrename: { summary: "Rename a logical volume", options: changeOptions, run: lvrename },
  lvs: {
    summary: "Display information about logical volumes",
    options: reportOptions,
    run: async (session) => await report("lvs", session),
  },
  pvcreate: {
    summary: "Initialize physical volume(s) for use by LVM",
    options: pvcreateOptions,
    run: pvcreate,
  },
  pvremove: {
    summary: "Remove LVM label(s) from physical volume(s)",
    options: changeOptions,
    run: pvremove,
  },
  pvs: {
    summary: "Display information about physical volumes",
    options: reportOptions,
    run: async (session) => await report("pvs", session),
  },
  vgcfgbackup: {
    summary: "Backup volume group configuration(s)",
    options: vgcfgbackupOptions,
    run: vgcfgbackup,
  },
  vgchange: {
    summary: "Change volume group attributes",
    options: vgchangeOptions,
    run: vgchange,
  },
  vgcreate: { summary: "Create a volume group", options: vgcreateOptions, run: vgcreate },
  vgextend: {
    summary: "Add physical volumes to a volume group",
    options: changeOptions,
    run: vgextend,
  },
  vgreduce: {
    summary: "Remove physical volume(s) from a volume group",
    options: changeOptions,
    run: vgreduce,
  },
  vgremove: { summary: "Remove volume group(s)", options: changeOptions, run: vgremove },
  vgs: {
    summary: "Display information about volume groups",
    options: reportOptions,
    run: async (session) => await report("vgs", session),
  },
};

export const lvmTools: readonly string[] = Object.keys(TOOLS);

/**
 * Run one LVM command and return its exit code: 0, 3 for a wrong command line, 5 for failure.
 * Never throws for what a user can cause; `tool` must be one of `lvmTools`.
 */
export async function runLvm(
  tool: string,
  args: readonly string[],
  io: LvmIo,
  context: LvmContext,
): Promise<number> {
  const command = TOOLS[tool];
  if (command === undefined) throw new RangeError(`${tool} is not an LVM command known here`);
  let line: CommandLine;
  try {
    line = parseCommandLine(tool, command.options, args);
  } catch (error) {
    if (!(error instanceof LvmExit)) throw error;
    for (const text of error.lines) io.stderr.write(`${text}\n`);
    return error.exitCode;
  }
  if (line.has("help") || line.has("longhelp")) {
    io.stdout.write(helpText(tool, command));
    return 0;
  }
  const session = new Session(line, io, context);
  try {
    if (line.has("version")) {
      session.say("Mortar speaks the commands of LVM version 2.03.16");
      return 0;
    }
    if (line.has("test")) throw failed("--test is not supported: nothing was done.");
    return await command.run(session);
  } catch (error) {
    return complain(session, error);
  } finally {
    session.close();
  }
}

function helpText(tool: string, { summary, options }: Tool): string {
  const lines = options.map(({ short, long, value }) => {
    const name = short === undefined ? `   --${long}` : `-${short}|--${long}`;
    return `\t[ ${name}${value === true ? " VALUE" : ""} ]\n`;
  });
  return `  ${tool} - ${summary}\n\n${lines.join("")}`;
}
