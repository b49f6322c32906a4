import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedCluster } from "../world/cluster.sim.ts";
import { volfileFor } from "./volfile-request.ts";

async function cluster(): Promise<SimulatedCluster> {
  const it = await SimulatedCluster.start();
  await it.must("volumeCreate", { name: "v", bricks: ["a:/b1/exp", "b:/b3/exp"] });
  await it.must("volumeStart", { volume: "v" });
  await it.must("snapshotCreate", { name: "s", volume: "v", timestamp: false });
  return it;
}

const ask = (it: SimulatedCluster, key: string, trusted = false) =>
  volfileFor(it.stored, { key, trusted, stateDirectoryOf: (name) => `/state/${name}` });

void test("every form of key gets its volfile", async () => {
  const it = await cluster();
  await it.must("snapshotActivate", { snapshot: "s" });
  const { name, bricks } = it.stored.snapshots.get("s")!.document.volumes[0]!;
  const dashed = bricks[0]!.path.slice(1).replaceAll("/", "-");
  const rows: [key: string, kind: string, contains: string][] = [
    ["v", "client", "option remote-subvolume /b1/exp"],
    ["/v", "client", "volume v-dht"],
    ["v.a.b1-exp", "brick", "option directory /b1/exp"],
    ["v.b.b3-exp", "brick", "option directory /b3/exp"],
    ["/snaps/s/v", "client", `option remote-subvolume ${bricks[0]!.path}`],
    [`snaps/s/${name}/${name}.a.${dashed}`, "brick", `option directory ${bricks[0]!.path}`],
  ];
  for (const [key, kind, contains] of rows) {
    const answer = ask(it, key);
    assert.ok(answer.ok, `${key}: ${JSON.stringify(answer)}`);
    assert.equal(answer.kind, kind, key);
    assert.ok(answer.text.includes(contains), `${key}: ${answer.text}`);
  }
});

void test("only trusted clients get the credentials; a snapshot's clients only read", async () => {
  const it = await cluster();
  assert.ok(ask(it, "/snaps/s/v").ok, "its clients wait for what is not activated");
  await it.must("snapshotActivate", { snapshot: "s" });
  const { password } = it.stored.volumes.get("v")!.document;
  const [plain, trusted] = [ask(it, "/v"), ask(it, "/v", true)];
  assert.ok(plain.ok && !plain.text.includes(password));
  assert.ok(trusted.ok && trusted.text.includes(password));
  const snapshot = ask(it, "/snaps/s/v");
  assert.ok(snapshot.ok && snapshot.text.includes("features/read-only"));
});

void test("what does not exist is refused with a reason", async () => {
  const it = await cluster();
  for (const [key, reason] of [
    ["none", /no volume none/],
    ["v.a.b9-exp", /no brick/],
    ["none.a.b1-exp", /no volume none/],
    ["/snaps/none/v", /no snapshot none/],
    ["/snaps/s/w", /not of a volume w/],
    ["shd/v", /no copies to heal from/],
    ["gluster/quotad", /service gluster/],
    ["", /names no volfile/],
  ] as const) {
    const answer = ask(it, key);
    assert.ok(!answer.ok, key);
    assert.match(answer.reason, reason);
  }
});
