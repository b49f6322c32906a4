/**
 * Three nodes with real etcd: one that is started while the others are away, and one that goes on
 * alone when they never come back. Each test goes on where the one before it ended.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { good, LiveNode, onMount, until } from "../live-node.ts";
import { identify, signal, waitForEnd } from "../process-identity.ts";

const program = ["/usr/bin/etcd", "/usr/local/bin/etcd"].find((it) => existsSync(it));
const skip = program === undefined ? "etcd is not installed (apt-get install etcd-server)" : false;
const nodes = [11, 12, 13].map((number) => new LiveNode(number));
const [a, b, c] = nodes as [LiveNode, LiveNode, LiveNode];
const patient = { timeout: 120_000, skip };

before(async () => {
  if (skip !== false) return;
  await Promise.all(nodes.map((it) => it.start()));
  for (const { address } of [b, c]) good(await a.client.peerProbe({ host: address }));
});

after(async () => {
  await Promise.all(nodes.map(endEtcd));
  await Promise.all(nodes.map((it) => it.clean()));
});

async function endEtcd({ paths }: LiveNode): Promise<void> {
  const file = join(paths.runDirectory, "etcd.pid");
  const [pid = ""] = existsSync(file) ? readFileSync(file, "latin1").split(" ") : [];
  const found = identify(Number(pid));
  if (found === undefined) return;
  signal(found, "SIGKILL");
  await waitForEnd(found, 5_000);
}

/** As when its power is lost. */
async function crash(...gone: LiveNode[]): Promise<void> {
  await Promise.all(gone.map((it) => it.end("SIGKILL")));
  await Promise.all(gone.map(endEtcd));
}

/** `v` has a brick on the first node and one on the third. */
async function endBricks(node: LiveNode): Promise<void> {
  const { bricks } = good(await node.client.nodeStatus());
  for (const { pid = 0 } of bricks) {
    const found = identify(pid);
    if (found !== undefined) signal(found, "SIGKILL");
  }
}

const clusterOf = ({ paths }: LiveNode): string | undefined => {
  const text = readFileSync(join(paths.stateDirectory, "membership.json"), "utf8");
  return (JSON.parse(text) as { cluster?: string }).cluster;
};

const setPing = (node: LiveNode, value: string) =>
  node.client.volumeOptionSet("v", { options: [{ name: "network.ping-timeout", value }] });

async function pingOf(node: LiveNode): Promise<string | undefined> {
  const { options } = good(await node.client.volumeInfo("v"));
  return options.find((it) => it.name === "network.ping-timeout")?.value;
}

test("a node that starts alone starts its bricks, serves clients, and changes nothing", patient, async () => {
  const bricks = [a.brickDirectory("v"), c.brickDirectory("v")];
  good(await a.client.volumeCreate({ name: "v", bricks, force: true }));
  good(await a.client.volumeCreate({ name: "own", bricks: [a.brickDirectory("own")], force: true }));
  for (const name of ["v", "own"]) good(await a.client.volumeStart(name));
  good(await setPing(b, "20"));
  await until("it is heard of", async () => (await pingOf(a)) === "20");
  await endBricks(a);
  await crash(a, b, c);
  await a.start();
  const status = good(await a.client.nodeStatus());
  assert.deepEqual(status.bricks.map((it) => it.state), ["online", "online"]);
  assert.equal(status.clusterState?.writable, false);
  assert.equal(await pingOf(a), "20");
  const mountPoint = a.mount("own");
  onMount.write(join(mountPoint, "file"), "written without a majority");
  assert.equal(onMount.read(join(mountPoint, "file")).toString(), "written without a majority");
  a.unmount(mountPoint);
  const answer = await setPing(a, "21");
  assert.ok(!answer.ok);
  assert.equal(answer.problem.opErrstr, "Quorum not met. Volume operation not allowed.");
  assert.match(answer.problem.detail, /what is known is of .* UTC, and cannot be changed/);
});

test("when the majority is back it goes on, and has what was decided without it", patient, async () => {
  await Promise.all([b, c].map((it) => it.start()));
  await until("it works again", async () => (await setPing(b, "22")).ok);
  await until("the first one has it", async () => (await pingOf(a)) === "22");
  await until("it can decide too", async () => (await setPing(a, "23")).ok);
  assert.equal(good(await a.client.nodeStatus()).clusterState?.writable, true);
  const volume = good(await c.client.volumeStatus("v"));
  assert.ok(volume.processes.every((it) => it.online));
});

test("without the majority for good it goes on alone, when it is told so twice", patient, async () => {
  const refused = await a.client.peerRecover({ yes: true });
  assert.ok(!refused.ok && /The majority of the cluster answers/.test(refused.problem.detail));
  const former = clusterOf(a);
  await crash(b, c);
  const warned = await a.client.peerRecover({});
  assert.ok(!warned.ok);
  assert.match(warned.problem.detail, /would count as gone.*two clusters/s);
  assert.match(warned.problem.nextStep ?? "", /peer recover --yes/);
  assert.equal(clusterOf(a), former);
  assert.deepEqual(good(await a.client.peerRecover({ yes: true })).gone, [b.address, c.address]);
  assert.notEqual(clusterOf(a), former);
  assert.equal(await pingOf(a), "23");
  good(await setPing(a, "24"));
  const peers = good(await a.client.peerList());
  assert.deepEqual(peers.map((it) => it.stateName), ["Peer Rejected", "Peer Rejected", "Peer in Cluster"]);
  await crash(a);
  await a.start();
  assert.equal(await pingOf(a), "24");
  good(await setPing(a, "25"));
});

test("a node of the former cluster is a stranger; it leaves, is let in, and has its brick again", patient, async () => {
  await c.start();
  const late = await setPing(c, "30");
  assert.ok(!late.ok, "it has no majority");
  const effects = good(await a.client.peerList());
  assert.ok(effects.every((it) => it.self || !it.connected));
  const warned = await c.client.peerLeave({});
  assert.ok(!warned.ok && /would forget/.test(warned.problem.detail));
  good(await c.client.peerLeave({ yes: true }));
  assert.equal(good(await c.client.nodeStatus()).volumeCount, 0);
  good(await a.client.peerProbe({ host: c.address }));
  assert.equal(await pingOf(c), "25");
  await until("its brick runs", async () =>
    good(await a.client.volumeStatus("v")).processes.every((it) => it.online));
  good(await setPing(c, "26"));
});

test("what will never come back is taken out", patient, async () => {
  good(await a.client.peerDetach(b.address, { force: true }));
  const names = good(await c.client.peerList()).map((it) => it.hostname);
  assert.deepEqual(names, [a.address, "localhost"]);
});
