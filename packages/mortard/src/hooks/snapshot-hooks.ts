/**
 * The hooks of this node, around a snapshot. They are run by a guard (hook-guard.ts), so that what
 * was made quiet is woken again whatever dies:
 *
 *     the guard       runs the parts after, when its time is over or mortard has died
 *     mortard         runs them when the guard has died
 *     marker files    RUN/hooks/ID has what was begun: when both died at once, the next start of
 *                     mortard runs the parts after
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { HookReport } from "@mortar/cluster";
import { GuardProcess } from "../guard-process.ts";
import type { Log } from "../log.ts";
import {
  type GuestAgentSettings, type Hook, type HookSettings, agentHooks, scriptHooks,
} from "./hook.ts";
import { type HookOccasion, runHook } from "./run-hook.ts";

export interface SnapshotHooksOptions {
  /** Scripts are there. */
  readonly scripts: string;
  /** Marker files. */
  readonly directory: string;
  readonly settings: HookSettings;
  readonly agents: readonly GuestAgentSettings[];
  readonly log: Log;
}

interface GuardAnswer {
  readonly reports?: readonly HookReport[];
  readonly held?: boolean;
}

interface Begun extends HookOccasion {
  readonly hooks: readonly Hook[];
}

export class SnapshotHooks {
  readonly #options: SnapshotHooksOptions;
  readonly #guard: GuardProcess<GuardAnswer>;
  readonly #begun = new Map<string, Begun>();

  constructor(options: SnapshotHooksOptions) {
    this.#options = options;
    mkdirSync(options.directory, { recursive: true, mode: 0o700 });
    this.#guard = new GuardProcess<GuardAnswer>({
      program: new URL("./hook-guard.js", import.meta.url),
      died: {},
      onDeath: () => this.#guardDied(),
      holds: () => this.#begun.size > 0,
    });
  }

  /** All at once, each within its time. Throws when the process that runs them dies. */
  async before(occasion: HookOccasion, watchdogMs: number): Promise<HookReport[]> {
    const { scripts, settings, agents, log } = this.#options;
    const { hooks, refused } = scriptHooks(scripts, settings);
    for (const text of refused) log.warn(text);
    hooks.push(...agentHooks(agents, occasion.volumes, settings));
    if (hooks.length === 0) return [];
    const begun: Begun = { ...occasion, hooks };
    this.#begun.set(occasion.snapshot, begun);
    writeFileSync(this.#markerOf(occasion.snapshot), JSON.stringify(begun), { mode: 0o600 });
    const { reports } = await this.#guard.ask({ do: "before", ...begun, watchdogMs });
    if (reports === undefined) throw new Error("the process that runs hooks died");
    return [...reports];
  }

  /** `held` false: their time was over before, or nothing was begun. */
  async after(snapshot: string): Promise<{ reports: HookReport[]; held: boolean }> {
    if (!this.#begun.has(snapshot)) return { reports: [], held: true };
    const { reports, held } = await this.#guard.ask({ do: "after", snapshot });
    this.#forget(snapshot);
    return { reports: [...(reports ?? [])], held: held === true };
  }

  /** Wakes what an earlier mortard and its guard left quiet; does not reject. */
  async wakeLeftovers(): Promise<void> {
    const { directory, log } = this.#options;
    for (const name of readdirSync(directory)) {
      const marker = join(directory, name);
      try {
        await this.#wake(JSON.parse(readFileSync(marker, "utf8")) as Begun);
      } catch (error) {
        // Cut off while it was written: nothing had been begun then.
        log.warn({ marker, err: error }, "a note of hooks cannot be read");
      }
      rmSync(marker, { force: true });
    }
  }

  close(): void {
    this.#guard.end();
  }

  #guardDied(): void {
    for (const begun of this.#begun.values()) {
      void this.#wake(begun).then(() => this.#forget(begun.snapshot));
    }
  }

  async #wake(begun: Begun): Promise<void> {
    const { log } = this.#options;
    for (const { name, error } of await Promise.all(
      begun.hooks.map((hook) => runHook(hook, "after", begun)),
    )) {
      log.warn({ hook: name, snapshot: begun.snapshot, error }, "was left quiet, woken");
    }
  }

  #forget(snapshot: string): void {
    this.#begun.delete(snapshot);
    rmSync(this.#markerOf(snapshot), { force: true });
  }

  #markerOf(snapshot: string): string {
    const id = createHash("sha256").update(snapshot).digest("hex").slice(0, 16);
    return join(this.#options.directory, id);
  }
}
