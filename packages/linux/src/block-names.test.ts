import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { blockDeviceNames, partitionNames } from "./block-names.ts";

test("names are those of sysfs, and the head of the table is none", () => {
  const table = "major minor  #blocks  name\n\n   8        0  104857600 sda\n  72        1          4 cciss/c0d0p1\n";
  assert.deepEqual(partitionNames(table), ["sda", "cciss!c0d0p1"]);
});

test("this machine's mounted disks are among them", () => {
  const names = new Set(blockDeviceNames());
  const mounts = readFileSync("/proc/self/mounts", "latin1").split("\n");
  const mounted = mounts.flatMap((line) => /^\/dev\/((?:vd|sd|nvme)\w+) /.exec(line)?.[1] ?? []);
  for (const name of mounted) assert.ok(names.has(name), name);
});
