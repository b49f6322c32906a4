import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync, readlinkSync } from "node:fs";
import { readSync, writeFileSync, writeSync, fsyncSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { findLv, requireThinPool } from "@mortar/lvm2";
import { listLoops } from "@mortar/linux";
import { liveTestsSkip, makeLiveGroup, run, type LiveGroup } from "./testing/live-group.ts";
import { VgError } from "./vg-error.ts";
import type { VolumeGroups } from "./volume-groups.ts";

const MIB = 1 << 20;
const EXTENT = 4 * MIB;

async function vgOf(group: LiveGroup, groups: VolumeGroups) {
  const view = (await groups.view([group.name])).groups[0];
  assert.ok(view);
  return view;
}

describe("a thin pool of a volume group", { skip: liveTestsSkip }, () => {
  let group: LiveGroup;
  let groups: VolumeGroups;
  /** Where the file system of lv1 is. */
  let lv1Mount: string;
  before(async () => {
    group = await makeLiveGroup([600 * MIB]);
    groups = await group.open();
    await groups.createThinPool(group.name, { name: "pool", extentCount: 100, activate: true });
  });
  after(async () => await group.close());

  it("carries a file system, and its snapshot holds what was written before", async () => {
    const size = { extentCount: 80, pool: "pool", activate: true };
    const made = await groups.createThin(group.name, { ...size, name: "lv1" });
    const device = made.device?.devicePath ?? "";
    assert.equal(device, `/dev/${group.name}/lv1`);
    run("mkfs.xfs", "-q", device);
    const mountPoint = group.mount(device);
    lv1Mount = mountPoint;
    writeFileSync(join(mountPoint, "before"), "old");
    const snapshot = await groups.createThinSnapshot({
      vg: group.name,
      origin: "lv1",
      name: "snap",
      setActivationSkip: false,
    });
    writeFileSync(join(mountPoint, "before"), "new");
    const frozen = group.mount(snapshot?.devicePath ?? "", ["nouuid", "ro"]);
    assert.equal(readFileSync(join(frozen, "before"), "utf8"), "old");
    assert.equal(readFileSync(join(mountPoint, "before"), "utf8"), "new");
    assert.deepEqual(group.warnings, []);
    assert.match(group.lvm("lvs", "-a", group.name), /snap .* pool +lv1/);
    group.lvm("vgck", group.name);
  });

  it("has snapshots of the same moment in one transaction", async () => {
    const size = { extentCount: 80, pool: "pool", activate: false };
    await groups.createThin(group.name, { ...size, name: "second" });
    const idBefore = requireThinPool((await vgOf(group, groups)).vg, "pool").segment.transactionId;
    await groups.createThinSnapshot({
      vg: group.name, origin: "lv1", name: "both1", activate: false, setActivationSkip: false,
      others: [{ origin: "second", name: "both2" }],
    });
    const { vg } = await vgOf(group, groups);
    const { transactionId, messages } = requireThinPool(vg, "pool").segment;
    assert.deepEqual([transactionId, messages], [idBefore + 1, []]);
    assert.match(group.lvm("lvs", "-a", group.name), /both1 .* pool +lv1[^]*both2 .* pool +second/);
    group.lvm("vgck", group.name);
    for (const lv of ["both1", "both2", "second"]) await groups.removeLv({ vg: group.name, lv });
    await assert.rejects(groups.createThinSnapshot({
      vg: group.name, origin: "lv1", name: "one", others: [{ origin: "none", name: "two" }],
    }));
    assert.equal(findLv((await vgOf(group, groups)).vg, "one"), undefined);
  });

  it("is prepared first and taken when it is told to, or given up without a trace", async () => {
    const request = {
      vg: group.name, origin: "lv1", name: "held", setActivationSkip: false, freeze: false,
    };
    const { seqno } = (await vgOf(group, groups)).vg;
    await assert.rejects(
      groups.createThinSnapshot({
        ...request,
        hold: async () => await Promise.reject(new VgError("abandoned", "not wanted any more")),
      }),
      { code: "abandoned" },
    );
    const now = (await vgOf(group, groups)).vg;
    assert.equal(findLv(now, "held"), undefined);
    assert.deepEqual(requireThinPool(now, "pool").segment.messages, []);
    assert.ok(now.seqno > seqno, "what was queued was taken back");
    const made = await groups.createThinSnapshot({
      ...request,
      hold: async (take) => {
        writeFileSync(join(lv1Mount, "held"), "after it was prepared");
        run("sync", "-f", lv1Mount);
        await take();
        writeFileSync(join(lv1Mount, "held"), "after it was taken");
      },
    });
    const held = group.mount(made?.devicePath ?? "", ["nouuid", "ro"]);
    assert.equal(readFileSync(join(held, "held"), "utf8"), "after it was prepared");
    run("umount", held);
    await groups.removeLv({ vg: group.name, lv: "held" });
  });

  it("is found again below a mounted device, by each of its names", async () => {
    const thin = { kind: "thin", vg: group.name, lv: "lv1", pool: "pool" };
    const device = `/dev/${group.name}/lv1`;
    assert.deepEqual(await groups.lvOfDevice(device), thin);
    assert.deepEqual(await groups.lvOfDevice(readlinkSync(device)), thin);
    const other = await groups.lvOfDevice(group.devices[0] ?? "");
    assert.equal(other.kind, "none");
    assert.equal((await groups.lvOfDevice("/dev/nothing")).kind, "none");
  });

  it("tells how full it and its volumes are", async () => {
    const status = await groups.poolStatus({ vg: group.name, pool: "pool" });
    assert.equal(status?.mode, "rw");
    assert.ok((status?.dataUsedBytes ?? 0) > 0);
    const lv = await groups.lvStatus({ vg: group.name, lv: "lv1" });
    assert.equal(lv?.inUse, true);
    assert.ok((lv?.dataPercent ?? 0) > 0);
    assert.equal(await groups.lvStatus({ vg: group.name, lv: "nothing" }), undefined);
    assert.equal(await groups.poolStatus({ vg: group.name, pool: "lv1" }), undefined);
  });

  it("keeps what is mounted, and what a program has open", async () => {
    const name = { vg: group.name, lv: "lv1" };
    const { seqno } = (await vgOf(group, groups)).vg;
    await assert.rejects(groups.deactivateLv(name), {
      code: "in-use",
      message: `Logical volume ${group.name}/lv1 contains a filesystem in use.`,
    });
    await assert.rejects(groups.removeLv(name), { code: "in-use" });
    run("umount", join(group.directory, "mnt", `-dev-${group.name}-snap`));
    const device = `/dev/${group.name}/snap`;
    const opener = openSync(device, "r");
    await assert.rejects(groups.removeLv({ vg: group.name, lv: "snap" }), { code: "in-use" });
    closeSync(opener);
    assert.ok(existsSync(device));
    assert.equal((await vgOf(group, groups)).vg.seqno, seqno);
  });

  it("comes back as it was after everything was taken away", async () => {
    run("umount", join(group.directory, "mnt", `-dev-${group.name}-lv1`));
    assert.deepEqual(await groups.deactivateAll(), []);
    assert.equal(existsSync(`/dev/${group.name}`), false);
    const ours = listLoops().filter((loop) => loop.backingPath.startsWith(group.directory));
    assert.deepEqual(ours.map((loop) => loop.path), group.devices);
    assert.deepEqual(await groups.activateAll(), []);
    const mountPoint = group.mount(`/dev/${group.name}/lv1`);
    assert.equal(readFileSync(join(mountPoint, "before"), "utf8"), "new");
    run("umount", mountPoint);
  });

  it("is made whole by activating again, whatever is missing", async () => {
    const { name } = group;
    run("rm", `/dev/${name}/lv1`);
    await groups.activateLv({ vg: name, lv: "lv1" });
    assert.match(readlinkSync(`/dev/${name}/lv1`), /^\/dev\/loop\d+$/);
    run("losetup", "-d", readlinkSync(`/dev/${name}/lv1`));
    const again = await groups.activateLv({ vg: name, lv: "lv1" });
    assert.equal(readlinkSync(`/dev/${name}/lv1`), again?.loopPath);
  });

  it("starts anew when its processes were killed", async () => {
    const status = (await vgOf(group, groups)).pools.get("pool");
    assert.ok(status);
    const served = new Set(listLoops().map(({ number }) => number));
    assert.ok(status.holderPid !== undefined && status.serverPid !== undefined);
    process.kill(status.holderPid, "SIGKILL");
    process.kill(status.serverPid, "SIGKILL");
    await groups.activateLv({ vg: group.name, lv: "lv1" });
    await groups.activateLv({ vg: group.name, lv: "snap" });
    const dead = listLoops().filter(({ number, backingPath }) => {
      return served.has(number) && /^\/(lv1|snap)$/.test(backingPath);
    });
    assert.deepEqual(dead, []);
    const mountPoint = group.mount(`/dev/${group.name}/lv1`);
    assert.equal(readFileSync(join(mountPoint, "before"), "utf8"), "new");
    run("umount", mountPoint);
  });

  it("is one pool for all nodes of the machine, and belongs to the one that serves it", async () => {
    const other = await group.open({ runDirectory: join(group.directory, "other-run") });
    const name = { vg: group.name, lv: "lv1" };
    const status = await other.lvStatus(name);
    assert.deepEqual([status?.active, status?.servedHere], [true, false]);
    assert.equal((await other.activateLv(name))?.loopPath, status?.loopPath);
    assert.deepEqual(await other.deactivateAll(), []);
    assert.equal((await groups.lvStatus(name))?.active, true);
    assert.equal((await groups.lvStatus(name))?.servedHere, true);
  });

  it("grows with its volumes in use", async () => {
    const { name } = group;
    await groups.extendLv(name, { name: "pool", extentCount: 110 });
    await groups.extendPoolMetadata(name, { name: "pool", extentCount: 2 });
    await groups.extendLv(name, { name: "lv1", extentCount: 90 });
    assert.equal(run("blockdev", "--getsize64", `/dev/${name}/lv1`).trim(), `${90 * EXTENT}`);
    const status = await groups.poolStatus({ vg: name, pool: "pool" });
    assert.equal(status?.dataBytes, 110 * EXTENT);
    group.lvm("vgck", name);
  });

  it("refuses bad input and changes nothing", async () => {
    const { vg } = await vgOf(group, groups);
    const { name } = group;
    const thin = { pool: "pool", extentCount: 1, activate: true };
    const attempts = [
      groups.createThin(name, { ...thin, name: "a b" }),
      groups.createThin(name, { ...thin, name: "lv1" }),
      groups.createThin(name, { ...thin, pool: "nothing" }),
      groups.createThin(name, { ...thin, pool: "lv1" }),
      groups.createThinPool(name, { extentCount: 1e6, activate: true }),
      groups.createThinSnapshot({ vg: name, origin: "nothing", name: "s" }),
      groups.createThinSnapshot({ vg: name, origin: "pool", name: "s" }),
      groups.removeLv({ vg: name, lv: "nothing" }),
      groups.renameLv(name, "lv1", "snap"),
      groups.extendLv(name, { name: "lv1", extentCount: 1 }),
      groups.removeVg(name),
      groups.reduceVg(name, group.devices[0] ?? ""),
    ];
    for (const result of await Promise.allSettled(attempts)) {
      assert.equal(result.status, "rejected");
    }
    assert.deepEqual((await vgOf(group, groups)).vg, vg);
  });

  it("gives commands that come together one after the other", async () => {
    const { name } = group;
    const thin = { pool: "pool", extentCount: 2, activate: true };
    const made = await Promise.all(
      [1, 2, 3, 4].map(async () => (await group.open()).createThin(name, thin)),
    );
    assert.equal(new Set(made.map(({ lv }) => lv.name)).size, 4);
    assert.equal(new Set(made.map(({ device }) => device?.loopPath)).size, 4);
    for (const { lv } of made) await groups.removeLv({ vg: name, lv: lv.name });
    group.lvm("vgck", name);
  });

  it("is renamed and removed with all it holds", async () => {
    const { name } = group;
    await groups.renameLv(name, "pool", "tank");
    assert.ok(existsSync(`/dev/${name}/lv1`));
    const removed = await groups.removeLv({ vg: name, lv: "tank" });
    assert.deepEqual(removed.map((lv) => lv.name), ["lv1", "snap", "tank"]);
    assert.equal(existsSync(`/dev/${name}`), false);
    assert.deepEqual((await vgOf(group, groups)).vg.logicalVolumes, []);
    assert.equal(group.lvm("lvs", "-a", "--noheadings", name), "");
  });
});

describe("linear volumes", { skip: liveTestsSkip }, () => {
  let group: LiveGroup;
  let groups: VolumeGroups;
  before(async () => {
    group = await makeLiveGroup([64 * MIB, 64 * MIB]);
    groups = await group.open();
  });
  after(async () => await group.close());

  function fill(path: string, offset: number, byte: number): void {
    const fd = openSync(path, "r+");
    writeSync(fd, Buffer.alloc(EXTENT, byte), 0, EXTENT, offset);
    fsyncSync(fd);
    closeSync(fd);
  }

  function byteAt(path: string, offset: number): number | undefined {
    const buffer = Buffer.alloc(1);
    const fd = openSync(path, "r");
    readSync(fd, buffer, 0, 1, offset);
    closeSync(fd);
    return buffer[0];
  }

  it("show their extents where the text says they lie", async () => {
    const one = { extentCount: 2, activate: true };
    const { device } = await groups.createLinear(group.name, { ...one, name: "a" });
    await groups.createLinear(group.name, { ...one, name: "b" });
    fill(device?.devicePath ?? "", 0, 0x41);
    fill(device?.devicePath ?? "", EXTENT, 0x42);
    assert.equal(byteAt(group.devices[0] ?? "", MIB + EXTENT + 5), 0x42);
    const found = await groups.lvOfDevice(device?.devicePath ?? "");
    assert.deepEqual(found, { kind: "linear", vg: group.name, lv: "a" });
  });

  it("stay one volume when they grow into several pieces, over several devices", async () => {
    const { name } = group;
    await groups.extendLv(name, { name: "a", extentCount: 20 });
    const path = `/dev/${name}/a`;
    assert.equal(run("blockdev", "--getsize64", path).trim(), `${20 * EXTENT}`);
    assert.equal(byteAt(path, EXTENT), 0x42);
    fill(path, 18 * EXTENT, 0x43);
    await groups.deactivateAll();
    await groups.activateAll();
    assert.equal(byteAt(path, 18 * EXTENT + 7), 0x43);
    assert.equal(byteAt(path, 0), 0x41);
    group.lvm("vgck", name);
  });

  it("grow in use while they are one piece", async () => {
    const { name } = group;
    const opener = openSync(`/dev/${name}/b`, "r");
    try {
      await groups.removeLv({ vg: name, lv: "a" });
      await groups.extendLv(name, { name: "b", extentCount: 4 });
    } finally {
      closeSync(opener);
    }
    assert.equal(run("blockdev", "--getsize64", `/dev/${name}/b`).trim(), `${4 * EXTENT}`);
    await groups.removeLv({ vg: name, lv: "b" });
  });

  it("let their group grow and shrink by whole devices", async () => {
    const { name, devices } = group;
    await groups.reduceVg(name, devices[1] ?? "");
    assert.equal((await vgOf(group, groups)).vg.physicalVolumes.length, 1);
    assert.equal((await groups.view()).freePvs.length, 1);
    await groups.extendVg(name, [devices[1] ?? ""], {
      say: () => undefined,
      confirm: async () => await Promise.resolve(false),
    });
    assert.equal((await vgOf(group, groups)).vg.physicalVolumes.length, 2);
    group.lvm("vgck", name);
    assert.match(group.lvm("pvs", "-o", "pv_in_use", "--noheadings"), /^\s+used\s+used\s*$/);
  });
});

describe("a change that was cut off", { skip: liveTestsSkip }, () => {
  let group: LiveGroup;
  before(async () => {
    group = await makeLiveGroup([256 * MIB]);
    const groups = await group.open();
    const { name } = group;
    await groups.createThinPool(name, { name: "pool", extentCount: 40, activate: true });
    const thin = { pool: "pool", extentCount: 10, activate: true };
    await groups.createThin(name, { ...thin, name: "lv1" });
    await groups.createThin(name, { ...thin, name: "lv2" });
  });
  after(async () => await group.close());

  /** Stops at a step, as a killed process would. */
  async function cutOff(step: string): Promise<VolumeGroups> {
    return await group.open({
      step: (reached) => {
        if (reached === step) throw new Error("cut off");
      },
    });
  }

  async function poolIds(): Promise<{ text: number; pool: number | undefined; queued: number }> {
    const view = await vgOf(group, await group.open());
    const { segment } = requireThinPool(view.vg, "pool");
    return {
      text: segment.transactionId,
      pool: view.pools.get("pool")?.pool?.transactionId,
      queued: segment.messages.length,
    };
  }

  const performing = ["message-queued", "message-performed", "text-committed"];
  for (const step of [...performing, "served", "loop-attached"]) {
    it(`after "${step}" of a snapshot is finished by the next command`, async () => {
      const name = `s-${step}`;
      const request = { vg: group.name, origin: "lv1", name, setActivationSkip: false };
      await assert.rejects((await cutOff(step)).createThinSnapshot(request), /cut off/);
      const groups = await group.open();
      await groups.activateLv({ vg: group.name, lv: name });
      const ids = await poolIds();
      assert.deepEqual(ids, { text: ids.text, pool: ids.text, queued: 0 });
      assert.ok(existsSync(`/dev/${group.name}/${name}`));
      group.lvm("vgck", group.name);
    });
  }

  it("while the pool was down is finished when it starts", async () => {
    const groups = await group.open();
    const name = "s-down";
    const request = { vg: group.name, origin: "lv2", name, setActivationSkip: false };
    await assert.rejects((await cutOff("message-queued")).createThinSnapshot(request), /cut off/);
    assert.deepEqual(await groups.deactivateAll(), []);
    await groups.activateAll();
    const ids = await poolIds();
    assert.deepEqual(ids, { text: ids.text, pool: ids.text, queued: 0 });
    assert.ok(existsSync(`/dev/${group.name}/${name}`));
  });

  for (const step of ["message-queued", "message-performed"]) {
    it(`after "${step}" of a removal is finished by the next change of the pool`, async () => {
      const name = `s-${step}`;
      await assert.rejects((await cutOff(step)).removeLv({ vg: group.name, lv: name }), /cut off/);
      const groups = await group.open();
      const made = await groups.createThin(group.name, {
        pool: "pool",
        extentCount: 1,
        activate: true,
      });
      const ids = await poolIds();
      assert.deepEqual(ids, { text: ids.text, pool: ids.text, queued: 0 });
      const { vg } = await vgOf(group, groups);
      assert.equal(findLv(vg, name), undefined);
      assert.ok(findLv(vg, made.lv.name));
    });
  }

  it("leaves no pool whose metadata was zeroed but never named", async () => {
    const groups = await cutOff("metadata-zeroed");
    const { seqno } = (await vgOf(group, groups)).vg;
    const pool = { name: "other", extentCount: 4, activate: true };
    await assert.rejects(groups.createThinPool(group.name, pool), /cut off/);
    assert.equal((await vgOf(group, groups)).vg.seqno, seqno);
    await (await group.open()).createThinPool(group.name, pool);
    await (await group.open()).removeLv({ vg: group.name, lv: "other" });
  });
});

describe("the lock of a group", { skip: liveTestsSkip }, () => {
  let group: LiveGroup;
  before(async () => {
    group = await makeLiveGroup([64 * MIB]);
  });
  after(async () => await group.close());

  it("is LVM's: a command waits for whoever holds it, and says for whom", async () => {
    const path = `/run/lock/lvm/V_${group.name}`;
    const holder = spawn("flock", [path, "sh", "-c", "echo held; read _"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    await once(holder.stdout, "data");
    const groups = await group.open({ lockTimeoutMs: 100 });
    const change = groups.createLinear(group.name, { extentCount: 1, activate: false });
    await assert.rejects(change, { code: "lock-timeout", message: /held by process \d+/ });
    holder.stdin.end();
    await once(holder, "exit");
    await groups.createLinear(group.name, { extentCount: 1, activate: false, name: "after" });
    await groups.removeLv({ vg: group.name, lv: "after" });
    assert.equal(existsSync(path), false);
  });
});
