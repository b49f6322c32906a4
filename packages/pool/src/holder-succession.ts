/** The server's side of the tether: a holder that is gone gets a successor. */
import { setTimeout as sleep } from "node:timers/promises";
import { log } from "./log.ts";
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
  #since = -Infinity;
  #stopped = false;

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
    this.#tether.say(word);
  }

  get #events(): TetherEvents {
    return { heard: () => undefined, gone: () => void this.#succeed() };
  }

  async #succeed(): Promise<void> {
    if (Date.now() - this.#since < SHORT_LIFE_MS) await sleep(RETRY_MS);
    while (!this.#stopped) {
      log(`the holder ${this.#pid} is gone: starting another`);
      this.#since = Date.now();
      const start = {
        program: "./holder-host.js",
        arguments: [this.#files.directory, String(this.#servers)],
        nodeOptions: HOLDER_NODE_OPTIONS,
        pidFile: this.#files.holderPid,
        fuse: FUSE_FD,
        detached: true,
      };
      try {
        const { pid, tether } = await startTethered(start, this.#events);
        this.#pid = pid;
        this.#tether = tether;
        return;
      } catch (error) {
        log(`starting a holder: ${(error as Error).message}`);
        await sleep(RETRY_MS);
      }
    }
  }
}
