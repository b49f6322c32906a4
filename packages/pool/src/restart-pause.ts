/**
 * How long a holder waits before it starts the next server. I/O waits meanwhile, so a server that
 * served gets its successor at once, however often that happens. Pauses, each twice the last one,
 * are for servers that end again and again before they have served for a moment: one that dies of
 * the request which its successor is given again, or a pool that is refused.
 */
export class RestartPause {
  #shortLives = 0;

  /** `servedMs`: for how long the server that ended had served, 0 if it never did. */
  afterDeath(servedMs: number): number {
    if (servedMs >= STEADY_MS) this.#shortLives = 0;
    else this.#shortLives += 1;
    const pauses = this.#shortLives - AT_ONCE_MAX;
    return pauses <= 0 ? 0 : Math.min(PAUSE_MS * 2 ** (pauses - 1), PAUSE_MS_MAX);
  }
}

/** Long enough for the request that killed the last one to be met again. */
const STEADY_MS = 250;
const AT_ONCE_MAX = 3;
const PAUSE_MS = 50;
const PAUSE_MS_MAX = 5000;
