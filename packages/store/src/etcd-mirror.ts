/**
 * All that the store holds, kept as it changes: one watch, from the revision that was read last.
 *
 * Below PREFIX in etcd: `d/KEY` is an entry, its value the JSON text; `r` is put by every
 * transaction, so its mod_revision is the store's revision. (etcd's own revision also counts the
 * changes of others.) An answer to a watch holds whole transactions, in order.
 *
 * When the stream ends it is opened again where it stopped. What etcd has compacted meanwhile is
 * read anew, and its watchers are told the difference: of each revision what it has put and is still
 * there, in order, then what was removed. So every key is told with the revision that it has.
 */
import { StoreError, type StoreEvent } from "./cluster-store.ts";
import type { EtcdClient, EtcdStream } from "./etcd-client.ts";

export interface Mirrored {
  readonly text: string;
  readonly revision: number;
}

interface KeyValue {
  readonly key: string;
  readonly value?: string;
  readonly mod_revision?: string;
}

interface RangeAnswer {
  readonly header: { readonly revision: string };
  readonly kvs?: readonly KeyValue[];
  readonly more?: boolean;
}

interface WatchAnswer {
  readonly header?: { readonly revision?: string };
  readonly created?: boolean;
  readonly canceled?: boolean;
  readonly compact_revision?: string;
  readonly cancel_reason?: string;
  readonly events?: readonly { readonly type?: "DELETE"; readonly kv: KeyValue }[];
}

const PAGE_KEYS = 500;
const RETRY_FIRST_MS = 50;
const RETRY_MS_MAX = 2_000;

export const base64 = (text: string): string => Buffer.from(text, "utf8").toString("base64");
const fromBase64 = (text: string): string => Buffer.from(text, "base64").toString("utf8");

/** The end of the range of all keys that begin so: `0` follows `/`. */
export const endOfPrefix = (prefix: string): string => `${prefix.slice(0, -1)}0`;

export class EtcdMirror {
  readonly #client: EtcdClient;
  readonly #prefix: string;
  readonly #onEvent: (event: StoreEvent) => void;
  readonly #waiters = new Set<{ readonly revision: number; readonly reached: () => void }>();
  #entries = new Map<string, Mirrored>();
  /** Of the last transaction that was seen. */
  #revision = 0;
  /** etcd's revision from which on the watch has to go on. */
  #next = 0;
  /** Of the transaction whose end was not seen yet. */
  #changes: { key: string; value?: object }[] = [];
  #stream: EtcdStream | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = RETRY_FIRST_MS;
  #closed = false;

  private constructor(client: EtcdClient, prefix: string, onEvent: (event: StoreEvent) => void) {
    this.#client = client;
    this.#prefix = prefix;
    this.#onEvent = onEvent;
  }

  /** Reads everything. `prefix` ends with a slash. Throws `StoreError`. */
  static async open(
    client: EtcdClient, prefix: string, onEvent: (event: StoreEvent) => void,
  ): Promise<EtcdMirror> {
    const mirror = new EtcdMirror(client, prefix, onEvent);
    await mirror.#load();
    mirror.#watch();
    return mirror;
  }

  get revision(): number {
    return this.#revision;
  }

  get(key: string): Mirrored | undefined {
    return this.#entries.get(key);
  }

