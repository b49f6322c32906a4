import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { engineChoiceOf } from "./engine-choice.ts";

const root = mkdtempSync(join(tmpdir(), "mortar-engine-"));
after(() => rmSync(root, { recursive: true }));

function configure(text: string): void {
  mkdirSync(join(root, "etc/mortar"), { recursive: true });
  writeFileSync(join(root, "etc/mortar/mortar.json"), text);
}

test("without a word of anybody the engine is chosen by itself", () => {
  assert.equal(engineChoiceOf("/nowhere", undefined, {}), "auto");
  configure("{}");
  assert.equal(engineChoiceOf(root, undefined, { MORTAR_ENGINE: "" }), "auto");
});

test("the option goes before the environment, and that before the configuration", () => {
  configure('{"engine": "kernel"}');
  const environment = { MORTAR_ENGINE: "userspace" };
  assert.equal(engineChoiceOf(root, undefined, {}), "kernel");
  assert.equal(engineChoiceOf(root, undefined, environment), "userspace");
  assert.equal(engineChoiceOf(root, "auto", environment), "auto");
});

test("a word that names no engine is refused, with the place where it stands", () => {
  assert.throws(() => engineChoiceOf(root, "dm", {}), /^VgError: --engine: "dm" is no engine/);
  assert.throws(
    () => engineChoiceOf(root, undefined, { MORTAR_ENGINE: "x" }),
    /MORTAR_ENGINE: "x" .* Give one of auto, kernel, userspace/,
  );
  configure('{"engine": 7}');
  assert.throws(() => engineChoiceOf(root, undefined, {}), /mortar\.json: 7 is no engine/);
  configure("{");
  assert.throws(() => engineChoiceOf(root, undefined, {}), /mortar\.json: /);
});
