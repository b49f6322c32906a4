import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  fileIo,
  preadFully,
  pwriteFully,
} from "./file-io.ts";
import { addressOf, checked, declare, errnoName, LinuxError } from "./libc.ts";
import { allocatePages, mapFile } from "./mmap.ts";

const directory = mkdtempSync(join(tmpdir(), `mortar-linux-${process.pid}-`));
after(() => rmSync(directory, { recursive: true, force: true }));

function openFile(name: string, content: string | Uint8Array): { fd: number; path: string } {
  const path = join(directory, name);
  writeFileSync(path, content);
  return { fd: openSync(path, "r+"), path };
}

test("a failed call names the object, the call and the error", () => {
  const close = declare("int close(int fd)");
  assert.throws(
    () => checked("close", "the log", close(-1)),
    (error: LinuxError) => {
      assert.deepEqual([error.code, error.errno, error.syscall], ["EBADF", 9, "close"]);
      assert.equal(error.message, "the log: close: bad file descriptor (EBADF)");
      return true;
    },
  );
  assert.deepEqual([errnoName(28), errnoName(4711)], ["ENOSPC", "E4711"]);
});

test("transfers by address move the bytes, and a result below 0 is a negated errno", () => {
  const { fd, path } = openFile("transfer", "0123456789");
  const io = fileIo();
  const memory = allocatePages(4096);
  assert.equal(memory.address % 4096, 0);
  assert.equal(io.pread(fd, memory.address + 1, 4, 3), 4);
  assert.equal(Buffer.from(memory.bytes.subarray(0, 6)).toString("latin1"), "\u00003456\u0000");
  assert.equal(io.pwrite(fd, memory.address + 1, 4, 0), 4);
  assert.equal(readFileSync(path, "utf8"), "3456456789");
  assert.equal(io.fdatasync(fd), 0);
  assert.equal(io.pread(-1, memory.address, 1, 0), -9);
  assert.equal(io.read(fd, memory.address, 2), 2);
  assert.equal(io.write(fd, addressOf(Buffer.from("xy")), 2), 2);
  closeSync(fd);
});

test("a whole transfer is whole, or says where the file ends", () => {
  const { fd, path } = openFile("whole", Buffer.alloc(100, 1));
  const memory = allocatePages(4096);
  preadFully(fd, memory.address, 100, 0, path);
  assert.throws(() => preadFully(fd, memory.address, 60, 50, path), /ends at 100.*EIO/);
  pwriteFully(fd, memory.address, 100, 100, path);
  assert.equal(readFileSync(path).length, 200);
  closeSync(fd);
});

test("a punched range reads as zeros and the size stays", () => {
  const { fd, path } = openFile("punched", Buffer.alloc(8192, 1));
  assert.equal(fileIo().fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), 0);
  const expected = Buffer.concat([Buffer.alloc(4096), Buffer.alloc(4096, 1)]);
  assert.deepEqual(readFileSync(path), expected);
  closeSync(fd);
});

test("a store to a mapped file is in the file, also after the descriptor is closed", () => {
  const { fd, path } = openFile("mapped", Buffer.alloc(8192));
  const { bytes } = mapFile(fd, 8192, path);
  closeSync(fd);
  bytes[5000] = 7;
  assert.equal(readFileSync(path)[5000], 7);
});