  /** Sorted. */
  keys(prefix: string): string[] {
    return [...this.#entries.keys()].filter((it) => it.startsWith(prefix)).sort();
  }

  /** Resolves when the transaction of this revision was seen; false: not within the time. */
  async reached(revision: number, timeoutMs: number): Promise<boolean> {
    if (this.#revision >= revision) return true;
    return await new Promise((resolve) => {
      const done = (result: boolean): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        resolve(result);
      };
      const waiter = { revision, reached: () => done(true) };
      const timer = setTimeout(() => done(false), timeoutMs);
      this.#waiters.add(waiter);
    });
  }

  /** Asks another member: this one does not tell what is known to have happened. */
  restart(): void {
    if (this.#closed || this.#retry !== undefined) return;
    this.#stream?.end("it is behind");
  }

  close(): void {
    this.#closed = true;
    this.#stream?.close();
    clearTimeout(this.#retry);
    for (const waiter of this.#waiters) waiter.reached();
  }

  /** All keys as of one revision, page by page. */
  async #load(): Promise<StoreEvent[]> {
    const entries = new Map<string, Mirrored>();
    let from = this.#prefix;
    let at: string | undefined;
    let storeRevision = 0;
    for (;;) {
      const answer = await this.#client.call<RangeAnswer>("/v3/kv/range", {
        key: base64(from),
        range_end: base64(endOfPrefix(this.#prefix)),
        limit: PAGE_KEYS,
        ...(at === undefined ? {} : { revision: at }),
      });
      at ??= answer.header.revision;
      for (const pair of answer.kvs ?? []) {
        const key = fromBase64(pair.key);
        const revision = revisionOf(pair);
        if (key === `${this.#prefix}r`) storeRevision = revision;
        if (key.startsWith(`${this.#prefix}d/`)) {
          entries.set(key.slice(this.#prefix.length + 2), { text: textOf(pair), revision });
        }
        from = `${key}\0`;
      }
      if (answer.more !== true) break;
    }
    const events = this.#difference(entries, storeRevision);
    this.#entries = entries;
    this.#next = Number(at) + 1;
    this.#advance(storeRevision);
    return events;
  }

  #difference(entries: Map<string, Mirrored>, last: number): StoreEvent[] {
    const byRevision = new Map<number, { key: string; value?: object }[]>();
    const add = (revision: number, change: { key: string; value?: object }): void => {
      const changes = byRevision.get(revision);
      if (changes === undefined) byRevision.set(revision, [change]);
      else changes.push(change);
    };
    for (const [key, { text, revision }] of entries) {
      if (this.#entries.get(key)?.revision === revision) continue;
      add(revision, { key, value: JSON.parse(text) as object });
    }
    for (const key of this.#entries.keys()) if (!entries.has(key)) add(last, { key });
    return [...byRevision]
      .sort(([one], [other]) => one - other)
      .map(([revision, changes]) => ({ revision, changes }));
  }

  #watch(): void {
    this.#changes = [];
    this.#stream = this.#client.stream("/v3/watch", {
      create_request: {
        key: base64(this.#prefix),
        range_end: base64(endOfPrefix(this.#prefix)),
        start_revision: String(this.#next),
        progress_notify: true,
      },
    }, {
      onMessage: (message) => this.#take(message as WatchAnswer),
      onEnd: () => this.#again(),
    });
  }

  #again(): void {
    if (this.#closed) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#watch();
    }, this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX);
  }

  #take(answer: WatchAnswer): void {
    if (this.#closed) return;
    if (answer.canceled === true) {
      this.#stream?.close();
      if (answer.compact_revision === undefined) this.#again();
      else void this.#reload();
      return;
    }
    this.#retryMs = RETRY_FIRST_MS;
    for (const { type, kv } of answer.events ?? []) {
      const key = fromBase64(kv.key);
      const revision = revisionOf(kv);
      if (key.startsWith(`${this.#prefix}d/`)) {
        this.#changes.push(this.#apply(key.slice(this.#prefix.length + 2), type, kv, revision));
        continue;
      }
      this.#next = revision + 1;
      if (key === `${this.#prefix}r`) this.#end(revision);
    }
  }

  /** The last operation of every transaction was seen. */
  #end(revision: number): void {
    const changes = this.#changes;
    this.#changes = [];
    if (changes.length > 0) this.#onEvent({ revision, changes });
    this.#advance(revision);
  }

  #apply(
    key: string, type: "DELETE" | undefined, kv: KeyValue, revision: number,
  ): { key: string; value?: object } {
    if (type === "DELETE") {
      this.#entries.delete(key);
      return { key };
    }
    const text = textOf(kv);
    this.#entries.set(key, { text, revision });
    return { key, value: JSON.parse(text) as object };
  }

  async #reload(): Promise<void> {
    try {
      for (const event of await this.#load()) this.#onEvent(event);
      if (!this.#closed) this.#watch();
    } catch {
      this.#again();
    }
  }

  #advance(revision: number): void {
    this.#revision = Math.max(this.#revision, revision);
    for (const waiter of this.#waiters) if (waiter.revision <= revision) waiter.reached();
  }
}

function textOf({ value = "" }: KeyValue): string {
  return fromBase64(value);
}

function revisionOf({ mod_revision }: KeyValue): number {
  const revision = Number(mod_revision);
  if (!Number.isSafeInteger(revision) || revision <= 0) {
    throw new StoreError("corrupt", `etcd gave an entry with the revision ${mod_revision}.`);
  }
  return revision;
}
