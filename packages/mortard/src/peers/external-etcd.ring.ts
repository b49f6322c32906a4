/** Two nodes whose state is in an etcd that somebody else runs, over TLS. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { EtcdClient } from "@mortar/store";
import { type Authority, certificateRequest, issue, newAuthority, newKey } from "@mortar/trust";
import { good, LiveNode, until } from "../live-node.ts";

const program = ["/usr/bin/etcd", "/usr/local/bin/etcd"].find((it) => existsSync(it));
const skip = program === undefined ? "etcd is not installed (apt-get install etcd-server)" : false;
const patient = { timeout: 60_000, skip };
const directory = mkdtempSync(join(tmpdir(), `mortard-external-${process.pid}-`));
const address = `127.60.${(process.pid >> 8) & 0xff}.${(process.pid & 0xff) || 1}`;
const endpoint = `https://${address}:2379`;
const nodes = [21, 22].map((number) => new LiveNode(number));
const [a, b] = nodes as [LiveNode, LiveNode];
const file = (name: string): string => join(directory, name);
let authority: Authority;
let etcd: ChildProcess;

/** Files NAME.pem and NAME.key, of an authority that is not the cluster's. */
async function certify(name: string): Promise<void> {
  const key = await newKey();
  const request = await certificateRequest(key, name);
  const names = { uuid: name, hosts: [address] };
  writeFileSync(file(`${name}.key`), key);
  writeFileSync(file(`${name}.pem`), await issue(authority, request, names, Date.now()));
}

function startEtcd(): void {
  etcd = spawn(program ?? "", [
    "--name", "theirs", "--data-dir", file("data"),
    "--listen-client-urls", endpoint, "--advertise-client-urls", endpoint,
    "--listen-peer-urls", `http://${address}:2380`,
    "--initial-advertise-peer-urls", `http://${address}:2380`,
    "--initial-cluster", `theirs=http://${address}:2380`,
    "--cert-file", file("member.pem"), "--key-file", file("member.key"),
    "--trusted-ca-file", file("ca.pem"), "--client-cert-auth", "--log-level", "error",
  ], { stdio: "ignore" });
}

before(async () => {
  if (skip !== false) return;
  authority = await newAuthority("Somebody else", Date.now());
  writeFileSync(file("ca.pem"), authority.certificate);
  for (const name of ["member", "client"]) await certify(name);
  startEtcd();
  const tls = { ca: file("ca.pem"), certificate: file("client.pem"), key: file("client.key") };
  const etcdCluster = { endpoints: [endpoint], prefix: "storage/mortar", ...tls };
  a.configure({ etcdCluster });
  await Promise.all(nodes.map((it) => it.start()));
});

after(async () => {
  await Promise.all(nodes.map((it) => it.clean()));
  etcd?.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
});

const membershipOf = ({ paths }: LiveNode): { kind: string; external?: boolean; cluster?: string } =>
  JSON.parse(readFileSync(join(paths.stateDirectory, "membership.json"), "utf8")) as never;

async function keys(): Promise<string[]> {
  const [ca, certificate, key] = ["ca.pem", "client.pem", "client.key"].map((it) => readFileSync(file(it), "utf8"));
  const client = new EtcdClient({ endpoints: [endpoint], tls: { ca: ca!, certificate: certificate!, key: key! } });
  const all = { key: "AA==", range_end: "AA==", keys_only: true };
  const { kvs = [] } = await client.call<{ kvs?: { key: string }[] }>("/v3/kv/range", all);
  client.close();
  return kvs.map((it) => Buffer.from(it.key, "base64").toString());
}

test("a newcomer that does not know how to reach it is told what to write", patient, async () => {
  const answer = await a.client.peerProbe({ host: b.address });
  assert.ok(!answer.ok);
  assert.match(answer.problem.detail, /write `etcdCluster` into it as on the other nodes/);
  assert.equal(membershipOf(a).external, true);
  const config = JSON.parse(readFileSync(a.paths.configFile, "utf8")) as object;
  await b.end("SIGTERM");
  b.configure(config);
  await b.start();
});

test("the state is there, below the prefix, and no member of ours runs", patient, async () => {
  good(await a.client.peerProbe({ host: b.address }));
  good(await b.client.volumeCreate({ name: "v", bricks: [a.brickDirectory("v")], force: true }));
  await until("it is heard of", async () => (await a.client.volumeInfo("v")).ok);
  const prefix = `storage/mortar/${membershipOf(a).cluster}/`;
  const found = await keys();
  assert.ok(found.every((it) => it.startsWith(prefix)), found.join());
  assert.ok(found.includes(`${prefix}d/volume/v`));
  for (const { paths } of nodes) assert.ok(!existsSync(join(paths.stateDirectory, "etcd")));
  const refused = await a.client.peerRecover({ yes: true });
  assert.ok(!refused.ok && /somebody else/.test(refused.problem.detail));
});

test("while it is away a node starts with what it knew, and goes on when it is back", patient, async () => {
  const ended = once(etcd, "exit");
  etcd.kill("SIGKILL");
  await ended;
  await b.end("SIGKILL");
  await b.start();
  assert.equal(good(await b.client.volumeInfo("v")).name, "v");
  assert.ok(!(await b.client.volumeStart("v")).ok);
  startEtcd();
  await until("it goes on", async () => (await b.client.volumeStart("v")).ok);
});

test("its certificates may be exchanged under the nodes", patient, async () => {
  await certify("client");
  good(await a.client.volumeStop("v"));
  good(await b.client.volumeDelete("v"));
});

test("the last node that stays has the state in a file again, and leaves nothing there", patient, async () => {
  good(await a.client.peerDetach(b.address));
  assert.equal(membershipOf(a).kind, "embedded");
  await until("the other one has left", () => membershipOf(b).kind === "embedded");
  assert.deepEqual((await keys()).filter((it) => it.includes("/d/")), []);
});
