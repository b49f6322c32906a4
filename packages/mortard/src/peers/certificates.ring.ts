/** Certificates that are good for seconds: nodes renew them while they run, and after they were away. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { certificateFacts } from "@mortar/trust";
import { good, LiveNode, until } from "../live-node.ts";
import { identify, signal, waitForEnd } from "../process-identity.ts";

const program = ["/usr/bin/etcd", "/usr/local/bin/etcd"].find((it) => existsSync(it));
const skip = program === undefined ? "etcd is not installed (apt-get install etcd-server)" : false;
const patient = { timeout: 120_000, skip };
const LIFETIME_S = 24;
const nodes = [31, 32, 33].map((number) => new LiveNode(number));
const [a, b, c] = nodes as [LiveNode, LiveNode, LiveNode];

before(async () => {
  if (skip !== false) return;
  for (const node of nodes) node.configure({ certificateDays: LIFETIME_S / 86_400 });
  await Promise.all(nodes.map((it) => it.start()));
  for (const { address } of [b, c]) good(await a.client.peerProbe({ host: address }));
});

after(async () => {
  await Promise.all(nodes.map(endEtcd));
  await Promise.all(nodes.map((it) => it.clean()));
});

function etcdOf({ paths }: LiveNode) {
  const file = join(paths.runDirectory, "etcd.pid");
  return identify(existsSync(file) ? Number(readFileSync(file, "latin1").split(" ")[0]) : 0);
}

async function endEtcd(node: LiveNode): Promise<void> {
  const found = etcdOf(node);
  if (found === undefined) return;
  signal(found, "SIGKILL");
  await waitForEnd(found, 5_000);
}

const endsAtMs = ({ paths }: LiveNode): number =>
  certificateFacts(readFileSync(join(paths.tlsDirectory, "node.pem"), "utf8")).notAfterMs;

let volumes = 0;

/** A node decides, and another one performs it. */
async function works(node: LiveNode, other: LiveNode): Promise<void> {
  const name = `v${++volumes}`;
  good(await node.client.volumeCreate({ name, bricks: [other.brickDirectory(name)], force: true }));
  await until("it is heard of", async () => (await other.client.volumeInfo(name)).ok);
}

test("certificates are renewed before they are over, and nothing is restarted", patient, async () => {
  const members = nodes.map((it) => etcdOf(it)?.pid);
  const firstEndsAtMs = Math.max(...nodes.map(endsAtMs));
  while (Date.now() < firstEndsAtMs + 6_000) {
    await works(a, b);
    await sleep(2_000);
  }
  for (const node of nodes) assert.ok(endsAtMs(node) > Date.now(), "its certificate is good");
  for (const [node, other] of [[a, c], [b, a], [c, b]] as const) await works(node, other);
  const peers = good(await a.client.peerList());
  assert.ok(peers.every((it) => it.connected));
  assert.deepEqual(nodes.map((it) => etcdOf(it)?.pid), members);
});

test("a member of etcd that is started later takes the certificate of now", patient, async () => {
  await endEtcd(c);
  await until("it runs again", () => etcdOf(c) !== undefined);
  await endEtcd(b);
  await until("two of them decide", async () =>
    (await a.client.volumeOptionSet("v1", { options: [{ name: "network.ping-timeout", value: "20" }] })).ok);
});

test("a node that was away until its certificate was over is let in again", patient, async () => {
  await b.end("SIGKILL");
  await endEtcd(b);
  while (Date.now() < endsAtMs(b) + 1_000) await sleep(500);
  await b.start();
  await until("it takes part", async () => (await b.client.volumeInfo("v1")).ok);
  await until("it decides", async () =>
    (await b.client.volumeOptionSet("v1", { options: [{ name: "network.ping-timeout", value: "21" }] })).ok);
  await works(b, c);
});
