import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { LastKnownStore } from "./last-known-store.ts";
import { MemoryStore } from "./memory-store.ts";
import { StateCopy } from "./state-copy.ts";
import type { ClusterStore } from "./cluster-store.ts";

async function put(store: ClusterStore, key: string, value: object): Promise<void> {
  const expected = (await store.get(key))?.revision ?? "absent";
  assert.ok((await store.transaction([{ key, expected, put: value }])).committed);
}

async function remove(store: ClusterStore, key: string): Promise<void> {
  const { revision = 0 } = (await store.get(key)) ?? {};
  assert.ok((await store.transaction([{ key, expected: revision, delete: true }])).committed);
}

const valuesOf = async (store: { list(prefix: string): Promise<readonly { key: string; value: object }[]> }) =>
  (await store.list("")).map(({ key, value }) => [key, value]);

async function withCopy(
  body: (reopen: () => Promise<StateCopy>, failures: Error[]) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), `mortar-copy-${process.pid}-`));
  const failures: Error[] = [];
  let copy: StateCopy | undefined;
  try {
    await body(async () => {
      await copy?.close();
      copy = StateCopy.open(join(directory, "copy"), (error) => failures.push(error));
      return copy;
    }, failures);
  } finally {
    await copy?.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

test("a copy has what the store has, also after a reopening, and follows it", async () => {
  await withCopy(async (reopen, failures) => {
    const store = new MemoryStore();
    await put(store, "volume/a", { n: 1 });
    await put(store, "volume/b", { n: 2 });
    let copy = await reopen();
    assert.equal(await copy.mark(), undefined);
    await copy.follow(store, "one");
    await put(store, "volume/a", { n: 3 });
    await remove(store, "volume/b");
    await put(store, "volume/c", { n: 4 });
    copy = await reopen();
    assert.deepEqual(await valuesOf(copy), [["volume/a", { n: 3 }], ["volume/c", { n: 4 }]]);
    const { cluster, revision } = (await copy.mark())!;
    assert.deepEqual([cluster, revision], ["one", 5]);
    // What happened while nobody followed.
    await remove(store, "volume/c");
    await copy.follow(store, "one");
    assert.deepEqual(await valuesOf(copy), [["volume/a", { n: 3 }]]);
    assert.deepEqual(failures, []);
  });
});

test("a copy of many entries is not whole before all of them are there", async () => {
  await withCopy(async (reopen) => {
    const store = new MemoryStore();
    for (let n = 0; n < 300; n++) await put(store, `volume/v${n}`, { n });
    const copy = await reopen();
    const following = copy.follow(store, "one");
    assert.equal(await copy.mark(), undefined);
    await following;
    assert.equal((await copy.list("volume/")).length, 300);
    assert.equal((await copy.mark())?.revision, 300);
    await copy.clear();
    assert.deepEqual([await copy.mark(), await valuesOf(copy)], [undefined, []]);
  });
});

test("what is last known can be read and not changed, and says of when it is", async () => {
  await withCopy(async (reopen) => {
    const store = new MemoryStore();
    await put(store, "volume/a", { n: 1 });
    const copy = await reopen();
    await copy.follow(store, "one");
    const known = new LastKnownStore(copy, Date.UTC(2026, 10, 22, 8, 30));
    known.notReached("n2 is away.");
    assert.deepEqual((await known.get("volume/a"))?.value, { n: 1 });
    assert.deepEqual(await valuesOf(known), [["volume/a", { n: 1 }]]);
    const refused = { code: "unavailable", message: /2026-11-22 08:30:00 UTC.*n2 is away/ };
    await assert.rejects(known.transaction(), refused);
    await assert.rejects(known.lock("turn", { owner: "n1", waitMs: 0 }), refused);
    assert.equal((await known.status()).writable, false);
  });
});
