import { declare, checked } from "./libc.ts";
import { fileIo } from "./file-io.ts";
import { allocatePages } from "./mmap.ts";
import type { MappedMemory } from "./mmap.ts";

const EFD_CLOEXEC = 0o2000000;
const COUNTER_BYTES = 8;

const eventfd = declare("int eventfd(uint initial, int flags)");
let one: MappedMemory | undefined;

/**
 * A descriptor that is readable after a signal, until it is read: a read(2) of 8 bytes takes all
 * signals, and waits for one unless the descriptor is set not to block.
 */
export function openEventFd(): number {
  return checked("eventfd", "event descriptor", eventfd(0, EFD_CLOEXEC));
}

/** 0, or a negated errno. */
export function signalEventFd(fd: number): number {
  one ??= counterOfOne();
  return Math.min(fileIo().write(fd, one.address, COUNTER_BYTES), 0);
}

function counterOfOne(): MappedMemory {
  const memory = allocatePages(COUNTER_BYTES);
  memory.bytes[0] = 1;
  return memory;
}
