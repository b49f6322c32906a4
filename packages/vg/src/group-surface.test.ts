import assert from "node:assert/strict";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { findLv, mergingSnapshotOf, parseMetadataText, requireThinPool } from "@mortar/lvm2";
import { unmount } from "@mortar/linux";
import { fileRecorder } from "./commit-recorder.ts";
import { findServer } from "./pool-host.ts";
import { liveTestsSkip, makeLiveGroup, run, type LiveGroup } from "./testing/live-group.ts";
import type { VolumeGroups } from "./volume-groups.ts";

// Against live pools on loop devices: merges of snapshots, restore, shrinking, rename, and reading
// the metadata of a pool at work.

const MIB = 1 << 20;

function put(device: string, text: string): void {
  const fd = openSync(device, "r+");
  writeSync(fd, Buffer.from(text.padEnd(4096)), 0, 4096, 0);
  fsyncSync(fd);
  closeSync(fd);
}

function get(device: string): string {
  const fd = openSync(device, "r");
  const bytes = Buffer.alloc(4096);
  readSync(fd, bytes, 0, 4096, 0);
  closeSync(fd);
  return bytes.toString().trimEnd();
}

describe("merging a snapshot", { skip: liveTestsSkip }, () => {
  let group: LiveGroup;
  let groups: VolumeGroups;
  let device: string;
  before(async () => {
    group = await makeLiveGroup([256 * MIB]);
    groups = await group.open();
    await groups.createThinPool(group.name, { name: "pool", extentCount: 40, activate: true });
    const thin = { pool: "pool", extentCount: 80, activate: true, name: "data" };
    await groups.createThin(group.name, thin);
    device = `/dev/${group.name}/data`;
  });
  after(async () => await group.close());

  async function snapshot(name: string, content: string): Promise<void> {
    put(device, content);
    const request = { vg: group.name, origin: "data", name, activate: false };
    await groups.createThinSnapshot(request);
    put(device, "later");
  }

  async function engine() {
    return (await groups.view([group.name])).groups[0]?.pools.get("pool")?.pool;
  }

  async function text() {
    const view = (await groups.view([group.name])).groups[0];
    assert.ok(view);
    return view.vg;
  }

  it("gives an unused origin its content at once, and stays with the device names", async () => {
    await snapshot("one", "first");
    const merged = await groups.mergeSnapshot({ vg: group.name, lv: "one" });
    assert.deepEqual(merged, { originName: "data", done: true });
    assert.equal(get(device), "first");
    assert.equal(findLv(await text(), "one"), undefined);
    group.lvm("vgck", group.name);
    assert.equal((await engine())?.dataUsedBlocks, 1);
  });

  for (const step of ["message-queued", "message-performed"]) {
    it(`cut off after "${step}" is finished by the next activation`, async () => {
      const name = `cut-${step}`;
      await snapshot(name, step);
      const cut = await group.open({
        step: (reached) => {
          if (reached === step) throw new Error("cut off");
        },
      });
      await assert.rejects(cut.mergeSnapshot({ vg: group.name, lv: name }), /cut off/);
      await groups.activateLv({ vg: group.name, lv: "data" });
      assert.equal(get(device), step);
      const vg = await text();
      assert.equal(findLv(vg, name), undefined);
      assert.equal(requireThinPool(vg, "pool").segment.messages.length, 0);
    });
  }

  it("waits while the origin is mounted, and is done when it is activated next", async () => {
    run("mkfs.xfs", "-q", "-f", device);
    const mount = group.mount(device);
    writeFileSync(join(mount, "file"), "then");
    run("sync", "-f", mount);
    await groups.createThinSnapshot({ vg: group.name, origin: "data", name: "two" });
    writeFileSync(join(mount, "file"), "now");
    const merged = await groups.mergeSnapshot({ vg: group.name, lv: "two" });
    assert.deepEqual(merged, { originName: "data", done: false });
    assert.equal(mergingSnapshotOf(await text(), "data")?.lv.name, "two");
    assert.match(group.lvm("lvs", "-a", "--noheadings", "-o", "name,attr", group.name), /data +Owi/);
    assert.equal(readFileSync(join(mount, "file"), "utf8"), "now");
    await groups.activateLv({ vg: group.name, lv: "data" });
    assert.equal(mergingSnapshotOf(await text(), "data")?.lv.name, "two");
    await unmount(mount);
    await groups.deactivateVg(group.name);
    assert.deepEqual((await groups.activateVg(group.name)).leftOver, []);
    assert.equal(readFileSync(join(group.mount(device), "file"), "utf8"), "then");
    await unmount(mount);
    assert.equal(findLv(await text(), "two"), undefined);
    group.lvm("vgck", group.name);
  });

  it("is refused for what is no snapshot, and for one that is in use", async () => {
    const refused = groups.mergeSnapshot({ vg: group.name, lv: "data" });
    await assert.rejects(refused, /is not a mergeable logical volume/);
    const request = { vg: group.name, origin: "data", name: "used", setActivationSkip: false };
    await groups.createThinSnapshot(request);
    const mount = group.mount(`/dev/${group.name}/used`, ["nouuid"]);
    const inUse = groups.mergeSnapshot({ vg: group.name, lv: "used" });
    await assert.rejects(inUse, { code: "in-use" });
    await unmount(mount);
    assert.ok(existsSync(device));
  });

  it("the metadata of a pool at work is held for one reader, and let go of when that died", async () => {
    const name = { vg: group.name, pool: "pool" };
    const heldRoot = async () => (await engine())?.heldRoot;
    const isHeld = await groups.withHeldMetadata(name, async (held) => {
      assert.notEqual(await heldRoot(), null);
      const second = groups.withHeldMetadata(name, async () => await Promise.resolve());
      await assert.rejects(second, /is being read by process/);
      return held;
    });
    assert.equal(isHeld, true);
    assert.equal(await heldRoot(), null);
    const host = { runDirectory: join(group.directory, "run") };
    const server = await findServer(host as never, group.name, "pool");
    const record = join(server?.directory ?? "", "metadata-hold.json");
    // A reader that was killed: it has its record, and the pool its snapshot.
    await assert.rejects(
      groups.withHeldMetadata(name, async () => {
        writeFileSync(record, JSON.stringify({ pid: 1, startTime: "no such start" }));
        await Promise.resolve();
        throw new Error("killed");
      }),
      /killed/,
    );
    assert.notEqual(await heldRoot(), null);
    await groups.withHeldMetadata(name, async () => await Promise.resolve());
    assert.equal(await heldRoot(), null);
  });

  it("a text is restored over the group, but not while it is active", async () => {
    const saved = await text();
    await groups.renameLv(group.name, "used", "other");
    await assert.rejects(groups.restoreVg(saved), /Restoring VG with active LVs/);
    await groups.deactivateVg(group.name);
    const { seqno } = await text();
    await groups.restoreVg(saved);
    const restored = await text();
    assert.ok(findLv(restored, "used"));
    assert.equal(restored.seqno, seqno + 1);
    group.lvm("vgck", group.name);
  });
});

