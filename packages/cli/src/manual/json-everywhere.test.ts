// `--json` behind every command of `mortar help`: it is documented, and what goes wrong is a problem in JSON.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { after, test } from "node:test";
import { runCommandLine } from "../command-line.ts";
import { splitWords } from "../gluster/run-gluster.ts";
import { commandTable, type TableCommand } from "./command-table.ts";

const root = mkdtempSync(join(tmpdir(), "cli-json-"));
after(() => rmSync(root, { recursive: true, force: true }));

/** What they print is for a shell, or to be read. */
const without = ["completion", "help"];
const commands = commandTable().filter(({ words }) => !without.includes(words.join(" ")));

async function ran(words: readonly string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const stdin = new PassThrough();
  stdin.end();
  const io = {
    stdin, stdout: { write: (text: string) => out.push(text) }, stderr: { write: (text: string) => err.push(text) },
  };
  const exitCode = await runCommandLine("mortar", ["--root", root, ...words, "--json"], io);
  return { exitCode, out: out.join(""), err: err.join("") };
}

/** Where the command is not done: no daemon runs here, and its own verbs are given a word that none takes. */
function lineOf({ family, words, examples }: TableCommand): readonly string[] {
  if (family === "mortar" || family === "pool" || family === "lvm") return [...words, "--no-such-option"];
  const [example = ""] = examples;
  const typed = splitWords(example.replace(/ [|#>] ?.*$/, "")).slice(1).filter((it) => !it.startsWith("--json"));
  return typed.slice(0, words.length).join(" ") === words.join(" ") ? typed : words;
}

test("every command says that it has --json", () => {
  const silent = commands.filter(({ options }) => !options.includes("--json"));
  assert.deepEqual(silent.map(({ words }) => words.join(" ")), []);
});

for (const command of commands) {
  const line = lineOf(command);
  if (command.words.at(-1) === "help") {
    test(`${command.words.join(" ")}: its lines as JSON`, async () => {
      const { exitCode, out } = await ran(command.words);
      const { result } = JSON.parse(out) as { result: { lines: string[] } };
      assert.equal(exitCode, 0);
      assert.ok(result.lines.length > 3, out);
    });
    continue;
  }
  test(`${line.join(" ")}: the problem as JSON, and an exit code`, async () => {
    const { exitCode, out, err } = await ran(line);
    // The stream of `snapshot send` is on standard output.
    const text = command.words.join(" ") === "snapshot send" ? err : out;
    const { problem } = JSON.parse(text) as { problem: { type: string; detail: string } };
    assert.notEqual(exitCode, 0);
    assert.match(problem.type, /^[a-z][a-z-]*$/);
    assert.notEqual(problem.detail, "");
  });
}

test("a word that is no command, and a command that is not whole, are problems too", async () => {
  for (const words of [["volum", "lst"], ["volume"], ["vol", "list", "--frobnicate"], ["nothing"], ["lvfoo"]]) {
    const { exitCode, out } = await ran(words);
    const { problem } = JSON.parse(out) as { problem: { type: string } };
    assert.notEqual(exitCode, 0);
    assert.equal(problem.type, "usage", words.join(" "));
  }
});
