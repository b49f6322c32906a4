/**
 * Freezes and thaws file systems through the guard process (freeze-guard.ts).
 *
 * Three things see to it that nothing stays frozen:
 *
 *     the guard       thaws after the limit, and when its input ends, that is when mortard dies
 *     the freezer     thaws by itself whatever the guard held, when the guard dies
 *     marker files    RUN/frozen/ID holds the mount point from before the freeze until after the
 *                     thaw: when both died at once, the next start of mortard thaws
 *
 * The guard takes a moment to start; `warm` is called early so that no freeze waits for it.
 */
import { createHash } from "node:crypto";
import {
  closeSync,
  constants,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { thawFileSystem } from "@mortar/linux";
import { GuardProcess } from "../guard-process.ts";
import type { Log } from "../log.ts";
import { EXPEDITED_MARKER, GracePeriods } from "./grace-periods.ts";

interface GuardAnswer {
  readonly ok?: boolean;
  readonly held?: boolean;
  readonly error?: string;
}

export class Freezer {
  readonly #directory: string;
  readonly #log: Log;
  readonly #frozen = new Set<string>();
  readonly #gracePeriods: GracePeriods;
  readonly #guard: GuardProcess<GuardAnswer>;

  constructor(options: { readonly directory: string; readonly log: Log }) {
    this.#directory = options.directory;
    this.#log = options.log;
    this.#gracePeriods = new GracePeriods(options.directory);
    this.#guard = new GuardProcess<GuardAnswer>({
      program: new URL("./freeze-guard.js", import.meta.url),
      died: { error: "the process that holds file systems frozen died" },
      onDeath: () => this.#guardDied(),
      holds: () => this.#frozen.size > 0,
    });
  }

  /** The process id of the guard, while there is one. */
  get guardPid(): number | undefined {
    return this.#guard.pid;
  }

  isFrozen(mountPoint: string): boolean {
    return this.#frozen.has(mountPoint);
  }

  /** Starts the guard if it does not run, and waits until it listens. */
  async warm(): Promise<void> {
    await this.#guard.ask({ do: "thaw", path: "" });
  }

  /** Throws when it could not be frozen; then it is not frozen. */
  async freeze(mountPoint: string, limitMs: number): Promise<void> {
    writeFileSync(this.#markerOf(mountPoint), mountPoint, { mode: 0o600 });
    this.#frozen.add(mountPoint);
    const answer = await this.#gracePeriods.hurriedDuring(() =>
      this.#guard.ask({ do: "freeze", path: mountPoint, limitMs }));
    if (answer.ok === true) return;
    this.#forget(mountPoint);
    throw new Error(answer.error ?? `${mountPoint} could not be frozen`);
  }

  /** Returns whether it was frozen all the time until now. Not frozen: false. */
  async thaw(mountPoint: string): Promise<boolean> {
    const wasFrozen = this.#frozen.has(mountPoint);
    if (!wasFrozen) return false;
    const answer = await this.#guard.ask({ do: "thaw", path: mountPoint });
    this.#forget(mountPoint);
    return answer.ok === true && answer.held === true;
  }

  /** Thaws what an earlier mortard and its guard left frozen when both were killed at once. */
  thawLeftovers(): string[] {
    const thawed: string[] = [];
    this.#gracePeriods.takeBack();
    for (const name of readdirSync(this.#directory)) {
      if (name === EXPEDITED_MARKER) continue;
      const marker = join(this.#directory, name);
      const mountPoint = readFileSync(marker, "utf8");
      if (thawNow(mountPoint)) {
        thawed.push(mountPoint);
        this.#log.warn({ mountPoint }, "was left frozen, thawed");
      }
      rmSync(marker, { force: true });
    }
    return thawed;
  }

  /** Thaws everything and ends the guard. */
  async close(): Promise<void> {
    await Promise.all([...this.#frozen].map((mountPoint) => this.thaw(mountPoint)));
    this.#guard.end();
  }

  #markerOf(mountPoint: string): string {
    const id = createHash("sha256").update(mountPoint).digest("hex").slice(0, 16);
    return join(this.#directory, id);
  }

  #forget(mountPoint: string): void {
    this.#frozen.delete(mountPoint);
    rmSync(this.#markerOf(mountPoint), { force: true });
  }

  #guardDied(): void {
    for (const mountPoint of this.#frozen) {
      if (thawNow(mountPoint)) this.#log.warn({ mountPoint }, "its guard died, thawed");
      this.#forget(mountPoint);
    }
  }
}

/** Thaws in this process. Opening a frozen file system for reading does not block. */
function thawNow(mountPoint: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(mountPoint, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch {
    return false;
  }
  try {
    return thawFileSystem(descriptor, mountPoint);
  } finally {
    closeSync(descriptor);
  }
}
