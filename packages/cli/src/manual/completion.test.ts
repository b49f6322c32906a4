import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { recorder } from "../testing/recorder.ts";
import { commandTable } from "./command-table.ts";
import { completion } from "./completion.ts";
import { completionScripts } from "./completion-scripts.ts";
import { candidatesFor } from "./completion-words.ts";

const table = commandTable();
const main = fileURLToPath(new URL("../main.js", import.meta.url));

function words(line: string): string[] {
  return candidatesFor(table, line.split(" ")).words.map(({ word }) => word);
}

function kinds(line: string): readonly string[] {
  return candidatesFor(table, line.split(" ")).kinds;
}

test("the first word is any verb; the next ones are those that can follow it", () => {
  for (const word of ["up", "volume", "lvs", "pool", "doctor"]) assert.ok(words("").includes(word), word);
  assert.ok(words("snapshot ").includes("restore"));
  assert.deepEqual(words("snapshot schedule "), ["add", "edit", "list", "status", "init", "enable", "disable", "delete", "run"]);
  for (const word of ["check", "list"]) assert.ok(words("pool ").includes(word), word);
  assert.deepEqual(words("completion "), ["bash", "zsh", "fish"]);
  for (const word of ["create", "list", "revoke"]) assert.ok(words("token ").includes(word), word);
});

test("names are asked for where a command takes them", () => {
  assert.deepEqual(kinds("volume start "), ["volume"]);
  assert.deepEqual(kinds("snapshot restore "), ["snapshot"]);
  assert.deepEqual(kinds("snapshot clone "), []);
  assert.deepEqual(kinds("snapshot clone new "), ["snapshot"]);
  assert.deepEqual(kinds("snapshot schedule run "), ["schedule"]);
  assert.deepEqual(kinds("volume create "), []);
  assert.deepEqual(kinds("lvs "), ["lv", "vg"]);
  assert.deepEqual(kinds("vgchange "), ["vg"]);
  assert.deepEqual(kinds("peer detach "), ["node"]);
});

test("words of a pattern are offered as they are typed, and placeholders are not", () => {
  assert.deepEqual(words("volume start v1 "), ["force"]);
  for (const word of ["bigger-file", "info", "full"]) assert.ok(words("volume heal v1 ").includes(word), word);
  assert.deepEqual(words("snapshot delete "), ["all", "volume"]);
});

test("options are those of the command", () => {
  assert.ok(words("volume list -").includes("--json"));
  assert.ok(words("lvs vg0 --").includes("--noheadings"));
  assert.ok(words("brick create n1:/b --").includes("--size"));
});

test("while mortard does not run nothing is said, and the words are there", async () => {
  const io = recorder("");
  const root = `/nonexistent-${process.pid}`;
  assert.equal(await completion(["--", "volume", "start", "v1", ""], io, { root }), 0);
  assert.deepEqual(io.text(), { stdout: "force\t\n", stderr: "" });
});

test("bash completes with what the program answers", () => {
  const script = `
mortar() { '${process.execPath}' '${main}' --root /nonexistent-${process.pid} "$@"; }
source /dev/stdin <<'EOF'
${completionScripts.bash}EOF
compopt() { :; }
COMP_WORDS=(mortar snapshot sched); COMP_CWORD=2; _mortar; echo "\${COMPREPLY[*]}"
COMP_WORDS=(mortar ""); COMP_CWORD=1; _mortar; echo "\${#COMPREPLY[@]}"`;
  const run = spawnSync("bash", ["-c", script], { encoding: "utf8", timeout: 30_000 });
  assert.equal(run.stderr, "");
  const [first, count] = run.stdout.split("\n");
  assert.equal(first, "schedule");
  assert.ok(Number(count) > 50, run.stdout);
});

test("zsh and fish read their scripts", () => {
  const zsh = spawnSync("zsh", ["-n"], { input: completionScripts.zsh, encoding: "utf8" });
  assert.equal(zsh.error, undefined, "zsh is needed (apt-get install zsh)");
  assert.deepEqual([zsh.status, zsh.stderr], [0, ""]);
  const asked = `function commandline
    if test "$argv[1]" = -opc; printf '%s\\n' mortar snapshot; else; echo sched; end
end
function mortar; '${process.execPath}' '${main}' --root /nonexistent $argv; end
${completionScripts.fish}
__mortar_words`;
  const fish = spawnSync("fish", ["--no-config", "-c", asked], { encoding: "utf8", timeout: 30_000 });
  assert.equal(fish.error, undefined, "fish is needed (apt-get install fish)");
  assert.equal(fish.stdout, "schedule\t\n", fish.stderr);
});
