/**
 * The typed key space that the cluster's state is kept in, whatever keeps it.
 *
 * Contract of every body (the suite in contract.ts):
 * - Keys are words of `A-Z a-z 0-9 . _ -` joined by slashes; values are JSON objects.
 * - One revision counts the transactions of the whole store. A key's revision is that of the
 *   transaction that put it last; a key that was removed and made again never gets an old one.
 * - A transaction is all or nothing, and durable when its promise resolves. When it rejects with
 *   `unavailable` its outcome is not known.
 * - Watchers are told of every transaction once, in order, after it is durable; of one's own before
 *   its promise resolves. (A watcher that was cut off for long may be told of several as one.)
 * - `get` and `list` give what every transaction resolved before, here or elsewhere, has left. A
 *   body of several nodes that has lost the majority of them gives what it knew last.
 * - A lock has one holder. A transaction with a lock that was lost changes nothing.
 */

export interface StoreEntry {
  readonly key: string;
  readonly value: object;
  readonly revision: number;
}

/** `expected`: the revision that the key must still have. */
export type StoreOperation =
  | { readonly key: string; readonly expected: number | "absent"; readonly put: object }
  | { readonly key: string; readonly expected: number | "absent"; readonly delete: true };

export type TransactionResult =
  | { readonly committed: true; readonly revision: number }
  /** Nothing was changed; these keys have other revisions than expected. */
  | { readonly committed: false; readonly conflicts: readonly string[] };

export interface StoreEvent {
  readonly revision: number;
  /** The changes under the prefix that is watched; `value` is absent for a removed key. */
  readonly changes: readonly { readonly key: string; readonly value?: object }[];
}

/** The turn of one of several who would act on the same things. */
export interface StoreLock {
  readonly name: string;
  /** Greater than that of any holder before: whoever acts for a holder refuses lower ones. */
  readonly token: number;
  /** Aborted when it is lost, since the store was not reached for too long. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

export interface LockRequest {
  /** Who asks, in words: others are told it. */
  readonly owner: string;
  readonly waitMs: number;
}

/** For people. */
export interface StoreStatus {
  readonly kind: "memory" | "lmdb" | "etcd";
  /** False: the majority of the members is not reached; what is read may be out of date. */
  readonly writable: boolean;
  /** What is wrong, when it is not writable. */
  readonly reason?: string;
}

export interface ClusterStore {
  get(key: string): Promise<StoreEntry | undefined>;
  /** Sorted by key. `""` lists everything. */
  list(prefix: string): Promise<readonly StoreEntry[]>;
  /** With a lock: only while it is held, else it rejects with `lock-lost`. */
  transaction(operations: readonly StoreOperation[], lock?: StoreLock): Promise<TransactionResult>;
  /** Waits for its turn. Rejects with `lock-timeout`, which says who holds it, or `unavailable`. */
  lock(name: string, request: LockRequest): Promise<StoreLock>;
  /** Gives the function that ends the watch. */
  watch(prefix: string, onChange: (event: StoreEvent) => void): () => void;
  status(): Promise<StoreStatus>;
  close(): Promise<void>;
}

/** Bounds of every body. etcd takes 128 operations, and some are our own. */
export const storeLimits = {
  keyBytesMax: 512,
  valueBytesMax: 1024 * 1024,
  operationsMax: 120,
} as const;

export type StoreErrorCode =
  | "bad-key"
  | "bad-value"
  | "too-large"
  | "corrupt"
  | "unavailable"
  | "refused"
  | "lock-timeout"
  | "lock-lost"
  | "closed";

export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const keyPattern = /^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/;

export function checkKey(key: string): void {
  if (key.length > storeLimits.keyBytesMax) {
    const message = `A key has ${key.length} bytes, ${storeLimits.keyBytesMax} at most.`;
    throw new StoreError("too-large", `${message} It begins with ${key.slice(0, 64)}`);
  }
  if (!keyPattern.test(key)) {
    const shown = JSON.stringify(key);
    throw new StoreError("bad-key", `${shown} is no key: words joined by slashes are.`);
  }
}

/** Checks a transaction; gives the JSON text of each value that it puts. */
export function encodeOperations(operations: readonly StoreOperation[]): (string | undefined)[] {
  if (operations.length > storeLimits.operationsMax) {
    throw new StoreError(
      "too-large",
      `A transaction has ${operations.length} operations, ${storeLimits.operationsMax} at most.`,
    );
  }
  const seen = new Set<string>();
  return operations.map((operation) => {
    const { key } = operation;
    checkKey(key);
    if (seen.has(key)) {
      throw new StoreError("bad-key", `The key ${key} is in one transaction twice.`);
    }
    seen.add(key);
    return "put" in operation ? encodeValue(key, operation.put) : undefined;
  });
}

function encodeValue(key: string, value: object): string {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new StoreError("bad-value", `The value of ${key} is no JSON object.`);
  }
  let text: string;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw new StoreError("bad-value", `The value of ${key} is no JSON.`, { cause });
  }
  const sizeBytes = Buffer.byteLength(text);
  if (sizeBytes > storeLimits.valueBytesMax) {
    throw new StoreError(
      "too-large",
      `The value of ${key} has ${sizeBytes} bytes, ${storeLimits.valueBytesMax} at most.`,
    );
  }
  return text;
}
