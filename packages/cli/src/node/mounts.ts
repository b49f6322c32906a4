/** The mount table of this process, and programs that change it. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

export interface Mount {
  /** `major:minor` of the file system. */
  readonly device: string;
  readonly point: string;
  readonly type: string;
  readonly source: string;
  /** Options of the mount point and of the file system, as `mount -o` takes them. */
  readonly options: string;
}

/** In the order in which they were mounted. */
export function readMounts(file = "/proc/self/mountinfo"): Mount[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map(parseMount);
}

/** `36 35 98:0 /root /point opts [optional…] - type source superopts`, see proc(5). */
function parseMount(line: string): Mount {
  const fields = line.split(" ");
  const separator = fields.indexOf("-");
  const options = new Set([
    ...(fields[5] ?? "").split(","),
    ...(fields[separator + 3] ?? "").split(","),
  ]);
  return {
    device: fields[2] ?? "",
    point: unescaped(fields[4] ?? ""),
    type: fields[separator + 1] ?? "",
    source: unescaped(fields[separator + 2] ?? ""),
    options: [...options].join(","),
  };
}

/** The kernel writes blanks, tabs, line ends and backslashes as octal numbers. */
function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCodePoint(Number.parseInt(digits, 8)),
  );
}

const PROGRAM_MS_MAX = 60_000;

/** Returns the complaint of umount, or undefined when the mount is gone. */
export function unmount(point: string, options: readonly string[] = []): string | undefined {
  const refusal = complaint("umount", [...options, point]);
  // It may have gone with a peer of it: in a container a mount is there once for each way that leads to it.
  return readMounts().some((it) => it.point === point) ? refusal : undefined;
}

export function mount(source: string, it: Omit<Mount, "source" | "device">): string | undefined {
  return complaint("mount", ["-t", it.type, "-o", it.options, source, it.point]);
}

/** With the options that the entry of a table in the format of fstab has. */
export function mountFromTable(file: string, point: string): string | undefined {
  return complaint("mount", ["-T", file, point]);
}

function complaint(program: string, args: readonly string[]): string | undefined {
  const done = spawnSync(program, args, { encoding: "utf8", timeout: PROGRAM_MS_MAX });
  if (done.error !== undefined) return `${program}: ${done.error.message}`;
  if (done.status === 0) return undefined;
  return done.stderr.trim() === "" ? `${program} ended with ${done.status}` : done.stderr.trim();
}
