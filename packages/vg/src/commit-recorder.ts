/**
 * Copies of the text of a group, kept where LVM keeps them:
 *
 *     etc/lvm/archive/VG_00012-1568254374.vg   as it was before a command changed it
 *     etc/lvm/backup/VG                        as it is
 *
 * Of the archives of a group at least ten stay, and all that are younger than 30 days.
 */
import { mkdirSync, readdirSync, renameSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { randomInt } from "node:crypto";
import { join } from "node:path";
import type { VolumeGroup } from "@mortar/lvm2";
import { backupText } from "./backup.ts";

const RETAIN_MIN = 10;
const RETAIN_DAYS = 30;
const DAY_MS = 86_400_000;

/** Told of every commit of a text. */
export interface CommitRecorder {
  /** Before it; the text that is there. */
  readonly before: (vg: VolumeGroup) => void;
  readonly after: (vg: VolumeGroup) => void;
}

/** One archive a command and group, and a backup after each commit. `command`: as it was typed. */
export function fileRecorder(options: {
  /** `/etc/lvm`, or below another root. */
  readonly directory: string;
  readonly command: string;
  readonly warn: (sentence: string) => void;
}): CommitRecorder {
  const { directory, command } = options;
  const archived = new Set<string>();
  const attempt = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      options.warn(`WARNING: This metadata update is NOT backed up: ${reason}`);
    }
  };
  return {
    before: (vg) => {
      if (vg.seqno === 0 || archived.has(vg.name)) return;
      archived.add(vg.name);
      attempt(() => {
        const text = backupText(vg, `Created *before* executing '${command}'`);
        writeArchive(join(directory, "archive"), vg.name, text);
      });
    },
    after: (vg) => {
      attempt(() => {
        const text = backupText(vg, `Created *after* executing '${command}'`);
        writeWhole(join(directory, "backup"), vg.name, text);
      });
    },
  };
}

function writeArchive(directory: string, vgName: string, text: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const old = archivesOf(directory, vgName);
  const index = String((old.at(-1)?.index ?? -1) + 1).padStart(5, "0");
  writeWhole(directory, `${vgName}_${index}-${randomInt(2 ** 31)}.vg`, text);
  const oldest = Date.now() - RETAIN_DAYS * DAY_MS;
  const excess = old.slice(0, Math.max(0, old.length + 1 - RETAIN_MIN));
  for (const { path } of excess) if (statSync(path).mtimeMs < oldest) unlinkSync(path);
}

export interface ArchiveFile {
  readonly path: string;
  readonly index: number;
}

/** The archives of a group, oldest first. None where there is no directory. */
export function archivesOf(directory: string, vgName: string): ArchiveFile[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return [];
  }
  return names
    .flatMap((name) => {
      const [, group, index] = /^(.+)_(\d{5,})-\d+\.vg$/.exec(name) ?? [];
      return group === vgName ? [{ path: join(directory, name), index: Number(index) }] : [];
    })
    .sort((a, b) => a.index - b.index);
}

/** A file that was there stays until the new one is complete. */
function writeWhole(directory: string, name: string, text: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, name);
  const unfinished = `${path}.${process.pid}.new`;
  writeFileSync(unfinished, text, { mode: 0o600 });
  renameSync(unfinished, path);
}
