/**
 * The C library, loaded once and only when something needs it, so that importing this package costs
 * nothing and works on any platform.
 *
 *     const flock = declare("int flock(int fd, int operation)");
 *     checked("flock", path, flock(fd, LOCK_EX));   // throws LinuxError, code "EWOULDBLOCK"
 *
 * Concurrency: errno is read by `checked` right after the synchronous call, on the same thread,
 * with nothing between.
 */
import { createRequire } from "node:module";
import { constants } from "node:os";
import { getSystemErrorMap } from "node:util";

/**
 * A C function: numbers, strings and buffers in, a number out. `-1` mostly means that errno tells
 * why.
 */
export type CFunction = (...args: readonly (number | string | Uint8Array | null)[]) => number;

interface Koffi {
  load(path: string | null): { func(signature: string): CFunction };
  errno(): number;
  address(value: ArrayBufferView | ArrayBuffer): bigint;
  view(address: bigint, length: number): ArrayBuffer;
}

/**
 * A failed system call: `code` is the name of the error ("ENOSPC"), `errno` its positive number.
 */
export class LinuxError extends Error {
  override readonly name = "LinuxError";
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;
  constructor(syscall: string, subject: string, errno: number) {
    const code = errnoName(errno);
    super(`${subject}: ${syscall}: ${getSystemErrorMap().get(-errno)?.[1] ?? "error"} (${code})`);
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }
}

let koffi: Koffi | undefined;
let library: ReturnType<Koffi["load"]> | undefined;

function loadKoffi(): Koffi {
  koffi ??= createRequire(import.meta.url)("koffi") as Koffi;
  return koffi;
}

/** Bind a function of the C library at once: one call costs about 0.4 us. For hot paths. */
export function bind(signature: string): CFunction {
  library ??= loadKoffi().load("libc.so.6");
  return library.func(signature);
}

/** The same, but the library is loaded upon the first call. For everything else. */
export function declare(signature: string): CFunction {
  let bound: CFunction | undefined;
  return (...args) => {
    bound ??= bind(signature);
    return bound(...args);
  };
}

/** The error number of the last C function called on this thread. */
export function lastErrno(): number {
  return loadKoffi().errno();
}

/**
 * Pass a result on, or throw the LinuxError behind a negative one. `subject` names the file or
 * device.
 */
export function checked(syscall: string, subject: string, result: number): number {
  if (result < 0) throw new LinuxError(syscall, subject, lastErrno());
  return result;
}

/**
 * The address of the first byte of a buffer. Valid while the buffer lives: Node.js never moves its
 * memory.
 */
export function addressOf(buffer: ArrayBufferView | ArrayBuffer): number {
  return Number(loadKoffi().address(buffer));
}

/**
 * Memory that the C library gave, as a buffer. It must stay mapped for as long as the buffer lives.
 */
export function viewMemory(address: number, lengthBytes: number): ArrayBuffer {
  return loadKoffi().view(BigInt(address), lengthBytes);
}

const names = new Map<number, string>();

/** "ENOSPC" for 28; "E4711" for a number without a name. */
export function errnoName(errno: number): string {
  if (names.size === 0) {
    for (const [name, number] of Object.entries(constants.errno)) {
      if (!names.has(number)) names.set(number, name);
    }
  }
  return names.get(errno) ?? `E${errno}`;
}
