/**
 * Keeps a coordinator that lost its turn, and does not know it yet, from acting on a node; and an
 * effect that its own coordinator has given up from being performed after what came next.
 *
 * Each effect carries a stamp: the token of its turn, and how many effects of that turn this node
 * had left unanswered before. The highest stamp that was seen is the one that counts: lower ones
 * are refused, and the first effect of a higher one begins when all that was begun before has
 * ended. Undoing or settling therefore meets nothing of what it undoes.
 */
export interface Stamp {
  readonly token: number;
  readonly unanswered: number;
}

export type Entry<Result> =
  | { readonly entered: true; readonly value: Result }
  | { readonly entered: false };

/** Of a node. What a daemon forgets by dying is made up for: see `raise`. */
export class Fence {
  #highest: Stamp = { token: 0, unanswered: 0 };
  /** Effects with stamps before the highest. */
  #former: Promise<unknown> = Promise.resolve();
  #current: Set<Promise<unknown>> = new Set();

  /**
   * This node has taken a turn itself: all before are over. A daemon that was started does so
   * before it performs anything for others, so no token that is out of date gets by.
   */
  raise(token: number): void {
    this.#advance({ token, unanswered: 0 });
  }

  /** Does the work, after what went before; or does not, since it comes too late. */
  async enter<Result>(stamp: Stamp, work: () => Promise<Result>): Promise<Entry<Result>> {
    this.#advance(stamp);
    if (isBefore(stamp, this.#highest)) return { entered: false };
    const run = this.#former.then(async (): Promise<Entry<Result>> => {
      // Something newer came while this waited.
      if (isBefore(stamp, this.#highest)) return { entered: false };
      return { entered: true, value: await work() };
    });
    const running = this.#current;
    running.add(run);
    try {
      return await run;
    } finally {
      running.delete(run);
    }
  }

  #advance(stamp: Stamp): void {
    if (!isBefore(this.#highest, stamp)) return;
    this.#highest = stamp;
    this.#former = Promise.allSettled([this.#former, ...this.#current]);
    this.#current = new Set();
  }
}

/** Of a coordinator: stamps its effects. */
export class Stamps {
  #token = 0;
  readonly #unanswered = new Map<string, number>();

  of(node: string, token: number): Stamp {
    if (token !== this.#token) {
      this.#token = token;
      this.#unanswered.clear();
    }
    return { token, unanswered: this.#unanswered.get(node) ?? 0 };
  }

  /** An effect with this stamp had no answer: it may happen still. */
  gaveUp(node: string, stamp: Stamp): void {
    if (stamp.token !== this.#token) return;
    const known = this.#unanswered.get(node) ?? 0;
    this.#unanswered.set(node, Math.max(known, stamp.unanswered + 1));
  }
}

function isBefore(a: Stamp, b: Stamp): boolean {
  return a.token < b.token || (a.token === b.token && a.unanswered < b.unanswered);
}
