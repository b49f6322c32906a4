import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { detachLoop, listLoops } from "@mortar/linux";
import { activateBootGroups, attachFiles, isFirstUp, markUp, type BootOptions } from "./boot.ts";
import { bootRecorder } from "./boot-groups.ts";
import { liveTestsSkip, makeLiveGroup, type LiveGroup } from "./testing/live-group.ts";
import type { VolumeGroups } from "./volume-groups.ts";

const MiB = 1 << 20;

async function recordedGroup(): Promise<{ live: LiveGroup; groups: VolumeGroups; options: BootOptions }> {
  const live = await makeLiveGroup([256 * MiB]);
  const stateDirectory = join(live.directory, "state");
  const options = {
    runDirectory: join(live.directory, "run"),
    stateDirectory,
    warn: (sentence: string) => live.warnings.push(sentence),
  };
  const groups = await live.open({ boot: bootRecorder(stateDirectory, options.warn) });
  return { live, groups, options };
}

const activeOf = async (groups: VolumeGroups, vg: string): Promise<string[]> =>
  (await groups.listLvs(vg)).filter((lv) => lv.active).map((lv) => lv.lv);

test(
  "a group is remembered from its first activation to its removal, and activated by LVM's rules",
  { skip: liveTestsSkip },
  async (context) => {
    const { live, groups, options } = await recordedGroup();
    context.after(() => live.close());
    const vg = live.name;
    const records = () => readdirSync(join(options.stateDirectory, "groups"));
    for (const name of ["plain", "manual"]) {
      await groups.createLinear(vg, { name, extentCount: 4, activate: false });
    }
    assert.deepEqual((await activateBootGroups(groups, options)).groups, [], "never activated here");
    await groups.activateVg(vg);
    assert.equal(records().length, 1);
    await groups.deactivateVg(vg);
    await groups.changeLv({ vg, lv: "manual" }, (text) => ({
      ...text,
      logicalVolumes: text.logicalVolumes.map((lv) =>
        lv.name === "manual" ? { ...lv, flags: [...lv.flags, "NOAUTOACTIVATE"] } : lv,
      ),
    }));
    const { groups: done, leftOver } = await activateBootGroups(groups, options);
    assert.deepEqual([done, leftOver], [[{ name: vg, activated: 1 }], []]);
    assert.deepEqual(await activeOf(groups, vg), ["plain"]);
    assert.deepEqual((await activateBootGroups(groups, options)).groups, [{ name: vg, activated: 0 }]);

    writeFileSync(join(options.stateDirectory, "groups/damaged.json"), "{");
    await activateBootGroups(groups, options);
    assert.match(live.warnings.join("\n"), /damaged\.json is damaged, and left out/);
    await groups.deactivateVg(vg);
    for (const lv of ["plain", "manual"]) await groups.removeLv({ vg, lv });
    await groups.removeVg(vg);
    assert.deepEqual(records(), ["damaged.json"]);
  },
);

test(
  "a file is attached again only while it holds the same physical volume, and once",
  { skip: liveTestsSkip },
  async (context) => {
    const { live, groups, options } = await recordedGroup();
    context.after(() => live.close());
    await groups.createLinear(live.name, { name: "lv", extentCount: 4, activate: true });
    assert.deepEqual((await attachFiles(options)).attached, [], "it has its loop device");
    await groups.deactivateVg(live.name);
    const [device = ""] = live.devices;
    await detachLoop(device);
    const file = join(live.directory, "disk0");
    const { attached, failed } = await attachFiles(options);
    assert.deepEqual([attached.map(({ path }) => path), failed], [[file], []]);
    const again = listLoops().find((loop) => loop.backingPath === file);
    assert.ok(again !== undefined && again.path === attached[0]?.device);
    (live.devices as string[])[0] = again.path; // The former one may be anybody's by now.

    const [name = ""] = readdirSync(join(options.stateDirectory, "groups"));
    const other = { ...options, stateDirectory: join(live.directory, "other") };
    mkdirSync(join(other.stateDirectory, "groups"), { recursive: true });
    const blank = join(live.directory, "blank");
    writeFileSync(blank, Buffer.alloc(MiB));
    const pv = { pvId: "another", path: blank, offsetBytes: 0, sizeLimitBytes: 0 };
    const missing = { ...pv, path: join(live.directory, "gone") };
    writeFileSync(
      join(other.stateDirectory, "groups", name),
      JSON.stringify({ name: live.name, id: "x", files: [pv, missing] }),
    );
    const refused = await attachFiles(other);
    assert.deepEqual(refused.attached, []);
    assert.match(refused.failed[0]?.reason ?? "", /does not hold physical volume another any more/);
    assert.match(refused.failed[1]?.reason ?? "", /ENOENT/);
  },
);

test("only the first up since the machine started brings everything back", (context) => {
  const directory = mkdtempSync(join(tmpdir(), `mortar-up-${process.pid}-`));
  context.after(() => rmSync(directory, { recursive: true }));
  const options = { runDirectory: directory, stateDirectory: directory, warn: () => undefined };
  assert.equal(isFirstUp(options), true);
  markUp(options);
  assert.equal(isFirstUp(options), false);
  writeFileSync(join(directory, "up"), "the id of another boot");
  assert.equal(isFirstUp(options), true);
});
