import assert from "node:assert/strict";
import { closeSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { declare } from "./libc.ts";
import { systemLog } from "./system-log.ts";

const socketCall = declare("int socket(int domain, int type, int protocol)");
const bindCall = declare("int bind(int fd, const uint8_t *address, uint length)");
const receive = declare("int64_t recv(int fd, _Out_ uint8_t *buffer, size_t length, int flags)");

test("a line arrives as a datagram with severity, tag and pid; nobody listening is no error", () => {
  const directory = mkdtempSync(join(tmpdir(), `mortar-log-${process.pid}-`));
  const path = join(directory, "log");
  const fd = socketCall(1, 2, 0);
  try {
    assert.equal(systemLog("mortar", "error", "nobody hears", path), false);
    const address = Buffer.concat([Buffer.from([1, 0]), Buffer.from(path), Buffer.from([0])]);
    assert.equal(bindCall(fd, address, address.length), 0);
    assert.equal(systemLog("mortar", "warning", "pool is full", path), true);
    const bytes = new Uint8Array(4096);
    const length = receive(fd, bytes, bytes.length, 0);
    const text = Buffer.from(bytes.subarray(0, length)).toString();
    assert.equal(text, `<28>mortar[${process.pid}]: pool is full`);
  } finally {
    closeSync(fd);
    rmSync(directory, { recursive: true });
  }
});
