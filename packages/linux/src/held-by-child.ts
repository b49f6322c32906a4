/**
 * Something that must not stay as it is when its owner dies: a frozen file system, a suspended
 * device. A child process holds it. It says "held" once it has it, lets go when its standard input
 * ends (when we ask, when we die however) and in any case after the limit, and says then whether
 * that was "released" in time or had "expired" before. Any other line is why it could not be had.
 * Should the child be killed, this process lets go by `release`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeSync } from "node:fs";
import { createInterface, type Interface } from "node:readline";
import { within } from "./async-call.ts";

/** The child could not take hold: what somebody else holds must not be let go. */
const EXIT_NOT_HELD = 3;

export interface Hold {
  /** For sentences: what is held. */
  readonly subject: string;
  /** The child: a JavaScript file, which is given `words` and then the limit. */
  readonly program: string;
  readonly words: readonly string[];
  /** The longest it may be held, and the longest to wait for it. */
  readonly limitMs: number;
  /** Let go, for a child that was killed; when it is not held any more this does nothing. */
  readonly release: () => Promise<void>;
}

/** What `work` returned, and whether it was held all the while. */
export interface HeldResult<T> {
  readonly value: T;
  /** False: the limit passed, or the child died, before `work` was done. */
  readonly heldThroughout: boolean;
}

/** Run `work` while the child holds. Throws without running it when the child cannot. */
export async function heldByChild<T>(hold: Hold, work: () => Promise<T>): Promise<HeldResult<T>> {
  const { subject, limitMs } = hold;
  const child = startChild(hold);
  const answers = answersOf(child);
  try {
    const sentence = `${subject} could not be held still within ${limitMs} ms`;
    const answer = await within(limitMs, sentence, answers.next());
    if (answer !== "held") throw new Error(answer ?? `${subject}: the process that holds it died`);
    const value = await work();
    child.stdin?.end();
    const last = await within(limitMs, `${subject} could not be let go`, answers.next());
    return { value, heldThroughout: last === "released" };
  } finally {
    child.stdin?.end();
    answers.close();
    if (child.exitCode === null && child.signalCode === null) {
      await within(limitMs, "", once(child, "exit")).catch(() => undefined);
    }
    if (child.exitCode !== 0 && child.exitCode !== EXIT_NOT_HELD) await hold.release();
  }
}

function startChild({ program, words, limitMs }: Hold): ChildProcess {
  const child = spawn(process.execPath, [program, ...words, String(limitMs)], {
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
  if (stdout === null) throw new Error("the child was started without a pipe");
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

/**
 * The child's side. `acquire` takes hold and may throw; `letGo` tells whether it was held until
 * then. Signals that a terminal sends to a whole group must not end it early. Ends the process.
 */
export async function holdAsChild(
  limitMs: number,
  acquire: () => void | Promise<void>,
  letGo: () => boolean | Promise<boolean>,
): Promise<void> {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGPIPE"] as const) {
    process.on(signal, () => undefined);
  }
  try {
    await acquire();
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exit(EXIT_NOT_HELD);
  }
  const word = await new Promise<string>((resolve) => {
    setTimeout(() => resolve("expired"), limitMs);
    process.stdin.on("data", () => undefined);
    process.stdin.on("end", () => resolve("released"));
    process.stdin.on("error", () => resolve("released"));
    say("held");
  });
  const wasHeld = await letGo();
  say(wasHeld ? word : "expired");
  process.exit(0);
}

function say(line: string): void {
  try {
    writeSync(1, `${line}\n`);
  } catch {
    // Whoever listened is gone; letting go matters, the answer does not.
  }
}
