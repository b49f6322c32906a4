/**
 * LVM's file locks, so that Mortar and LVM's own commands never change a volume group together.
 *
 *     V_<name>        one volume group: shared to read, exclusive to change
 *     P_global        which devices are physical volumes, and of which group
 *     <name>:aux      taken for a moment before <name>: whoever waits to write holds it, so that a
 *                     stream of readers cannot starve a writer
 *
 * A lock is flock(2) on a file that is removed by whoever leaves last. The one who opened a file
 * that was then removed holds a lock that nobody else sees: hence inode and path are compared after
 * every lock, and the attempt is repeated when they differ.
 */
import { closeSync, constants, fstatSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { statSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { flockWithin, isErrno, tryFlock, type FlockMode } from "@mortar/linux";
import { VgError } from "./vg-error.ts";

const PATIENCE_MS = 2000;

export interface LockOptions {
  /** LVM's is /run/lock/lvm. */
  readonly directory: string;
  readonly timeoutMs: number;
  /** Told once when a lock has to be waited for. */
  readonly warn: (sentence: string) => void;
}

/** Run `work` under the lock of a volume group. */
export async function withVgLock<T>(
  options: LockOptions,
  vgName: string,
  mode: FlockMode,
  work: () => Promise<T>,
): Promise<T> {
  return await withLock(options, `V_${vgName}`, mode, work);
}

/** Run `work` while no other command makes or removes physical volumes or volume groups. */
export async function withGlobalLock<T>(
  options: LockOptions,
  work: () => Promise<T>,
): Promise<T> {
  return await withLock(options, "P_global", "exclusive", work);
}

async function withLock<T>(
  options: LockOptions,
  resource: string,
  mode: FlockMode,
  work: () => Promise<T>,
): Promise<T> {
  makeLockDirectory(options.directory);
  const path = join(options.directory, resource);
  const deadline = performance.now() + options.timeoutMs;
  const auxiliary = await take(options, `${path}:aux`, "exclusive", deadline);
  let fd: number;
  try {
    fd = await take(options, path, mode, deadline);
  } finally {
    release(auxiliary, `${path}:aux`);
  }
  try {
    return await work();
  } finally {
    release(fd, path);
  }
}

function makeLockDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw notRoot(error, directory);
  }
}

async function take(
  options: LockOptions,
  path: string,
  mode: FlockMode,
  deadline: number,
): Promise<number> {
  for (;;) {
    const fd = openLockFile(path);
    try {
      await waitFor(options, fd, path, mode, deadline);
      if (isSameFile(fd, path)) return fd;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    closeSync(fd);
  }
}

function openLockFile(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND, 0o700);
  } catch (error) {
    throw notRoot(error, path);
  }
}

async function waitFor(
  options: LockOptions,
  fd: number,
  path: string,
  mode: FlockMode,
  deadline: number,
): Promise<void> {
  const left = () => Math.max(0, deadline - performance.now());
  if (await flockWithin(fd, mode, path, Math.min(PATIENCE_MS, left()))) return;
  options.warn(`Waiting for lock ${path}${holderOf(fd)}.`);
  if (await flockWithin(fd, mode, path, left())) return;
  throw new VgError(
    "lock-timeout",
    `Can't get lock ${path} within ${Math.round(options.timeoutMs / 1000)} s${holderOf(fd)}. ` +
      "Wait for that command to end and try again.",
  );
}

/** ", held by PID (name)" from /proc/locks, as far as the kernel tells. */
function holderOf(fd: number): string {
  const inode = fstatSync(fd).ino;
  for (const line of readFileSync("/proc/locks", "utf8").split("\n")) {
    const match = /FLOCK\s+\S+\s+\S+\s+(\d+)\s+\S+:(\d+)\s/.exec(line);
    if (match === null || Number(match[2]) !== inode) continue;
    try {
      const name = readFileSync(`/proc/${match[1]}/comm`, "utf8").trim();
      return `, held by process ${match[1]} (${name})`;
    } catch {
      return `, held by process ${match[1]}`;
    }
  }
  return "";
}

function isSameFile(fd: number, path: string): boolean {
  const held = fstatSync(fd);
  try {
    const named = statSync(path);
    return named.ino === held.ino && named.dev === held.dev;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return false;
    throw error;
  }
}

/** Remove the file if nobody else has it locked, and let go. */
function release(fd: number, path: string): void {
  try {
    if (tryFlock(fd, "exclusive", path) && isSameFile(fd, path)) unlinkSync(path);
  } finally {
    closeSync(fd);
  }
}

function notRoot(error: unknown, path: string): unknown {
  if (!isErrno(error, "EACCES", "EPERM")) return error;
  return new VgError("not-root", `${path}: no permission. Run this command as root.`, {
    cause: error,
  });
}
