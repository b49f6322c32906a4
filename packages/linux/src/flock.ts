/** flock(2): advisory locks that die with the descriptor, hence with the process. */
import { setTimeout as sleep } from "node:timers/promises";
import { isErrno } from "./async-call.ts";
import { checked, declare } from "./libc.ts";

const LOCK = { shared: 1, exclusive: 2 } as const;
const LOCK_NB = 4;
const LOCK_UN = 8;

const flockCall = declare("int flock(int fd, int operation)");

export type FlockMode = keyof typeof LOCK;

/** Take or change the lock on an open file at once; false when another holder is in the way. */
export function tryFlock(fd: number, mode: FlockMode, path: string): boolean {
  try {
    checked("flock", path, flockCall(fd, LOCK[mode] | LOCK_NB));
    return true;
  } catch (error) {
    if (isErrno(error, "EAGAIN", "EWOULDBLOCK")) return false;
    throw error;
  }
}

/**
 * Wait for the lock at most `timeoutMs`. Asks again and again, at most 25 ms apart, since a thread
 * blocked in flock could not be called back. False upon time-out.
 */
export async function flockWithin(
  fd: number,
  mode: FlockMode,
  path: string,
  timeoutMs: number,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 25)) {
    if (tryFlock(fd, mode, path)) return true;
    if (performance.now() >= deadline) return false;
    await sleep(pauseMs);
  }
}

export function unlockFlock(fd: number, path: string): void {
  checked("flock", path, flockCall(fd, LOCK_UN));
}
