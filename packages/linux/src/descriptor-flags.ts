import { checked, declare } from "./libc.ts";

const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;

const fcntl = declare("int fcntl(int fd, int command, int argument)");

/**
 * Whether reads and writes of a descriptor wait. The flag belongs to the open file: all descriptors
 * of it, also those of other processes, share it.
 */
export function setBlocking(fd: number, blocks: boolean, subject: string): void {
  const flags = checked("fcntl", subject, fcntl(fd, F_GETFL, 0));
  const wanted = blocks ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
  if (wanted !== flags) checked("fcntl", subject, fcntl(fd, F_SETFL, wanted));
}
