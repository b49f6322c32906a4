/**
 * The typed key space that the cluster's state is kept in, whatever keeps it.
 *
 * Contract of every body (the suite in contract.ts):
 * - Keys are words of `A-Z a-z 0-9 . _ -` joined by slashes; values are JSON objects.
 * - One revision counts the transactions of the whole store. A key's revision is that of the
 *   transaction that put it last; a key that was removed and made again never gets an old one.
 * - A transaction is all or nothing, and durable when its promise resolves. When it rejects with
 *   `unavailable` its outcome is not known.
 * - Watchers are told of every transaction once, in order, after it is durable.
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

export interface ClusterStore {
  get(key: string): Promise<StoreEntry | undefined>;
  /** Sorted by key. `""` lists everything. */
  list(prefix: string): Promise<readonly StoreEntry[]>;
  transaction(operations: readonly StoreOperation[]): Promise<TransactionResult>;
  /** Gives the function that ends the watch. */
  watch(prefix: string, onChange: (event: StoreEvent) => void): () => void;
  close(): Promise<void>;
}

/** Bounds of every body; etcd's are above them. */
export const storeLimits = {
  keyBytesMax: 512,
  valueBytesMax: 1024 * 1024,
  operationsMax: 128,
} as const;

export type StoreErrorCode =
  | "bad-key"
  | "bad-value"
  | "too-large"
  | "corrupt"
  | "unavailable"
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
