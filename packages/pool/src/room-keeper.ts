/** The worker's side of a pool that is full: who may wait, and what happens to those who do. */
import { ThinError } from "@mortar/thin";
import { NO_SPACE_TIMEOUT_MS } from "./protection.ts";
import type { ServedPool } from "./served-pool.ts";
import type { EngineStatus } from "./status.ts";
import type { RoomLimits, WaitingRequests } from "./waiting-requests.ts";
import type { PoolFill } from "./worker-messages.ts";

export class RoomKeeper {
  readonly #pool: Pick<ServedPool, "settings" | "status">;
  readonly #waiting: WaitingRequests;
  readonly #onWaiting: () => void;

  /** `onWaiting`: the first of several requests began to wait. */
  constructor(
    pool: Pick<ServedPool, "settings" | "status">,
    waiting: WaitingRequests,
    onWaiting: () => void,
  ) {
    this.#pool = pool;
    this.#waiting = waiting;
    this.#onWaiting = onWaiting;
  }

  get count(): number {
    return this.#waiting.count;
  }

  /** Whether the request that met this error is to be parked instead of failing. */
  mayWait(error: unknown): boolean {
    if (!(error instanceof ThinError)) return false;
    if (error.code !== "pool-full" && error.code !== "metadata-full") return false;
    return this.#waiting.mayWait(this.#limits(), () => this.#status());
  }

  park(request: Uint8Array): boolean {
    const isFirst = this.#waiting.count === 0;
    const kept = this.#waiting.park(request);
    if (kept && isFirst) this.#onWaiting();
    return kept;
  }

  /** See WaitingRequests.tend. `serve` is FuseSession.serveAgain. */
  tend(serve: (request: Uint8Array) => void, all = false): void {
    this.#waiting.tend(this.#limits(), serve, () => this.#status(), all);
  }

  fill(): PoolFill {
    return {
      pool: this.#pool.status(),
      waiting: this.#waiting.count,
      timedOut: this.#waiting.takeTimeout(),
    };
  }

  #limits(): RoomLimits {
    const { errorWhenFull, protection } = this.#pool.settings();
    return { errorWhenFull, timeoutMs: protection?.noSpaceTimeoutMs ?? NO_SPACE_TIMEOUT_MS };
  }

  #status(): EngineStatus {
    const status = this.#pool.status();
    if (status === undefined) throw new Error("only a thin pool can be full");
    return status;
  }
}
