import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import type { CliIo } from "./io.ts";
import { toldAsJson, type ToldOptions } from "./told-as-json.ts";

async function told(run: (io: CliIo) => number, options?: ToldOptions) {
  const out: string[] = [];
  const err: string[] = [];
  const io = {
    stdin: new PassThrough(),
    stdout: { write: (text: string) => out.push(text) }, stderr: { write: (text: string) => err.push(text) },
  };
  const exitCode = await toldAsJson(io, (inner) => Promise.resolve(run(inner)), options);
  return { exitCode, out: out.join(""), err: err.join("") };
}

test("sentences become lines, complaints warnings, and what a program wants has names", async () => {
  const { exitCode, out, err } = await told(({ stdout, stderr, tell }) => {
    stdout.write("  mounted /b\nmortard ");
    stdout.write("started\n");
    stderr.write("Warning: no clock\n");
    tell?.({ pid: 7 });
    return 0;
  });
  assert.equal(exitCode, 0);
  assert.equal(err, "");
  assert.deepEqual(JSON.parse(out), {
    result: { pid: 7, lines: ["mounted /b", "mortard started"] }, warnings: ["no clock"],
  });
});

test("a failure is a problem with its next step, under the exit code that it has", async () => {
  const { exitCode, out, err } = await told(({ stderr }) => {
    stderr.write('  Volume group "g" not found\n  Cannot process volume group g\nNext: vgs\n');
    return 5;
  }, { problemType: (code) => (code === 5 ? "refused" : "usage") });
  assert.equal(exitCode, 5);
  assert.equal(err, "");
  assert.deepEqual(JSON.parse(out), {
    problem: { type: "refused", detail: 'Volume group "g" not found\nCannot process volume group g', nextStep: "vgs" },
  });
});

test("a question is asked before it is answered", async () => {
  const { out, err } = await told(({ stderr }) => {
    stderr.write("Do you really want to remove it? [y/n]: ");
    return 0;
  });
  assert.equal(err, "Do you really want to remove it? [y/n]: ");
  assert.deepEqual(JSON.parse(out), { result: { lines: [] }, warnings: [] });
});

test("JSON that a command prints itself stays as it is", async () => {
  const printed = await told(({ stdout, stderr }) => {
    stdout.write('{"report":[]}\n');
    stderr.write("one is missing\n");
    return 5;
  }, { printsJson: true });
  assert.deepEqual(printed, { exitCode: 5, out: '{"report":[]}\n', err: "one is missing\n" });
});
