/** Locks of bodies whose users are all in this process. */
import { type LockRequest, StoreError, type StoreLock } from "./cluster-store.ts";

interface Waiter {
  readonly owner: string;
  readonly take: () => void;
}

export class LocalLocks {
  readonly #holders = new Map<string, StoreLock & { readonly owner: string }>();
  readonly #queues = new Map<string, Waiter[]>();
  #token = 0;

  async take(name: string, { owner, waitMs }: LockRequest): Promise<StoreLock> {
    if (!this.#holders.has(name)) return this.#give(name, owner);
    return await new Promise((resolve, reject) => {
      const queue = this.#queues.get(name) ?? [];
      this.#queues.set(name, queue);
      const timer = setTimeout(() => {
        queue.splice(queue.indexOf(waiter), 1);
        const holder = this.#holders.get(name)?.owner ?? "nobody";
        reject(new StoreError("lock-timeout", `${holder} holds the lock ${name}.`));
      }, waitMs);
      const waiter = {
        owner,
        take: () => {
          clearTimeout(timer);
          resolve(this.#give(name, owner));
        },
      };
      queue.push(waiter);
    });
  }

  holds(lock: StoreLock): boolean {
    return this.#holders.get(lock.name) === lock;
  }

  #give(name: string, owner: string): StoreLock {
    const lock = {
      name,
      owner,
      token: ++this.#token,
      lost: new AbortController().signal,
      release: async () => {
        if (!this.holds(lock)) return;
        this.#holders.delete(name);
        this.#queues.get(name)?.shift()?.take();
      },
    };
    this.#holders.set(name, lock);
    return lock;
  }
}

export function lockLost(name: string): StoreError {
  return new StoreError("lock-lost", `The lock ${name} is not held any more: nothing was changed.`);
}
