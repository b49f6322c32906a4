/**
 * mount(2), umount2(2), and the table of mounts.
 *
 *     36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
 *     id parent dev root  point options  optional… - type source     super options
 *
 * Blanks, tabs, newlines and backslashes in names are written as three octal digits.
 */
import { readFileSync } from "node:fs";
import { declareAsync } from "./async-call.ts";

const MOUNT_FLAGS = {
  readOnly: 1,
  noSuid: 2,
  noDev: 4,
  noExec: 8,
  remount: 32,
  noAtime: 1024,
  noDirAtime: 2048,
  bind: 4096,
  private: 1 << 18,
  relatime: 1 << 21,
} as const;

const UMOUNT_DETACH = 2;

const mountCall = declareAsync(
  "int mount(const char *source, const char *target, const char *type, unsigned long flags, " +
    "const char *data)",
);
const umountCall = declareAsync("int umount2(const char *target, int flags)");

export type MountFlag = keyof typeof MOUNT_FLAGS;

export interface MountRequest {
  readonly source: string;
  readonly target: string;
  /** "xfs", "ext4", …; null for a bind mount or a remount. */
  readonly type: string | null;
  readonly flags?: readonly MountFlag[];
  /** What the file system itself understands, separated by commas: "nouuid,inode64". */
  readonly data?: string;
}

/** Throws LinuxError; its `code` is what mount(2) said (EINVAL: wrong type or damaged). */
export async function mountFileSystem(request: MountRequest): Promise<void> {
  let flags = 0;
  for (const flag of request.flags ?? []) flags |= MOUNT_FLAGS[flag];
  const { source, target, type, data } = request;
  await mountCall(`${source} on ${target}`, source, target, type, flags, data ?? null);
}

/** EBUSY while files are open there; `detach` takes it out of sight at once, whoever uses it. */
export async function unmount(target: string, options?: { detach?: boolean }): Promise<void> {
  await umountCall(target, target, options?.detach === true ? UMOUNT_DETACH : 0);
}

export interface MountPoint {
  readonly id: number;
  readonly parentId: number;
  /** "7:12" */
  readonly deviceNumber: string;
  /** The directory of that file system which is mounted here. */
  readonly root: string;
  readonly path: string;
  readonly options: readonly string[];
  readonly type: string;
  readonly source: string;
  readonly superOptions: readonly string[];
}

/** Mounts in the order they were made: of two at one path, the later one is the visible one. */
export function listMounts(table = "/proc/self/mountinfo"): MountPoint[] {
  return parseMountInfo(readFileSync(table, "utf8"));
}

export function parseMountInfo(text: string): MountPoint[] {
  const mounts: MountPoint[] = [];
  for (const line of text.split("\n")) {
    const dash = line.indexOf(" - ");
    if (dash < 0) continue;
    const [id, parent, device, root, path, options] = line.slice(0, dash).split(" ");
    const [type, source, superOptions] = line.slice(dash + 3).split(" ");
    if (options === undefined || source === undefined) continue;
    mounts.push({
      id: Number(id),
      parentId: Number(parent),
      deviceNumber: device ?? "",
      root: unescapeOctal(root ?? ""),
      path: unescapeOctal(path ?? ""),
      options: options.split(","),
      type: type ?? "",
      source: unescapeOctal(source),
      superOptions: (superOptions ?? "").split(","),
    });
  }
  return mounts;
}

function unescapeOctal(text: string): string {
  if (!text.includes("\\")) return text;
  const bytes: number[] = [];
  const source = Buffer.from(text);
  for (let index = 0; index < source.length; index += 1) {
    const digits = source.toString("latin1", index + 1, index + 4);
    if (source[index] === 0x5c && /^[0-3][0-7]{2}$/.test(digits)) {
      bytes.push(Number.parseInt(digits, 8));
      index += 3;
    } else bytes.push(source[index] ?? 0);
  }
  return Buffer.from(bytes).toString();
}

/** The mount that a path lies on: the one with the longest matching path, the latest of equals. */
export function mountOf(path: string, mounts: readonly MountPoint[]): MountPoint | undefined {
  let best: MountPoint | undefined;
  for (const mount of mounts) {
    const inside = mount.path === "/" || path === mount.path || path.startsWith(`${mount.path}/`);
    if (inside && mount.path.length >= (best?.path.length ?? 0)) best = mount;
  }
  return best;
}
