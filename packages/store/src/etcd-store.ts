/**
 * The body for several nodes: etcd, which keeps it on a majority of its members.
 *
 * Reads ask a majority for the store's revision, and are then served from a mirror which a watch
 * keeps (etcd-mirror.ts has the layout). Transactions compare the mod_revision of each key; they
 * put the key `r` last, whose mod_revision is therefore the store's revision. Locks are etcd's own
 * (`v3lock`), each with a lease; a transaction with a lock compares that its key is there.
 */
import {
  checkKey,
  type ClusterStore,
  encodeOperations,
  type LockRequest,
  type StoreEntry,
  StoreError,
  type StoreEvent,
  type StoreLock,
  type StoreOperation,
  type StoreStatus,
  type TransactionResult,
} from "./cluster-store.ts";
import { type EtcdAddress, EtcdClient, type EtcdTls } from "./etcd-client.ts";
import { EtcdLock } from "./etcd-lock.ts";
import { base64, EtcdMirror, type Mirrored } from "./etcd-mirror.ts";
import { lockLost } from "./local-locks.ts";
import { Watchers } from "./watchers.ts";

/** How long the mirror may be behind what a majority has, before another member is asked. */
const MIRROR_BEHIND_MS_MAX = 2_000;
const STATUS_MS_MAX = 2_000;

interface TransactionAnswer {
  readonly header: { readonly revision: string };
  readonly succeeded?: boolean;
  readonly responses?: readonly {
    readonly response_range?: { readonly kvs?: readonly { readonly mod_revision: string }[] };
  }[];
}

interface RevisionAnswer {
  readonly kvs?: readonly { readonly mod_revision?: string }[];
}

export interface EtcdStoreOptions extends EtcdAddress {
  /** What all keys of the store begin with: several stores may share an etcd. Default `mortar`. */
  readonly prefix?: string;
}

export class EtcdStore implements ClusterStore {
  readonly #client: EtcdClient;
  readonly #prefix: string;
  readonly #watchers = new Watchers();
  readonly #locks = new Set<EtcdLock>();
  #mirror: EtcdMirror | undefined;

  private constructor(client: EtcdClient, prefix: string) {
    this.#client = client;
    this.#prefix = prefix;
  }

  /** Reads everything once. Throws `StoreError`: `unavailable` without a majority. */
  static async open(options: EtcdStoreOptions): Promise<EtcdStore> {
    const prefix = `${options.prefix ?? "mortar"}/`;
    checkKey(prefix.slice(0, -1));
    const client = new EtcdClient(options);
    const store = new EtcdStore(client, prefix);
    try {
      const tell = (event: StoreEvent): void => store.#watchers.tell(event);
      store.#mirror = await EtcdMirror.open(client, prefix, tell);
    } catch (error) {
      client.close();
      throw error;
    }
    return store;
  }

  async get(key: string): Promise<StoreEntry | undefined> {
    checkKey(key);
    const mirror = await this.#current();
    const found = mirror.get(key);
    return found === undefined ? undefined : entryOf(key, found);
  }

  async list(prefix: string): Promise<readonly StoreEntry[]> {
    const mirror = await this.#current();
    return mirror.keys(prefix).map((key) => entryOf(key, mirror.get(key)!));
  }

