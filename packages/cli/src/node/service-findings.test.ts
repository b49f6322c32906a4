import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Schedule } from "@mortar/api";
import { certificateFinding, roomFinding, scheduleFinding } from "./service-findings.ts";

const DAY_MS = 24 * 3600 * 1000;

test("a certificate is noted a month before its end, and missing after it", (context) => {
  const directory = mkdtempSync(join(tmpdir(), `mortar-doctor-${process.pid}-`));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, "node.pem");
  const made = spawnSync("openssl", [
    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "100",
    "-subj", "/CN=n1", "-keyout", join(directory, "key"), "-out", file,
  ]);
  assert.equal(made.status, 0, made.stderr.toString());
  const states = [0, 80, 101].map((days) => certificateFinding(file, Date.now() + days * DAY_MS)[0]?.state);
  assert.deepEqual(states, ["ok", "note", "missing"]);
  assert.deepEqual(certificateFinding(join(directory, "none"), 0), []);
});

test("a schedule is told of when its last run failed", () => {
  const schedule = { name: "nightly", lastRun: { dueMs: 0, error: "pool vg0/pool is full" } };
  const [finding] = scheduleFinding(schedule as Schedule);
  assert.equal(finding?.detail, "failed at 1970-01-01T00:00Z: pool vg0/pool is full");
  assert.equal(finding?.nextStep, "mortar snapshot schedule run nightly");
  assert.deepEqual(scheduleFinding({ ...schedule, lastRun: { dueMs: 0, snapshot: "s" } } as Schedule), []);
});

test("the room for the state is told", () => {
  assert.match(roomFinding(tmpdir()).detail, /^\d+ MiB are free at /);
});
