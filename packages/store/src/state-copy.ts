/**
 * A copy of a store on the disk of one node: what the node knows when it starts and the majority of
 * the members is not there.
 *
 * | key                | value                                                    |
 * |--------------------|----------------------------------------------------------|
 * | that of the entry  | that of the entry                                        |
 * | `copy`             | `CopyMark`: of which cluster and revision; is it whole?  |
 *
 * Invariants: a transaction of the store is one of the copy, mark included, unless it is too large;
 * then, and while a first copy is made, the mark says that it is not whole. A copy is never newer
 * than the store. It is behind only by what was not heard of yet, or while the disk takes nothing.
 */
import { isDeepStrictEqual } from "node:util";
import {
  type ClusterStore, type StoreEntry, type StoreEvent, type StoreOperation, storeLimits,
} from "./cluster-store.ts";
import { LmdbStore } from "./lmdb-store.ts";

const MARK_KEY = "copy";
const RETRY_MS = 30_000;

export interface CopyMark {
  readonly schema: 1;
  readonly cluster: string;
  /** Of the store, as of this copy. */
  readonly revision: number;
  /** When it was changed last, by the clock of this node. */
  readonly atMs: number;
  readonly isWhole: boolean;
}

interface Change {
  readonly key: string;
  readonly value?: object;
}

export class StateCopy {
  readonly #disk: LmdbStore;
  readonly #onFailure: (error: Error) => void;
  /** One write after the other. */
  #tail: Promise<void> = Promise.resolve();
  #stopWatch: () => void = () => undefined;
  #retry: NodeJS.Timeout | undefined;
  #followed: { readonly store: ClusterStore; readonly cluster: string } | undefined;
  #closed = false;

  private constructor(disk: LmdbStore, onFailure: (error: Error) => void) {
    this.#disk = disk;
    this.#onFailure = onFailure;
  }

  /** Makes the directory if absent. Throws `StoreError` when it cannot be read. */
  static open(directory: string, onFailure: (error: Error) => void): StateCopy {
    return new StateCopy(LmdbStore.open(directory), onFailure);
  }

  /** Undefined: there is nothing yet, or not all. */
  async mark(): Promise<CopyMark | undefined> {
    const mark = (await this.#disk.get(MARK_KEY))?.value as CopyMark | undefined;
    return mark?.isWhole === true ? mark : undefined;
  }

  /** Sorted by key; the revisions are the copy's own. */
  async list(prefix: string): Promise<readonly StoreEntry[]> {
    return (await this.#disk.list(prefix)).filter(({ key }) => key !== MARK_KEY);
  }

  async get(key: string): Promise<StoreEntry | undefined> {
    return key === MARK_KEY ? undefined : await this.#disk.get(key);
  }

  /** From now on it is of this store. Resolves when all that it has is here, or cannot be. */
  async follow(store: ClusterStore, cluster: string): Promise<void> {
    this.unfollow();
    this.#followed = { store, cluster };
    this.#stopWatch = store.watch("", (event) => {
      void this.#enqueue(() => this.#apply(event));
    });
    await this.#compare();
  }

  unfollow(): void {
    this.#stopWatch();
    this.#stopWatch = () => undefined;
    clearTimeout(this.#retry);
    this.#followed = undefined;
  }

  /** What it has is of no use any more. */
  async clear(): Promise<void> {
    this.unfollow();
    await this.#tail;
    const entries = await this.#disk.list("");
    await this.#write(entries.map(({ key }) => ({ key })), undefined);
  }

  /** What it was told of is written before. */
  async close(): Promise<void> {
    this.#stopWatch();
    await this.#tail;
    this.unfollow();
    this.#closed = true;
    await this.#disk.close();
  }

  /** What a watch cannot tell: all that was before. */
  async #compare(): Promise<void> {
    const followed = this.#followed;
    if (followed === undefined) return;
    let entries: readonly StoreEntry[];
    try {
      entries = await followed.store.list("");
    } catch (error) {
      return this.#failed(error as Error);
    }
    await this.#enqueue(async () => {
      const known = new Map((await this.list("")).map((it) => [it.key, it.value]));
      const changes: Change[] = entries.filter(({ key, value }) =>
        !isDeepStrictEqual(known.get(key), value));
      const kept = new Set(entries.map((it) => it.key));
      for (const key of known.keys()) if (!kept.has(key)) changes.push({ key });
      const revision = Math.max(0, ...entries.map((it) => it.revision));
      const former = await this.mark();
      const isNews = former?.cluster !== followed.cluster || former.revision < revision;
      if (changes.length > 0 || isNews) await this.#write(changes, this.#markOf(revision, former));
    });
  }

  async #apply({ revision, changes }: StoreEvent): Promise<void> {
    await this.#write(changes, this.#markOf(revision, await this.mark()));
  }

  /** The revisions of one cluster only grow. */
  #markOf(revision: number, former: CopyMark | undefined): Omit<CopyMark, "isWhole"> {
    const cluster = this.#followed?.cluster ?? "";
    const before = former?.cluster === cluster ? former.revision : 0;
    return { schema: 1, cluster, revision: Math.max(revision, before), atMs: Date.now() };
  }

  async #enqueue(work: () => Promise<void>): Promise<void> {
    const former = this.#tail;
    this.#tail = this.#attempt(former, work);
    await this.#tail;
  }

  async #attempt(former: Promise<void>, work: () => Promise<void>): Promise<void> {
    await former;
    if (this.#closed || this.#followed === undefined) return;
    try {
      await work();
    } catch (error) {
      this.#failed(error as Error);
    }
  }

  /** A change was missed: all is compared again later. */
  #failed(error: Error): void {
    if (this.#closed) return;
    this.#onFailure(error);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#compare(), RETRY_MS);
    this.#retry.unref();
  }

  async #write(
    changes: readonly Change[], mark: Omit<CopyMark, "isWhole"> | undefined,
  ): Promise<void> {
    const most = storeLimits.operationsMax - 1;
    for (let at = 0; at === 0 || at < changes.length; at += most) {
      const part: Change[] = changes.slice(at, at + most);
      const isWhole = at + most >= changes.length;
      if (mark !== undefined) part.push({ key: MARK_KEY, value: { ...mark, isWhole } });
      const operations = await Promise.all(part.map((change) => this.#operation(change)));
      const needed = operations.filter((it) => it !== undefined);
      if (needed.length > 0) await this.#disk.transaction(needed);
    }
  }

  async #operation({ key, value }: Change): Promise<StoreOperation | undefined> {
    const revision = (await this.#disk.get(key))?.revision;
    if (value !== undefined) return { key, expected: revision ?? "absent", put: value };
    return revision === undefined ? undefined : { key, expected: revision, delete: true };
  }
}
