import assert from "node:assert/strict";
import { closeSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo, NetConnectOpts } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setBlocking } from "./descriptor-flags.ts";
import { openEventFd, signalEventFd } from "./event-fd.ts";
import { EAGAIN, fileIo } from "./file-io.ts";
import { allocatePages } from "./mmap.ts";
import { duplicateFd, listenTcp, listenUnix, socketIo, socketPair } from "./socket.ts";

/** Whether a client gets through to a listening descriptor, which is closed then. */
function reaches(fd: number, options: NetConnectOpts): Promise<boolean> {
  const server = createServer((socket) => void socket.end("x")).listen({ fd });
  return new Promise((resolve) => {
    const done = (reached: boolean): void => void server.close(() => resolve(reached));
    connect(options)
      .on("data", () => done(true))
      .on("error", () => done(false));
  });
}

async function freePort(host: string): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test("a unix socket is its owner's, and takes the place of one that was left", async () => {
  const directory = mkdtempSync(join(tmpdir(), `mortar-socket-${process.pid}-`));
  const path = join(directory, "s");
  try {
    closeSync(listenUnix(path));
    const fd = listenUnix(path);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(await reaches(fd, { path }), true);
    assert.throws(() => listenUnix(`/tmp/${"x".repeat(200)}`), /at most 107 bytes/);
    assert.throws(() => listenUnix(join(directory, "no/s")), { code: "ENOENT" });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("TCP listens on the address that was given, of either family", async () => {
  for (const [host, other] of [["127.0.0.1", "127.0.0.2"], ["::1", "127.0.0.1"]] as const) {
    const port = await freePort(host);
    assert.equal(await reaches(listenTcp(host, port), { host, port }), true);
    assert.equal(await reaches(listenTcp(host, port), { host: other, port }), false);
  }
  const port = await freePort("127.0.0.1");
  const fd = listenTcp("127.0.0.1", port);
  assert.throws(() => listenTcp("127.0.0.1", port), { code: "EADDRINUSE" });
  closeSync(fd);
  assert.throws(() => listenTcp("198.51.100.7", port), { code: "EADDRNOTAVAIL" });
});

test("a pair carries bytes, does not block, and outlives a descriptor that was duplicated", () => {
  const [near, far] = socketPair();
  const memory = allocatePages(8192);
  memory.bytes.set([1, 2, 3]);
  const io = socketIo();
  assert.equal(io.receive(far, memory.address, 10), -EAGAIN);
  const kept = duplicateFd(near, "test");
  closeSync(near);
  assert.equal(io.send(kept, memory.address, 3), 3);
  assert.equal(io.receive(far, memory.address + 4096, 10), 3);
  assert.deepEqual([...memory.bytes.subarray(4096, 4099)], [1, 2, 3]);
  closeSync(kept);
  assert.equal(io.receive(far, memory.address, 10), 0);
  assert.equal(io.send(far, memory.address, 3), -EPIPE);
  closeSync(far);
});

test("signals of an event descriptor are taken together", () => {
  const fd = openEventFd();
  const { address } = allocatePages(8);
  setBlocking(fd, false, "event descriptor");
  assert.equal(fileIo().read(fd, address, 8), -EAGAIN);
  assert.equal(signalEventFd(fd), 0);
  assert.equal(signalEventFd(fd), 0);
  assert.equal(fileIo().read(fd, address, 8), 8);
  assert.equal(fileIo().read(fd, address, 8), -EAGAIN);
  closeSync(fd);
});

const EPIPE = 32;
