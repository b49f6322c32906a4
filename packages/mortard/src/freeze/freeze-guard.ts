/**
 * The process that holds file systems frozen, started by `Freezer` before it is needed.
 *
 * Requests are JSON lines on standard input, answers JSON lines on standard output:
 *
 *     {"id":1,"do":"freeze","path":"/mnt","limitMs":10000}   {"id":1,"ok":true}
 *     {"id":2,"do":"thaw","path":"/mnt"}                     {"id":2,"ok":true,"held":true}
 *                                                            {"id":1,"error":"/mnt: FIFREEZE: EBUSY"}
 *
 * Nothing may stay frozen: every freeze has its own timer, the end of the input thaws everything
 * (so mortard's death does), and signals for the group are ignored until then. A freeze that comes
 * back after its limit, or after the input ended, is thawed at once. The calls run on threads of
 * their own: one file system that hangs does not keep the others from thawing.
 */
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { declareAsync } from "@mortar/linux";

const FIFREEZE = 0xc0045877;
const FITHAW = 0xc0045878;
const ioctl = declareAsync("int ioctl(int fd, unsigned long request, void *argument)");

interface Request {
  readonly id: number;
  readonly do: "freeze" | "thaw";
  readonly path: string;
  readonly limitMs?: number;
}

interface Held {
  readonly descriptor: number;
  readonly timer: NodeJS.Timeout;
  expired: boolean;
}

const frozen = new Map<string, Held>();
let inputEnded = false;

function say(answer: object): void {
  try {
    writeSync(1, `${JSON.stringify(answer)}\n`);
  } catch {
    // Whoever listened is gone; the thaw matters, the answer does not.
  }
}

async function freeze(path: string, limitMs: number): Promise<void> {
  if (frozen.has(path)) throw new Error(`${path} is frozen already`);
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  const held: Held = {
    descriptor,
    expired: false,
    timer: setTimeout(() => {
      held.expired = true;
      void ioctl(path, descriptor, FITHAW, null).catch(() => undefined);
    }, limitMs),
  };
  try {
    await ioctl(`${path}: FIFREEZE`, descriptor, FIFREEZE, null);
  } catch (error) {
    clearTimeout(held.timer);
    closeSync(descriptor);
    throw error;
  }
  frozen.set(path, held);
  if (!held.expired && !inputEnded) return;
  await thaw(path);
  throw new Error(`${path} took longer than ${limitMs} ms to freeze and was thawed`);
}

/** Whether it had been frozen all the time until now. */
async function thaw(path: string): Promise<boolean> {
  const held = frozen.get(path);
  if (held === undefined) return false;
  frozen.delete(path);
  clearTimeout(held.timer);
  try {
    await ioctl(`${path}: FITHAW`, held.descriptor, FITHAW, null);
    return !held.expired;
  } catch {
    // EINVAL: it was not frozen any more.
    return false;
  } finally {
    closeSync(held.descriptor);
  }
}

async function perform(request: Request): Promise<void> {
  const { id, path } = request;
  try {
    if (request.do === "freeze") {
      await freeze(path, request.limitMs ?? 10_000);
      say({ id, ok: true });
    } else {
      say({ id, ok: true, held: await thaw(path) });
    }
  } catch (error) {
    say({ id, error: error instanceof Error ? error.message : String(error) });
  }
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGPIPE"] as const) {
  process.on(signal, () => undefined);
}
const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => void perform(JSON.parse(line) as Request));
lines.on("close", () => {
  inputEnded = true;
  void Promise.all([...frozen.keys()].map(thaw)).then(() => process.exit(0));
});
say({ id: 0, ok: true });
