/**
 * What a start of the machine has to find again, for it empties RUN and forgets loop devices:
 * which groups this node activates, and which of their physical volumes lie in files.
 *
 *     STATE/groups/ID.json    one for each group; written, durably, when an LV of it is activated,
 *                             removed with the group
 *
 * As with LVM, deactivating is for the time being: the next start activates a group again, unless
 * it, or an LV, has the flag for not doing so. A group that was never activated here is left alone.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync } from "node:fs";
import { fstatSync, readSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { attachLoop, isErrno, listLoops, readLoop, type LoopStatus } from "@mortar/linux";
import { readPhysicalVolume } from "@mortar/lvm2";
import { messageOf, type LeftOver } from "./group-activation.ts";
import type { LoadedVg } from "./loaded-vg.ts";

/** Told by whoever activates. */
export interface BootRecorder {
  readonly activated: (loaded: LoadedVg) => void;
  readonly removed: (vgId: string) => void;
}

export interface BootGroup {
  readonly name: string;
  readonly id: string;
  readonly files: readonly PvFile[];
}

/** A physical volume behind a loop device. */
export interface PvFile {
  readonly pvId: string;
  readonly path: string;
  readonly offsetBytes: number;
  readonly sizeLimitBytes: number;
  readonly directIo: boolean;
  readonly readOnly: boolean;
}

export interface AttachedFiles {
  readonly attached: readonly { readonly path: string; readonly device: string }[];
  /** By path of the file. */
  readonly failed: readonly LeftOver[];
}

/** `stateDirectory`: `/var/lib/mortar`, or below another root. */
export function bootRecorder(
  stateDirectory: string,
  warn: (sentence: string) => void,
): BootRecorder {
  const directory = join(stateDirectory, "groups");
  return {
    activated: ({ vg, found }) => {
      const files = [...found.values()].flatMap((pv) => {
        const loop = readLoop(pv.path);
        return loop === undefined ? [] : pvFileOf(pv.contents.label.id, loop);
      });
      const text = `${JSON.stringify({ name: vg.name, id: vg.id, files }, undefined, 2)}\n`;
      try {
        writeIfOther(directory, `${vg.id}.json`, text);
      } catch (error) {
        warn(`WARNING: ${vg.name} will not be activated at the next start: ${messageOf(error)}`);
      }
    },
    removed: (vgId) => rmSync(join(directory, `${vgId}.json`), { force: true }),
  };
}

/** A loop device over another device comes back with that one, or is somebody else's. */
function pvFileOf(pvId: string, loop: LoopStatus): PvFile[] {
  const { backingPath: path, offsetBytes, sizeLimitBytes, directIo, readOnly } = loop;
  if (path.startsWith("/dev/") || path.endsWith(" (deleted)")) return [];
  return [{ pvId, path, offsetBytes, sizeLimitBytes, directIo, readOnly }];
}

function writeIfOther(directory: string, name: string, text: string): void {
  const path = join(directory, name);
  if (textOf(path) === text) return;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
  const fd = openSync(directory, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

/** In the order of their names. A file that is not ours to read as a group is told to `warn`. */
export function bootGroups(stateDirectory: string, warn: (sentence: string) => void): BootGroup[] {
  const directory = join(stateDirectory, "groups");
  let names: string[];
  try {
    names = readdirSync(directory).filter((name) => name.endsWith(".json"));
  } catch (error) {
    if (isErrno(error, "ENOENT")) return [];
    throw error;
  }
  const groups = names.flatMap((name) => {
    const path = join(directory, name);
    try {
      return [JSON.parse(readFileSync(path, "utf8")) as BootGroup];
    } catch (error) {
      warn(`WARNING: ${path} is damaged, and left out: ${messageOf(error)}`);
      return [];
    }
  });
  return groups.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** Give each file its loop device back, if it has none and still is that physical volume. */
export async function attachPvFiles(groups: readonly BootGroup[]): Promise<AttachedFiles> {
  const attached: { path: string; device: string }[] = [];
  const failed: LeftOver[] = [];
  for (const file of groups.flatMap((group) => group.files)) {
    const { path, offsetBytes, sizeLimitBytes, directIo, readOnly } = file;
    const isThis = (loop: LoopStatus): boolean =>
      loop.backingPath === path && loop.offsetBytes === offsetBytes;
    if (listLoops().some(isThis)) continue;
    try {
      requirePv(file);
      const device = await attachLoop({
        backingPath: path,
        offsetBytes,
        sizeLimitBytes,
        directIo,
        readOnly,
      });
      attached.push({ path, device });
    } catch (error) {
      failed.push({ name: path, reason: messageOf(error) });
    }
  }
  return { attached, failed };
}

/** Throws unless the file holds the physical volume: another one may have taken its name. */
function requirePv({ path, pvId, offsetBytes }: PvFile): void {
  const fd = openSync(path, "r");
  try {
    const contents = readPhysicalVolume({
      name: path,
      sizeBytes: fstatSync(fd).size - offsetBytes,
      read: (offset, target) => {
        const count = readSync(fd, target, 0, target.length, offsetBytes + offset);
        if (count < target.length) throw new Error(`${path} ends at byte ${offset + count}`);
      },
      write: () => {
        throw new Error(`${path} is only read`);
      },
      flush: () => undefined,
    });
    if (contents?.label.id === pvId) return;
    throw new Error(`it does not hold physical volume ${pvId} any more`);
  } finally {
    closeSync(fd);
  }
}
