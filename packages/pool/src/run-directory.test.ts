import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { lockForLife, pidOfLocker } from "./life-lock.ts";
import { poolRunDirectory, runFiles, socketAddress } from "./run-directory.ts";
import { removeSurvivingMemory, survivingMemory } from "./surviving-memory.ts";

const directory = mkdtempSync(join(tmpdir(), `mortar-pool-run-${process.pid}-`));
after(() => rmSync(directory, { recursive: true, force: true }));

test("no two pools share a run directory", () => {
  assert.equal(poolRunDirectory("/run/mortar", "vg", "pool"), "/run/mortar/pools/vg-pool");
  assert.notEqual(poolRunDirectory("/r", "a-b", "c"), poolRunDirectory("/r", "a", "b-c"));
});

test("a socket path that is too long for the kernel gets a short name", () => {
  const long = join(directory, "x".repeat(120));
  mkdirSync(long);
  const address = socketAddress(runFiles(long));
  assert.match(address.path, /^\/proc\/self\/fd\/\d+\/control\.sock$/);
  address.release();
  assert.equal(socketAddress(runFiles("/run/p")).path, "/run/p/control.sock");
});

test("memory survives the process that wrote it, not the boot of the machine", () => {
  const files = runFiles(directory);
  survivingMemory(files, "journal", 8192).bytes[100] = 42;
  assert.equal(survivingMemory(files, "journal", 8192).bytes[100], 42);
  const place = JSON.parse(readFileSync(files.surviving, "utf8")) as { prefix: string };
  writeFileSync(files.surviving, JSON.stringify({ ...place, bootId: "another" }));
  assert.equal(survivingMemory(files, "journal", 8192).bytes[100], 0);
  removeSurvivingMemory(files);
  assert.throws(() => readFileSync(`${place.prefix}journal`), { code: "ENOENT" });
});

test("a pid file tells whether its process lives, and takes one process only", async () => {
  const path = join(directory, "pid");
  assert.equal(pidOfLocker(path), undefined);
  writeFileSync(path, "1");
  assert.equal(pidOfLocker(path), undefined, "a pid without a lock is a dead process's");
  assert.equal(await lockForLife(path), true);
  assert.equal(pidOfLocker(path), process.pid);
  assert.equal(await lockForLife(path), false);
});
