import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { releaseProgramPages } from "./program-pages.ts";

function memoryOfFilesKib(): number {
  return Number(/^RssFile:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "latin1"))![1]);
}

test("pages of the program that only its start needed are not in use any more", () => {
  const before = memoryOfFilesKib();
  releaseProgramPages();
  const after = memoryOfFilesKib();
  assert.ok(after < 0.75 * before, `${before} KiB, then ${after}`);
  assert.equal(JSON.stringify({ runs: "on" }), '{"runs":"on"}');
});
