import assert from "node:assert/strict";
import { closeSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { journalEntry } from "./journal.ts";
import { declare } from "./libc.ts";

const socketCall = declare("int socket(int domain, int type, int protocol)");
const bindCall = declare("int bind(int fd, const uint8_t *address, uint length)");
const receive = declare("int64_t recv(int fd, _Out_ uint8_t *buffer, size_t length, int flags)");

test("fields arrive as the journal wants them, lines within a value too; no journal is no error", () => {
  const directory = mkdtempSync(join(tmpdir(), `mortar-journal-${process.pid}-`));
  const path = join(directory, "j");
  const fd = socketCall(1, 2, 0);
  try {
    assert.equal(journalEntry({ MESSAGE: "nobody hears" }, path), false);
    const address = Buffer.concat([Buffer.from([1, 0]), Buffer.from(path), Buffer.from([0])]);
    assert.equal(bindCall(fd, address, address.length), 0);
    assert.equal(journalEntry({ MESSAGE: "a=b", PRIORITY: 4, TEXT: "one\nPRIORITY=0" }, path), true);
    const bytes = new Uint8Array(4096);
    const length = receive(fd, bytes, bytes.length, 0);
    const expected = Buffer.concat([
      Buffer.from("MESSAGE=a=b\nPRIORITY=4\nTEXT\n"), Buffer.from([14, 0, 0, 0, 0, 0, 0, 0]),
      Buffer.from("one\nPRIORITY=0\n"),
    ]);
    assert.deepEqual(Buffer.from(bytes.subarray(0, length)), expected);
    assert.throws(() => journalEntry({ "A=B\nC": 1 }, path), /no field/);
  } finally {
    closeSync(fd);
    rmSync(directory, { recursive: true });
  }
});