describe("a group over several volumes", { skip: liveTestsSkip }, () => {
  let group: LiveGroup;
  let groups: VolumeGroups;
  before(async () => {
    group = await makeLiveGroup([64 * MIB, 64 * MIB]);
    groups = await group.open();
  });
  after(async () => await group.close());

  it("an LV grows over the end of a volume and shrinks again, active, with its content", async () => {
    const { name } = group;
    await groups.createLinear(name, { name: "lv", extentCount: 3, activate: true });
    const device = `/dev/${name}/lv`;
    put(device, "content");
    await groups.extendLv(name, { name: "lv", extentCount: 25 });
    assert.equal(get(device), "content");
    assert.equal(run("blockdev", "--getsize64", device).trim(), String(100 * MIB));
    await groups.reduceLv(name, { name: "lv", extentCount: 20 });
    assert.equal(run("blockdev", "--getsize64", device).trim(), String(80 * MIB));
    await groups.reduceLv(name, { name: "lv", extentCount: 5 });
    assert.equal(run("blockdev", "--getsize64", device).trim(), String(20 * MIB));
    await groups.reduceLv(name, { name: "lv", extentCount: 2 });
    assert.equal(run("blockdev", "--getsize64", device).trim(), String(8 * MIB));
    assert.equal(get(device), "content");
    await assert.rejects(groups.reduceLv(name, { name: "lv", extentCount: 3 }), /not less than/);
    group.lvm("vgck", name);
  });

  it("is renamed, exported and imported while nothing of it is active", async () => {
    const { name } = group;
    await assert.rejects(groups.renameVg(name, `${name}x`), /has active logical volumes/);
    await groups.deactivateVg(name);
    await assert.rejects(groups.renameVg(name, name), /must differ/);
    await groups.renameVg(name, `${name}x`);
    assert.match(group.lvm("vgs", "--noheadings", "-o", "name"), new RegExp(`${name}x`));
    await groups.renameVg(`${name}x`, name);
    await groups.exportVg(name);
    assert.match(group.lvm("vgs", "--noheadings", "-o", "attr"), /wzx-n-/);
    const tags = { added: ["t"], removed: [] };
    const { changeGroupTags } = await import("@mortar/lvm2");
    await assert.rejects(groups.changeVg(name, (vg) => changeGroupTags(vg, tags)), /is exported/);
    await groups.importVg(name);
    await groups.changeVg(name, (vg) => changeGroupTags(vg, tags));
    assert.match(group.lvm("vgs", "--noheadings", "-o", "tags"), /^ +t *$/m);
  });

  it("keeps its texts as LVM does: one archive a command, and the newest as backup", async () => {
    const directory = join(group.directory, "lvm");
    const warnings: string[] = [];
    const change = async (command: string, name: string) => {
      const recorder = fileRecorder({ directory, command, warn: (text) => warnings.push(text) });
      const recorded = await group.open({ recorder });
      await recorded.createLinear(group.name, { name, extentCount: 1, activate: false });
      await recorded.removeLv({ vg: group.name, lv: name });
    };
    for (let count = 0; count < 12; count += 1) await change(`change ${count}`, `lv${count}`);
    const archives = readdirSync(join(directory, "archive")).toSorted();
    assert.equal(archives.length, 12);
    assert.match(archives[11] ?? "", new RegExp(`^${group.name}_00011-\\d+\\.vg$`));
    const backup = parseMetadataText(readFileSync(join(directory, "backup", group.name), "utf8"));
    const view = (await groups.view([group.name])).groups[0];
    assert.equal(backup.vg.seqno, view?.vg.seqno);
    assert.equal(backup.description, "Created *after* executing 'change 11'");
    run("touch", "-d", "40 days ago", ...archives.map((file) => join(directory, "archive", file)));
    await change("last", "last");
    assert.equal(readdirSync(join(directory, "archive")).length, 10);
    assert.deepEqual(warnings, []);
  });
});
