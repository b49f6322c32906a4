/** Asks every second whether a schedule is due, and runs what is. Every node does; one at a time. */
import type { Answer } from "@mortar/cluster";
import type { Log } from "./log.ts";

const ASK_EVERY_MS = 1000;
/** After a tick that was refused: the store, or a majority, is away. */
const RETRY_MS = 10_000;

export interface ScheduleTimerOptions {
  /** From the state at hand, without asking anybody. */
  readonly isDue: (at: { readonly nowMs: number; readonly sinceTickMs: number }) => boolean;
  readonly tick: () => Promise<Answer<unknown>>;
  /** Wall clock, and one that only goes forward. */
  readonly clock: () => { readonly nowMs: number; readonly monotonicMs: number };
  readonly log: Log;
}

export class ScheduleTimer {
  readonly #options: ScheduleTimerOptions;
  #timer: NodeJS.Timeout | undefined;
  #isTicking = false;
  #lastMs = Number.NEGATIVE_INFINITY;
  #notBeforeMs = Number.NEGATIVE_INFINITY;

  constructor(options: ScheduleTimerOptions) {
    this.#options = options;
  }

  open(): void {
    this.#timer = setInterval(() => void this.#ask(), ASK_EVERY_MS);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #ask(): Promise<void> {
    const { clock, isDue, tick, log } = this.#options;
    const { nowMs, monotonicMs } = clock();
    if (this.#isTicking || monotonicMs < this.#notBeforeMs) return;
    this.#isTicking = true;
    try {
      if (!isDue({ nowMs, sinceTickMs: monotonicMs - this.#lastMs })) return;
      this.#notBeforeMs = monotonicMs + RETRY_MS;
      const answer = await tick();
      if (answer.ok) {
        this.#lastMs = monotonicMs;
        this.#notBeforeMs = Number.NEGATIVE_INFINITY;
      } else {
        log.warn({ answer }, "schedules were not run");
      }
    } catch (error) {
      this.#notBeforeMs = monotonicMs + RETRY_MS;
      log.warn({ err: error }, "schedules failed");
    } finally {
      this.#isTicking = false;
    }
  }
}
