// TLS: who has a certificate of our authority comes in, and nobody else; with the stock client.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { connect } from "node:tls";
import type { LiveBrick } from "./live.fixture.ts";
import { missingForLive, run, withBrick } from "./live.fixture.ts";
import { RawClient } from "./raw-client.fixture.ts";

const reason = missingForLive();
const options = { timeout: 120_000, ...(reason === undefined ? {} : { skip: reason }) };
const port = 41_000 + (process.pid % 4000) * 2;

function openssl(...words: string[]): void {
  execFileSync("openssl", words, { stdio: ["ignore", "ignore", "pipe"] });
}

/** An authority of this name, and certificates of it for these names. */
function makeAuthority(directory: string, authority: string, names: string[]): void {
  mkdirSync(directory, { recursive: true });
  const at = (name: string): string => join(directory, name);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", "-x509", ...key, "-keyout", at(`${authority}.key`), "-out", at(`${authority}.pem`),
    "-subj", `/CN=${authority}`, "-days", "2");
  for (const name of names) {
    openssl("req", ...key, "-keyout", at(`${name}.key`), "-out", at(`${name}.csr`),
      "-subj", `/CN=${name}`);
    openssl("x509", "-req", "-in", at(`${name}.csr`), "-CA", at(`${authority}.pem`), "-CAkey",
      at(`${authority}.key`), "-CAcreateserial", "-out", at(`${name}.pem`), "-days", "2");
  }
}

function certificates(brick: LiveBrick, name: string): Record<string, string> {
  const at = (file: string): string => join(brick.directory, "tls", file);
  return {
    "ssl.own-cert": at(`${name}.pem`), "ssl.private-key": at(`${name}.key`),
    "ssl.ca-list": at("ours.pem"),
  };
}

function writeClientVolfile(brick: LiveBrick, name: string): void {
  brick.writeClientVolfile({ "client.ssl": "on", ...certificates(brick, name) }, false);
}

const mounts = "the stock client mounts over TLS; another authority or another name is refused";
test(mounts, options, () => withBrick("tls", port, async (brick) => {
  makeAuthority(join(brick.directory, "tls"), "ours", ["server", "friend", "visitor"]);
  makeAuthority(join(brick.directory, "tls"), "theirs", ["stranger"]);
  await brick.startOurs({
    "server.ssl": "on", "auth.ssl-allow": "friend", ...certificates(brick, "server"),
  });
  writeClientVolfile(brick, "friend");
  await brick.mount();
  const path = join(brick.mountPoint, "file");
  const command = `head -c 2000000 /dev/urandom > ${path}; sync ${path}; md5sum < ${path}`;
  const sum = await run("sh", ["-c", command]);
  assert.equal(await run("sh", ["-c", `md5sum < ${join(brick.path, "file")}`]), sum);
  await brick.unmount();
  writeClientVolfile(brick, "visitor");
  await assert.rejects(brick.mount(), "a name that is not in the list");
  await brick.unmount();
  // With TLS 1.3 a client has connected before the server has seen its certificate.
  const stranger = await secureClient(brick, "stranger");
  await assert.rejects(stranger.introduce(brick.path, {}), /the connection was closed/);
  const plain = await RawClient.connect(brick.port);
  await assert.rejects(plain.introduce(brick.path, {}), /the connection was closed/);
  const clientLog = readFileSync(join(brick.directory, "client.log"), "utf8");
  assert.match(clientLog, /Authentication failed/);
  assert.match(readFileSync(join(brick.directory, "brick.log"), "utf8"), /TLS: 127\.0\.0\.1: /);
}));

function secureClient(brick: LiveBrick, name: string): Promise<RawClient> {
  const at = (file: string): Buffer => readFileSync(join(brick.directory, "tls", file));
  return new Promise((resolve, reject) => {
    const socket = connect({
      port: brick.port, host: "127.0.0.1", key: at(`${name}.key`), cert: at(`${name}.pem`),
      ca: at("ours.pem"), checkServerIdentity: () => undefined,
    }, () => resolve(new RawClient(socket)));
    socket.once("error", reject);
  });
}

const reconnects = "a thousand sessions leave no descriptor behind";
test(reconnects, options, () => withBrick("tls-leak", port + 1, async (brick) => {
  makeAuthority(join(brick.directory, "tls"), "ours", ["server", "friend"]);
  await brick.startOurs({ "server.ssl": "on", ...certificates(brick, "server") });
  const descriptors = (): number => readdirSync(`/proc/${brick.ownPid}/fd`).length;
  const rounds = async (count: number): Promise<void> => {
    for (let round = 0; round < count; round++) {
      const client = await secureClient(brick, "friend");
      const { errno, text } = await client.introduce(brick.path, {});
      assert.equal(errno, 0, text);
      client.end();
      await client.closed;
    }
    await delay(200);
  };
  await rounds(50);
  const before = descriptors();
  await rounds(950);
  assert.ok(descriptors() <= before + 2, `${before} descriptors, then ${descriptors()}`);
}));
