/**
 * Three nodes on loopback addresses, with real etcd: they come together, work, lose one and two of
 * them, and part again. Each test goes on where the one before it ended.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { connect } from "node:tls";
import { certificateRequest, issue, newAuthority, newKey } from "@mortar/trust";
import { good, LiveNode, onMount, until } from "../live-node.ts";
import { identify, signal } from "../process-identity.ts";

const program = ["/usr/bin/etcd", "/usr/local/bin/etcd"].find((it) => existsSync(it));
const skip = program === undefined ? "etcd is not installed (apt-get install etcd-server)" : false;
const nodes = [1, 2, 3].map((number) => new LiveNode(number));
const [a, b, c] = nodes as [LiveNode, LiveNode, LiveNode];
const patient = { timeout: 120_000, skip };

before(async () => {
  if (skip !== false) return;
  await Promise.all(nodes.map((it) => it.start()));
});

after(async () => {
  for (const node of nodes) endEtcd(node);
  await Promise.all(nodes.map((it) => it.clean()));
});

function etcdOf({ paths }: LiveNode) {
  try {
    const [pid = ""] = readFileSync(join(paths.runDirectory, "etcd.pid"), "latin1").split(" ");
    return identify(Number(pid));
  } catch {
    return undefined;
  }
}

function endEtcd(node: LiveNode): void {
  const found = etcdOf(node);
  if (found !== undefined) signal(found, "SIGKILL");
}

const membershipOf = ({ paths }: LiveNode): { kind: string; endpoints?: string[] } =>
  JSON.parse(readFileSync(join(paths.stateDirectory, "membership.json"), "utf8")) as never;

async function peersOf(node: LiveNode): Promise<string[]> {
  const peers = good(await node.client.peerList());
  return peers.map((it) => `${it.hostname} ${it.connected ? "+" : "-"}`);
}

async function refusal(answer: Promise<{ ok: boolean }>): Promise<string> {
  const { ok, problem } = (await answer) as { ok: boolean; problem?: { opErrstr: string } };
  assert.ok(!ok && problem !== undefined);
  return problem.opErrstr;
}

test("a node alone knows itself, and says what cannot be probed or detached", patient, async () => {
  assert.deepEqual(await peersOf(a), ["localhost +"]);
  const self = good(await a.client.peerProbe({ host: a.address }));
  assert.equal(self.outcome, "localhost");
  assert.equal(
    await refusal(a.client.peerProbe({ host: "127.199.3.7" })),
    "Probe returned with Transport endpoint is not connected",
  );
  assert.equal(await refusal(a.client.peerDetach(a.address)), `${a.address} is localhost`);
  assert.equal(await refusal(a.client.peerDetach("127.9.9.9")), "127.9.9.9 is not part of cluster");
  assert.ok(!existsSync(join(a.paths.stateDirectory, "membership.json")));
});

test("probing makes a cluster: all list each other, the state is on three members", patient, async () => {
  for (const { address } of [b, c]) {
    const { ok, ...answer } = await a.client.peerProbe({ host: address });
    assert.ok(ok, JSON.stringify(answer));
    assert.deepEqual((answer as { warnings?: unknown }).warnings, []);
  }
  assert.equal(good(await a.client.peerProbe({ host: b.address })).outcome, "known");
  assert.deepEqual(await peersOf(a), [`${b.address} +`, `${c.address} +`, "localhost +"]);
  await until("all are connected", async () =>
    (await Promise.all(nodes.map(peersOf))).every((it) => it.every((peer) => peer.endsWith("+"))));
  assert.deepEqual(await peersOf(c), [`${a.address} +`, `${b.address} +`, "localhost +"]);
  await until("all know all members", () =>
    nodes.every((it) => membershipOf(it).endpoints?.length === 3));
  assert.ok(nodes.every((it) => etcdOf(it) !== undefined));
});

test("a volume over three nodes is made by one, started by another, mounted from a third", patient, async () => {
  const bricks = nodes.map((it) => it.brickDirectory("brick"));
  good(await a.client.volumeCreate({ name: "v", bricks, force: true }));
  good(await b.client.volumeStart("v"));
  const [status] = good(await c.client.volumeStatusAll());
  assert.deepEqual(status?.processes.map((it) => [it.host, it.online]), nodes.map((it) => [it.address, true]));
  const mountPoint = c.mount("v");
  for (let file = 0; file < 12; file++) onMount.write(join(mountPoint, `f${file}`), String(file));
  for (let file = 0; file < 12; file++) {
    const text = onMount.read(join(mountPoint, `f${file}`)).toString();
    assert.equal(text, String(file));
  }
  c.unmount(mountPoint);
  const infos = await Promise.all(nodes.map(async (it) => good(await it.client.volumeInfo("v"))));
  assert.deepEqual(infos[1], infos[0]);
  assert.deepEqual(infos[2], infos[0]);
});

test("commands of all nodes at once run one after the other, and none is lost", patient, async () => {
  const names = ["performance.cache-size", "network.ping-timeout", "performance.io-thread-count"];
  const answers = await Promise.all(nodes.map(({ client }, index) =>
    client.volumeOptionSet("v", { options: [{ name: names[index]!, value: ["64MB", "30", "8"][index]! }] })));
  for (const answer of answers) good(answer);
  const { options } = good(await c.client.volumeInfo("v"));
  assert.deepEqual(names.filter((name) => options.some((it) => it.name === name)), names);
});

test("strangers get nothing from the peer port, nor from etcd", patient, async () => {
  const authority = await newAuthority("Somebody", Date.now());
  const key = await newKey();
  const uuid = good(await b.client.nodeStatus()).uuid;
  const certificate = await issue(
    authority, await certificateRequest(key, uuid), { uuid, hosts: [b.address] }, Date.now(),
  );
  const ask = (path: string, cert?: string) =>
    new Promise<{ status: number; text: string }>((resolve, reject) => {
      const outgoing = request({
        host: a.address, port: 24017, path, method: "POST", rejectUnauthorized: false, agent: false,
        ...(cert === undefined ? {} : { key, cert }),
      }, (incoming) => {
        let text = "";
        incoming.on("data", (chunk: Buffer) => (text += chunk.toString()));
        incoming.on("end", () => resolve({ status: incoming.statusCode ?? 0, text }));
      });
      outgoing.on("error", reject);
      outgoing.end();
    });
  for (const path of ["hello", "effect", "leave", "member/start", "member/end"]) {
    for (const cert of [undefined, certificate]) {
      const { status } = await ask(`/v1/peer/${path}`, cert);
      assert.equal(status, 403, `${path} ${cert === undefined ? "without" : "with"} a certificate`);
    }
  }
  // Trusted by its address, and already in a cluster: it tells so, and is not taken over.
  const { status, text } = await ask("/v1/peer/join/enter", certificate);
  assert.equal(status, 403, text);
  for (const port of [24018, 24019]) {
    await assert.rejects(new Promise((resolve, reject) => {
      const socket = connect({ host: a.address, port, key, cert: certificate, rejectUnauthorized: false });
      socket.on("error", reject);
      socket.on("data", resolve);
      socket.on("end", () => reject(new Error("closed")));
      socket.on("secureConnect", () => socket.write("GET /version HTTP/1.1\r\nHost: x\r\n\r\n"));
    }), `port ${port}`);
  }
});

test("a node that is away is told of: its bricks are offline, what needs it says so", patient, async () => {
  await c.end("SIGKILL");
  await until("it is noticed", async () => (await peersOf(a)).includes(`${c.address} -`));
  const status = good(await a.client.volumeStatus("v"));
  assert.equal(status.processes.filter((it) => it.online).length, 2);
  const answer = await a.client.volumeStop("v");
  assert.ok(!answer.ok);
  assert.match(JSON.stringify(answer.problem.details), new RegExp(`The node ${c.address} is not reachable`));
  assert.match(
    await refusal(a.client.peerDetach(c.address)),
    /One of the peers is probably down. Check with 'peer status'/,
  );
  good(await a.client.volumeOptionSet("v", { options: [{ name: "network.ping-timeout", value: "20" }] }));
});

test("when it is back it is as the state says, and knows what happened meanwhile", patient, async () => {
  await c.start();
  await until("its brick runs", async () =>
    good(await a.client.volumeStatus("v")).processes.every((it) => it.online));
  const { options } = good(await c.client.volumeInfo("v"));
  assert.equal(options.find((it) => it.name === "network.ping-timeout")?.value, "20");
});

test("without a majority nothing is changed and all that is known is told", patient, async () => {
  await Promise.all([b, c].map((it) => it.end("SIGKILL")));
  for (const node of [b, c]) endEtcd(node);
  assert.equal(good(await a.client.volumeInfo("v")).name, "v");
  const answer = await a.client.volumeOptionSet("v", {
    options: [{ name: "network.ping-timeout", value: "15" }],
  });
  assert.ok(!answer.ok);
  assert.equal(answer.problem.opErrstr, "Quorum not met. Volume operation not allowed.");
  assert.match(answer.problem.detail, new RegExp(`${b.address.replaceAll(".", "\\.")}:24018`));
  await Promise.all([b, c].map((it) => it.start()));
  await until("it works again", async () =>
    (await a.client.volumeOptionSet("v", {
      options: [{ name: "network.ping-timeout", value: "25" }],
    })).ok);
  await until("all have it", async () => {
    const infos = await Promise.all(nodes.map(async (it) => good(await it.client.volumeInfo("v"))));
    return infos.every(({ options }) => options.some((it) => it.value === "25"));
  });
});

test("a node with bricks stays; without, it is taken out and is fresh again", patient, async () => {
  assert.match(await refusal(a.client.peerDetach(c.address)), /hosts one or more bricks/);
  good(await a.client.volumeStop("v"));
  good(await b.client.volumeDelete("v"));
  good(await a.client.peerDetach(c.address));
  assert.deepEqual(await peersOf(a), [`${b.address} +`, "localhost +"]);
  await until("it has left", async () => (await peersOf(c)).join() === "localhost +");
  assert.equal(membershipOf(c).kind, "embedded");
  assert.equal(etcdOf(c), undefined);
});

test("a daemon killed in the middle of a probe: the next probe ends well", patient, async () => {
  for (const [victim, delayMs] of [[c, 120], [a, 250], [c, 450]] as const) {
    const probing = a.client.peerProbe({ host: c.address }).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    await victim.end("SIGKILL");
    await probing;
    await victim.start();
  }
  await until("it is in", async () => (await a.client.peerProbe({ host: c.address })).ok);
  await until("all know each other", async () =>
    (await Promise.all(nodes.map(peersOf))).every((it) => it.length === 3 && it.every((p) => p.endsWith("+"))));
});

test("when the last other node is taken out the state is on one node again, without etcd", patient, async () => {
  for (const { address } of [b, c]) {
    const answer = await a.client.peerDetach(address);
    assert.ok(answer.ok && answer.warnings.length === 0, JSON.stringify(answer));
  }
  assert.equal(membershipOf(a).kind, "embedded");
  assert.equal(etcdOf(a), undefined);
  assert.deepEqual(await peersOf(a), ["localhost +"]);
  good(await a.client.volumeCreate({ name: "w", bricks: [a.brickDirectory("w")], force: true }));
  await a.end("SIGKILL");
  await a.start();
  assert.equal(good(await a.client.volumeInfo("w")).name, "w");
});

test("a node with volumes is not taken in; one that trusts nobody is, by token or by its operator", patient, async () => {
  assert.equal(
    await refusal(b.client.peerProbe({ host: a.address })),
    `${a.address} is either already part of another cluster or having volumes configured`,
  );
  for (const node of [b, c]) {
    await node.end("SIGKILL");
    node.configure({ trustedNetworks: [] });
    await node.start();
  }
  const first = await b.client.peerProbe({ host: c.address });
  assert.ok(!first.ok);
  const code = /peer accept ([0-9a-f]{12})/.exec(first.problem.nextStep ?? "")?.[1] ?? "";
  assert.deepEqual(good(await c.client.peerRequests()).map((it) => it.code), [code]);
  const wrong = await b.client.peerProbe({ host: c.address, token: good(await b.client.peerToken()).token });
  assert.ok(!wrong.ok, "a token of another node");
  const { token } = good(await c.client.peerToken());
  good(await b.client.peerProbe({ host: c.address, token }));
  assert.deepEqual(await peersOf(b), [`${c.address} +`, "localhost +"]);
  good(await b.client.peerDetach(c.address));
  await until("it has left", async () =>
    membershipOf(c).kind === "embedded" && (await peersOf(c)).length === 1);
  const again = await b.client.peerProbe({ host: c.address });
  assert.ok(!again.ok, "the token was used");
  const second = /peer accept ([0-9a-f]{12})/.exec(again.problem.nextStep ?? "")?.[1] ?? "";
  good(await c.client.peerAccept({ code: second }));
  good(await b.client.peerProbe({ host: c.address }));
  good(await b.client.peerDetach(c.address));
});
