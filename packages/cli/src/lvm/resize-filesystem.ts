/**
 * `-r`: the file system is resized with its volume, by its own tool. XFS and ext2/3/4 grow while
 * mounted; ext shrinks while not mounted; XFS never shrinks.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findSignatures, type LvState } from "@mortar/vg";
import { failed } from "./lvm-exit.ts";
import type { Session } from "./session.ts";

export interface ResizableFileSystem {
  readonly devicePath: string;
  readonly type: "xfs" | "ext";
  readonly mountPoint: string | undefined;
}

/** What is on an LV. Throws, before anything was changed, where `-r` cannot be done. */
export function requireFileSystem(
  name: string,
  state: LvState | undefined,
  change: "grow" | "shrink",
): ResizableFileSystem {
  const loop = state?.loop;
  if (loop === undefined) {
    throw failed(`Logical volume ${name} must be activated before resizing filesystem.`);
  }
  const devicePath = `/dev/${name}`;
  const found = findSignatures(devicePath).map((signature) => signature.name);
  const type = found.includes("xfs") ? "xfs" : found.some(isExt) ? "ext" : undefined;
  if (type === undefined) {
    const what = found[0] === undefined ? "no file system was found" : `${found[0]} was found`;
    throw failed(
      `Cannot resize the file system on ${devicePath}: ${what}, and xfs and ext2/3/4 are known.`,
      "Nothing was done. Without --resizefs the volume alone is resized.",
    );
  }
  const mountPoint = mountPointOf(loop.deviceNumber);
  if (change === "shrink" && type === "xfs") {
    throw failed(
      `Cannot shrink ${name}: it holds an XFS file system, and XFS cannot be made smaller.`,
      "Nothing was done. Copy its content to a new, smaller volume instead.",
    );
  }
  if (change === "shrink" && mountPoint !== undefined) {
    throw failed(
      `Cannot shrink ${name} while it is mounted on ${mountPoint}: unmount it first.`,
    );
  }
  return { devicePath, type, mountPoint };
}

function isExt(name: string): boolean {
  return /^ext[234]?$/.test(name);
}

/** The first mount of a device that shows the root of the file system. */
function mountPointOf(deviceNumber: string): string | undefined {
  for (const line of readFileSync("/proc/self/mountinfo", "utf8").split("\n")) {
    const [, , device, root, path] = line.split(" ");
    if (device !== deviceNumber || root !== "/" || path === undefined) continue;
    return path.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
  }
  return undefined;
}

/** After the volume has grown. */
export function growFileSystem(session: Session, fileSystem: ResizableFileSystem): void {
  const { devicePath, type, mountPoint } = fileSystem;
  const next = type === "xfs" ? "xfs_growfs MOUNTPOINT" : `resize2fs ${devicePath}`;
  try {
    if (type === "ext") {
      if (mountPoint === undefined) check(session, devicePath);
      run(session, "resize2fs", devicePath);
    } else if (mountPoint !== undefined) run(session, "xfs_growfs", mountPoint);
    else growUnmountedXfs(session, devicePath);
  } catch (error) {
    throw failed(
      error instanceof Error ? error.message : String(error),
      `The volume has grown, its file system has not. Next: ${next}`,
    );
  }
}

/** XFS grows only while it is mounted. */
function growUnmountedXfs(session: Session, devicePath: string): void {
  const directory = mkdtempSync(join(tmpdir(), "mortar-growfs-"));
  try {
    run(session, "mount", "-t", "xfs", "-o", "nouuid", devicePath, directory);
    try {
      run(session, "xfs_growfs", directory);
    } finally {
      run(session, "umount", directory);
    }
  } finally {
    rmdirSync(directory);
  }
}

/** Before the volume shrinks to `sizeBytes`. */
export function shrinkFileSystem(
  session: Session,
  { devicePath }: ResizableFileSystem,
  sizeBytes: number,
): void {
  check(session, devicePath);
  run(session, "resize2fs", devicePath, `${Math.floor(sizeBytes / 1024)}K`);
}

/** resize2fs wants a check first of what is not mounted; 1 says that it repaired something. */
function check(session: Session, devicePath: string): void {
  if (session.line.has("nofsck")) return;
  run(session, "e2fsck", "-f", "-p", devicePath);
}

function run(session: Session, program: string, ...args: readonly string[]): void {
  const { status, error, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (error !== undefined) throw new Error(`${program}: ${error.message}`);
  session.print(stdout);
  if (status === 0 || (status === 1 && program === "e2fsck")) return;
  throw new Error(`${program} ${args.join(" ")} failed (${status}): ${stderr.trim()}`);
}
