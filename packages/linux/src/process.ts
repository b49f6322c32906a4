/**
 * What a process does that other processes' write-back waits for: it must not be made to wait for
 * memory in turn. Each of these is a privilege that a container may withhold, so each tells whether
 * it was granted.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { declare } from "./libc.ts";

const PR_SET_IO_FLUSHER = 57;

const prctl = declare("int prctl(int option, ulong a, ulong b, ulong c, ulong d)");
const mlock = declare("int mlock(uintptr_t address, size_t length)");

/**
 * Mark the calling thread (and those it starts later) as part of the I/O path: its allocations do
 * not wait for write-back, and it is throttled less. Needs CAP_SYS_RESOURCE.
 */
export function setIoFlusher(): boolean {
  return prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0) === 0;
}

/**
 * Keep a range of memory resident. Only for memory of `allocatePages` and `mapFile`: locking all of
 * the process (mlockall) kills it, for V8 insists that madvise(MADV_DONTNEED) works on its heap,
 * and on locked pages it fails.
 */
export function lockMemory(address: number, lengthBytes: number): boolean {
  return mlock(address, lengthBytes) === 0;
}

/** -1000: the OOM killer never chooses this process; inherited by those it starts. */
export function setOomScore(adjustment: number): boolean {
  try {
    writeFileSync("/proc/self/oom_score_adj", String(adjustment));
    return true;
  } catch {
    return false;
  }
}

/** A number for this boot of the machine: what lived in memory before it is gone. */
export function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
}
