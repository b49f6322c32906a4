/**
 * Freezing a mounted file system: everything dirty is written, then writers wait until the thaw.
 *
 * A file system left frozen hangs the machine bit by bit, so the freeze belongs to a child process
 * (freeze-child.ts) that thaws when its standard input ends: when we ask, when we die however, and
 * in any case after `limitMs`. Should the child be killed, this process thaws.
 */
import { closeSync, constants, openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { isErrno } from "./async-call.ts";
import { heldByChild, type HeldResult, type Hold } from "./held-by-child.ts";
import { checked, declare } from "./libc.ts";

const FIFREEZE = 0xc0045877;
const FITHAW = 0xc0045878;

const ioctl = declare("int ioctl(int fd, unsigned long request, void *argument)");
const syncfs = declare("int syncfs(int fd)");

/** Blocks until what is dirty is on the medium and writers are held off. EBUSY: frozen already. */
export function freezeFileSystem(fd: number, mountPoint: string): void {
  checked("FIFREEZE", mountPoint, ioctl(fd, FIFREEZE, null));
}

/** False when it was not frozen. */
export function thawFileSystem(fd: number, mountPoint: string): boolean {
  try {
    checked("FITHAW", mountPoint, ioctl(fd, FITHAW, null));
    return true;
  } catch (error) {
    if (isErrno(error, "EINVAL")) return false;
    throw error;
  }
}

/** Write what is dirty on the file system that holds `path`. Blocks. */
export function syncFileSystem(path: string): void {
  const fd = openSync(path, constants.O_RDONLY);
  try {
    checked("syncfs", path, syncfs(fd));
  } finally {
    closeSync(fd);
  }
}

export interface FreezeOptions {
  /** The longest the file system may stay frozen, and the longest to wait for it. Default 10 s. */
  readonly limitMs?: number;
}

/** What `work` returned, and whether the file system was frozen all the while. */
export type FrozenResult<T> = HeldResult<T>;

/**
 * Run `work` while the file system at `mountPoint` is frozen; thaws in every case. Throws without
 * running `work` when it cannot be frozen (ENOTSUP: the file system does not know how).
 */
export async function frozen<T>(
  mountPoint: string,
  work: () => Promise<T>,
  options: FreezeOptions = {},
): Promise<FrozenResult<T>> {
  const limitMs = options.limitMs ?? 10_000;
  const directory = openSync(mountPoint, constants.O_RDONLY | constants.O_DIRECTORY);
  const hold: Hold = {
    subject: mountPoint,
    program: fileURLToPath(new URL("./freeze-child.js", import.meta.url)),
    words: [mountPoint],
    limitMs,
    release: async () => {
      await Promise.resolve(thawFileSystem(directory, mountPoint));
    },
  };
  try {
    return await heldByChild(hold, work);
  } finally {
    closeSync(directory);
  }
}
