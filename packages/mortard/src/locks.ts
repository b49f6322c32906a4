/**
 * One change at a time per name (a volume, or the system).
 *
 * Waiters of a name are served in the order in which they came; several names are taken in their
 * sorted order, so that two commands can never wait for each other. A wait is bounded: GlusterFS
 * says "Another transaction is in progress" at once, we say it after `waitMs`.
 */
export class LockTimeout extends Error {
  override readonly name = "LockTimeout";
  readonly lockName: string;
  constructor(lockName: string) {
    super(
      `Another transaction is in progress for ${lockName}. Please try again after some time.`,
    );
    this.lockName = lockName;
  }
}

interface Waiter {
  readonly grant: () => void;
}

export class Locks {
  readonly #waiters = new Map<string, Waiter[]>();

  /** Runs `work` while holding every name. Throws `LockTimeout` when the wait is too long. */
  async with<T>(names: readonly string[], waitMs: number, work: () => Promise<T>): Promise<T> {
    const wanted = [...new Set(names)].sort();
    const held: string[] = [];
    const deadline = performance.now() + waitMs;
    try {
      for (const name of wanted) {
        await this.#take(name, Math.max(0, deadline - performance.now()));
        held.push(name);
      }
      return await work();
    } finally {
      for (const name of held.toReversed()) this.#release(name);
    }
  }

  #take(name: string, waitMs: number): Promise<void> {
    const queue = this.#waiters.get(name);
    if (queue === undefined) {
      this.#waiters.set(name, []);
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        grant: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      const timer = setTimeout(() => {
        queue.splice(queue.indexOf(waiter), 1);
        reject(new LockTimeout(name));
      }, waitMs);
      queue.push(waiter);
    });
  }

  #release(name: string): void {
    const next = this.#waiters.get(name)?.shift();
    if (next === undefined) this.#waiters.delete(name);
    else next.grant();
  }
}
