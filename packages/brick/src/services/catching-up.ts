/**
 * Whether this brick may lack what other copies have by now: since a client came back to it, which was
 * cut off from it as others may have been, for as long as healing works here, and some seconds more.
 * Nobody tells a brick that it has everything.
 */

/** Longer than healing takes to begin, and than it waits between two objects. */
const QUIET_MS = 10_000;

export class CatchingUp {
  #untilMs = -Infinity;

  /** A client has come back. */
  begin(nowMs: number): void {
    this.#untilMs = nowMs + QUIET_MS;
  }

  /** Healing has begun with an object. */
  goOn(): void {
    if (this.isPossible()) this.#untilMs = performance.now() + QUIET_MS;
  }

  isPossible(): boolean {
    return performance.now() < this.#untilMs;
  }
}
