/**
 * Reads that do not wait: what the page cache does not have is left to a worker, unless nobody else
 * is there to be kept waiting.
 */
import { constants } from "node:fs";
import { EAGAIN, fileIo } from "@mortar/linux";
import type { Brick } from "../brick.ts";
import { Errno } from "../store/errno.ts";
import { calls } from "../store/scratch.ts";
import type { Call } from "../wire/call.ts";
import { LATER } from "./handler.ts";

const io = fileIo();

/**
 * Up to `length` bytes to an address: the count, a negated errno below LATER, or LATER. `end` is
 * the size of the file, as far as it is known: fewer bytes are all right there.
 */
export function readOrWait(
  brick: Brick, call: Call, fd: number, address: number, length: number, offset: number,
  end: number,
): number {
  if (call.resumed) return readWaiting(fd, address, length, offset);
  const count = io.preadCached(fd, address, length, offset);
  if (count === length || (count >= 0 && offset + count >= end)) return count;
  if (count < 0 && count !== -EAGAIN) {
    return count === -Errno.EOPNOTSUPP ? readWaiting(fd, address, length, offset) : count;
  }
  if (brick.patience.allows(length) && brick.workers.isIdle) {
    const startedMs = performance.now();
    const waited = readWaiting(fd, address, length, offset);
    brick.patience.waited(performance.now() - startedMs);
    return waited;
  }
  // Without a free worker, waiting is what is left.
  return brick.workers.warm(fd, offset, length) ? LATER : readWaiting(fd, address, length, offset);
}

function readWaiting(fd: number, address: number, length: number, offset: number): number {
  let done = 0;
  while (done < length) {
    const count = io.pread(fd, address + done, length - done, offset + done);
    if (count < 0) return done > 0 ? done : count;
    if (count === 0) break;
    done += count;
  }
  return done;
}

/** A whole small file. */
export function readContent(
  brick: Brick, call: Call, slot: number, address: number, length: number,
): number {
  const fd = brick.objects.openHandle(slot, constants.O_RDONLY | constants.O_NONBLOCK);
  if (fd < 0) return fd;
  const count = readOrWait(brick, call, fd, address, length, 0, length);
  calls.close(fd);
  return count;
}
