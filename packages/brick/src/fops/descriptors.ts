/**
 * The descriptor of a request: one that the client has open, or "whatever there is" (-2): then the
 * object is opened for this one request.
 */
import { constants } from "node:fs";
import type { Brick } from "../brick.ts";
import type { Client } from "../server/client.ts";
import { Errno } from "../store/errno.ts";
import { KNOWN } from "../store/inode-table.ts";
import type { Call } from "../wire/call.ts";

const ANONYMOUS = -2;
const ENXIO = 6;

/** The kernel's descriptor of one that is open, or -1. */
export function openedFd(client: Client, number: number): number {
  return client.file(number)?.fd ?? -1;
}

/**
 * The object that the descriptor is of; a negated errno: EBADF, ESTALE, ENOENT of what is gone and
 * nobody has open.
 */
export function slotOfFd(
  brick: Brick, client: Client, call: Call, gfidAt: number, number: number,
): number {
  if (number === ANONYMOUS) {
    const slot = brick.objects.resolve(call.view, gfidAt);
    return slot === -Errno.ESTALE ? -Errno.ENOENT : slot;
  }
  const file = client.file(number);
  return file === undefined ? -Errno.EBADF : brick.slotOf(file);
}

/** A descriptor to read or write by; a negated errno. */
export function fdOf(
  brick: Brick, client: Client, slot: number, number: number, writes: boolean,
): number {
  const file = client.file(number);
  if (file !== undefined) return file.fd;
  if (number !== ANONYMOUS) return -Errno.EBADF;
  const { objects } = brick;
  if (objects.isDirectory(slot)) {
    return writes ? -Errno.EBADF : objects.openDirectory(slot);
  }
  // Nothing is open, and it could not be.
  if (refuseOpen(brick, slot) !== 0) return -Errno.EBADF;
  brick.returnBorrowed();
  const mode = writes ? constants.O_RDWR : constants.O_RDONLY;
  brick.borrowed = objects.openHandle(slot, mode | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  return brick.borrowed;
}

/** Only regular files and directories are opened: a device or a pipe would act on this host. */
export function refuseOpen(brick: Brick, slot: number): number {
  const { table } = brick.objects;
  if (table.has(slot, KNOWN.symlink)) return Errno.ELOOP;
  return table.has(slot, KNOWN.special) ? ENXIO : 0;
}