  async transaction(
    operations: readonly StoreOperation[], lock?: StoreLock,
  ): Promise<TransactionResult> {
    const mirror = this.#open();
    const texts = encodeOperations(operations);
    const held = lock === undefined ? undefined : this.#own(lock);
    if (held?.lost.aborted === true) throw lockLost(held.name);
    const answer = await this.#client.call<TransactionAnswer>(
      "/v3/kv/txn",
      this.#request(operations, texts, held),
      "once",
    );
    if (answer.succeeded !== true) return this.#refused(operations, answer, held);
    const revision = Number(answer.header.revision);
    await this.#reach(mirror, revision);
    return { committed: true, revision };
  }

  async lock(name: string, request: LockRequest): Promise<StoreLock> {
    this.#open();
    checkKey(name);
    const lock = await EtcdLock.take(this.#client, `${this.#prefix}l/${name}`, name, request);
    this.#locks.add(lock);
    lock.lost.addEventListener("abort", () => this.#locks.delete(lock), { once: true });
    return lock;
  }

  watch(prefix: string, onChange: (event: StoreEvent) => void): () => void {
    this.#open();
    return this.#watchers.add(prefix, onChange);
  }

  /** The members are others now. */
  useEndpoints(endpoints: readonly string[]): void {
    this.#client.useEndpoints(endpoints);
  }

  /** Of the last transaction that was heard of. */
  get revision(): number {
    return this.#open().revision;
  }

  /** From now on it is asked with this certificate. */
  useTls(tls: EtcdTls): void {
    this.#client.useTls(tls);
  }

  async status(): Promise<StoreStatus> {
    this.#open();
    try {
      await this.#storeRevision(STATUS_MS_MAX);
      return { kind: "etcd", writable: true };
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return { kind: "etcd", writable: false, reason: error.message };
    }
  }

  async close(): Promise<void> {
    if (this.#mirror === undefined) return;
    const mirror = this.#mirror;
    this.#mirror = undefined;
    this.#watchers.clear();
    mirror.close();
    await Promise.all([...this.#locks].map((lock) => lock.release().catch(() => undefined)));
    this.#client.close();
  }

  #request(
    operations: readonly StoreOperation[],
    texts: readonly (string | undefined)[],
    lock: EtcdLock | undefined,
  ): object {
    const keys = operations.map(({ key }) => base64(`${this.#prefix}d/${key}`));
    const compare: object[] = operations.map(({ expected }, index) =>
      expected === "absent"
        ? { key: keys[index], target: "CREATE", result: "EQUAL", create_revision: "0" }
        : { key: keys[index], target: "MOD", result: "EQUAL", mod_revision: String(expected) });
    if (lock !== undefined) {
      const { key } = lock;
      compare.push({ key: base64(key), target: "CREATE", result: "GREATER", create_revision: "0" });
    }
    const success: object[] = texts.map((text, index) => {
      const key = keys[index];
      if (text === undefined) return { request_delete_range: { key } };
      return { request_put: { key, value: base64(text) } };
    });
    success.push({ request_put: { key: base64(`${this.#prefix}r`), value: "" } });
    const failure = keys.map((key) => ({ request_range: { key, keys_only: true } }));
    return { compare, success, failure };
  }

  #refused(
    operations: readonly StoreOperation[],
    answer: TransactionAnswer,
    lock: EtcdLock | undefined,
  ): TransactionResult {
    const conflicts = operations.filter(({ expected }, index) => {
      const [found] = answer.responses?.[index]?.response_range?.kvs ?? [];
      return expected !== (found === undefined ? "absent" : Number(found.mod_revision));
    });
    if (conflicts.length > 0 || lock === undefined) {
      return { committed: false, conflicts: conflicts.map(({ key }) => key) };
    }
    lock.lose();
    throw lockLost(lock.name);
  }

  /** The mirror, as new as what a majority has; as it is when there is no majority. */
  async #current(): Promise<EtcdMirror> {
    const mirror = this.#open();
    try {
      await this.#reach(mirror, await this.#storeRevision());
    } catch (error) {
      if (!(error instanceof StoreError && error.code === "unavailable")) throw error;
    }
    return this.#open();
  }

  async #storeRevision(timeoutMs?: number): Promise<number> {
    const { kvs = [] } = await this.#client.call<RevisionAnswer>(
      "/v3/kv/range",
      { key: base64(`${this.#prefix}r`), keys_only: true },
      "repeatable",
      timeoutMs === undefined ? {} : { timeoutMs },
    );
    return Number(kvs[0]?.mod_revision ?? 0);
  }

  async #reach(mirror: EtcdMirror, revision: number): Promise<void> {
    if (await mirror.reached(revision, MIRROR_BEHIND_MS_MAX)) return;
    mirror.restart();
    if (await mirror.reached(revision, MIRROR_BEHIND_MS_MAX)) return;
    throw new StoreError("unavailable", "etcd does not tell what was changed.");
  }

  #own(lock: StoreLock): EtcdLock {
    if (lock instanceof EtcdLock) return lock;
    throw new StoreError("lock-lost", `The lock ${lock.name} is of another store.`);
  }

  #open(): EtcdMirror {
    if (this.#mirror === undefined) throw new StoreError("closed", "The store is closed.");
    return this.#mirror;
  }
}

function entryOf(key: string, { text, revision }: Mirrored): StoreEntry {
  return { key, value: JSON.parse(text) as object, revision };
}
