/**
 * Whether the brick's thread may wait for a read itself. That saves two wake-ups of threads, which
 * is much of what a read from a fast disk takes; but meanwhile nobody else is served. So it may
 * only while one client asks, for one thing at a time, and the disk is quick:
 *
 * - for a while, no other connection was ready;
 * - the request came alone, and nothing is at the workers (see readOrWait);
 * - no read has taken long lately, and nobody was found waiting behind one.
 */
const SETTLED_MS = 100;
const SLOW_MS = 2;
const SLOW_PAUSE_MS = 2000;
/** What came while the thread waited is there at once when it looks. */
const AT_ONCE_MS = 0.01;
const CROWDED_PAUSE_MS = 100;
const BYTES_MAX = 131_072;

export class Patience {
  #token = -1;
  #sinceMs = 0;
  #pausedUntilMs = 0;
  #nowMs = 0;
  /** The request that is served came alone. */
  isLone = false;
  /** The thread has waited since it last looked for requests. */
  hasWaited = false;

  /** Who was ready: a token, or -1 for several. Waiting for that has taken `lookMs`. */
  look(token: number, nowMs: number, lookMs: number): void {
    this.#nowMs = nowMs;
    if (token !== this.#token || token < 0) {
      this.#token = token;
      this.#sinceMs = nowMs;
    }
    if (this.hasWaited && lookMs < AT_ONCE_MS) this.#pausedUntilMs = nowMs + CROWDED_PAUSE_MS;
    this.hasWaited = false;
  }

  allows(lengthBytes: number): boolean {
    return this.isLone && lengthBytes <= BYTES_MAX && this.#nowMs >= this.#pausedUntilMs &&
      this.#nowMs - this.#sinceMs >= SETTLED_MS;
  }

  waited(milliseconds: number): void {
    this.hasWaited = true;
    if (milliseconds > SLOW_MS) this.#pausedUntilMs = this.#nowMs + SLOW_PAUSE_MS;
  }
}
