/**
 * C functions that may block for long (a loop device over a slow server, a freeze, a flock) run on
 * koffi's own threads, so that the event loop goes on. errno belongs to the call: koffi carries it
 * from its thread to the callback.
 */
import { bind, lastErrno, LinuxError } from "./libc.ts";

type Argument = number | string | Uint8Array | null;
type AsyncCall = (...args: unknown[]) => void;

/** Call `-1` an error, else pass the result on. `subject` names the file or device. */
export type CheckedAsync = (subject: string, ...args: readonly Argument[]) => Promise<number>;

/** Declare a C function that is awaited; the library is loaded upon the first call. */
export function declareAsync(signature: string): CheckedAsync {
  const name = /(\w+)\s*\(/.exec(signature)?.[1] ?? signature;
  let call: AsyncCall | undefined;
  return async (subject, ...args) => {
    call ??= (bind(signature) as unknown as { async: AsyncCall }).async;
    const run = call;
    return await new Promise<number>((resolve, reject) => {
      run(...args, (error: Error | null, result: number) => {
        const errno = lastErrno();
        if (error !== null) reject(error);
        else if (result < 0) reject(new LinuxError(name, subject, errno));
        else resolve(result);
      });
    });
  };
}

/** A call that did not come back in time. The thread it runs on stays blocked until it does. */
export class CallTimeout extends Error {
  override readonly name = "CallTimeout";
  readonly code = "ETIMEDOUT";
}

/** Wait for a call at most `timeoutMs`; the call itself cannot be taken back. */
export async function within<T>(
  timeoutMs: number,
  sentence: string,
  call: Promise<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new CallTimeout(sentence)), timeoutMs);
  });
  try {
    return await Promise.race([call, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** True when `error` is a failed system call with this name of an errno ("EBUSY"). */
export function isErrno(error: unknown, ...codes: readonly string[]): boolean {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" && codes.includes(code);
}

