/**
 * The embedded body: LMDB, one node, no server.
 *
 * An entry's value is text: `CRC REVISION JSON`, CRC being the crc32 of the key, a NUL and what
 * follows, in 8 hex digits; it guards against damage on the medium, which LMDB does not check.
 * The key `!revision` holds the store's revision in the same form; no key of ours can be that.
 *
 * Transactions are LMDB's own, synchronous and synced before they return (`overlappingSync` off):
 * changes of the cluster's state are rare, and nobody waits but the command that makes them.
 */
import { crc32 } from "node:zlib";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { open, type RootDatabase } from "lmdb";
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
import { checkLmdbFile } from "./lmdb-file.ts";
import { LocalLocks, lockLost } from "./local-locks.ts";
import { Watchers } from "./watchers.ts";

const REVISION_KEY = "!revision";

interface Stored {
  readonly revision: number;
  readonly text: string;
}

export class LmdbStore implements ClusterStore {
  readonly #database: RootDatabase<string, string>;
  readonly #directory: string;
  readonly #watchers = new Watchers();
  readonly #locks = new LocalLocks();
  #closed = false;

  private constructor(database: RootDatabase<string, string>, directory: string) {
    this.#database = database;
    this.#directory = directory;
  }

  /** Makes the directory if absent. Throws `StoreError` when what is there cannot be read. */
  static open(directory: string): LmdbStore {
    let database: RootDatabase<string, string>;
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      checkLmdbFile(join(directory, "data.mdb"));
      database = open({
        path: directory,
        encoding: "string",
        noSubdir: false,
        overlappingSync: false,
        compression: false,
      });
    } catch (error) {
      throw error instanceof StoreError ? error : unreadable(directory, error);
    }
    const store = new LmdbStore(database, directory);
    try {
      store.#verify();
    } catch (error) {
      void database.close();
      throw error instanceof StoreError ? error : unreadable(directory, error);
    }
    return store;
  }

  async get(key: string): Promise<StoreEntry | undefined> {
    this.#assertOpen();
    checkKey(key);
    const stored = this.#stored(key);
    return stored === undefined ? undefined : entryOf(key, stored);
  }

  async list(prefix: string): Promise<readonly StoreEntry[]> {
    this.#assertOpen();
    const entries: StoreEntry[] = [];
    // The first character after all that keys may hold ends the range.
    for (const { key, value } of this.#database.getRange({ start: prefix, end: `${prefix}~` })) {
      if (key !== REVISION_KEY) entries.push(entryOf(key, this.#decode(key, value)));
    }
    return entries;
  }

  async transaction(
    operations: readonly StoreOperation[], lock?: StoreLock,
  ): Promise<TransactionResult> {
    this.#assertOpen();
    const texts = encodeOperations(operations);
    if (lock !== undefined && !this.#locks.holds(lock)) throw lockLost(lock.name);
    let result: TransactionResult;
    try {
      result = this.#database.transactionSync(() => this.#apply(operations, texts));
    } catch (error) {
      if (error instanceof StoreError) throw error;
      throw new StoreError(
        "unavailable",
        `The state in ${this.#directory} could not be written: ${(error as Error).message}`,
        { cause: error },
      );
    }
    if (result.committed) {
      const changes = operations.map(({ key }, index) => {
        const text = texts[index];
        return text === undefined ? { key } : { key, value: JSON.parse(text) as object };
      });
      this.#watchers.tell({ revision: result.revision, changes });
    }
    return result;
  }

  async lock(name: string, request: LockRequest): Promise<StoreLock> {
    this.#assertOpen();
    checkKey(name);
    return await this.#locks.take(name, request);
  }

  async status(): Promise<StoreStatus> {
    this.#assertOpen();
    return { kind: "lmdb", writable: true };
  }

  watch(prefix: string, onChange: (event: StoreEvent) => void): () => void {
    this.#assertOpen();
    return this.#watchers.add(prefix, onChange);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#watchers.clear();
    await this.#database.close();
  }

  #apply(
    operations: readonly StoreOperation[],
    texts: readonly (string | undefined)[],
  ): TransactionResult {
    const conflicts = operations
      .filter((it) => (this.#stored(it.key)?.revision ?? "absent") !== it.expected)
      .map((it) => it.key);
    if (conflicts.length > 0) return { committed: false, conflicts };
    const revision = (this.#stored(REVISION_KEY)?.revision ?? 0) + 1;
    operations.forEach(({ key }, index) => {
      const text = texts[index];
      if (text === undefined) this.#database.removeSync(key);
      else this.#database.putSync(key, encode(key, { revision, text }));
    });
    this.#database.putSync(REVISION_KEY, encode(REVISION_KEY, { revision, text: "{}" }));
    return { committed: true, revision };
  }

  #stored(key: string): Stored | undefined {
    const value = this.#database.get(key);
    return value === undefined ? undefined : this.#decode(key, value);
  }

  #decode(key: string, value: string): Stored {
    const [, checksum = "", body = ""] = /^([0-9a-f]{8}) (.*)$/s.exec(value) ?? [];
    const space = body.indexOf(" ");
    const revision = Number(body.slice(0, space));
    if (checksum !== checksumOf(key, body) || !Number.isSafeInteger(revision)) {
      throw new StoreError(
        "corrupt",
        `The entry ${key} of the state in ${this.#directory} is damaged. ` +
          "Restore the directory from a backup.",
      );
    }
    return { revision, text: body.slice(space + 1) };
  }

  /** Reads everything once: damage is found at the start, not in the middle of a command. */
  #verify(): void {
    let count = 0;
    for (const { key, value } of this.#database.getRange({})) {
      this.#decode(key, value);
      count++;
    }
    if (count > 0 && this.#stored(REVISION_KEY) === undefined) {
      const message = `The state in ${this.#directory} has no revision: it is not Mortar's.`;
      throw new StoreError("corrupt", message);
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw new StoreError("closed", "The store is closed.");
  }
}

function entryOf(key: string, { revision, text }: Stored): StoreEntry {
  return { key, value: JSON.parse(text) as object, revision };
}

function encode(key: string, { revision, text }: Stored): string {
  const body = `${revision} ${text}`;
  return `${checksumOf(key, body)} ${body}`;
}

function checksumOf(key: string, body: string): string {
  return crc32(`${key}\0${body}`).toString(16).padStart(8, "0");
}

function unreadable(directory: string, cause: unknown): StoreError {
  const reason = (cause as Error).message;
  const message =
    `The state in ${directory} cannot be opened: ${reason}. ` +
    "Restore the directory from a backup, or move it away to begin anew.";
  return new StoreError("corrupt", message, { cause });
}
