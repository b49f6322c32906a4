// What GlusterFS's tools find bricks by is a courtesy: a brick does without it.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { removePidForTools, writePidForTools } from "./tool-pid-file.ts";

const directory = mkdtempSync(join(tmpdir(), `mortard-pids-${process.pid}-`));
after(() => rmSync(directory, { recursive: true }));
const warnings: string[] = [];
const log = {
  debug() {}, info() {}, error() {}, warn: (...said: unknown[]) => void warnings.push(String(said[1])),
};
const place = { directory, log };
const spec = (path: string) => ({ volume: "v", host: "n1", path, volfileId: "x" });

test("it is named as GlusterFS names it, and goes with the brick", () => {
  const file = join(directory, "v/n1-srv-b1-exp.pid");
  writePidForTools(place, spec("/srv/b1/exp"), 42);
  assert.equal(readFileSync(file, "utf8"), "42\n");
  removePidForTools(place, spec("/srv/b1/exp"));
  assert.equal(existsSync(file), false);
});

test("a path too long for a name, a snapshot's brick and a daemon have none, and nothing fails", () => {
  writePidForTools(place, spec(`/${"d/".repeat(200)}exp`), 42);
  assert.equal(warnings.length, 1);
  writePidForTools(place, { ...spec("/srv/b1/exp"), snapshot: "s" }, 42);
  writePidForTools(place, spec("glustershd-v"), 42);
  writePidForTools({ directory: undefined, log }, spec("/srv/b2"), 42);
  assert.equal(existsSync(join(directory, "v/n1-srv-b1-exp.pid")), false);
  assert.equal(warnings.length, 1);
});
