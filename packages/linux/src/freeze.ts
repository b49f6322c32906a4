/**
 * Freezing a mounted file system: everything dirty is written, then writers wait until the thaw.
 *
 * A file system left frozen hangs the machine bit by bit, so the freeze belongs to a child process
 * (freeze-child.ts) that thaws when its standard input ends: when we ask, when we die however, and
 * in any case after `limitMs`. Should the child be killed, this process thaws.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync } from "node:fs";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import { isErrno, within } from "./async-call.ts";
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
export interface FrozenResult<T> {
  readonly value: T;
  /** False: the limit passed, or the child died, before `work` was done. */
  readonly heldThroughout: boolean;
}

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
  const child = startFreezer(mountPoint, limitMs);
  const answers = answersOf(child);
  try {
    const sentence = `${mountPoint} could not be frozen within ${limitMs} ms`;
    const answer = await within(limitMs, sentence, answers.next());
    if (answer !== "frozen") throw new Error(answer ?? `${mountPoint}: the freezer died`);
    const value = await work();
    child.stdin?.end();
    const last = await within(limitMs, `${mountPoint} could not be thawed`, answers.next());
    return { value, heldThroughout: last === "thawed" };
  } finally {
    child.stdin?.end();
    answers.close();
    if (child.exitCode === null && child.signalCode === null) {
      await within(limitMs, "", once(child, "exit")).catch(() => undefined);
    }
    if (child.exitCode !== 0) thawFileSystem(directory, mountPoint);
    closeSync(directory);
  }
}

function startFreezer(mountPoint: string, limitMs: number): ChildProcess {
  const program = fileURLToPath(new URL("./freeze-child.js", import.meta.url));
  const child = spawn(process.execPath, [program, mountPoint, String(limitMs)], {
    stdio: ["pipe", "pipe", "ignore"],
    detached: true,
  });
  child.on("error", () => undefined);
  child.stdin?.on("error", () => undefined);
  return child;
}

/** The child's lines one at a time; undefined once it has closed its output. */
function answersOf(child: ChildProcess): {
  next(): Promise<string | undefined>;
  close(): void;
} {
  const { stdout } = child;
  if (stdout === null) throw new Error("the freezer was started without a pipe");
  const lines: Interface = createInterface({ input: stdout });
  const iterator = lines[Symbol.asyncIterator]();
  return {
    async next() {
      const line = await iterator.next();
      return line.done === true ? undefined : line.value;
    },
    close: () => lines.close(),
  };
}
