// Effects on real file systems. Logical volumes are plain loop devices here: what is tested is what
// is done with the device of one.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  EffectError,
  type NodeEffect,
  type NodeEffectKind,
  type NodeEffectResult,
} from "@mortar/cluster";
import { getXattr, listMounts, setXattr } from "@mortar/linux";
import type { LvStatus } from "@mortar/vg";
import { RebalanceProcesses } from "../rebalance/rebalance-processes.ts";
import { BrickSupervisor } from "../bricks/supervisor.ts";
import { Freezer } from "../freeze/freezer.ts";
import type { Groups } from "./groups.ts";
import { NodePerformer } from "./node-performer.ts";
import { uuidBytes } from "./uuid.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const directory = mkdtempSync(join(tmpdir(), `mortard-effects-${process.pid}-`));
const snaps = join(directory, "snaps");
const userMount = join(directory, "user");
const frozen = join(directory, "frozen");
const node = "11111111-1111-4111-8111-111111111111";
const volumeId = "22222222-2222-4222-8222-222222222222";
let loop = "";
let removed: string[] = [];

function lvStatus(lv: string): LvStatus | undefined {
  if (lv !== "lv1") return undefined;
  return {
    vg: "vg", lv, kind: "thin", sizeBytes: 320 * 1024 * 1024, uuid: "u", pool: "pool",
    origin: undefined, deviceId: 1, readOnly: false, active: true, servedHere: true, inUse: false,
    devicePath: undefined, loopPath: loop, deviceNumber: "7:99", dataPercent: 9.342, metadataPercent: undefined,
  };
}

const groups: Groups = {
  lvOfDevice: (device) =>
    Promise.resolve(
      device === loop
        ? { kind: "thin", vg: "vg", lv: "lv1", pool: "pool" }
        : { kind: "none", reason: `${device} is no logical volume` },
    ),
  lvStatus: ({ lv }) => Promise.resolve(lvStatus(lv)),
  poolStatus: () => Promise.resolve(undefined),
  createThinSnapshot: () => Promise.resolve(undefined),
  activateLv: () => Promise.resolve(undefined),
  reclaimable: () => Promise.resolve([]),
  removeLv: ({ lv }) => {
    if (lv === "gone") return Promise.reject(Object.assign(new Error("no"), { code: "lv-missing" }));
    removed.push(lv);
    return Promise.resolve([]);
  },
};

const supervisor = new BrickSupervisor({
  home: { runDirectory: directory, logDirectory: directory },
  node: {
    uuid: node, glusterfsd: "none", glusterfs: "none", address: undefined, managementPort: 1,
    commandSocket: "/nowhere", snapshotIdleMs: 1000,
  },
  plan: () => assert.fail("no brick is started here"),
  portFirst: 1, portLast: 2, log: silent,
});
const freezer = new Freezer({ directory: frozen, log: silent });
const unused = () => assert.fail("no storage is made here");
const noHooks = {
  before: () => Promise.resolve([]),
  after: () => Promise.resolve({ reports: [], held: true }),
};
const performer = new NodePerformer({
  rebalance: new RebalanceProcesses({
    home: { runDirectory: directory, recordDirectory: directory, logDirectory: directory },
    node: { uuid: node, address: undefined, managementPort: 1, glusterfs: "none" },
    log: silent,
  }),
  uuid: node, host: "n1", groups, 
  storages: { inspect: unused, make: unused, makeBare: unused, remove: unused },
  deltas: { delta: unused },
  supervisor, freezer, hooks: noHooks, snapsDirectory: snaps, dumpDirectory: directory,
  address: "127.0.0.1", busyWaitMs: 300,
  mayStart: () => true, healing: { directory: "/nonexistent", clientVolfile: () => undefined },
  log: silent,
});

async function perform<K extends NodeEffectKind>(
  effect: NodeEffect<K> & { readonly kind: K },
): Promise<NodeEffectResult<K>> {
  return (await performer.perform(effect as NodeEffect)) as NodeEffectResult<K>;
}

before(() => {
  for (const path of [snaps, userMount, frozen]) mkdirSync(path);
  const image = join(directory, "image");
  execFileSync("truncate", ["-s", "320M", image]);
  execFileSync("mkfs.xfs", ["-q", image]);
  loop = execFileSync("losetup", ["--find", "--show", image], { encoding: "utf8" }).trim();
  execFileSync("mount", [loop, userMount]);
});

