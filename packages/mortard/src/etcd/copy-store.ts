/** Copies all documents from one body of the store to another, and makes sure that they are there. */
import { isDeepStrictEqual } from "node:util";
import type { ClusterStore, StoreEntry, StoreOperation } from "@mortar/store";

const OPERATIONS_MAX = 100;
const TRANSACTION_CHARACTERS_MAX = 2 * 1024 * 1024;

/** Gives what an entry becomes in the copy; undefined: it is not copied. */
export type Mapping = (entry: StoreEntry) => object | undefined;

/** The target is empty. Throws when anything differs in the end. */
export async function copyStore(
  source: Pick<ClusterStore, "list">, target: ClusterStore, mapping: Mapping,
): Promise<number> {
  const entries = (await source.list("")).flatMap((entry) => {
    const value = mapping(entry);
    return value === undefined ? [] : [{ ...entry, value }];
  });
  for (const operations of transactions(entries)) {
    const result = await target.transaction(operations);
    if (!result.committed) {
      throw new Error(`The new store is not empty: it has ${result.conflicts.join(", ")}`);
    }
  }
  const copied = new Map((await target.list("")).map(({ key, value }) => [key, value]));
  const same = copied.size === entries.length &&
    entries.every(({ key, value }) => isDeepStrictEqual(copied.get(key), value));
  if (!same) throw new Error("The copy of the state differs from the state");
  return entries.length;
}

/** Removes all of it. */
export async function clearStore(store: ClusterStore): Promise<void> {
  const entries = await store.list("");
  for (let at = 0; at < entries.length; at += OPERATIONS_MAX) {
    const part = entries.slice(at, at + OPERATIONS_MAX);
    await store.transaction(part.map(({ key, revision }) => ({ key, expected: revision, delete: true })));
  }
}

function transactions(entries: readonly StoreEntry[]): StoreOperation[][] {
  const all: StoreOperation[][] = [];
  let characters = 0;
  for (const { key, value } of entries) {
    const size = JSON.stringify(value).length;
    const last = all.at(-1);
    const isFull = last === undefined || last.length >= OPERATIONS_MAX ||
      characters + size > TRANSACTION_CHARACTERS_MAX;
    const operation: StoreOperation = { key, expected: "absent", put: value };
    if (isFull) all.push([operation]);
    else last.push(operation);
    characters = isFull ? size : characters + size;
  }
  return all;
}
