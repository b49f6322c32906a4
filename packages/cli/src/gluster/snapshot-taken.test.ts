import assert from "node:assert/strict";
import { test } from "node:test";
import type { SnapshotInfo } from "@mortar/api";
import { takenText } from "./snapshot-taken.ts";

const bare: SnapshotInfo = {
  name: "s", uuid: "u", createdAt: 0, safety: false, snapVolumes: [],
};

test("it is told how long writers were held, by which part, and how consistent it is", () => {
  assert.equal(takenText({
    ...bare, consistency: "file-system-frozen", pauseMs: 41.6,
    phases: { sync: 300, drain: 20.44, barrier: 3, freeze: 1.25, take: 9, release: 7.9 },
    drain: { complete: true, tookMs: 20, left: 0 },
  }), "s: file-system-frozen; writes were held for 42 ms " +
    "(drain 20, barrier 3, freeze 1.3, take 9, release 7.9)\n");
});

test("what was not as it should be is told, and of what is not known nothing", () => {
  assert.equal(takenText(bare), "");
  assert.equal(takenText({
    ...bare, consistency: "application", pauseMs: 2100,
    drain: { complete: false, tookMs: 2000, left: 2 },
    hooks: [{ node: "a", name: "db" }, { node: "b", name: "vm", error: "no answer" }],
  }), "s: application; writes were held for 2100 ms; clients were in the middle of a step: 2 did " +
    "not give their locks back in time; the hook vm on b failed: no answer\n");
});
