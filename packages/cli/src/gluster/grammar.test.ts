/**
 * Every pattern of GlusterFS 10.3's command line, as an example of each of its alternatives: each is
 * found by its words, and either takes the arguments or says that it is not supported.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import type { MortarClient } from "@mortar/api";
import { recorder } from "../testing/recorder.ts";
import type { ClientMethod } from "./command.ts";
import { glusterCommands } from "./commands.ts";
import { runGluster } from "./run-gluster.ts";
import { matchCommand } from "./words.ts";

const file = new URL("../../testdata/gluster-grammar.txt", import.meta.url);

/** `words of the command | arguments`; lines that begin with `#` are told apart by eye. */
const lines = readFileSync(file, "utf8")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => {
    const [words = "", args = ""] = line.split("|");
    const split = (text: string) => text.split(" ").filter((it) => it !== "");
    return { line, words: split(words), args: split(args) };
  });

test("the table has every pattern", () => {
  assert.ok(lines.length > 100, `${lines.length} lines`);
});

const stock = "/usr/sbin/gluster";
const skip = existsSync(stock) ? false : "gluster is not installed (apt-get install glusterfs-cli)";

test("whatever the stock program has a pattern for is in the table", { skip }, () => {
  const strings = readFileSync(stock, "latin1").split("\0");
  const patterns = strings.filter((it) => /^(?:volume|snapshot|peer|pool|system::|global|get-state)\b/.test(it)
    && (/[<[{(]/.test(it) || it.endsWith(" help")) && !/[%\n]|: /.test(it));
  assert.ok(patterns.length > 50, `${patterns.length} patterns`);
  const known = lines.map(({ words, args }) => [...words, ...args]);
  for (const pattern of patterns) {
    const words = /^[a-z:-]+(?: [a-z0-9-]+(?= |$))*/.exec(pattern)![0].split(" ");
    assert.ok(known.some((it) => words.every((word, index) => it[index] === word)), pattern);
  }
});

for (const { line, words, args } of lines) {
  test(`parses or says why not: ${line}`, async () => {
    const match = matchCommand(glusterCommands, [...words, ...args]);
    assert.equal(match.kind, "command", JSON.stringify(match));
    assert.ok(match.kind === "command");
    assert.deepEqual(match.command.words, words);
    assert.deepEqual(match.args, args);
    const io = recorder("");
    const context = { root: "/nonexistent", strict: true, client: refusing() };
    await runGluster(["--mode=script", ...words, ...args], io, context);
    const { stdout, stderr } = io.text();
    // Help tells usages too; of other commands it is what a wrong line is answered with.
    const isUsage = /^Usage:/m.test(stderr + stdout) && words.at(-1) !== "help";
    if (!isUsage && match.command.run !== undefined) return;
    assert.match(stderr, /not supported by this version of Mortar/);
  });
}

/** A daemon that refuses whatever it is asked: what was asked for had been understood. */
function refusing(): Pick<MortarClient, ClientMethod> {
  const problem = {
    type: "refused", title: "Refused", status: 409, detail: "no", opErrno: 1, opErrstr: "no", details: [], warnings: [],
  };
  return new Proxy({} as Pick<MortarClient, ClientMethod>, {
    get: (_, method) => (method === "then" ? undefined : async () => ({ ok: false, problem })),
  });
}
