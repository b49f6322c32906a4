/** The entries of fstab(5) that `mortar up` mounts: those of this node's logical volumes. */
import { spawnSync } from "node:child_process";
import { readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";

export interface FstabEntry {
  readonly source: string;
  readonly point: string;
  readonly type: string;
  readonly options: readonly string[];
}

const FINDFS_MS_MAX = 10_000;

export function fstabOf(root: string): string {
  return join(root, "etc/fstab");
}

/** In the order of the file. None without it. */
export function readFstab(file: string): FstabEntry[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  return text.split("\n").flatMap((line) => {
    const [source = "#", point = "", type = "", options = "defaults"] = line.trim().split(/\s+/);
    if (source.startsWith("#") || point === "" || type === "") return [];
    const entry = { source: unescaped(source), point: unescaped(point), type };
    return [{ ...entry, options: options.split(",") }];
  });
}

/** Blanks, tabs, line ends and backslashes are octal numbers. */
function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCodePoint(Number.parseInt(digits, 8)),
  );
}

/**
 * `noauto` keeps an entry from being mounted, here as elsewhere; `x-mortar` says that it is
 * `mortar up` that mounts it, and goes with `noauto` where systemd must leave it alone.
 */
export function isMountedByUp({ type, point, options }: FstabEntry): boolean {
  if (type === "swap" || !point.startsWith("/")) return false;
  return options.includes("x-mortar") || !options.includes("noauto");
}

/** The device that an entry names, without links; undefined when there is none. */
export function deviceOf({ source }: FstabEntry): string | undefined {
  const path = source.startsWith("/") ? source : found(source);
  if (path === undefined) return undefined;
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/** UUID=…, LABEL=…, PARTUUID=…; anything else, such as host:/path, is no device. */
function found(tag: string): string | undefined {
  if (!/^(UUID|LABEL|PARTUUID|PARTLABEL)=/.test(tag)) return undefined;
  const run = spawnSync("findfs", [tag.replaceAll('"', "")], {
    encoding: "utf8",
    timeout: FINDFS_MS_MAX,
  });
  return run.status === 0 ? run.stdout.trim() : undefined;
}
