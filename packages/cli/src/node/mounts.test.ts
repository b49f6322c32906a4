import assert from "node:assert/strict";
import { mkdtempSync, openSync, closeSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { mountUsers } from "./mount-users.ts";
import { readMounts } from "./mounts.ts";

test("mount points with blanks and the options of both levels are read", (context) => {
  const directory = mkdtempSync(join(tmpdir(), `mortar-cli-${process.pid}-`));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, "mountinfo");
  writeFileSync(
    file,
    String.raw`36 25 7:3 / /mnt/a\040b rw,relatime shared:1 - xfs /dev/loop3 rw,attr2,nouuid` +
      "\n41 25 0:52 / /cli rw - fuse.glusterfs vm:/KVMvolume rw,user_id=0\n",
  );
  assert.deepEqual(readMounts(file), [
    {
      device: "7:3",
      point: "/mnt/a b",
      type: "xfs",
      source: "/dev/loop3",
      options: "rw,relatime,attr2,nouuid",
    },
    {
      device: "0:52",
      point: "/cli",
      type: "fuse.glusterfs",
      source: "vm:/KVMvolume",
      options: "rw,user_id=0",
    },
  ]);
});

test("the table of this machine has a root", () => {
  assert.ok(readMounts().some((mount) => mount.point === "/"));
});

test("a process that holds a file below a mount is found, and can be left out", (context) => {
  const directory = mkdtempSync(join(tmpdir(), `mortar-cli-${process.pid}-`));
  const descriptor = openSync(join(directory, "held"), "w");
  context.after(() => {
    closeSync(descriptor);
    rmSync(directory, { recursive: true, force: true });
  });
  const users = mountUsers([directory], new Set());
  assert.deepEqual(
    users.get(directory)?.map(({ pid, path }) => [pid, path]),
    [[process.pid, join(directory, "held")]],
  );
  assert.equal(mountUsers([directory], new Set([process.pid])).size, 0);
});
