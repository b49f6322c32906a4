/**
 * The store while the majority of its members is away since before this process began: what the
 * copy on the disk has can be read; nothing can be written, locked, or told of.
 */
import {
  type ClusterStore, type LockRequest, type StoreEntry, StoreError, type StoreEvent,
  type StoreLock, type StoreStatus, type TransactionResult,
} from "./cluster-store.ts";
import type { StateCopy } from "./state-copy.ts";

export class LastKnownStore implements ClusterStore {
  readonly #copy: Pick<StateCopy, "get" | "list">;
  readonly #sentence: string;
  #reason = "";

  constructor(copy: Pick<StateCopy, "get" | "list">, atMs: number) {
    this.#copy = copy;
    const at = new Date(atMs).toISOString().replace("T", " ").slice(0, 19);
    this.#sentence =
      `The majority of the cluster's state was not reached since mortard was started here; ` +
      `what is known is of ${at} UTC, and cannot be changed.`;
  }

  /** Why the majority was not reached this time. */
  notReached(reason: string): void {
    this.#reason = reason;
  }

  async get(key: string): Promise<StoreEntry | undefined> {
    return await this.#copy.get(key);
  }

  async list(prefix: string): Promise<readonly StoreEntry[]> {
    return await this.#copy.list(prefix);
  }

  async transaction(): Promise<TransactionResult> {
    throw this.#refusal();
  }

  async lock(_name: string, _request: LockRequest): Promise<StoreLock> {
    throw this.#refusal();
  }

  watch(_prefix: string, _onChange: (event: StoreEvent) => void): () => void {
    return () => undefined;
  }

  async status(): Promise<StoreStatus> {
    return { kind: "etcd", writable: false, reason: this.#refusal().message };
  }

  /** The copy is its owner's. */
  async close(): Promise<void> {}

  #refusal(): StoreError {
    return new StoreError("unavailable", `${this.#sentence} ${this.#reason}`.trim());
  }
}
