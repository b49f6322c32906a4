import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Acceptor, Epoll, EPOLLHUP, EPOLLIN, EPOLLOUT } from "./epoll.ts";
import { EAGAIN } from "./file-io.ts";
import { listenTcp, socketPair } from "./socket.ts";
import { seekExact, treeCalls } from "./tree-calls.ts";

test("what is ready is told with its token, and what is removed is told no more", () => {
  const epoll = new Epoll();
  const [a, b] = socketPair();
  assert.equal(epoll.add(a, EPOLLIN, 0xffff_fff0), 0);
  assert.equal(epoll.wait(0), 0);
  assert.equal(epoll.modify(a, EPOLLIN | EPOLLOUT, 7), 0);
  assert.equal(epoll.wait(0), 1);
  assert.deepEqual([epoll.token(0), epoll.events(0)], [7, EPOLLOUT]);
  epoll.modify(a, EPOLLIN, 0xffff_fff0);
  closeSync(b);
  assert.equal(epoll.wait(1000), 1);
  assert.equal(epoll.token(0), 0xffff_fff0);
  assert.ok((epoll.events(0) & EPOLLHUP) !== 0);
  assert.equal(epoll.remove(a), 0);
  assert.equal(epoll.wait(0), 0);
  assert.equal(epoll.remove(a), -2, "ENOENT");
  closeSync(a);
});

test("a connection is accepted with its peer's address; nobody waiting is EAGAIN", async () => {
  const port = 30_000 + (process.pid % 10_000);
  const listener = listenTcp("127.0.0.1", port);
  const acceptor = new Acceptor();
  assert.equal(acceptor.accept(listener), -EAGAIN);
  const socket = connect({ port, host: "127.0.0.1", localAddress: "127.0.0.7" });
  await new Promise((resolve) => socket.once("connect", resolve));
  const fd = acceptor.accept(listener);
  assert.ok(fd >= 0);
  assert.deepEqual(acceptor.peer(), { address: "127.0.0.7", port: socket.localPort });
  socket.destroy();
  closeSync(fd);
  closeSync(listener);
});

test("places beyond 2^53 are sought exactly, and refused ones have their errno", () => {
  const directory = mkdtempSync(join(tmpdir(), "tree-calls-"));
  const path = join(directory, "file");
  writeFileSync(path, "x");
  const fd = openSync(path, "r");
  try {
    assert.equal(seekExact(fd, 0, 5), 0);
    assert.equal(treeCalls().lseek(fd, 0, 1), 5);
    assert.equal(seekExact(fd, 0x8000_0000, 0), -22, "EINVAL");
    // Both are right: what the largest place is depends on the file system.
    assert.ok([0, -22].includes(seekExact(fd, 0x0020_0000, 1)));
  } finally {
    closeSync(fd);
    rmSync(directory, { recursive: true });
  }
});
