// A scripted brick server: what a real one does when it dies in the middle of an exchange.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { type Socket, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type BrickAddress, setBarrier, terminate } from "./brick-client.ts";

const path = "/bricks/one";

async function brick(t: TestContext, serve: (socket: Socket) => void): Promise<BrickAddress> {
  const directory = mkdtempSync(join(tmpdir(), `mortard-brick-${process.pid}-`));
  const socket = join(directory, "socket");
  const accepted: Socket[] = [];
  const server = createServer((connection) => {
    accepted.push(connection.on("error", () => undefined));
    serve(connection);
  });
  t.after(() => {
    for (const connection of accepted) connection.destroy();
    server.close();
    rmSync(directory, { recursive: true });
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return { socket, name: `host:${path}`, timeoutMs: 500 };
}

const closesUnanswered = (socket: Socket) => void socket.once("data", () => socket.destroy());
// What was not read when a unix socket is closed makes the other end see ECONNRESET.
const closesUnread = (socket: Socket) => void setTimeout(() => socket.destroy(), 20);
const saysNothing = (socket: Socket) => void socket.resume();
const talksNonsense = (socket: Socket) =>
  void socket.once("data", () => socket.end(Buffer.from("800000100000000100000001", "hex")));

test("a brick that is gone before it answers TERMINATE has obeyed", async (t) => {
  await terminate(await brick(t, closesUnanswered), path);
  await terminate(await brick(t, closesUnread), path);
});

test("TERMINATE fails when nobody listens, or nobody answers", async (t) => {
  const silent = await brick(t, saysNothing);
  await assert.rejects(terminate(silent, path), { code: "operation-timeout" });
  const nobody = { ...silent, socket: `${silent.socket}.none` };
  await assert.rejects(terminate(nobody, path), { code: "operation-failed" });
});

test("a barrier is not taken for set when the connection is lost before the answer", async (t) => {
  for (const serve of [closesUnanswered, closesUnread]) {
    const address = await brick(t, serve);
    await assert.rejects(setBarrier(address, path, true), { code: "connection-lost" });
  }
});

test("an answer that ends in its middle is none", async (t) => {
  const address = await brick(t, talksNonsense);
  await assert.rejects(setBarrier(address, path, true), { code: "connection-lost" });
});
