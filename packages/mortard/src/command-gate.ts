/**
 * The way of every command to the coordinator.
 *
 * Commands that change something run one at a time; one that waits for too long is refused in the
 * words of GlusterFS. Once the gate is shut, new ones are refused and those that run are awaited.
 */
import {
  type Answer,
  type CommandArgs,
  type CommandName,
  type CommandPayload,
  type Coordinator,
} from "@mortar/cluster";
import { LockTimeout, Locks } from "./locks.ts";
import type { Log } from "./log.ts";

const TURN = "turn";
const EG_ANOTHER_TRANSACTION = 30_802;

const questions: ReadonlySet<CommandName> = new Set<CommandName>([
  "volumeList",
  "volumeInfo",
  "volumeStatus",
  "volumeTop",
  "volumeClearLocks",
  "volumeStatedump",
  "volumeLogRotate",
  "volumeHeal",
  "volumeHealInfo",
  "volumeHealStatistics",
  "volumeHealCount",
  "volumeSplitBrain",
  "volumeOptionGet",
  "volumeOptionHelp",
  "snapshotList",
  "snapshotInfo",
  "snapshotStatus",
  "snapshotConfigGet",
  "snapshotSend",
  "receiveList",
  "poolList",
  "brickList",
  "brickReadiness",
  "bringUpKnown",
]);

export interface CommandGateOptions {
  readonly coordinator: Pick<Coordinator, "run" | "invalidate">;
  readonly waitMs: number;
  readonly log: Log;
}

export class CommandGate {
  readonly #options: CommandGateOptions;
  readonly #locks = new Locks();
  readonly #running = new Set<Promise<unknown>>();
  #shut = false;

  constructor(options: CommandGateOptions) {
    this.#options = options;
  }

  async run<N extends CommandName>(
    name: N,
    args: CommandArgs<N>,
  ): Promise<Answer<CommandPayload<N>>> {
    if (questions.has(name)) return await this.#options.coordinator.run(name, args);
    if (this.#shut) return refusal();
    const turn = this.#change(name, args);
    this.#running.add(turn);
    try {
      return await turn;
    } finally {
      this.#running.delete(turn);
    }
  }

  /** Refuses what comes from now on; resolves when what runs has ended, or after `timeoutMs`. */
  async shut(timeoutMs: number): Promise<boolean> {
    this.#shut = true;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), timeoutMs);
    });
    const ended = Promise.allSettled(this.#running).then(() => true);
    const result = await Promise.race([ended, late]);
    clearTimeout(timer);
    return result;
  }

  async #change<N extends CommandName>(
    name: N,
    args: CommandArgs<N>,
  ): Promise<Answer<CommandPayload<N>>> {
    const { waitMs } = this.#options;
    try {
      return await this.#locks.with([TURN], waitMs, () => this.#perform(name, args));
    } catch (error) {
      if (error instanceof LockTimeout) throw new LockTimeout(objectOf(args));
      throw error;
    }
  }

  async #perform<N extends CommandName>(
    name: N,
    args: CommandArgs<N>,
  ): Promise<Answer<CommandPayload<N>>> {
    const { coordinator, log } = this.#options;
    const startMs = performance.now();
    try {
      const answer = await coordinator.run(name, args);
      const tookMs = Math.round(performance.now() - startMs);
      const outcome = answer.ok ? "done" : answer.opErrstr;
      log.info({ command: name, object: objectOf(args), outcome, tookMs }, "command");
      return answer;
    } catch (error) {
      // The command stopped in its middle: its intent is settled before the next one.
      coordinator.invalidate();
      log.error({ command: name, object: objectOf(args), err: error }, "command died");
      throw error;
    }
  }
}

/** The volume or snapshot that a command is about. */
function objectOf(args: object): string {
  const { volume, snapshot, name } = args as Record<string, unknown>;
  for (const value of [volume, snapshot, name]) if (typeof value === "string") return value;
  return "the cluster";
}

function refusal(): Extract<Answer<never>, { ok: false }> {
  return {
    ok: false,
    code: "busy",
    opErrno: EG_ANOTHER_TRANSACTION,
    opErrstr: "The daemon is going down",
    warnings: [],
    details: [],
  };
}
