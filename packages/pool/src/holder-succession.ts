/** The server's side of the tether: a holder that is gone gets a successor. */
import { setTimeout as sleep } from "node:timers/promises";
import { log } from "./log.ts";
import { fallBack, wantedProgram } from "./program.ts";
import type { Program } from "./program.ts";
import type { RunFiles } from "./run-directory.ts";
import { FUSE_FD, startTethered, tetherToStarter } from "./tether.ts";
import type { Tether, TetherEvents, Word } from "./tether.ts";

/** A holder that does not live as long as this is not started again at once. */
const SHORT_LIFE_MS = 2000;
const RETRY_MS = 500;

/** Small: it does nothing most of the time, and is the last process to be killed. */
export const HOLDER_NODE_OPTIONS = ["--max-old-space-size=32", "--max-semi-space-size=1"];

export class HolderSuccession {
  #pid: number;
  readonly #files: RunFiles;
  readonly #servers: number;
  #tether: Tether;
  /** Of the successor that was started last; undefined: none was needed yet. */
  #program: Program | undefined;
  #isHolding = true;
  #isServing = false;
  #since = -Infinity;
  #stopped = false;
  #starting: Promise<void> | undefined;
  readonly #waiting: (() => void)[] = [];

  /** `pid`: of the holder that started this server. `servers`: how many there were, with this one. */
  constructor(files: RunFiles, servers: number, pid: number) {
    this.#files = files;
    this.#servers = servers;
    this.#pid = pid;
    this.#tether = tetherToStarter(this.#events);
  }

  /** Of the holder that lives, or of the last one while its successor is being started. */
  get pid(): number {
    return this.#pid;
  }

  say(word: Word): void {
    if (word === "stopped") this.#stopped = true; // Nobody is started any more.
    if (word === "serving") this.#isServing = true;
    this.#tether.say(word);
  }

  /**
   * The last word, to whoever holds by then: a successor that is being started hears it too, or it
   * would take the end of this server for a death.
   */
  async sayStopped(): Promise<void> {
    this.#stopped = true;
    await this.#starting;
    this.#tether.say("stopped");
  }

  get isHolding(): boolean {
    return this.#isHolding;
  }

  /** Resolves once a holder is at work: before that, the death of this server ends the pool. */
  whenHeld(): Promise<void> {
    if (this.#isHolding) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  get #events(): TetherEvents {
    return { heard: (word) => void (word === "holding" && this.#held()), gone: () => this.#gone() };
  }

  #held(): void {
    this.#isHolding = true;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #gone(): void {
    const isOther =
      !this.#isHolding && this.#program !== undefined && fallBack(this.#files, this.#program);
    this.#isHolding = false;
    const lived = Date.now() - this.#since;
    this.#starting = this.#succeed(isOther || lived >= SHORT_LIFE_MS ? 0 : RETRY_MS);
  }

  async #succeed(pauseMs: number): Promise<void> {
    if (pauseMs > 0) await sleep(pauseMs);
    while (!this.#stopped) {
      this.#since = Date.now();
      this.#program = wantedProgram(this.#files);
      const start = {
        program: this.#program,
        module: "holder-host.js" as const,
        arguments: [this.#files.directory, String(this.#servers)],
        nodeOptions: HOLDER_NODE_OPTIONS,
        pidFile: this.#files.holderPid,
        fuse: FUSE_FD,
        detached: true,
      };
      try {
        const { pid, tether } = await startTethered(start, this.#events);
        log(`the holder ${this.#pid} is gone: ${pid} takes its place`);
        this.#pid = pid;
        this.#tether = tether;
        if (this.#isServing) tether.say("serving");
        return;
      } catch (error) {
        log(`starting a holder: ${(error as Error).message}`);
        if (!fallBack(this.#files, this.#program)) await sleep(RETRY_MS);
      }
    }
  }
}
