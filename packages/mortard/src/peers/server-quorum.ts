/**
 * Ends and starts bricks of this node as server quorum is lost and regained; the decision is
 * `serverQuorumChange`. What this node sees of the pool is all that it takes: neither a turn nor
 * the store, which may be out of reach just then.
 *
 * A daemon that has just started has not heard of the others yet. It ends nothing until it would
 * have, so that its restart leaves the bricks alone; one that does not run waits for the quorum.
 */
import { type ClusterState, serverQuorumChange } from "@mortar/cluster";
import type { BrickSpec } from "../bricks/brick-process.ts";
import type { Log } from "../log.ts";

const EVERY_MS = 1_000;
/** Longer than a silent node counts as being there. */
const NEW_MS = 10_000;

export interface ServerQuorumOptions {
  readonly state: () => ClusterState;
  /** Uuids of the nodes that answer, this one among them. */
  readonly connected: () => readonly string[];
  /** Bricks of a started volume on this node, quorum or not. */
  readonly bricksOf: (volume: string) => readonly BrickSpec[];
  readonly isUp: (path: string) => boolean;
  readonly stop: (path: string) => Promise<void>;
  readonly start: (spec: BrickSpec) => Promise<unknown>;
  readonly log: Log;
}

export class ServerQuorum {
  readonly #options: ServerQuorumOptions;
  /** Volumes whose bricks are not to be started here now; those of `ended` are not to run. */
  readonly #held = new Set<string>();
  readonly #ended = new Set<string>();
  #openedAtMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;

  constructor(options: ServerQuorumOptions) {
    this.#options = options;
  }

  /** When this node listens to the others. Resolves when it is known what may not be started. */
  async open(): Promise<void> {
    this.#openedAtMs = performance.now();
    await this.look();
    this.#timer = setInterval(() => void this.look(), EVERY_MS);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  mayStart(volume: string): boolean {
    return !this.#held.has(volume);
  }

  /** Whether a server that the state wants is to run here now; daemons have no part in it. */
  allows({ volume, path }: BrickSpec): boolean {
    if (!path.startsWith("/") || this.mayStart(volume)) return true;
    return !this.#ended.has(volume) && this.#options.isUp(path);
  }

  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      const { state, connected } = this.#options;
      const isNew = performance.now() - this.#openedAtMs < NEW_MS;
      const view = { connected: connected(), isNew, held: this.#held, ended: this.#ended };
      const { hold, end, start } = serverQuorumChange(state(), view);
      for (const volume of hold) this.#held.add(volume);
      for (const volume of end) await this.#end(volume);
      for (const volume of start) await this.#start(volume);
    } finally {
      this.#isLooking = false;
    }
  }

  /** From here on nobody starts them, also should one of them not end now. */
  async #end(volume: string): Promise<void> {
    const { bricksOf, stop, log } = this.#options;
    this.#ended.add(volume);
    log.error({ volume }, `Server quorum lost for volume ${volume}. Stopping local bricks.`);
    await Promise.all(bricksOf(volume).map(async ({ path }) => {
      try {
        await stop(path);
      } catch (error) {
        log.error({ brick: path, err: error }, "the brick could not be ended without quorum");
      }
    }));
  }

  async #start(volume: string): Promise<void> {
    const { bricksOf, start, log } = this.#options;
    this.#held.delete(volume);
    this.#ended.delete(volume);
    log.warn({ volume }, `Server quorum regained for volume ${volume}. Starting local bricks.`);
    await Promise.all(bricksOf(volume).map(async (spec) => {
      try {
        await start(spec);
      } catch (error) {
        // The node's reconciliation tries again.
        log.error({ brick: spec.path, err: error }, "the brick did not start with the quorum");
      }
    }));
  }
}
