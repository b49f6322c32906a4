// Three nodes with real etcd: what happens on one is told by all, and that one is away by one of the others.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type ClusterEvent, followEvents } from "@mortar/api";
import { good, LiveNode, until } from "../live-node.ts";
import { identify, signal, waitForEnd } from "../process-identity.ts";

const nodes = [21, 22, 23].map((number) => new LiveNode(number));
const [a, b, c] = nodes as [LiveNode, LiveNode, LiveNode];
const patient = { timeout: 120_000 };
const heard: ClusterEvent[] = [];
const stop = new AbortController();
let following: Promise<void> | undefined;

before(async () => {
  await Promise.all(nodes.map((it) => it.start()));
  for (const { address } of [b, c]) good(await a.client.peerProbe({ host: address }));
  const { socketPath } = a.paths;
  following = (async () => {
    for await (const event of followEvents({ socketPath }, { signal: stop.signal })) heard.push(event);
  })();
  await until("all hear each other", async () => {
    const peers = await Promise.all(nodes.map(async (it) => good(await it.client.peerList())));
    return peers.every((it) => it.length === 3 && it.every(({ connected }) => connected));
  });
});

after(async () => {
  stop.abort();
  await following;
  for (const { paths } of nodes) {
    const file = join(paths.runDirectory, "etcd.pid");
    const found = existsSync(file)
      ? identify(Number(readFileSync(file, "latin1").split(" ")[0])) : undefined;
    if (found === undefined) continue;
    signal(found, "SIGKILL");
    await waitForEnd(found, 5_000);
  }
  await Promise.all(nodes.map((it) => it.clean()));
});

const of = (kind: string): ClusterEvent[] => heard.filter((it) => it.kind === kind);

test("what was done on one node is heard on another, live and in the list", patient, async () => {
  const bricks = [b.brickDirectory("one")];
  good(await b.client.volumeCreate({ name: "v", bricks, force: true }));
  good(await b.client.volumeStart("v"));
  await until("it is heard", () => of("volume-started").length === 1);
  assert.equal(of("volume-created")[0]?.node, b.address);
  const listed = good(await c.client.eventList({ limit: 1_000 }));
  assert.deepEqual(listed.filter(({ kind }) => kind === "volume-started").map(({ id }) => id),
    [of("volume-started")[0]?.id]);
  assert.equal(listed.filter(({ kind }) => kind === "node-started").length, 3);
});

test("a brick that is killed on another node is heard of", patient, async () => {
  const [brick] = good(await b.client.nodeStatus()).bricks;
  process.kill(brick!.pid!, "SIGKILL");
  await until("it is heard", () => of("brick-up").length === 1);
  assert.deepEqual(of("brick-down").map(({ node }) => node), [b.address]);
});

test("that a node is away, and is back, is told once", patient, async () => {
  await c.end("SIGKILL");
  await until("it is away", () => of("peer-away").length > 0);
  const listed = await a.client.eventList({ limit: 1_000 });
  assert.ok(listed.ok && listed.warnings.some((it) => it.includes(c.address)));
  await c.start();
  await until("it is back", () => of("peer-back").length > 0);
  await until("it tells that it came up", () => of("node-started").some(({ node }) => node === c.address));
  assert.deepEqual(of("peer-away").map(({ object }) => object), [c.address]);
  assert.deepEqual(of("peer-back").map(({ object }) => object), [c.address]);
});
