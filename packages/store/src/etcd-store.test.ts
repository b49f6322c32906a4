// Against real etcd members.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { StoreError, type StoreEvent } from "./cluster-store.ts";
import { clusterStoreContract } from "./contract.ts";
import { EtcdClient } from "./etcd-client.ts";
import { EtcdCluster, withoutEtcd } from "./etcd.fixture.ts";
import { EtcdStore } from "./etcd-store.ts";

if (withoutEtcd === false) {
  let one: EtcdCluster;
  let stores = 0;
  before(async () => (one = await EtcdCluster.start(1)));
  after(async () => await one.remove());
  clusterStoreContract({
    name: "EtcdStore",
    open: () => EtcdStore.open({ endpoints: one.endpoints, prefix: `contract-${++stores}` }),
    dispose: async () => undefined,
  });
}

const live = (title: string, members: number, body: (cluster: EtcdCluster) => Promise<void>) =>
  void test(title, { skip: withoutEtcd }, async () => {
    const cluster = await EtcdCluster.start(members);
    try {
      await body(cluster);
    } finally {
      await cluster.remove();
    }
  });

const unavailable = (error: unknown) => error instanceof StoreError && error.code === "unavailable";

live("two stores see each other's transactions at once, and as events", 1, async (cluster) => {
  const a = await EtcdStore.open(cluster);
  const b = await EtcdStore.open(cluster);
  const seen: StoreEvent[] = [];
  b.watch("volume/", (event) => seen.push(event));
  const first = await a.transaction([
    { key: "volume/x", expected: "absent", put: { n: 1 } },
    { key: "volume/y", expected: "absent", put: { n: 1 } },
  ]);
  assert.ok(first.committed);
  assert.equal((await b.list("")).length, 2);
  const changes = ["volume/x", "volume/y"].map((key) => ({ key, value: { n: 1 } }));
  assert.deepEqual(seen, [{ revision: first.revision, changes }]);
  const stale = { key: "volume/x", expected: "absent" as const, put: {} };
  assert.deepEqual(await b.transaction([stale]), { committed: false, conflicts: ["volume/x"] });
  await a.close();
  await b.close();
});

live("members are killed in turn: what was committed is there, events come once", 3, async (cluster) => {
  const store = await EtcdStore.open(cluster);
  const watcher = await EtcdStore.open({ endpoints: cluster.endpoints.toReversed() });
  const told = new Map<string, number>();
  watcher.watch("", ({ changes }) => {
    for (const { key } of changes) told.set(key, (told.get(key) ?? 0) + 1);
  });
  const committed: string[] = [];
  const put = async (key: string): Promise<void> => {
    try {
      const result = await store.transaction([{ key, expected: "absent", put: { key } }]);
      if (result.committed) committed.push(key);
    } catch (error) {
      assert.ok(unavailable(error), String(error));
    }
  };
  for (let member = 0; member < 3; member++) {
    for (let n = 0; n < 10; n++) await put(`before/${member}-${n}`);
    const killed = cluster.kill(member);
    for (let n = 0; n < 20; n++) await put(`during/${member}-${n}`);
    await killed;
    await cluster.startMember(member);
  }
  assert.ok(committed.length > 60, `${committed.length} of 90 were committed`);
  const kept = (await watcher.list("")).map((it) => it.key);
  for (const key of committed) assert.ok(kept.includes(key), key);
  for (const key of kept) assert.equal(told.get(key), 1, key);
  await store.close();
  await watcher.close();
});

live("without a majority it is readable, not writable, and says so; with it, it goes on", 3, async (cluster) => {
  const store = await EtcdStore.open(cluster);
  await store.transaction([{ key: "a", expected: "absent", put: { n: 1 } }]);
  await Promise.all([cluster.kill(1), cluster.kill(2)]);
  assert.deepEqual((await store.get("a"))?.value, { n: 1 });
  const put = () => store.transaction([{ key: "b", expected: "absent", put: {} }]);
  await assert.rejects(put(), unavailable);
  const status = await store.status();
  assert.equal(status.writable, false);
  assert.match(status.reason ?? "", /etcd does not answer/);
  await cluster.startMember(1);
  assert.equal((await store.status()).writable, true);
  // The lost one may have been committed, or not: what its caller has to find out.
  if ((await store.get("b")) === undefined) assert.ok((await put()).committed);
  await store.close();
});

