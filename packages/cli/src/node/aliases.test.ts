import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { lvmTools } from "../lvm/index.ts";
import { recorder } from "../testing/recorder.ts";
import { runOwnVerb } from "./verbs.ts";

function directoryFor(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), `mortar-cli-${process.pid}-`));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

test("there is a command under every stock name, and each keeps the root", async (context) => {
  const directory = join(directoryFor(context), "bin");
  const io = recorder("");
  const root = "/nonexistent/it's here";
  assert.equal(await runOwnVerb("aliases", [directory], io, { root }), 0);
  const others = ["gluster", "glusterd", "mortar", "snap_scheduler.py"];
  assert.deepEqual(readdirSync(directory).sort(), [...others, ...lvmTools].sort());
  const run = spawnSync(join(directory, "gluster"), ["--print-logdir"], { encoding: "utf8" });
  assert.equal(run.stderr, "");
  assert.equal(run.stdout, `${root}/var/log/mortar\n`);
});

test("making them again is fine; a foreign file is never replaced", async (context) => {
  const directory = directoryFor(context);
  assert.equal(await runOwnVerb("aliases", [directory], recorder(""), { root: "/" }), 0);
  assert.equal(await runOwnVerb("aliases", [directory], recorder(""), { root: "/" }), 0);
  writeFileSync(join(directory, "lvs"), "something else");
  const io = recorder("");
  assert.equal(await runOwnVerb("aliases", [directory], io, { root: "/" }), 1);
  assert.match(io.text().stderr, /not made by Mortar, and left alone: .*\/lvs/);
});
