/**
 * Which block devices of this machine may hold a physical volume.
 *
 * Our own logical volumes are loop devices too, over files of a FUSE mount. They are recognised by
 * sysfs alone and never opened: a pool server that hangs must not hang whoever lists volumes.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  blockDeviceNames, isErrno, listLoopBackings, listMounts, mountOf, type MountPoint,
} from "@mortar/linux";

export interface CandidateDevice {
  /** /dev/sda1, /dev/loop0, /dev/mapper/crypt */
  readonly path: string;
  /** "8:1" */
  readonly deviceNumber: string;
  readonly sizeBytes: number;
}

export interface ScanOptions {
  readonly deviceFilter?: ((devicePath: string) => boolean) | undefined;
  /** Where block devices are described; another tree in tests. */
  readonly sysBlock?: string;
}

const NEVER = /^(ram|zram|sr|fd|nbd\d+p?\d*$|mtdblock)/;

/** In the order of their names, numbers within names counted as numbers. */
export function scanDevices(options: ScanOptions = {}): CandidateDevice[] {
  const sysBlock = options.sysBlock ?? "/sys/class/block";
  const mounts = listMounts();
  const isHere = options.sysBlock === undefined;
  const ours = isHere ? servedVolumes(mounts) : new Set<string>();
  const found: CandidateDevice[] = [];
  for (const name of isHere ? blockDeviceNames() : readdirSync(sysBlock)) {
    if (NEVER.test(name) || ours.has(`/dev/${name}`)) continue;
    const device = describe(sysBlock, name, mounts);
    if (device === undefined) continue;
    if (options.deviceFilter !== undefined && !options.deviceFilter(device.path)) continue;
    found.push(device);
  }
  const order = new Intl.Collator("en", { numeric: true });
  return found.sort((a, b) => order.compare(a.path, b.path));
}

function describe(
  sysBlock: string,
  name: string,
  mounts: readonly MountPoint[],
): CandidateDevice | undefined {
  const attribute = (file: string) => attributeOf(`${sysBlock}/${name}/${file}`);
  const sectors = Number(attribute("size") ?? 0);
  const deviceNumber = attribute("dev");
  if (sectors === 0 || deviceNumber === undefined) return undefined;
  if (attribute("dm/uuid")?.startsWith("LVM-") === true) return undefined;
  if (isServedVolume(attribute("loop/backing_file") ?? parentBacking(sysBlock, name), mounts)) {
    return undefined;
  }
  const mapped = attribute("dm/name");
  const path = mapped === undefined ? `/dev/${name.replaceAll("!", "/")}` : `/dev/mapper/${mapped}`;
  return { path, deviceNumber, sizeBytes: sectors * 512 };
}

/** loop7p1 lies on loop7, whose directory in sysfs is its parent. */
function parentBacking(sysBlock: string, name: string): string | undefined {
  if (attributeOf(`${sysBlock}/${name}/partition`) === undefined) return undefined;
  const parent = readlinkSync(`${sysBlock}/${name}`).split("/").at(-2);
  return parent === undefined ? undefined : attributeOf(`${sysBlock}/${parent}/loop/backing_file`);
}

/** Loop devices that need no further look: there may be thousands of them. */
function servedVolumes(mounts: readonly MountPoint[]): ReadonlySet<string> {
  const isOurs = (directory: string) => isServedVolume(join(directory, "lv"), mounts);
  const directories = new Map<string, boolean>();
  const found = new Set<string>();
  for (const { path, backingPath } of listLoopBackings()) {
    const directory = dirname(backingPath);
    const known = directories.get(directory) ?? isOurs(directory);
    directories.set(directory, known);
    if (known) found.add(path);
  }
  return found;
}

const SERVED = /\/pools\/[^/]+\/mnt\/[^/]+$/;

/** True when the backing file of a loop device is an LV of a pool server, wherever that runs. */
export function isServedVolume(
  backingPath: string | undefined,
  mounts: readonly MountPoint[],
): boolean {
  if (backingPath === undefined || !SERVED.test(backingPath)) return false;
  return mountOf(backingPath, mounts)?.type.startsWith("fuse") === true;
}

function attributeOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trimEnd();
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR", "ENODEV", "ENXIO", "EINVAL")) return undefined;
    throw error;
  }
}
