import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { appendPoolEvent, readPoolEvents } from "./pool-events.ts";
import type { PoolEvent } from "./pool-events.ts";

function withDirectory(use: (directory: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), `mortar-events-${process.pid}-`));
  try {
    use(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function event(message: string): PoolEvent {
  const time = "2026-01-01T00:00:00.000Z";
  return { time, severity: "note", kind: "extended", vg: "vg0", pool: "tp", message };
}

test("events come back in their order, the newest ones when fewer are asked for", () => {
  withDirectory((directory) => {
    assert.deepEqual(readPoolEvents(directory, 10), []);
    for (const word of ["a", "b", "c"]) appendPoolEvent(directory, event(word));
    assert.deepEqual(readPoolEvents(directory, 2).map(({ message }) => message), ["b", "c"]);
  });
});

test("a torn line costs itself alone", () => {
  withDirectory((directory) => {
    appendPoolEvent(directory, event("a"));
    appendFileSync(join(directory, "events.jsonl"), '{"kind":"full","mess\nnull\n');
    appendPoolEvent(directory, event("b"));
    assert.deepEqual(readPoolEvents(directory, 9).map(({ message }) => message), ["a", "b"]);
  });
});

test("the files stay bounded, and the newest event is always there", () => {
  withDirectory((directory) => {
    const long = "x".repeat(100_000);
    for (let index = 0; index < 40; index++) appendPoolEvent(directory, event(`${index}${long}`));
    const bytes = readdirSync(directory).map((name) => statSync(join(directory, name)).size);
    assert.equal(bytes.length, 2);
    assert.ok(bytes.every((size) => size < 1_300_000), String(bytes));
    assert.ok(readPoolEvents(directory, 1)[0]?.message.startsWith("39x"));
  });
});

test("a directory that is not there stops nobody", () => {
  appendPoolEvent("/nonexistent/mortar", event("a"));
  assert.deepEqual(readPoolEvents("/nonexistent/mortar", 1), []);
});
