/**
 * Brings this node to the stored state, when it may have been left behind: it was cut off while
 * others went on, a brick could not be reached, or a mount was lost.
 *
 * It acts with the turn, as a command does, so it never meets one half-way; and only when what runs
 * here differs from what the state says, so a quiet cluster takes no turns.
 */
import type { ClusterState } from "@mortar/cluster";
import type { BrickSpec } from "./bricks/brick-process.ts";
import type { Log } from "./log.ts";
import { isAsWanted, wantedBricks } from "./wanted-bricks.ts";

export interface ReconcileOptions {
  readonly uuid: string;
  readonly state: () => ClusterState;
  /** Or somebody told it to end: then it is not missed. */
  readonly isUp: (path: string) => boolean;
  readonly running: () => readonly BrickSpec[];
  /** Not without server quorum. */
  readonly allows: (spec: BrickSpec) => boolean;
  /** Mounts and starts what is to be there. */
  readonly bringUp: () => Promise<unknown>;
  /** Ends what is not to be there; with the turn. */
  readonly keepOnly: () => Promise<unknown>;
  readonly log: Log;
}

const DELAY_MS = 2_000;
const EVERY_MS = 30_000;
const SETTLING_MS = 60_000;

export class Reconcile {
  readonly #options: ReconcileOptions;
  #soon: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isRunning = false;
  #closed = false;

  constructor(options: ReconcileOptions) {
    this.#options = options;
  }

  open(): void {
    this.#timer = setInterval(() => this.soon(), EVERY_MS);
    this.#timer.unref();
  }

  /** Once for all that happens within a moment. */
  soon(): void {
    if (this.#soon !== undefined || this.#closed) return;
    this.#soon = setTimeout(() => {
      this.#soon = undefined;
      void this.#look();
    }, DELAY_MS);
    this.#soon.unref();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#soon);
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const { bringUp, keepOnly, log } = this.#options;
    const { missing, extra } = this.#difference();
    if (this.#closed || this.#isRunning || (missing.length === 0 && extra.length === 0)) return;
    this.#isRunning = true;
    log.warn({ missing, extra }, "this node is not as the state says");
    try {
      // Daemons, which have names and no directories, need no mounts: they do not wait for disks.
      if (missing.some((path) => path.startsWith("/"))) await bringUp();
      // It may be going down by now.
      if (!this.#closed) await keepOnly();
    } catch (error) {
      log.warn({ err: error }, "this node could not be brought to the stored state yet");
    } finally {
      this.#isRunning = false;
    }
  }

  #difference(): { readonly missing: string[]; readonly extra: string[] } {
    const { uuid, state, isUp, running, allows } = this.#options;
    const now = state();
    // A command is under way, or is settled by whoever has the turn next: it is not over yet. What
    // waits for a node that is away for longer keeps nobody else from being looked after.
    const recently = Date.now() - SETTLING_MS;
    const isBusy = [...now.intents.values()].some((it) => it.document.startedAtMs > recently);
    if (isBusy) return { missing: [], extra: [] };
    const allowed = wantedBricks(now, uuid).filter(allows);
    const wanted = new Map(allowed.map((it) => [it.path, it]));
    const extra = running().filter((it) => !isAsWanted(it, wanted.get(it.path)));
    return {
      missing: [...wanted.keys()].filter((path) => !isUp(path)),
      extra: extra.map((it) => it.path),
    };
  }
}
