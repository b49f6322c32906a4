import assert from "node:assert/strict";
import { test } from "node:test";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { docBlocks, firstMissing, indentedCommands } from "./doc-blocks.ts";

test("commands, what they print, their exit codes, and why a block is not run", () => {
  const fence = "```";
  const [first, second, ...more] = docBlocks(
    `# Page\n\n${fence}console\n$ one\n> two\nout\n$ three\n[2]\n${fence}\n\n${fence}console skip="no disk"\n$ four\n${fence}\n`,
  );
  assert.deepEqual(first, {
    line: 3, skip: undefined,
    commands: [
      { line: 4, command: "one\ntwo", expected: ["out"], exitCode: 0 },
      { line: 7, command: "three", expected: [], exitCode: 2 },
    ],
  });
  assert.equal(second?.skip, "no disk");
  assert.deepEqual(more, []);
  assert.throws(() => docBlocks(`${fence}console\n$ one\n`), /does not end/);
  const [hidden] = docBlocks("<!-- console\n$ five\n-->\n");
  assert.deepEqual(hidden?.commands.map(({ command }) => command), ["five"]);
});

test("no page has commands in an indented block: they are run, or it is said why not", () => {
  assert.deepEqual(indentedCommands("    mortar up\n```console\n    mortar up\n```\n    { }\n"), ["    mortar up"]);
  const tree = fileURLToPath(new URL("../../", import.meta.url));
  const pages = ["README.md", ...readdirSync(`${tree}docs`).filter((it) => it.endsWith(".md")).map((it) => `docs/${it}`)];
  const found = pages.flatMap((page) => indentedCommands(readFileSync(tree + page, "utf8")).map((line) => `${page}: ${line}`));
  assert.deepEqual(found, []);
});

test("… stands for anything in a line, and alone for any lines; all else has to be there", () => {
  assert.equal(firstMissing(["a … c", "…", "z"], "a b c\nx\ny\nz\n"), undefined);
  assert.equal(firstMissing(["…"], ""), undefined);
  assert.equal(firstMissing(["a  b"], "a      b\n"), undefined, "columns may be wider");
  assert.equal(firstMissing(["a"], "b\n"), "a");
  assert.equal(firstMissing(["a", "b"], "a\n"), "b");
  assert.equal(firstMissing(["a"], "a\nb\n"), "the end, and not: b");
  assert.equal(firstMissing(["a.b"], "axb\n"), "a.b");
});
