/** `vgcfgbackup`: the text of volume groups into files that LVM's `vgcfgrestore` reads. */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { backupText } from "@mortar/vg";
import type { OptionSpec } from "./command-line.ts";
import { commonOptions } from "./common-options.ts";
import { failed } from "./lvm-exit.ts";
import { requireView, vgOperand } from "./names.ts";
import type { Session } from "./session.ts";

export const vgcfgbackupOptions: readonly OptionSpec[] = [
  ...commonOptions,
  { long: "file", short: "f", value: true },
];

export async function vgcfgbackup(session: Session): Promise<number> {
  const { line } = session;
  const names = line.names.map((name) => vgOperand(line.tool, name));
  const file = line.value("file");
  const machine = await (await session.groups()).view(names.length > 0 ? names : undefined);
  const wanted = names.length > 0 ? names : machine.groups.map(({ vg }) => vg.name);
  if (file !== undefined && wanted.length > 1 && !file.includes("%s")) {
    throw failed("Specify a file name with %s in it when backing up more than one volume group.");
  }
  for (const name of wanted) {
    const path = file?.replace("%s", name) ?? join(session.root, "etc/lvm/backup", name);
    if (file === undefined) mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const command = ["vgcfgbackup", ...(file === undefined ? [] : ["-f", file]), ...line.names];
    writeWhole(path, backupText(requireView(machine, name).vg, command.join(" ")));
    session.say(`Volume group "${name}" successfully backed up.`);
  }
  return 0;
}

/** A backup that was there stays until the new one is complete. */
function writeWhole(path: string, text: string): void {
  const unfinished = `${path}.${process.pid}.new`;
  try {
    writeFileSync(unfinished, text, { mode: 0o600, flush: true });
    renameSync(unfinished, path);
  } catch (error) {
    throw failed(`${path}: ${(error as Error).message}`);
  }
}
