/** A store that ends with its process: for tests, and as the plainest reading of the contract. */
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
import { LocalLocks, lockLost } from "./local-locks.ts";
import { Watchers } from "./watchers.ts";

export class MemoryStore implements ClusterStore {
  readonly #entries = new Map<string, { readonly text: string; readonly revision: number }>();
  readonly #watchers = new Watchers();
  readonly #locks = new LocalLocks();
  #revision = 0;
  #closed = false;

  async get(key: string): Promise<StoreEntry | undefined> {
    this.#assertOpen();
    checkKey(key);
    return this.#entry(key);
  }

  async list(prefix: string): Promise<readonly StoreEntry[]> {
    this.#assertOpen();
    const keys = [...this.#entries.keys()].filter((it) => it.startsWith(prefix)).sort();
    return keys.map((key) => this.#entry(key)!);
  }

  async transaction(
    operations: readonly StoreOperation[], lock?: StoreLock,
  ): Promise<TransactionResult> {
    this.#assertOpen();
    const texts = encodeOperations(operations);
    if (lock !== undefined && !this.#locks.holds(lock)) throw lockLost(lock.name);
    const conflicts = operations
      .filter((it) => (this.#entries.get(it.key)?.revision ?? "absent") !== it.expected)
      .map((it) => it.key);
    if (conflicts.length > 0) return { committed: false, conflicts };
    const revision = ++this.#revision;
    operations.forEach(({ key }, index) => {
      const text = texts[index];
      if (text === undefined) this.#entries.delete(key);
      else this.#entries.set(key, { text, revision });
    });
    const changes = operations.map(({ key }, index) => {
      const text = texts[index];
      return text === undefined ? { key } : { key, value: JSON.parse(text) as object };
    });
    this.#watchers.tell({ revision, changes });
    return { committed: true, revision };
  }

  async lock(name: string, request: LockRequest): Promise<StoreLock> {
    this.#assertOpen();
    checkKey(name);
    return await this.#locks.take(name, request);
  }

  async status(): Promise<StoreStatus> {
    this.#assertOpen();
    return { kind: "memory", writable: true };
  }

  watch(prefix: string, onChange: (event: StoreEvent) => void): () => void {
    this.#assertOpen();
    return this.#watchers.add(prefix, onChange);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#watchers.clear();
  }

  #entry(key: string): StoreEntry | undefined {
    const stored = this.#entries.get(key);
    if (stored === undefined) return undefined;
    return { key, value: JSON.parse(stored.text) as object, revision: stored.revision };
  }

  #assertOpen(): void {
    if (this.#closed) throw new StoreError("closed", "The store is closed.");
  }
}
