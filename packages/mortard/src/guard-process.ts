/**
 * A process that holds something which must be let go whatever happens to mortard. It is asked by
 * JSON lines on its standard input and answers by lines on its standard output; when its input
 * ends, it lets everything go. When it dies itself, `onDeath` is called, once, for mortard to let
 * go what it held.
 *
 * It is started when it is first asked, and leaves when it holds nothing and is not used.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const IDLE_MS = 60_000;

interface Guard<Answer> {
  readonly child: ChildProcess;
  readonly waiting: Map<number, (answer: Answer) => void>;
}

export interface GuardProcessOptions<Answer> {
  /** Of the module that is the process. */
  readonly program: URL;
  /** The answer to what was asked of a process that died. */
  readonly died: Answer;
  readonly onDeath: () => void;
  /** It may not leave. */
  readonly holds: () => boolean;
}

export class GuardProcess<Answer extends object> {
  readonly #options: GuardProcessOptions<Answer>;
  #guard: Guard<Answer> | undefined;
  #nextId = 1;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: GuardProcessOptions<Answer>) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#guard?.child.pid;
  }

  /** Does not reject. */
  ask(request: object): Promise<Answer> {
    const guard = (this.#guard ??= this.#start());
    clearTimeout(this.#idle);
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve) => {
      guard.waiting.set(id, (answer) => {
        resolve(answer);
        this.#armIdle();
      });
      guard.child.stdin?.write(`${JSON.stringify({ id, ...request })}\n`);
    });
  }

  /** It lets everything go, and ends. */
  end(): void {
    clearTimeout(this.#idle);
    this.#guard?.child.stdin?.end();
  }

  #armIdle(): void {
    clearTimeout(this.#idle);
    if (this.#options.holds()) return;
    this.#idle = setTimeout(() => this.end(), IDLE_MS);
    this.#idle.unref();
  }

  #start(): Guard<Answer> {
    const child = spawn(process.execPath, [fileURLToPath(this.#options.program)], {
      stdio: ["pipe", "pipe", "ignore"],
      detached: true,
      env: { ...process.env, UV_THREADPOOL_SIZE: "64" },
    });
    const guard: Guard<Answer> = { child, waiting: new Map() };
    child.stdin.on("error", () => undefined);
    child.on("error", () => this.#ended(guard));
    child.on("exit", () => this.#ended(guard));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const { id, ...answer } = JSON.parse(line) as Answer & { readonly id: number };
      guard.waiting.get(id)?.(answer as unknown as Answer);
      guard.waiting.delete(id);
    });
    child.unref();
    return guard;
  }

  #ended(guard: Guard<Answer>): void {
    if (this.#guard !== guard) return;
    this.#guard = undefined;
    this.#options.onDeath();
    for (const answer of guard.waiting.values()) answer(this.#options.died);
    guard.waiting.clear();
  }
}
