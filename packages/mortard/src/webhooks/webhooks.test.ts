// Webhooks against a real HTTP server that refuses, hangs up and comes back.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { ClusterEvent } from "@mortar/api";
import { MemoryStore } from "@mortar/store";
import { EventLog } from "../events/event-log.ts";
import { signatureOf } from "./deliver.ts";
import { WebhookSender } from "./webhook-sender.ts";
import { Webhooks } from "./webhooks.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const directory = mkdtempSync(join(tmpdir(), `mortard-hooks-${process.pid}-`));
const events = new EventLog({
  file: join(directory, "events.jsonl"), uuid: "aa", host: "h", nowMs: () => Date.now(), log: silent,
});
let got: { headers: IncomingHttpHeaders; body: string }[] = [];
let answers: (number | "hang up")[] = [];
const server = createServer((request, response) => {
  let body = "";
  request.on("data", (part) => (body += String(part)));
  request.on("end", () => {
    const answer = answers.shift() ?? 204;
    if (answer === "hang up") return void response.destroy();
    got.push({ headers: request.headers, body });
    response.writeHead(answer, answer === 302 ? { location: url } : {}).end();
    return undefined;
  });
});
let url = "";
let webhooks: Webhooks;
let sender: WebhookSender;

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  webhooks = await Webhooks.open(new MemoryStore(), silent);
  sender = new WebhookSender({ webhooks, events, log: silent, pauseFirstMs: 1 });
});
beforeEach(async () => {
  for (const { name } of webhooks.list()) await webhooks.delete(name);
  got = [];
  answers = [];
});
after(() => {
  sender.close();
  webhooks.close();
  server.close();
  server.closeAllConnections();
  rmSync(directory, { recursive: true });
});

function raise(object: string): ClusterEvent {
  return events.raise({ kind: "volume-created", object, sentence: `${object} was created.` });
}

async function until(what: string, check: () => boolean): Promise<void> {
  for (let waited = 0; waited < 5_000; waited += 5) {
    if (check()) return;
    await sleep(5);
  }
  throw new Error(`it did not happen: ${what}`);
}

const objects = (): string[] => got.map(({ body }) => (JSON.parse(body) as ClusterEvent).object);

test("an event is sent as it is, signed so that whoever has the secret can check it", async () => {
  const made = await webhooks.create({ name: "w", url, createdBy: "root" });
  const event = raise("v");
  await until("it is sent", () => got.length === 1);
  const { headers, body } = got[0]!;
  assert.deepEqual(JSON.parse(body), event);
  assert.equal(headers["mortar-delivery"], `aa.${event.id}`);
  const timestamp = String(headers["mortar-timestamp"]);
  assert.equal(headers["mortar-signature"], signatureOf(made!.secret, timestamp, body));
  assert.equal(JSON.stringify(webhooks.list()).includes(made!.secret), false);
});

test("what is not taken is tried again, in order, and nothing is lost", async () => {
  await webhooks.create({ name: "w", url, createdBy: "root" });
  answers = [500, "hang up", 302, 503];
  for (const name of ["1", "2", "3"]) raise(name);
  await until("all were taken", () => got.length === 6);
  assert.deepEqual(objects(), ["1", "1", "1", "1", "2", "3"]);
});

test("what is never taken is given up, with an event that is not sent itself", async () => {
  await webhooks.create({ name: "w", url, createdBy: "root" });
  answers = Array.from({ length: 10 }, () => 500);
  const { id } = raise("bad");
  raise("good");
  await until("the next one is taken", () => objects().includes("good"));
  assert.equal(objects().filter((it) => it === "bad").length, 10);
  const failed = events.newest(1)[0];
  assert.deepEqual([failed?.kind, failed?.object, failed?.data?.["id"]], ["webhook-failed", "w", id]);
});

test("what waits is bounded: the oldest are given up", async () => {
  await webhooks.create({ name: "w", url: "http://127.0.0.1:1/", createdBy: "root" });
  for (let count = 0; count < 1_005; count += 1) raise(String(count));
  const given = events.newest(9, ({ kind, sentence }) =>
    kind === "webhook-failed" && sentence.includes("too many wait"));
  assert.equal(given.length, 5);
});

test("only the kinds that were asked for are sent; a deleted webhook is told nothing", async () => {
  await webhooks.create({ name: "w", url, createdBy: "root", events: ["volume-deleted"] });
  assert.equal(await webhooks.create({ name: "w", url, createdBy: "root" }), undefined);
  raise("v");
  events.raise({ kind: "volume-deleted", object: "gone", sentence: "v was deleted." });
  await until("it is sent", () => got.length === 1);
  assert.deepEqual(objects(), ["gone"]);
  assert.equal(await webhooks.delete("w"), true);
  assert.equal(await webhooks.delete("w"), false);
  events.raise({ kind: "volume-deleted", object: "unseen", sentence: "v was deleted." });
  assert.equal(await sender.try("w"), undefined);
  assert.deepEqual(objects(), ["gone"]);
});

test("a test tells how it went", async () => {
  await webhooks.create({ name: "w", url, createdBy: "root", events: ["pool-full"] });
  answers = [204, 418, "hang up"];
  assert.deepEqual(await sender.try("w"), { delivered: true, status: 204 });
  assert.deepEqual(await sender.try("w"), { delivered: false, status: 418, reason: "HTTP 418" });
  assert.equal((await sender.try("w"))?.delivered, false);
});
