// Tasks and keys of a real daemon that is killed: what was done is told by the next one, what was not is said.
import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { followTask, type Task } from "@mortar/api";
import { good, LiveNode, until } from "../live-node.ts";

const node = new LiveNode(7);
const body = { name: "v", bricks: [node.brickDirectory("b1")], force: true };
const keyed = { prefer: "respond-async", "idempotency-key": "k1" };

before(async () => await node.start());
after(async () => await node.clean());

interface Told {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly result: Task;
}

async function post(path: string, asked: object, headers: Record<string, string>): Promise<Told> {
  return await new Promise((resolve, reject) => {
    const text = JSON.stringify(asked);
    const outgoing = request({
      socketPath: node.paths.socketPath, method: "POST", path,
      headers: { ...headers, "content-type": "application/json", "content-length": Buffer.byteLength(text) },
    }, (incoming) => {
      const parts: Buffer[] = [];
      incoming.on("data", (part: Buffer) => parts.push(part));
      incoming.on("end", () => {
        const { result } = JSON.parse(Buffer.concat(parts).toString()) as { result: Task };
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, result });
      });
    });
    outgoing.on("error", reject).end(text);
  });
}

async function killed(): Promise<void> {
  await node.end("SIGKILL");
  await node.start();
}

test("a task's result and a key's answer outlive the daemon; the same key with another body is refused", async () => {
  const first = await post("/v1/volumes", body, keyed);
  assert.equal(first.status, 202);
  const ended = good(await followTask(node.client, first.result.id));
  assert.equal(ended.state, "done");
  const started = await post("/v1/volumes/v/start", {}, { "idempotency-key": "k2" });
  await killed();
  const again = await post("/v1/volumes/v/start", {}, { "idempotency-key": "k2" });
  assert.deepEqual([started.status, again.status, again.headers["idempotent-replayed"]], [200, 200, "true"]);
  assert.equal((await post("/v1/volumes", body, keyed)).headers["location"], first.headers["location"]);
  assert.equal((await post("/v1/volumes/v/start", { force: true }, { "idempotency-key": "k2" })).status, 422);
  assert.deepEqual(good(await node.client.taskInfo(first.result.id)), ended);
});

test("a task whose daemon dies is told as interrupted, and the volume is whole after the next command", async () => {
  const { result: { id } } = await post("/v1/volumes/v/stop", {}, { prefer: "respond-async" });
  await killed();
  await until("the task is over", async () => good(await node.client.taskInfo(id)).endedAtMs !== undefined);
  const { state } = good(await node.client.taskInfo(id));
  assert.ok(state === "interrupted" || state === "done", state);
  good(await node.client.volumeStart("v", { force: true }));
  assert.equal(good(await node.client.volumeInfo("v")).status, "Started");
  const kinds: string[] = [];
  for await (const { kind } of node.client.each("eventList", {}, 3)) kinds.push(kind);
  assert.ok(kinds.includes("task-started") && kinds.includes("task-ended"), kinds.join());
});
