/** The contract of ClusterStore as a suite; every body runs it. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type ClusterStore, StoreError, type StoreEvent, storeLimits } from "./cluster-store.ts";

export interface StoreContract {
  readonly name: string;
  /** A fresh, empty store. */
  readonly open: () => Promise<ClusterStore>;
  /** Removes what `open` made; the store is closed. */
  readonly dispose: () => Promise<void>;
}

const withCode = (code: StoreError["code"]) => (error: unknown) =>
  error instanceof StoreError && error.code === code;

export function clusterStoreContract({ name, open, dispose }: StoreContract): void {
  const property = (title: string, body: (store: ClusterStore) => Promise<void>) =>
    test(title, async () => {
      const store = await open();
      try {
        await body(store);
      } finally {
        await store.close();
        await dispose();
      }
    });

  void suite(`${name} keeps the contract of ClusterStore`, () => {
    transactions(property);
    refusals(property);
    watching(property);
    locking(property);
  });
}

type Property = (title: string, body: (store: ClusterStore) => Promise<void>) => Promise<void>;

async function put(store: ClusterStore, key: string, value: object): Promise<number> {
  const expected = (await store.get(key))?.revision ?? "absent";
  const result = await store.transaction([{ key, expected, put: value }]);
  assert.ok(result.committed);
  return result.revision;
}

function transactions(property: Property): void {
  void property("what was put is got and listed, and gone after its removal", async (store) => {
    const revision = await put(store, "volume/b", { n: 1, text: "ä\u0000😀" });
    await put(store, "volume/a", { n: 2 });
    await put(store, "volumes", { n: 3 });
    const got = await store.get("volume/b");
    assert.deepEqual(got, { key: "volume/b", value: { n: 1, text: "ä\u0000😀" }, revision });
    assert.deepEqual((await store.list("volume/")).map((it) => it.key), ["volume/a", "volume/b"]);
    assert.equal((await store.list("")).length, 3);
    await store.transaction([{ key: "volume/b", expected: revision, delete: true }]);
    assert.equal(await store.get("volume/b"), undefined);
  });

  void property("a transaction with one wrong revision changes nothing", async (store) => {
    const revision = await put(store, "a", { n: 1 });
    const result = await store.transaction([
      { key: "a", expected: revision, put: { n: 2 } },
      { key: "b", expected: revision, put: { n: 2 } },
      { key: "c", expected: "absent", put: { n: 2 } },
    ]);
    assert.deepEqual(result, { committed: false, conflicts: ["b"] });
    assert.deepEqual((await store.list("")).map((it) => it.value), [{ n: 1 }]);
  });

  void property("a key made again never has a revision that it had before", async (store) => {
    const first = await put(store, "a", {});
    await store.transaction([{ key: "a", expected: first, delete: true }]);
    const second = await put(store, "a", {});
    assert.ok(second > first);
    const stale = await store.transaction([{ key: "a", expected: first, put: { n: 9 } }]);
    assert.equal(stale.committed, false);
  });

  void property("all keys of a transaction have its revision", async (store) => {
    const result = await store.transaction([
      { key: "a", expected: "absent", put: {} },
      { key: "b", expected: "absent", put: {} },
    ]);
    assert.ok(result.committed);
    const revisions = (await store.list("")).map((it) => it.revision);
    assert.deepEqual(revisions, [result.revision, result.revision]);
  });

  void property("of many racing for one key exactly one wins each round", async (store) => {
    let expected: number | "absent" = "absent";
    for (let round = 0; round < 5; round++) {
      const racers = Array.from({ length: 8 }, (_, n) =>
        store.transaction([{ key: "k", expected, put: { n } }]),
      );
      const winners = (await Promise.all(racers)).filter((it) => it.committed);
      assert.equal(winners.length, 1);
      expected = (await store.get("k"))!.revision;
    }
  });

  void property("what was got is the caller's own copy", async (store) => {
    const value = { list: [1] };
    await put(store, "a", value);
    value.list.push(2);
    ((await store.get("a"))!.value as typeof value).list.push(3);
    assert.deepEqual((await store.get("a"))!.value, { list: [1] });
  });
}

