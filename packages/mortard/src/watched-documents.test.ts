import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStore } from "@mortar/store";
import { AccessTokens } from "./access/tokens.ts";
import { SwitchableStore } from "./etcd/switchable-store.ts";
import { WatchedDocuments } from "./watched-documents.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };

test("when the store is exchanged, tokens of the former one are good no more, and the others are", async () => {
  const cluster = new MemoryStore();
  const theirs = await (await AccessTokens.open(cluster, silent))
    .create({ name: "theirs", role: "admin", createdBy: "test" });
  const store = new SwitchableStore(new MemoryStore());
  const tokens = await AccessTokens.open(store, silent);
  const own = await tokens.create({ name: "own", role: "admin", createdBy: "test" });
  assert.ok(own !== undefined && theirs !== undefined);
  store.exchange(cluster);
  await tokens.reload();
  assert.equal(tokens.bearerOf(own.token), undefined);
  assert.equal(tokens.bearerOf(theirs.token)?.name, "theirs");
  tokens.close();
});

test("what cannot be read leaves what was known, and is read later", async () => {
  const inner = new MemoryStore();
  let fails = false;
  const store = Object.assign(Object.create(inner) as MemoryStore, {
    list: async (prefix: string) => {
      if (fails) throw new Error("no majority");
      return await inner.list(prefix);
    },
    watch: inner.watch.bind(inner), get: inner.get.bind(inner),
    transaction: inner.transaction.bind(inner),
  });
  const documents = await WatchedDocuments.open<{ n: number }>(store, "pool/x/", silent);
  assert.equal(await documents.add("a", { n: 1 }), true);
  assert.equal(await documents.add("a", { n: 2 }), false);
  assert.deepEqual(documents.all, [{ n: 1 }]);
  fails = true;
  await documents.reload();
  assert.deepEqual(documents.all, [{ n: 1 }]);
  fails = false;
  await inner.transaction([{ key: "pool/x/b", expected: "absent", put: { n: 3 } }]);
  await documents.reload();
  assert.deepEqual(documents.all, [{ n: 1 }, { n: 3 }]);
  assert.equal(await documents.remove("a"), true);
  assert.equal(await documents.remove("a"), false);
  assert.deepEqual(documents.all, [{ n: 3 }]);
  documents.close();
});
