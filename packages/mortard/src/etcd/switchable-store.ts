/**
 * The store as the rest of the daemon has it: one that stays while its body is exchanged, when the
 * first other node comes or the last one goes. Watchers stay; locks are of the body they were taken
 * of, and transactions with locks of a former body change nothing.
 */
import {
  type ClusterStore, EtcdStore, type EtcdTls, LastKnownStore, type LockRequest, type StoreEntry, type StoreEvent, type StoreLock,
  type StoreOperation, type StoreStatus, type TransactionResult,
} from "@mortar/store";

interface Watch {
  readonly prefix: string;
  readonly onChange: (event: StoreEvent) => void;
  end: () => void;
}

export class SwitchableStore implements ClusterStore {
  #body: ClusterStore;
  readonly #watches = new Set<Watch>();

  constructor(body: ClusterStore) {
    this.#body = body;
  }

  /** From now on everything goes to `next`. The former body is given back, open. */
  exchange(next: ClusterStore): ClusterStore {
    const former = this.#body;
    for (const watch of this.#watches) {
      watch.end();
      watch.end = next.watch(watch.prefix, watch.onChange);
    }
    this.#body = next;
    return former;
  }

  /** What is read is a copy on this node's disk, since no majority was there so far. */
  get isLastKnown(): boolean {
    return this.#body instanceof LastKnownStore;
  }

  /** Why the majority was not reached this time. */
  notReached(reason: string): void {
    if (this.#body instanceof LastKnownStore) this.#body.notReached(reason);
  }

  useTls(tls: EtcdTls): void {
    if (this.#body instanceof EtcdStore) this.#body.useTls(tls);
  }

  /** Of etcd, where it is there. */
  useEndpoints(endpoints: readonly string[]): void {
    if (this.#body instanceof EtcdStore) this.#body.useEndpoints(endpoints);
  }

  get(key: string): Promise<StoreEntry | undefined> {
    return this.#body.get(key);
  }

  list(prefix: string): Promise<readonly StoreEntry[]> {
    return this.#body.list(prefix);
  }

  transaction(
    operations: readonly StoreOperation[], lock?: StoreLock,
  ): Promise<TransactionResult> {
    return this.#body.transaction(operations, lock);
  }

  lock(name: string, request: LockRequest): Promise<StoreLock> {
    return this.#body.lock(name, request);
  }

  watch(prefix: string, onChange: (event: StoreEvent) => void): () => void {
    const watch = { prefix, onChange, end: this.#body.watch(prefix, onChange) };
    this.#watches.add(watch);
    return () => {
      watch.end();
      this.#watches.delete(watch);
    };
  }

  status(): Promise<StoreStatus> {
    return this.#body.status();
  }

  close(): Promise<void> {
    return this.#body.close();
  }
}