function refusals(property: Property): void {
  void property("bad keys, bad values and what is too large are refused", async (store) => {
    const bad = (key: string, value: object = {}) =>
      store.transaction([{ key, expected: "absent", put: value }]);
    for (const key of ["", "/a", "a/", "a//b", "a b", "!revision", "ä", "a\n"]) {
      await assert.rejects(bad(key), withCode("bad-key"), JSON.stringify(key));
    }
    await assert.rejects(bad("k".repeat(storeLimits.keyBytesMax + 1)), withCode("too-large"));
    const large = { text: "x".repeat(storeLimits.valueBytesMax) };
    await assert.rejects(bad("a", large), withCode("too-large"));
    await assert.rejects(bad("a", []), withCode("bad-value"));
    const loop: Record<string, unknown> = {};
    loop["self"] = loop;
    await assert.rejects(bad("a", loop), withCode("bad-value"));
    const many = Array.from({ length: storeLimits.operationsMax + 1 }, (_, n) => ({
      key: `k${n}`,
      expected: "absent" as const,
      put: {},
    }));
    await assert.rejects(store.transaction(many), withCode("too-large"));
    const twice = [many[0]!, many[0]!];
    await assert.rejects(store.transaction(twice), withCode("bad-key"));
    assert.deepEqual(await store.list(""), []);
  });

  void property("the largest key, value and transaction are taken", async (store) => {
    const filler = { text: "x".repeat(storeLimits.valueBytesMax - '{"text":""}'.length) };
    await put(store, "k".repeat(storeLimits.keyBytesMax), filler);
    const many = Array.from({ length: storeLimits.operationsMax }, (_, n) => ({
      key: `many/${n}`,
      expected: "absent" as const,
      put: {},
    }));
    assert.ok((await store.transaction(many)).committed);
    assert.equal((await store.list("many/")).length, storeLimits.operationsMax);
  });

  void property("a closed store says so", async (store) => {
    await store.close();
    await assert.rejects(store.get("a"), withCode("closed"));
    await assert.rejects(store.transaction([]), withCode("closed"));
  });
}

function watching(property: Property): void {
  void property("watchers see each transaction once, in order, their keys only", async (store) => {
    const seen: StoreEvent[] = [];
    const stop = store.watch("volume/", (event) => seen.push(event));
    const first = await put(store, "volume/a", { n: 1 });
    await put(store, "other", {});
    const refused = { key: "volume/a", expected: "absent" as const, put: { n: 5 } };
    await store.transaction([refused]);
    const removed = await store.transaction([
      { key: "volume/a", expected: first, delete: true },
      { key: "volume/b", expected: "absent", put: { n: 2 } },
    ]);
    assert.ok(removed.committed);
    stop();
    await put(store, "volume/c", {});
    assert.deepEqual(seen, [
      { revision: first, changes: [{ key: "volume/a", value: { n: 1 } }] },
      {
        revision: removed.revision,
        changes: [{ key: "volume/a" }, { key: "volume/b", value: { n: 2 } }],
      },
    ]);
  });
}

function locking(property: Property): void {
  const patient = { owner: "a test", waitMs: 10_000 };

  void property("a lock has one holder at a time, and later ones have greater tokens", async (store) => {
    let holders = 0;
    const tokens = await Promise.all(Array.from({ length: 5 }, async () => {
      const lock = await store.lock("turn", patient);
      holders++;
      assert.equal(holders, 1);
      await new Promise((resolve) => setTimeout(resolve, 5));
      holders--;
      await lock.release();
      return lock.token;
    }));
    assert.equal(new Set(tokens).size, 5);
    const next = await store.lock("turn", patient);
    assert.ok(next.token > Math.max(...tokens));
    assert.ok((await store.lock("other", patient)).token > 0);
  });

  void property("who waits too long is told who has the lock", async (store) => {
    const lock = await store.lock("turn", { owner: "node one", waitMs: 1_000 });
    await assert.rejects(store.lock("turn", { owner: "node two", waitMs: 300 }), (error) => {
      assert.ok(error instanceof StoreError);
      assert.equal(error.code, "lock-timeout");
      assert.match(error.message, /node one/);
      return true;
    });
    await lock.release();
    await (await store.lock("turn", patient)).release();
  });

  void property("a transaction with a lock that is not held changes nothing", async (store) => {
    const lock = await store.lock("turn", patient);
    const made = await store.transaction([{ key: "a", expected: "absent", put: {} }], lock);
    assert.ok(made.committed);
    await lock.release();
    const late = store.transaction([{ key: "b", expected: "absent", put: {} }], lock);
    await assert.rejects(late, withCode("lock-lost"));
    assert.equal((await store.list("")).length, 1);
  });
}
