import assert from "node:assert/strict";
import { test } from "node:test";
import { glusterCommands } from "./commands.ts";
import { matchCommand } from "./words.ts";

function found(line: string): string {
  const match = matchCommand(glusterCommands, line.split(" "));
  if (match.kind !== "command") return match.kind;
  return `${match.command.words.join(" ")}|${match.args.join(" ")}`;
}

test("command words may be shortened while they fit one word only", () => {
  assert.equal(found("vol inf v1"), "volume info|v1");
  assert.equal(found("sn li"), "snapshot list|");
  assert.equal(found("v in"), "unknown-word");
  assert.equal(found("volume st v1"), "unknown-word");
});

test("a word that fits exactly wins over longer ones", () => {
  assert.equal(found("volume reset v1"), "volume reset|v1");
  assert.equal(found("volume reset-b v1"), "volume reset-brick|v1");
  assert.equal(found("volume bitrot help"), "volume bitrot help|");
  assert.equal(found("volume bitrot v1 enable"), "volume bitrot|v1 enable");
});

test("arguments are never taken for command words", () => {
  assert.equal(found("volume delete info"), "volume delete|info");
  assert.equal(found("snapshot info volume rv"), "snapshot info|volume rv");
});

test("an unknown word is told with its place, and an unfinished command as such", () => {
  assert.deepEqual(matchCommand(glusterCommands, ["volume", "foo"]), {
    kind: "unknown-word",
    word: "foo",
    position: 1,
  });
  assert.equal(found("volume"), "incomplete");
});

test("the usage that a wrong `volume set` shows is the one of stock", () => {
  const match = matchCommand(glusterCommands, ["volume", "set"]);
  assert.equal(match.kind === "command" && match.command.usage, "volume set <VOLNAME> group <GROUP>");
});
