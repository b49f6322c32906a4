/**
 * The names under /dev of a device that appeared, was renamed or went.
 *
 * Where udev runs it makes them, by its rules, from what the cookie of the ioctl says; then they
 * are waited for. Where it does not, as in an initramfs or a container, they are made here, as links:
 * /dev/mapper/NAME -> ../dm-N. A name that udev has not made within its time is made here too.
 *
 *     cookie, upper 16 bits: flags for the rules    lower 16 bits: 0, nobody waits on a semaphore
 */
import { existsSync, lstatSync, mkdirSync, readlinkSync, statSync } from "node:fs";
import { renameSync, symlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isErrno } from "@mortar/linux";

const NO_SUBSYSTEM_RULES = 0x0002;
const NO_DISK_RULES = 0x0004;
const NO_OTHER_RULES = 0x0008;
/** The event is the device's own, not one of `udevadm trigger`. */
const PRIMARY_SOURCE = 0x0040;

const WAIT_MS_MAX = 3000;
const POLL_MS = 10;

/** A hidden device must not be looked into: it holds metadata, or data of another device. */
export function udevCookie(hidden: boolean): number {
  const quiet = hidden ? NO_SUBSYSTEM_RULES | NO_DISK_RULES | NO_OTHER_RULES : 0;
  return ((PRIMARY_SOURCE | quiet) << 16) >>> 0;
}

export function isUdevRunning(): boolean {
  return existsSync("/run/udev/control");
}

/** Wait until /dev/mapper/NAME is the device, or make it so. `deviceNumber` is "253:4". */
export async function ensureNode(name: string, deviceNumber: string): Promise<void> {
  const path = nodePath(name);
  const device = `dm-${deviceNumber.split(":")[1]}`;
  const deadline = performance.now() + (isUdevRunning() ? WAIT_MS_MAX : 0);
  while (!isSameDevice(path, `/dev/${device}`)) {
    if (performance.now() >= deadline) {
      replaceLink(path, `../${device}`);
      return;
    }
    await sleep(POLL_MS);
  }
}

/** udev takes its own names away; one that is left over points nowhere. */
export async function removeNode(name: string): Promise<void> {
  const path = nodePath(name);
  const deadline = performance.now() + (isUdevRunning() ? WAIT_MS_MAX : 0);
  while (isThere(path) && performance.now() < deadline) await sleep(POLL_MS);
  try {
    unlinkSync(path);
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
  }
}

export function nodePath(name: string): string {
  return join("/dev/mapper", name);
}

function isSameDevice(path: string, device: string): boolean {
  const [one, other] = [path, device].map((it) => statSync(it, { throwIfNoEntry: false })?.rdev);
  return one !== undefined && one === other;
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** In one step: whoever opens the name meets the old device or the new one. */
function replaceLink(path: string, target: string): void {
  mkdirSync("/dev/mapper", { recursive: true, mode: 0o755 });
  const old = lstatSync(path, { throwIfNoEntry: false });
  if (old?.isSymbolicLink() === true && readlinkSync(path) === target) return;
  const temporary = `${path}.mortar-${process.pid}`;
  symlinkSync(target, temporary);
  renameSync(temporary, path);
}
