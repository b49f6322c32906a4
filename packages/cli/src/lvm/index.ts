/** The commands of LVM that Mortar speaks, under their own names. */
import { parseCommandLine, type CommandLine, type OptionSpec } from "./command-line.ts";
import { changeOptions } from "./common-options.ts";
import { complain } from "./complain.ts";
import {
  lvrename,
  pvcreate,
  pvcreateOptions,
  pvremove,
  pvremoveOptions,
  vgcreate,
  vgcreateOptions,
  vgextend,
  vgreduce,
  vgreduceOptions,
  vgremove,
  vgremoveOptions,
} from "./group-commands.ts";
import { displayOptions, lvdisplay, pvdisplay, vgdisplay } from "./display.ts";
import { lvchange, lvchangeOptions } from "./lvchange.ts";
import { lvconvert, lvconvertOptions } from "./lvconvert.ts";
import { lvcreate } from "./lvcreate.ts";
import { lvcreateOptions } from "./lvcreate-request.ts";
import { lvextend, lvextendOptions } from "./lvextend.ts";
import { failed, LvmExit } from "./lvm-exit.ts";
import { lvreduce, lvreduceOptions, lvresize, lvresizeOptions } from "./lvreduce.ts";
import { lvremove, lvremoveOptions } from "./lvremove.ts";
import { pvchange, pvchangeOptions } from "./pvchange.ts";
import { dryRunOption } from "./removal-plan.ts";
import { report, reportOptions } from "./report.ts";
import { lvscan, pvscan, scanOptions, vgscan } from "./scan.ts";
import { EXAMPLES } from "./tool-examples.ts";
import { vgcfgbackup, vgcfgbackupOptions } from "./vgcfgbackup.ts";
import { vgcfgrestore, vgcfgrestoreOptions } from "./vgcfgrestore.ts";
import { vgchange, vgchangeOptions } from "./vgchange.ts";
import {
  vgck,
  vgckOptions,
  vgexport,
  vgexportOptions,
  vgimport,
  vgrename,
} from "./vg-commands.ts";
import { Session, type LvmContext, type LvmIo } from "./session.ts";

export type { LvmContext, LvmIo } from "./session.ts";

interface Tool {
  readonly summary: string;
  readonly options: readonly OptionSpec[];
  readonly run: (session: Session) => Promise<number>;
}

/** It has a dry run: `--dry-run`, and `--test` as LVM calls it. */
export function hasDryRun(tool: string): boolean {
  return TOOLS[tool]?.options.includes(dryRunOption) ?? false;
}

const TOOLS: Readonly<Record<string, Tool>> = {
  lvchange: {
    summary: "Change the attributes of logical volume(s)",
    options: lvchangeOptions,
    run: lvchange,
  },
  lvconvert: {
    summary: "Change logical volume layout",
    options: lvconvertOptions,
    run: lvconvert,
  },
  lvcreate: { summary: "Create a logical volume", options: lvcreateOptions, run: lvcreate },
  lvdisplay: {
    summary: "Display information about a logical volume",
    options: displayOptions,
    run: lvdisplay,
  },
  lvextend: { summary: "Add space to a logical volume", options: lvextendOptions, run: lvextend },
  lvreduce: {
    summary: "Reduce the size of a logical volume",
    options: lvreduceOptions,
    run: lvreduce,
  },
  lvremove: {
    summary: "Remove logical volume(s) from the system",
    options: lvremoveOptions,
    run: lvremove,
  },
  lvrename: { summary: "Rename a logical volume", options: changeOptions, run: lvrename },
  lvresize: { summary: "Resize a logical volume", options: lvresizeOptions, run: lvresize },
  lvscan: {
    summary: "List all logical volumes in all volume groups",
    options: scanOptions,
    run: lvscan,
  },
  lvs: {
    summary: "Display information about logical volumes",
    options: reportOptions,
    run: async (session) => await report("lvs", session),
  },
  pvchange: {
    summary: "Change attributes of physical volume(s)",
    options: pvchangeOptions,
    run: pvchange,
  },
  pvcreate: {
    summary: "Initialize physical volume(s) for use by LVM",
    options: pvcreateOptions,
    run: pvcreate,
  },
  pvdisplay: {
    summary: "Display various attributes of physical volume(s)",
    options: displayOptions,
    run: pvdisplay,
  },
  pvremove: {
    summary: "Remove LVM label(s) from physical volume(s)",
    options: pvremoveOptions,
    run: pvremove,
  },
  pvs: {
    summary: "Display information about physical volumes",
    options: reportOptions,
    run: async (session) => await report("pvs", session),
  },
  pvscan: { summary: "List all physical volumes", options: scanOptions, run: pvscan },
  vgcfgbackup: {
    summary: "Backup volume group configuration(s)",
    options: vgcfgbackupOptions,
    run: vgcfgbackup,
  },
  vgcfgrestore: {
    summary: "Restore volume group configuration",
    options: vgcfgrestoreOptions,
    run: vgcfgrestore,
  },
  vgchange: {
    summary: "Change volume group attributes",
    options: vgchangeOptions,
    run: vgchange,
  },
  vgck: { summary: "Check the consistency of volume group(s)", options: vgckOptions, run: vgck },
  vgcreate: { summary: "Create a volume group", options: vgcreateOptions, run: vgcreate },
  vgdisplay: {
    summary: "Display volume group information",
    options: displayOptions,
    run: vgdisplay,
  },
  vgexport: {
    summary: "Unregister volume group(s) from the system",
    options: vgexportOptions,
    run: vgexport,
  },
  vgextend: {
    summary: "Add physical volumes to a volume group",
    options: changeOptions,
    run: vgextend,
  },
  vgimport: {
    summary: "Register exported volume group with system",
    options: vgexportOptions,
    run: vgimport,
  },
  vgreduce: {
    summary: "Remove physical volume(s) from a volume group",
    options: vgreduceOptions,
    run: vgreduce,
  },
  vgremove: { summary: "Remove volume group(s)", options: vgremoveOptions, run: vgremove },
  vgrename: { summary: "Rename a volume group", options: changeOptions, run: vgrename },
  vgscan: { summary: "Search for all volume groups", options: scanOptions, run: vgscan },
  vgs: {
    summary: "Display information about volume groups",
    options: reportOptions,
    run: async (session) => await report("vgs", session),
  },
};

export const lvmTools: readonly string[] = Object.keys(TOOLS);

/** What a tool says of itself. */
export interface LvmToolHelp {
  readonly summary: string;
  readonly options: readonly OptionSpec[];
  readonly example: string | undefined;
}

export function lvmToolHelp(tool: string): LvmToolHelp | undefined {
  const found = TOOLS[tool];
  return found && { summary: found.summary, options: found.options, example: EXAMPLES[tool] };
}

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
    if (line.has("test") && !hasDryRun(tool)) throw failed("--test is not supported: nothing was done.");
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
  const example = EXAMPLES[tool];
  const last = example === undefined ? "" : `\n  Example: ${example}\n`;
  return `  ${tool} - ${summary}\n\n${lines.join("")}${last}`;
}