live("a watch that was left behind a compaction is told the difference", 1, async (cluster) => {
  const store = await EtcdStore.open(cluster);
  const gone = await store.transaction([{ key: "gone", expected: "absent", put: {} }]);
  assert.ok(gone.committed);
  const behind = await EtcdStore.open(cluster);
  const seen: StoreEvent[] = [];
  behind.watch("", (event) => seen.push(event));
  await cluster.kill(0);
  await cluster.startMember(0);
  // Before the watch is back, or after: it must not matter.
  await store.transaction([{ key: "new", expected: "absent", put: { n: 1 } }]);
  await store.transaction([{ key: "gone", expected: gone.revision, delete: true }]);
  const client = new EtcdClient(cluster);
  const { header } = await client.call<{ header: { revision: string } }>("/v3/kv/range", { key: "AA==" });
  await client.call("/v3/kv/compaction", { revision: header.revision, physical: true });
  assert.deepEqual((await behind.list("")).map((it) => it.key), ["new"]);
  const keys = seen.flatMap((event) => event.changes.map((it) => it.key));
  assert.deepEqual(keys.toSorted(), ["gone", "new"]);
  await store.close();
  await behind.close();
});

live("the lock of a holder that fell silent is lost, and goes to the next", 1, async (cluster) => {
  const holder = await EtcdStore.open(cluster);
  const other = await EtcdStore.open(cluster);
  const lock = await holder.lock("turn", { owner: "node one", waitMs: 1000 });
  const waiting = other.lock("turn", { owner: "node two", waitMs: 60_000 });
  // The lease of the first is ended as etcd would end it.
  const client = new EtcdClient(cluster);
  const { leases } = await client.call<{ leases: { ID: string }[] }>("/v3/lease/leases", {});
  for (const { ID } of leases) {
    const found = await client.call<{ keys?: string[] }>("/v3/lease/timetolive", { ID, keys: true });
    const key = Buffer.from(found.keys?.[0] ?? "", "base64").toString();
    if (key === (lock as unknown as { key: string }).key) await client.call("/v3/lease/revoke", { ID });
  }
  const next = await waiting;
  assert.ok(next.token > lock.token);
  const late = holder.transaction([{ key: "a", expected: "absent", put: {} }], lock);
  await assert.rejects(late, { code: "lock-lost" });
  assert.equal(lock.lost.aborted, true);
  const good = await other.transaction([{ key: "a", expected: "absent", put: {} }], next);
  assert.ok(good.committed);
  await holder.close();
  await other.close();
});

live("where etcd asks for a login, it is given, and again when it counts no more", 1, async (cluster) => {
  const root = new EtcdClient(cluster);
  for (const [path, body] of [
    ["user/add", { name: "root", password: "secret" }],
    ["role/add", { name: "root" }],
    ["user/grant", { user: "root", role: "root" }],
    ["enable", {}],
  ] as const) await root.call(`/v3/auth/${path}`, body);
  await assert.rejects(EtcdStore.open(cluster), { code: "refused" });
  const wrong = { user: "root", password: "guess" };
  await assert.rejects(EtcdStore.open({ endpoints: cluster.endpoints, login: wrong }));
  const login = { user: "root", password: "secret" };
  const store = await EtcdStore.open({ endpoints: cluster.endpoints, login });
  const seen: string[] = [];
  store.watch("", ({ changes }) => seen.push(...changes.map((it) => it.key)));
  assert.ok((await store.transaction([{ key: "a", expected: "absent", put: {} }])).committed);
  // A member that was started anew knows no token of before.
  await cluster.kill(0);
  await cluster.startMember(0, login);
  const lock = await store.lock("turn", { owner: "n1", waitMs: 1000 });
  assert.ok((await store.transaction([{ key: "b", expected: "absent", put: {} }], lock)).committed);
  await lock.release();
  assert.deepEqual(seen, ["a", "b"]);
  await store.close();
});
