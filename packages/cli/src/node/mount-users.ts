/**
 * Which processes use a mount, by what /proc says of their open files and directories.
 *
 * Only the text of the links is read: asking the file system itself could wait for ever on a
 * client whose server is gone, and so could the memory map of a process that waits for one. A file
 * that is mapped and no longer open is therefore not seen here; umount refuses for it.
 */
import { readFileSync, readdirSync, readlinkSync } from "node:fs";

export interface MountUser {
  readonly pid: number;
  readonly command: string;
  /** One of the paths it holds. */
  readonly path: string;
}

/** Users of any of `points`, without the processes in `except`. */
export function mountUsers(
  points: readonly string[],
  except: ReadonlySet<number>,
): Map<string, MountUser[]> {
  const users = new Map<string, MountUser[]>();
  for (const entry of readdirSync("/proc")) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || except.has(pid)) continue;
    const held = heldPaths(pid);
    for (const point of points) {
      const path = held.find((it) => it === point || it.startsWith(`${point}/`));
      if (path === undefined) continue;
      users.set(point, [...(users.get(point) ?? []), { pid, command: commandOf(pid), path }]);
    }
  }
  return users;
}

function heldPaths(pid: number): string[] {
  const directory = `/proc/${pid}`;
  const links = ["cwd", "root", "exe", ...entriesOf(`${directory}/fd`).map((it) => `fd/${it}`)];
  const paths = links.map((link) => targetOf(`${directory}/${link}`));
  return paths.filter((path) => path.startsWith("/") && path !== "/");
}

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return "";
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return "?";
  }
}
