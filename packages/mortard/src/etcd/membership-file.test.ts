import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { MemoryStore } from "@mortar/store";
import { copyStore } from "./copy-store.ts";
import { memberCount } from "./member-keeper.ts";
import { embedded, type Membership, MembershipFile } from "./membership-file.ts";
import { SwitchableStore } from "./switchable-store.ts";

const directory = mkdtempSync(join(tmpdir(), `mortard-membership-${process.pid}-`));
after(() => rmSync(directory, { recursive: true }));

test("without a file the state is embedded; what was written is read, and damage is refused", () => {
  const file = new MembershipFile(directory);
  assert.deepEqual(file.membership, embedded);
  const etcd: Membership = { schema: 1, kind: "etcd", cluster: "c", endpoints: ["https://a:1"] };
  file.write(etcd);
  assert.deepEqual(new MembershipFile(directory).membership, etcd);
  for (const text of ["", "{}", '{"schema":1,"kind":"etcd","endpoints":[]}', '{"schema":2,"kind":"embedded"}']) {
    writeFileSync(join(directory, "membership.json"), text);
    assert.throws(() => new MembershipFile(directory), /does not say where the state is/, text);
  }
});

test("a copy has all that is wanted, in as many transactions as it takes, and meets nothing there", async () => {
  const [source, target] = [new MemoryStore(), new MemoryStore()];
  for (let number = 0; number < 250; number++) {
    await source.transaction([{ key: `k/${number}`, expected: "absent", put: { number } }]);
  }
  assert.equal(await copyStore(source, target, ({ key, value }) => (key === "k/7" ? undefined : value)), 249);
  assert.equal(await target.get("k/7"), undefined);
  assert.deepEqual((await target.get("k/249"))?.value, { number: 249 });
  await assert.rejects(copyStore(source, target, ({ value }) => value), /not empty/);
});

test("an exchanged store goes on telling its watchers", async () => {
  const [first, second] = [new MemoryStore(), new MemoryStore()];
  const store = new SwitchableStore(first);
  const told: string[] = [];
  const stop = store.watch("k/", ({ changes }) => told.push(...changes.map((it) => it.key)));
  await store.transaction([{ key: "k/1", expected: "absent", put: {} }]);
  assert.equal(store.exchange(second), first);
  await first.transaction([{ key: "k/2", expected: "absent", put: {} }]);
  await store.transaction([{ key: "k/3", expected: "absent", put: {} }]);
  stop();
  await store.transaction([{ key: "k/4", expected: "absent", put: {} }]);
  assert.deepEqual(told, ["k/1", "k/3"]);
});

test("an odd number of members keeps the state, as soon as there are three nodes", () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6, 9].map(memberCount), [1, 2, 3, 3, 5, 5, 5]);
});
