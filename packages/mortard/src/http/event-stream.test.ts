// The stream of events over a real socket: what is sent, who is refused, who is cut off.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type ClusterEvent, followEvents } from "@mortar/api";
import { type FastifyInstance, fastify } from "fastify";
import { EventFeed } from "../events/event-feed.ts";
import { EventLog } from "../events/event-log.ts";
import { registerEventStream } from "./event-handlers.ts";
import type { NodeControl } from "./handlers.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const directory = mkdtempSync(join(tmpdir(), `mortard-stream-${process.pid}-`));
const socketPath = join(directory, "s");
const nowMs = (): number => Date.now();
const log = new EventLog({
  file: join(directory, "events.jsonl"), uuid: "aa", host: "h", nowMs, log: silent,
});
const feed = new EventFeed({
  uuid: "aa", events: log, peers: () => [], ask: () => Promise.reject(new Error("none")), nowMs, log: silent,
});
let isAdmitted = true;
let server: FastifyInstance;

before(async () => {
  server = fastify({ forceCloseConnections: "idle" });
  const admit = (): void => {
    if (!isAdmitted) throw Object.assign(new Error("refused"), { statusCode: 401 });
  };
  const node = { events: { feed } } as unknown as NodeControl;
  registerEventStream(server, { node, admit, heartbeatMs: 50 });
  await server.listen({ path: socketPath });
});
after(async () => {
  await server.close();
  feed.close();
  rmSync(directory, { recursive: true });
});

function raise(object: string): ClusterEvent {
  return log.raise({ kind: "volume-created", object, sentence: "x".repeat(1_000) });
}

async function until(what: string, check: () => boolean): Promise<void> {
  for (let waited = 0; waited < 5_000; waited += 10) {
    if (check()) return;
    await sleep(10);
  }
  throw new Error(`it did not happen: ${what}`);
}

test("who follows is told of what happens, and ends when it wants to", async () => {
  const stop = new AbortController();
  const heard: string[] = [];
  const following = (async () => {
    for await (const { object } of followEvents({ socketPath }, { signal: stop.signal })) heard.push(object);
  })();
  await until("it follows", () => feed.readers === 1);
  raise("one");
  raise("two");
  await until("both are heard", () => heard.length === 2);
  assert.deepEqual(heard, ["one", "two"]);
  stop.abort();
  await following;
  await until("it is forgotten", () => feed.readers === 0);
});

test("a reader that takes nothing is cut off before it fills the memory", async () => {
  const socket = connect(socketPath);
  socket.on("error", () => undefined);
  socket.write("GET /v1/events/stream HTTP/1.1\r\nhost: h\r\n\r\n");
  socket.pause();
  await until("it follows", () => feed.readers === 1);
  for (let count = 0; count < 3_000 && feed.readers > 0; count += 1) raise(String(count));
  assert.equal(feed.readers, 0);
  socket.destroy();
});

test("a stream beyond the hundredth is refused, and so is a cursor that is none", async () => {
  const sockets = Array.from({ length: 100 }, () => {
    const socket = connect(socketPath);
    socket.on("error", () => undefined).resume();
    socket.write("GET /v1/events/stream HTTP/1.1\r\nhost: h\r\n\r\n");
    return socket;
  });
  await until("all follow", () => feed.readers === 100);
  await assert.rejects(followEvents({ socketPath }).next(), /503/);
  for (const socket of sockets) socket.destroy();
  await until("all are forgotten", () => feed.readers === 0);
  const headers = { "last-event-id": "7,x" };
  const { statusCode } = await server.inject({ url: "/v1/events/stream", headers });
  assert.equal(statusCode, 400);
});

test("who may not follow is refused, also in the middle of a stream", async () => {
  let isOver = false;
  const stop = new AbortController();
  const onLost = (): void => void (isOver = true);
  const following = (async () => {
    for await (const { id } of followEvents({ socketPath }, { signal: stop.signal, onLost })) assert.ok(id);
  })();
  await until("it follows", () => feed.readers === 1);
  isAdmitted = false;
  await until("it is over", () => isOver);
  stop.abort();
  await following;
  await assert.rejects(followEvents({ socketPath }).next(), /401/);
});