after(async () => {
  await freezer.close();
  supervisor.close();
  for (const mount of listMounts().filter((it) => it.source === loop).toReversed()) {
    execFileSync("umount", [mount.path]);
  }
  execFileSync("losetup", ["-d", loop]);
  rmSync(directory, { recursive: true });
});

test("a brick path on a thin LV is told with its LV, its mount, and what is beside it", async () => {
  const path = join(userMount, "exp");
  const absent = await perform({ kind: "inspectBrick", node, path });
  assert.equal(absent.exists, false);
  assert.equal(absent.parentExists, true);
  mkdirSync(path);
  writeFileSync(join(userMount, "foreign"), "");
  mkdirSync(join(userMount, "lost+found"));
  const facts = await perform({ kind: "inspectBrick", node, path });
  assert.deepEqual(facts.lv, {
    thin: true, vg: "vg", lv: "lv1", pool: "pool", sizeBytes: 320 * 1024 * 1024,
  });
  assert.equal(facts.mountPoint, userMount);
  assert.equal(facts.device, loop);
  assert.equal(facts.fsType, "xfs");
  assert.match(facts.mountOptions, /^rw,relatime,.*inode64/);
  assert.deepEqual(facts.foreignEntries, ["foreign"]);
  assert.equal(facts.isMountPoint, false);
  assert.equal(facts.onRootFileSystem, false);
  assert.equal(facts.xattrRefusal, undefined);
});

test("a mount point, a file, a plain directory and a deep absence are told apart", async () => {
  assert.equal((await perform({ kind: "inspectBrick", node, path: userMount })).isMountPoint, true);
  const file = await perform({ kind: "inspectBrick", node, path: join(userMount, "foreign") });
  assert.deepEqual([file.exists, file.isDirectory], [true, false]);
  const plain = await perform({ kind: "inspectBrick", node, path: directory });
  assert.equal(plain.lv.thin, false);
  const deep = await perform({ kind: "inspectBrick", node, path: join(userMount, "a/b/c") });
  assert.deepEqual([deep.exists, deep.parentExists, deep.mountPoint], [false, false, userMount]);
});

test("a directory below a brick is told to be in use", async () => {
  const above = join(userMount, "exp");
  setXattr(above, "trusted.gfid", new Uint8Array(16));
  const facts = await perform({ kind: "inspectBrick", node, path: join(above, "below") });
  assert.equal(facts.parentInUse, above);
  assert.equal((await perform({ kind: "inspectBrick", node, path: above })).hasGfid, true);
});

test("prepare makes a brick once and again; another volume's is refused without a trace", async () => {
  const path = join(userMount, "new");
  const prepare = { kind: "prepareBrick", node, path, volumeId, force: false } as const;
  assert.deepEqual(await perform(prepare), { created: true });
  assert.deepEqual(await perform(prepare), { created: false });
  assert.deepEqual(getXattr(path, "trusted.glusterfs.volume-id"), uuidBytes(volumeId));
  assert.equal(statSync(path).mode & 0o777, 0o755);
  assert.ok(existsSync(join(path, ".glusterfs/indices")));
  await assert.rejects(perform({ ...prepare, volumeId: node }), (error) => error instanceof EffectError);
  assert.deepEqual(await perform({ ...prepare, volumeId: node, force: true }), { created: false });
  await assert.rejects(
    perform({ ...prepare, path: join(userMount, "no/parent") }),
    (error) => error instanceof EffectError && error.errno === "ENOENT",
  );
});

test("release takes back its own and nothing else, as often as it is asked", async () => {
  const path = join(userMount, "new");
  const release = { kind: "releaseBrick", node, path, removeDirectory: true } as const;
  await perform({ ...release, volumeId });
  assert.ok(existsSync(path), "it carries another volume's id");
  await perform({ ...release, volumeId: node });
  await perform({ ...release, volumeId: node });
  assert.equal(existsSync(path), false);
  const full = join(userMount, "full");
  await perform({ kind: "prepareBrick", node, path: full, volumeId, force: false });
  writeFileSync(join(full, "data"), "");
  await perform({ ...release, path: full, volumeId });
  assert.deepEqual(readdirSync(full), ["data"]);
  assert.equal(getXattr(full, "trusted.glusterfs.volume-id"), undefined);
});

