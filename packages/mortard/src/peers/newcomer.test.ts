import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  certificateRequest, fingerprintOf, issue, newAuthority, newKey, parseToken, proofOf,
} from "@mortar/trust";
import { joinCode, type JoinEnter } from "./join-wire.ts";
import { Newcomer } from "./newcomer.ts";
import { NodeTls } from "./node-tls.ts";
import { PeerError } from "./peer-error.ts";
import { TrustedNetworks } from "./trusted-networks.ts";

const directory = mkdtempSync(join(tmpdir(), `mortard-newcomer-${process.pid}-`));
after(() => rmSync(directory, { recursive: true }));

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const uuid = "aa41947e-c9e3-43a0-8ea4-71889518767c";
const tls = await NodeTls.open(join(directory, "tls"), uuid);
const authority = await newAuthority("Mortar test", Date.now());
const cluster = fingerprintOf(authority.certificate);

async function callerFrom(address: string) {
  const name = "c3a71862-6d0b-4ef4-b8b3-4b9d196c0055";
  const request = await certificateRequest(await newKey(), name);
  const certificate = await issue(authority, request, { uuid: name, hosts: [address] }, Date.now());
  return { address, certificate, fingerprint: fingerprintOf(certificate), shown: tls.fingerprint };
}

function newcomer(standing: "fresh" | "has-volumes" = "fresh") {
  const entered: JoinEnter[] = [];
  const it = new Newcomer({
    uuid, tls, log: silent,
    networks: new TrustedNetworks(["10.7.0.0/16"]),
    facts: () => ({
      uuid, hostname: "b", address: "10.9.0.2", names: [], peerPort: 24017, snapMountRoot: "/s",
      version: "0.1.0", standing,
    }),
    enter: async (entry) => void entered.push(entry),
  });
  return { it, entered };
}

async function entryFor(request: string): Promise<JoinEnter> {
  const certificate = await issue(authority, request, { uuid, hosts: ["b"] }, Date.now());
  const endpoints = ["https://10.9.0.1:24018"];
  return { authority: authority.certificate, certificate, cluster: "x", endpoints };
}

const refused = (reason: string) => (error: unknown) =>
  error instanceof PeerError && error.code === "refused" && error.reason === reason;

test("a stranger is told nothing, and cannot make it enter", async () => {
  const { it, entered } = newcomer();
  const caller = await callerFrom("10.9.0.1");
  await assert.rejects(it.ask({ cluster, host: "a" }, caller), refused("not-trusted"));
  const entry = await entryFor(await tls.request());
  await assert.rejects(it.enter(entry, caller), refused("not-trusted"));
  for (const body of [undefined, "x", {}, { cluster: 1, host: "a" }, { ...entry, endpoints: ["x y"] }]) {
    await assert.rejects(it.ask(body, caller), PeerError);
    await assert.rejects(it.enter(body, caller), PeerError);
  }
  assert.deepEqual(entered, []);
});

test("an address of a trusted network is believed, and only who asked may let it in", async () => {
  const { it, entered } = newcomer();
  const caller = await callerFrom("10.7.3.4");
  const { request, standing } = await it.ask({ cluster, host: "a" }, caller);
  assert.equal(standing, "fresh");
  const entry = await entryFor(request);
  await assert.rejects(it.enter(entry, await callerFrom("10.7.3.4")), refused("not-trusted"));
  const other = await newAuthority("Other", Date.now());
  await assert.rejects(it.enter({ ...entry, authority: other.certificate }, caller), refused("not-trusted"));
  const own = await certificateRequest(await newKey(), "other");
  const strange = await issue(authority, own, { uuid: "other", hosts: [] }, Date.now());
  await it.ask({ cluster, host: "a" }, caller);
  await assert.rejects(it.enter({ ...entry, certificate: strange }, caller), refused("malformed"));
  await it.ask({ cluster, host: "a" }, caller);
  await it.enter(entry, caller);
  assert.equal(entered.length, 1);
  await assert.rejects(it.enter(entry, caller), refused("not-trusted"), "once");
});

test("a proof of its token is believed, until it has entered", async () => {
  const { it } = newcomer();
  const caller = await callerFrom("10.9.0.1");
  const { secret, fingerprint } = parseToken(it.token().token);
  assert.equal(fingerprint, tls.fingerprint);
  const proof = proofOf(secret, { cluster, node: fingerprint });
  const wrong = proofOf(secret, { cluster: "other", node: fingerprint });
  await assert.rejects(it.ask({ cluster, host: "a", proof: wrong }, caller), refused("not-trusted"));
  const { request } = await it.ask({ cluster, host: "a", proof }, caller);
  await it.enter(await entryFor(request), caller);
  await assert.rejects(it.ask({ cluster, host: "a", proof }, caller), refused("not-trusted"));
});

test("what it does not believe is kept for its operator, under a code that both ends count", async () => {
  const { it } = newcomer();
  const caller = await callerFrom("10.9.0.1");
  await assert.rejects(it.ask({ cluster, host: "a" }, caller), refused("not-trusted"));
  const code = joinCode(caller.fingerprint, tls.fingerprint);
  assert.deepEqual(it.requests().map((at) => [at.code, at.host, at.address, at.accepted]),
    [[code, "a", "10.9.0.1", false]]);
  assert.equal(it.accept("0".repeat(12)), false);
  assert.equal(it.accept(code), true);
  const between = await callerFrom("10.9.0.1");
  await assert.rejects(it.ask({ cluster, host: "a" }, between), refused("not-trusted"));
  assert.equal((await it.ask({ cluster, host: "a" }, caller)).uuid, uuid);
});

test("a node that is in use does not enter, whoever says so", async () => {
  const { it, entered } = newcomer("has-volumes");
  const caller = await callerFrom("10.7.0.1");
  const { request } = await it.ask({ cluster, host: "a" }, caller);
  await assert.rejects(it.enter(await entryFor(request), caller), refused("has-volumes"));
  assert.deepEqual(entered, []);
});
