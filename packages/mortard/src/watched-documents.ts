/**
 * Documents of the store under one prefix, held in memory. They are read again when the store tells of
 * a change, and when it is exchanged for another one: a node that joins a cluster has the cluster's
 * from then on, and its own no more. What cannot be read is tried again until it can; until then those
 * that were known last are given. One reading at a time: an older one never comes after a newer.
 */
import type { ClusterStore } from "@mortar/store";
import type { Log } from "./log.ts";

const AGAIN_MS = 2_000;

export class WatchedDocuments<T extends object> {
  readonly #store: ClusterStore;
  readonly #prefix: string;
  readonly #log: Log;
  #all: readonly T[] = [];
  #reading: Promise<void> = Promise.resolve();
  #again: NodeJS.Timeout | undefined;
  #isClosed = false;
  readonly #endWatch: () => void;

  private constructor(store: ClusterStore, prefix: string, log: Log) {
    this.#store = store;
    this.#prefix = prefix;
    this.#log = log;
    this.#endWatch = store.watch(prefix, () => void this.reload());
  }

  /** `prefix` ends with a slash. */
  static async open<T extends object>(
    store: ClusterStore, prefix: string, log: Log,
  ): Promise<WatchedDocuments<T>> {
    const documents = new WatchedDocuments<T>(store, prefix, log);
    await documents.reload();
    return documents;
  }

  close(): void {
    this.#isClosed = true;
    this.#endWatch();
    clearTimeout(this.#again);
  }

  /** As last heard of. */
  get all(): readonly T[] {
    return this.#all;
  }

  /** False: there is one with this name already. */
  async add(name: string, put: T): Promise<boolean> {
    const key = this.#prefix + name;
    const done = await this.#store.transaction([{ key, expected: "absent", put }]);
    await this.reload();
    return done.committed;
  }

  /** False: there is none with this name. Throws when it was changed at the same moment. */
  async remove(name: string): Promise<boolean> {
    const entry = await this.#store.get(this.#prefix + name);
    if (entry === undefined) return false;
    const { key, revision } = entry;
    const done = await this.#store.transaction([{ key, expected: revision, delete: true }]);
    await this.reload();
    if (done.committed) return true;
    throw new Error(`${name} was changed meanwhile, and is still there: try again`);
  }

  /** Never rejects. */
  async reload(): Promise<void> {
    this.#reading = this.#reading.then(() => this.#read());
    await this.#reading;
  }

  async #read(): Promise<void> {
    if (this.#isClosed) return;
    clearTimeout(this.#again);
    try {
      this.#all = (await this.#store.list(this.#prefix)).map(({ value }) => value as T);
    } catch (error) {
      this.#log.warn({ prefix: this.#prefix, err: error }, "documents are not read: again soon");
      this.#again = setTimeout(() => void this.reload(), AGAIN_MS);
      this.#again.unref();
    }
  }
}
