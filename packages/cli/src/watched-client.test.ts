import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Task } from "@mortar/api";
import { clientFor } from "./watched-client.ts";

const directory = mkdtempSync(join(tmpdir(), "cli-watched-"));
const socketPath = join(directory, "s");
const asked: string[] = [];
const running: Task = {
  id: "t1", route: "snapshotRestore", path: "/v1/snapshots/s/restore", object: "s", sentence: "It is put back", state: "running",
  by: "root", node: "n1", nodeId: "u", startedAtMs: 1, canCancel: false,
};
const restored = { name: "s", uuid: "u", volume: "v", volumeId: "w" };
let states: Partial<Task>[] = [];

const server = createServer((request: IncomingMessage, response) => {
  const prefer = String(request.headers["prefer"] ?? "");
  asked.push(`${request.method} ${request.url}${prefer === "" ? "" : ` ${prefer}`}`);
  const isTask = request.url?.startsWith("/v1/tasks/") === true;
  const result = isTask ? { ...running, ...(states.length > 1 ? states.shift() : states[0]) } : prefer === "" ? restored : running;
  response.writeHead(prefer === "" ? 200 : 202, { "content-type": "application/json" });
  response.end(JSON.stringify({ result, warnings: [], details: [] }));
});
await new Promise<void>((resolve) => void server.listen(socketPath, resolve));
after(() => {
  server.close();
  rmSync(directory, { recursive: true, force: true });
});

const terminal = { isTTY: true, columns: 100, write: () => true };

test("on a terminal it is a task that is followed, and its answer is the route's", async () => {
  const detail = { node: "n1", detail: "a note" };
  states = [{ progress: { done: 1, unit: "steps" } }, { state: "done", result: restored, warnings: ["w"], details: [detail] }];
  const answer = await clientFor({ socketPath }, terminal).snapshotRestore("s");
  assert.deepEqual(answer, { ok: true, result: restored, warnings: ["w"], details: [detail] });
  assert.deepEqual(asked.splice(0), [
    "POST /v1/snapshots/s/restore respond-async", "GET /v1/tasks/t1", "GET /v1/tasks/t1",
  ]);
});

test("its refusal is the route's too; of what nobody knows the end that is said", async () => {
  const problem = {
    type: "volume-started", title: "t", status: 409, detail: "It is started", opErrno: 1, opErrstr: "e", details: [], warnings: [],
  };
  states = [{ state: "failed", problem }];
  assert.deepEqual(await clientFor({ socketPath }, terminal).snapshotRestore("s"), { ok: false, problem });
  states = [{ state: "done", isResultOmitted: true }];
  await assert.rejects(clientFor({ socketPath }, terminal).snapshotRestore("s"), /the task t1 is done, and nothing more/);
  asked.length = 0;
});

test("elsewhere, and for what is short, it is the call that it always was", async () => {
  const answer = await clientFor({ socketPath }, { write: () => true }).snapshotRestore("s");
  assert.ok(answer.ok);
  await clientFor({ socketPath }, terminal).snapshotActivate("s");
  assert.deepEqual(asked.splice(0), ["POST /v1/snapshots/s/restore", "POST /v1/snapshots/s/activate"]);
});
