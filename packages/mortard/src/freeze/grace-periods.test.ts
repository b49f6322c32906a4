import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { EXPEDITED_MARKER, GracePeriods } from "./grace-periods.ts";

const directory = mkdtempSync(join(tmpdir(), `mortard-rcu-${process.pid}-`));
const file = join(directory, "switch");
const marker = join(directory, EXPEDITED_MARKER);
const value = () => readFileSync(file, "latin1").trim();

beforeEach(() => writeFileSync(file, "0\n"));
after(() => rmSync(directory, { recursive: true }));

test("grace periods are hurried while anything freezes, and as before after it", async () => {
  const periods = new GracePeriods(directory, file);
  await periods.hurriedDuring(async () => {
    await assert.rejects(periods.hurriedDuring(() => Promise.reject(new Error("EBUSY"))));
    assert.equal(value(), "1");
  });
  assert.equal(value(), "0");
  assert.equal(existsSync(marker), false);
});

test("a switch that somebody else has turned on stays on", async () => {
  writeFileSync(file, "1\n");
  await new GracePeriods(directory, file).hurriedDuring(async () => {});
  assert.equal(value(), "1");
});

test("what a daemon that was killed left on, the next one turns off", () => {
  void new GracePeriods(directory, file).hurriedDuring(() => new Promise(() => {}));
  assert.equal(value(), "1");
  new GracePeriods(directory, file).takeBack();
  assert.equal(value(), "0");
  writeFileSync(file, "1\n");
  new GracePeriods(directory, file).takeBack();
  assert.equal(value(), "1");
});

test("a kernel that has no such switch is no reason not to freeze", async () => {
  const periods = new GracePeriods(directory, join(directory, "none"));
  assert.equal(await periods.hurriedDuring(async () => 7), 7);
  assert.equal(existsSync(marker), false);
});
