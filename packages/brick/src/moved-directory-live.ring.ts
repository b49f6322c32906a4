// A brick was away while directories were moved: healing moves them there too, with all that is in
// them, on volumes with copies of both kinds. Of glusterfsd's bricks a dispersed volume is left with
// directories that have no handle.
import assert from "node:assert/strict";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { HealVolume, missingForHeal } from "./heal.fixture.ts";
import { until } from "./live.fixture.ts";

const reason = missingForHeal();
const options = { timeout: 240_000, ...(reason === undefined ? {} : { skip: reason }) };
const VICTIM = 1;

const connections = (volume: HealVolume): number =>
  volume.log("client.log").split(/Connected, attached to remote volume/).length - 1;

for (const kind of ["replica", "disperse"] as const) {
  test(`directories that were moved meanwhile: ${kind}`, options, async () => {
    const volume = new HealVolume(kind, ["builtin", "builtin", "builtin"]);
    try {
      await volume.prepare();
      await volume.startAll();
      await volume.startDaemon();
      await volume.mount();
      await until("three bricks", () => connections(volume) === 3);
      const at = (name: string): string => join(volume.mountPoint, name);
      for (const name of ["z", "a", "m", "m/in", "n", "z/deep", "z/deep/er"]) {
        await mkdir(at(name));
        await writeFile(at(`${name}/file`), name);
      }
      await volume.kill(VICTIM);
      await rename(at("z"), at("b"));
      await rename(at("a"), at("y"));
      await rename(at("m/in"), at("n/in"));
      await rename(at("b/deep/er"), at("er"));
      await rename(at("b/deep"), at("n/in/deep"));
      await writeFile(at("n/in/deep/new"), "new");
      await volume.start(VICTIM);
      assert.deepEqual(await volume.waitHealed(), []);
      assert.deepEqual(volume.splitBrains(), []);
    } finally {
      await volume.remove();
    }
  });
}
