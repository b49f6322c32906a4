/** `vgcfgrestore`: the text of a volume group from a backup, and the list of those there are. */
import {
  archivesOf,
  Lvm2Error,
  parseMetadataText,
  thinPools,
  VgError,
  type VolumeGroup,
} from "@mortar/vg";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { OptionSpec } from "./command-line.ts";
import { commonOptions } from "./common-options.ts";
import { failed } from "./lvm-exit.ts";
import { noMatch, vgOperand } from "./names.ts";
import type { Session } from "./session.ts";

export const vgcfgrestoreOptions: readonly OptionSpec[] = [
  ...commonOptions,
  { long: "file", short: "f", value: true },
  { long: "force" },
  { long: "list", short: "l" },
  { long: "metadatatype", short: "M", value: true },
];

/** Metadata areas are about a megabyte; a file much larger holds something else. */
const TEXT_BYTES_MAX = 64 << 20;

export async function vgcfgrestore(session: Session): Promise<number> {
  const { line } = session;
  const [first, ...rest] = line.names;
  if (rest.length > 0) throw failed("Please specify a *single* volume group to restore.");
  const file = line.value("file");
  if (line.has("list")) return list(session, first, file);
  if (first === undefined) throw noMatch(line.tool);
  const name = vgOperand(line.tool, first);
  const path = file ?? join(session.root, "etc/lvm/backup", name);
  const vg = readBackup(path, name);
  if (thinPools(vg).length > 0) {
    if (!line.has("force")) {
      throw failed(
        `Consider using option --force to restore Volume Group ${name} with thin volumes.`,
        "Restore failed.",
      );
    }
    session.warn(`WARNING: Forced restore of Volume Group ${name} with thin volumes.`);
  }
  try {
    await (await session.groups()).restoreVg(vg);
  } catch (error) {
    if (!(error instanceof VgError) && !(error instanceof Lvm2Error)) throw error;
    throw failed(...error.message.split("\n").map((text) => text.trim()), "Restore failed.");
  }
  session.say(`Restored volume group ${name}.`);
  return 0;
}

function readBackup(path: string, name: string): VolumeGroup {
  const unread = (...reasons: string[]) =>
    failed(...reasons, `Failed to read VG ${name} from ${path}`, "Restore failed.");
  const unreadable = "WARNING: couldn't read volume group metadata from file.";
  let text: string;
  try {
    if (statSync(path).size > TEXT_BYTES_MAX) throw unread(`${path}: too large.`, unreadable);
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const reason = isMissing ? "stat failed: No such file or directory" : String(error);
    throw unread(`${path}: ${reason}`, unreadable);
  }
  let vg: VolumeGroup;
  try {
    ({ vg } = parseMetadataText(text));
  } catch (error) {
    if (!(error instanceof Lvm2Error)) throw error;
    throw unread(error.message, unreadable);
  }
  if (vg.name === name) return vg;
  throw failed(`'${path}' does not contain volume group '${name}'.`, "Restore failed.");
}

/** Archives oldest first, then the backup. */
function list(session: Session, first: string | undefined, file: string | undefined): number {
  if (file !== undefined) {
    describe(session, file);
    return 0;
  }
  if (first === undefined) throw noMatch(session.line.tool);
  const name = vgOperand(session.line.tool, first);
  const directory = join(session.root, "etc/lvm/archive");
  const archives = archivesOf(directory, name);
  if (archives.length === 0) session.say(`No archives found in ${directory}.`);
  for (const { path } of archives) describe(session, path);
  const backup = join(session.root, "etc/lvm/backup", name);
  if (existsSync(backup)) describe(session, backup);
  return 0;
}

function describe(session: Session, path: string): void {
  session.print(`   \n  File:\t\t${path}\n`);
  let facts: ReturnType<typeof parseMetadataText>;
  try {
    facts = parseMetadataText(readFileSync(path, "utf8"));
  } catch (error) {
    session.warn(error instanceof Error ? error.message : String(error));
    session.warn("Unable to read archive file.");
    return;
  }
  const { vg, description, creationTime } = facts;
  session.print(`  VG name:    \t${vg.name}\n  Description:\t${description}\n`);
  session.print(`  Backup Time:\t${calendar(creationTime)}\n\n`);
}

/** "Sun Nov 22 21:50:07 2026", in the time zone of whoever asks. */
function calendar(seconds: number): string {
  const date = new Date(seconds * 1000);
  const [weekday = "", month = "", day = "", year = "", time = ""] = date.toString().split(" ");
  return `${weekday} ${month} ${day.replace(/^0/, " ")} ${time} ${year}`;
}
