// Replica 3 under the stock client: a brick comes back, and a directory that is removed at once has
// a name there that the others have removed meanwhile. It has to go there as well.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { HealVolume, missingForHeal } from "./heal.fixture.ts";
import { until } from "./live.fixture.ts";

const reason = missingForHeal();
const options = { timeout: 240_000, ...(reason === undefined ? {} : { skip: reason }) };
const VICTIM = 1;

const connections = (volume: HealVolume): number =>
  volume.log("client.log").split(/Connected, attached to remote volume/).length - 1;

for (const kind of ["replica", "arbiter"] as const) {
  test(`a removed directory stays on no brick: ${kind}`, options, async () => {
    const volume = new HealVolume(kind, ["builtin", "builtin", "builtin"]);
    try {
      await volume.prepare();
      await volume.startAll();
      await volume.mount();
      await until("three bricks", () => connections(volume) === 3);
      const at = (name: string): string => join(volume.mountPoint, name);
      for (const name of ["gone", "full"]) await mkdir(at(name));
      await writeFile(at("gone/file"), "file");
      await volume.kill(VICTIM);
      await rm(at("gone/file"));
      await writeFile(at("full/file"), "file");
      await volume.start(VICTIM);
      await until("the brick again", () => connections(volume) === 4);
      await rmdir(at("gone"));
      assert.ok(existsSync(join(volume.bricks[VICTIM]!.path, "gone")), "nobody has healed it yet");
      await volume.startDaemon();
      assert.deepEqual(await volume.waitHealed(), []);
      for (const { path } of volume.bricks) assert.ok(!existsSync(join(path, "gone")), path);
      await assert.rejects(rmdir(at("full")), /ENOTEMPTY|EEXIST/);
      assert.deepEqual(volume.splitBrains(), []);
    } finally {
      await volume.remove();
    }
  });
}
