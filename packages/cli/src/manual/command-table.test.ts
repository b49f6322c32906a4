import assert from "node:assert/strict";
import { test } from "node:test";
import { glusterCommands } from "../gluster/commands.ts";
import { parseOptions } from "../gluster/options.ts";
import { splitWords } from "../gluster/run-gluster.ts";
import { matchCommand } from "../gluster/words.ts";
import { parseCommandLine } from "../lvm/command-line.ts";
import { lvmToolHelp } from "../lvm/index.ts";
import { commandTable, type TableCommand } from "./command-table.ts";

const table = commandTable();

/** The words of an example behind `mortar`, up to a pipe or a comment. */
function wordsOf(example: string): string[] {
  return splitWords(example.replace(/ [|#] ?.*$/, "")).slice(1);
}

function parses(example: string, { family, words, options }: TableCommand): void {
  const typed = wordsOf(example);
  if (family === "lvm") {
    assert.equal(typed[0], words[0], example);
    parseCommandLine(words[0] ?? "", lvmToolHelp(words[0] ?? "")?.options ?? [], typed.slice(1));
    return;
  }
  if (family === "mortar" || family === "pool") {
    assert.deepEqual(typed.slice(0, words.length), words, example);
    const given = typed.filter((word) => word.startsWith("-")).map((word) => word.split("=")[0]);
    for (const option of given) assert.ok(options.includes(option ?? ""), `${example}: ${option}`);
    return;
  }
  const parsed = parseOptions(typed);
  assert.equal(parsed.kind, "options", example);
  if (parsed.kind !== "options") return;
  const match = matchCommand(glusterCommands, parsed.options.words);
  assert.equal(match.kind, "command", example);
  assert.deepEqual(match.kind === "command" && match.command.words, words, example);
}

test("every command that is supported is in the table once", () => {
  const supported = glusterCommands.filter(({ run }) => run !== undefined);
  for (const { words } of supported) {
    // Both families have a command `help`, and this one is Mortar's under its own name.
    assert.equal(table.filter((it) => it.words.join(" ") === words.join(" ")).length, 1, words.join(" "));
  }
});

test("every command has an example that its own parser takes", () => {
  for (const command of table) {
    const name = command.words.join(" ");
    assert.ok(command.examples.length > 0, `${name} has no example`);
    const own = command.examples.filter((it) => wordsOf(it).join(" ").startsWith(name));
    assert.ok(own.length > 0, `${name}: ${command.examples.join("; ")}`);
    // Of several lines the others may be of other commands, which have theirs.
    for (const example of own) parses(example, command);
  }
});