test("an LV is mounted beside its origin, again without effect, and never over something else", async () => {
  execFileSync("umount", [userMount]);
  const mountPoint = join(snaps, "0123/brick1");
  const mount = {
    kind: "mountBrick", node, vg: "vg", lv: "lv1", mountPoint, fsType: "xfs",
    mountOptions: "rw,relatime,inode64,logbufs=8,logbsize=32k,noquota",
  } as const;
  await perform(mount);
  await perform(mount);
  const mounts = listMounts().filter((it) => it.path === mountPoint);
  assert.equal(mounts.length, 1);
  assert.ok(mounts[0]?.superOptions.includes("nouuid"));
  await assert.rejects(perform({ ...mount, mountPoint: "/proc" }), /taken/);
  await assert.rejects(perform({ ...mount, lv: "none" }), /not active/);
});

test("mount options of another kernel do not keep a brick from being mounted", async () => {
  await perform({ kind: "unmountLv", node, vg: "vg", lv: "lv1" });
  const mountPoint = join(snaps, "0123/brick1");
  await perform({
    kind: "mountBrick", node, vg: "vg", lv: "lv1", mountPoint, fsType: "xfs",
    mountOptions: "rw,noatime,unheard-of",
  });
  const [mount] = listMounts().filter((it) => it.path === mountPoint);
  assert.ok(mount?.options.includes("noatime"));
});

test("unmount removes emptied mount points, everywhere and again; a busy one is an error", async () => {
  const mountPoint = join(snaps, "0123/brick1");
  execFileSync("mount", [loop, userMount]);
  const holder = execFileSync("sh", ["-c", `cd ${mountPoint} && (sleep 60 >/dev/null 2>&1 & echo $!)`], {
    encoding: "utf8",
  });
  const busy = perform({ kind: "unmountLv", node, vg: "vg", lv: "lv1" });
  await assert.rejects(
    busy,
    (error) =>
      error instanceof EffectError && error.code === "busy" && /fuser/.test(error.nextStep ?? ""),
  );
  process.kill(Number(holder), "SIGKILL");
  await perform({ kind: "unmountLv", node, vg: "vg", lv: "lv1" });
  await perform({ kind: "unmountLv", node, vg: "vg", lv: "lv1" });
  assert.deepEqual(listMounts().filter((it) => it.source === loop), []);
  assert.deepEqual(readdirSync(snaps), []);
  assert.ok(existsSync(userMount), "a mount point of the user's stays");
});

test("removal of an LV that is gone is done; sizes and percentages are LVM's", async () => {
  removed = [];
  await perform({ kind: "removeLv", node, vg: "vg", lv: "gone" });
  await perform({ kind: "removeLv", node, vg: "vg", lv: "lv1" });
  assert.deepEqual(removed, ["lv1"]);
  assert.deepEqual(await perform({ kind: "lvStatus", node, vg: "vg", lv: "lv1" }), {
    size: "320.00m", sizeBytes: 320 * 1024 ** 2, dataPercent: "9.34",
  });
});

test("a file system is synced, frozen and thawed; thawing what is not is no error", async () => {
  execFileSync("mount", [loop, userMount]);
  await perform({ kind: "syncFileSystem", node, mountPoint: userMount });
  await perform({ kind: "freeze", node, mountPoint: userMount, watchdogMs: 5000 });
  assert.deepEqual(await perform({ kind: "thaw", node, mountPoint: userMount }), { held: true });
  assert.deepEqual(await perform({ kind: "thaw", node, mountPoint: userMount }), { held: false });
  assert.deepEqual(await perform({ kind: "thaw", node, mountPoint: "/none" }), { held: false });
});

test("what is not for this node is unreachable, and errors name the node and the object", async () => {
  await assert.rejects(
    perform({ kind: "inspectBrick", node: volumeId, path: "/b" }),
    (error) => error instanceof EffectError && error.code === "unreachable",
  );
  await assert.rejects(
    perform({ kind: "setVolumeId", node, path: "/none", volumeId }),
    (error) =>
      error instanceof EffectError &&
      error.node === "n1" && error.object === "/none" && error.errno === "ENOENT",
  );
});
