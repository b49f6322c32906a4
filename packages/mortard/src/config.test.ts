import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ConfigError, readSettings } from "./config.ts";
import { nodeUuid } from "./node-identity.ts";
import { makeDirectories, nodePaths } from "./paths.ts";

const directory = mkdtempSync(join(tmpdir(), "mortard-config-"));
after(() => rmSync(directory, { recursive: true }));

test("a missing file is all defaults, a file changes what it names", () => {
  const file = join(directory, "mortar.json");
  assert.equal(readSettings(file).glusterPort, 24007);
  writeFileSync(file, '{"address":"127.9.9.9","glusterPort":24008}');
  const settings = readSettings(file);
  assert.equal(settings.address, "127.9.9.9");
  assert.equal(settings.glusterPort, 24008);
  assert.equal(settings.brickPortFirst, 49152);
});

test("every address may be written out: its names are the machine's then, not that address", () => {
  const file = join(directory, "every.json");
  for (const address of ["0.0.0.0", "::"]) {
    writeFileSync(file, JSON.stringify({ address }));
    assert.equal(readSettings(file).address, undefined);
  }
});

test("what the commands read of the file is no fault to the daemon", () => {
  const file = join(directory, "shared.json");
  const shared = { devices: ["/dev/sd*", "/srv/pv"], engine: "userspace" };
  writeFileSync(file, JSON.stringify(shared));
  const { devices, engine } = readSettings(file);
  assert.deepEqual({ devices, engine }, shared);
});

for (const [text, reason] of [
  ["{", /not JSON/],
  ['{"glusterPort":"x"}', /glusterPort/],
  ['{"glusterPort":70000}', /glusterPort/],
  ['{"colour":"red"}', /colour/],
  ['{"devices":"/dev/sda"}', /devices/],
  ['{"engine":"steam"}', /engine/],
  ['{"brickPortFirst":50000,"brickPortLast":49000}', /brickPortFirst/],
] as const) {
  test(`the file ${text} is refused by the name of what is wrong`, () => {
    const file = join(directory, "bad.json");
    writeFileSync(file, text);
    assert.throws(
      () => readSettings(file),
      (error) => error instanceof ConfigError && reason.test(error.message) && /bad\.json/.test(error.message),
    );
  });
}

test("a root that is too deep for sockets is refused before anything is made", () => {
  const paths = nodePaths(join(directory, "d".repeat(90)));
  assert.throws(() => makeDirectories(paths), /Choose a shorter --root/);
});

test("a node keeps its uuid, and refuses to make another one when the file is damaged", () => {
  const first = nodeUuid(directory);
  assert.match(first, /^[0-9a-f-]{36}$/);
  assert.equal(nodeUuid(directory), first);
  writeFileSync(join(directory, "node.json"), "{}");
  assert.throws(() => nodeUuid(directory), /node\.json/);
});
