/**
 * Whether a process lives is told by a lock on its pid file, which the kernel takes away with the
 * process. Pids alone do not tell: they are used again. And nothing under /proc/PID is asked, for
 * some of its files make the asker wait for a process that hangs.
 *
 * The lock belongs to the open file, so it can be taken for a process that is yet to be started.
 */
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { flockWithin, tryFlock } from "@mortar/linux";

/** How long a lock is waited for: whoever looks whether a process lives holds it for a moment. */
export const LOCK_MS_MAX = 1000;

/**
 * Put our pid into the file and lock it for as long as we live. False when another process has it.
 */
export async function lockForLife(path: string): Promise<boolean> {
  const fd = openSync(path, "a", 0o600);
  if (!(await flockWithin(fd, "exclusive", path, LOCK_MS_MAX))) {
    closeSync(fd);
    return false;
  }
  recordPid(fd);
  return true;
}

/** Put our pid into the pid file, whose lock we have. */
export function recordPid(fd: number): void {
  ftruncateSync(fd, 0);
  writeSync(fd, String(process.pid));
}

/**
 * The pid of the process that locked the file; undefined when it is dead, or never was. A process
 * that is just starting has not written its pid yet: it is 0, or its predecessor's.
 */
export function pidOfLocker(path: string): number | undefined {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch {
    return undefined;
  }
  try {
    return tryFlock(fd, "shared", path) ? undefined : Number(readFileSync(fd, "latin1"));
  } finally {
    closeSync(fd);
  }
}
