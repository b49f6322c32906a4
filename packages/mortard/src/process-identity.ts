/**
 * Whether a pid is still the process that we mean. A pid alone proves nothing: it is used again.
 * A process is identified by its pid together with the time at which it started.
 */
import { readFileSync } from "node:fs";

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot, field 22 of /proc/PID/stat. */
  readonly startTicks: string;
}

/**
 * The process with this pid as it is now; undefined when there is none, or only a zombie. One whose
 * first thread is a zombie and others are not yet goes on: they hold its files.
 */
export function identify(pid: number): ProcessIdentity | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return undefined;
  }
  // The name, field 2, is in parentheses and may hold anything; fields are counted behind it.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const state = fields[0];
  const threadCount = Number(fields[17]);
  const startTicks = fields[19];
  if (state === undefined || startTicks === undefined) return undefined;
  if ((state === "Z" || state === "X") && threadCount <= 1) return undefined;
  return { pid, startTicks };
}

export function isAlive(process: ProcessIdentity): boolean {
  return identify(process.pid)?.startTicks === process.startTicks;
}

/** The arguments of a process, its program first; undefined when it is gone. */
export function argumentsOf(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return text.replace(/\0$/, "").split("\0");
  } catch {
    return undefined;
  }
}

/** Sends a signal to exactly this process. Returns whether it was there. */
export function signal(target: ProcessIdentity, name: NodeJS.Signals): boolean {
  if (!isAlive(target)) return false;
  try {
    process.kill(target.pid, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

/** Waits until the process is gone. Returns whether it is, after at most `timeoutMs`. */
export async function waitForEnd(target: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  let pauseMs = 2;
  while (isAlive(target)) {
    if (performance.now() >= deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    pauseMs = Math.min(pauseMs * 2, 100);
  }
  return true;
}
