/** What a node does now and then, by itself. */
import type { Answer, CommandArgs, CommandName, CommandPayload } from "@mortar/cluster";
import type { Log } from "./log.ts";

const SETTLE_EVERY_MS = 60_000;
const PRUNE_EVERY_MS = 3_600_000;

export interface HousekeepingOptions {
  readonly run: <N extends CommandName>(
    name: N,
    args: CommandArgs<N>,
  ) => Promise<Answer<CommandPayload<N>>>;
  readonly hasIntents: () => boolean;
  readonly log: Log;
}

export class Housekeeping {
  readonly #options: HousekeepingOptions;
  #timers: NodeJS.Timeout[] = [];

  constructor(options: HousekeepingOptions) {
    this.#options = options;
  }

  open(): void {
    this.#timers = [
      setInterval(() => void this.#settle(), SETTLE_EVERY_MS),
      setInterval(() => void this.#attempt("snapshotPrune"), PRUNE_EVERY_MS),
    ];
    for (const timer of this.#timers) timer.unref();
    void this.#attempt("snapshotPrune");
  }

  /** To be told when one more safety snapshot was kept: one may be too many now. */
  pruneSoon(): void {
    if (this.#timers.length > 0) void this.#attempt("snapshotPrune");
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
  }

  /** Interrupted commands whose disk or node was not there are tried again. */
  async #settle(): Promise<void> {
    if (this.#options.hasIntents()) await this.#attempt("recover");
  }

  async #attempt(name: "recover" | "snapshotPrune"): Promise<void> {
    try {
      const answer = await this.#options.run(name, {});
      if (!answer.ok) this.#options.log.warn({ command: name, answer }, "housekeeping refused");
    } catch (error) {
      this.#options.log.warn({ command: name, err: error }, "housekeeping failed");
    }
  }
}
