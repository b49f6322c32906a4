import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type AddressInfo } from "node:net";
import { connect, createServer, type TLSSocket } from "node:tls";
import {
  certificateFacts, certificateRequest, fingerprintOf, formatToken, isDueForRenewal, isIssuedBy,
  isProof, issue, newAuthority, newKey, newSecret, parseToken, proofOf, TrustError,
} from "./index.ts";

const uuid = "aa41947e-c9e3-43a0-8ea4-71889518767c";
const nowMs = Date.now();
const DAY_MS = 24 * 3600 * 1000;

async function node(hosts: readonly string[]) {
  const authority = await newAuthority("Mortar cluster 1", nowMs);
  const key = await newKey();
  const request = await certificateRequest(key, uuid);
  return { authority, key, request, certificate: await issue(authority, request, { uuid, hosts }, nowMs) };
}

const refused = (code: TrustError["code"]) => (error: unknown) =>
  error instanceof TrustError && error.code === code;

test("a node's certificate says who it is, for a year, and is the authority's", async () => {
  const { authority, certificate } = await node(["127.1.1.1", "node-1.example"]);
  const facts = certificateFacts(certificate);
  assert.equal(facts.name, uuid);
  assert.deepEqual(facts.hosts, ["127.1.1.1", "node-1.example"]);
  assert.ok(isIssuedBy(certificate, authority.certificate, nowMs));
  assert.ok(!isIssuedBy(certificate, authority.certificate, nowMs + 366 * DAY_MS));
  const other = await newAuthority("Mortar cluster 1", nowMs);
  assert.ok(!isIssuedBy(certificate, other.certificate, nowMs));
  assert.ok(!isDueForRenewal(certificate, nowMs + 200 * DAY_MS));
  assert.ok(isDueForRenewal(certificate, nowMs + 250 * DAY_MS));
  assert.equal(facts.fingerprint, fingerprintOf(certificate));
});

test("a certificate of some minutes is due when a third of them is left, and over in time", async () => {
  const { authority, request } = await node([]);
  const lifetimeMs = 300_000;
  const certificate = await issue(authority, request, { uuid, hosts: [] }, nowMs, lifetimeMs);
  assert.ok(!isDueForRenewal(certificate, nowMs + 150_000));
  assert.ok(isDueForRenewal(certificate, nowMs + 200_000));
  assert.ok(isIssuedBy(certificate, authority.certificate, nowMs + 298_000));
  assert.ok(!isIssuedBy(certificate, authority.certificate, nowMs + 302_000));
});

test("openssl accepts the chain for server and client", async () => {
  const directory = mkdtempSync(join(tmpdir(), `mortar-trust-${process.pid}-`));
  try {
    const { authority, certificate } = await node(["127.1.1.1"]);
    const [ca, own] = ["ca.pem", "node.pem"].map((name) => join(directory, name));
    writeFileSync(ca!, authority.certificate);
    writeFileSync(own!, certificate);
    for (const purpose of ["sslserver", "sslclient"]) {
      const words = ["verify", "-x509_strict", "-purpose", purpose, "-CAfile", ca!, own!];
      assert.match(execFileSync("openssl", words, { encoding: "utf8" }), /: OK/);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("two nodes meet by their certificates, and a stranger is not let in", async () => {
  const a = await node(["127.0.0.1"]);
  const { certificate: cert, key } = a;
  const ca = a.authority.certificate;
  const server = createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: true }, (socket) =>
    socket.end(String(socket.getPeerCertificate().subject.CN)));
  server.on("tlsClientError", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const said = async (socket: TLSSocket): Promise<string> => {
    let text = "";
    for await (const chunk of socket) text += String(chunk);
    if (text === "") throw new Error("the connection was closed without a word");
    return text;
  };
  assert.equal(await said(connect({ port, host: "127.0.0.1", ca, cert, key })), uuid);
  const stranger = await node(["127.0.0.1"]);
  await assert.rejects(said(connect({
    port, host: "127.0.0.1", ca, cert: stranger.certificate, key: stranger.key,
  })));
  await assert.rejects(said(connect({ port, host: "127.0.0.1", ca: stranger.authority.certificate, cert, key })));
  server.close();
});

test("a request that was changed, or is none, gets no certificate", async () => {
  const { authority, request } = await node([]);
  const names = { uuid, hosts: ["a"] };
  const lines = request.split("\n");
  const other = await certificateRequest(await newKey(), uuid);
  const mixed = [...lines.slice(0, -3), ...other.split("\n").slice(-3)].join("\n");
  await assert.rejects(issue(authority, mixed, names, nowMs), refused("bad-request"));
  for (const text of ["", "x", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----"]) {
    await assert.rejects(issue(authority, text, names, nowMs), refused("bad-request"));
  }
  const strange = { uuid: "x,O=y", hosts: [] };
  await assert.rejects(issue(authority, request, strange, nowMs), refused("bad-request"));
});

test("a token comes back as it was written; anything else is none", async () => {
  const { certificate } = await node([]);
  const token = { secret: newSecret(), fingerprint: fingerprintOf(certificate) };
  assert.deepEqual(parseToken(formatToken(token)), token);
  const text = formatToken(token);
  for (const wrong of ["", "mortar1", text.slice(0, -2), `${text}.x`, text.replace("mortar1", "mortar2")]) {
    assert.throws(() => parseToken(wrong), refused("bad-token"), wrong);
  }
});

test("a proof is for one secret, one node and one cluster", () => {
  const secret = newSecret();
  const ends = { cluster: "c", node: "n" };
  const proof = proofOf(secret, ends);
  assert.ok(isProof(proof, secret, ends));
  assert.ok(!isProof(proof, newSecret(), ends));
  assert.ok(!isProof(proof, secret, { ...ends, node: "m" }));
  assert.ok(!isProof(proof, secret, { ...ends, cluster: "d" }));
  assert.ok(!isProof("", secret, ends));
});
