// Logs are read from their end, bounded, followed over a new file, and by names of programs alone.
import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { LogMissing, NodeLogs } from "./node-logs.ts";

const directory = mkdtempSync(join(tmpdir(), `mortard-logs-${process.pid}-`));
const brickLogDirectory = join(directory, "bricks");
const logFile = join(directory, "mortard.log");
mkdirSync(brickLogDirectory);
after(() => rmSync(directory, { recursive: true }));
const logs = new NodeLogs({ host: "h", paths: { logDirectory: directory, brickLogDirectory, logFile } });
const line = (msg: string, level = 30, at = 5) =>
  `${JSON.stringify({ level, time: new Date(at).toISOString(), msg, x: 1 })}\n`;
const texts = (query: object) => logs.read(query).lines.map(({ text }) => text);

test("the newest lines are told, by level and time, and then those that came since", () => {
  writeFileSync(logFile, line("a") + line("b", 50, 9) + line("c", 40, 20));
  assert.deepEqual(texts({}), ["a x=1", "b x=1", "c x=1"]);
  assert.deepEqual(texts({ limit: 1 }), ["c x=1"]);
  assert.deepEqual(texts({ level: "error" }), ["b x=1"]);
  assert.deepEqual(texts({ since: 9 }), ["b x=1", "c x=1"]);
  const { next } = logs.read({});
  appendFileSync(logFile, `${line("d")}${line("e")}{"half`);
  const more = logs.read({ after: next, limit: 1 });
  assert.deepEqual([more.lines.map(({ text }) => text), more.isCut], [["d x=1"], true]);
  assert.deepEqual(texts({ after: more.next }), ["e x=1"]);
  const end = logs.read({ after: more.next }).next;
  assert.deepEqual(texts({ after: end }), []);
  renameSync(logFile, `${logFile}.1`);
  writeFileSync(logFile, line("f"));
  assert.deepEqual(texts({ after: end }), ["f x=1"]);
});

test("a large file is read from its end, within bounds", () => {
  writeFileSync(logFile, line("x".repeat(20_000)).repeat(200));
  const { lines, isCut } = logs.read({ limit: 1_000 });
  assert.ok(lines.length < 60 && isCut, String(lines.length));
  assert.ok(lines.every(({ text }) => text.length === 8_193));
});

test("bricks and daemons are found by name; paths and links are not", () => {
  const stock = "[2026-11-23 12:00:00.250000 +0000] W [MSGID: 1] [a.c:1:f] 0-v: careful\nplain\n1970-01-01T00:00:00.007Z dated\n";
  writeFileSync(join(brickLogDirectory, "b1-v.log"), stock);
  writeFileSync(join(directory, "secret.txt"), "secret\n");
  symlinkSync(join(directory, "secret.txt"), join(directory, "link.log"));
  const { lines, units } = logs.read({ unit: "brick:b1-v" });
  assert.deepEqual(lines, [
    { atMs: Date.UTC(2026, 10, 23, 12, 0, 0, 250), level: "warning", text: "[MSGID: 1] [a.c:1:f] 0-v: careful" },
    { level: "info", text: "plain" }, { atMs: 7, level: "info", text: "dated" },
  ]);
  assert.deepEqual(units.map(({ unit }) => unit), ["mortard", "brick:b1-v"]);
  for (const unit of ["link", "../secret.txt", "/etc/passwd", "brick:../mortard", "secret"]) {
    assert.throws(() => logs.read({ unit }), LogMissing);
  }
  assert.throws(() => logs.answerPeer({ unit: 3 }), /no question/);
});
