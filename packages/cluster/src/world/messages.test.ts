/** Every refusal, in stock's words and with stock's number. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedCluster } from "./cluster.sim.ts";
import type { CommandArgs, CommandName } from "../command.ts";
import { errno } from "../failure.ts";
import { keyOf } from "../key-space.ts";

type Act = (cluster: SimulatedCluster) => Promise<{ readonly ok: boolean }>;
type Row = readonly [
  title: string,
  prepare: readonly Act[],
  act: Act,
  opErrno: number,
  opErrstr: string | RegExp,
];

const run =
  <Name extends CommandName>(name: Name, args: CommandArgs<Name>): Act =>
  (cluster) =>
    cluster.run(name, args);
const create = (bricks: readonly string[], more: { force?: boolean; replica?: number } = {}) =>
  run("volumeCreate", { name: "v", bricks, ...more });
const tweak =
  (change: (cluster: SimulatedCluster) => unknown): Act =>
  async (cluster) => {
    change(cluster);
    return { ok: true };
  };
const nodeA = (cluster: SimulatedCluster) => cluster.world.node("node-a");

const bricks = ["a:/b1/exp", "b:/b3/exp"];
const created = create(bricks);
const started = run("volumeStart", { volume: "v" });
const stopped = run("volumeStop", { volume: "v" });
const profiled = run("volumeProfile", { volume: "v", action: "start" });
const snap = (name: string, more: { timestamp?: boolean; description?: string } = {}) =>
  run("snapshotCreate", { name, volume: "v", timestamp: false, ...more });
const up = [created, started];
const snapped = [...up, snap("s")];

const { EG_INTRNL, EINVAL } = errno;
const orForce =
  "Or use 'force' at the end of the command if you want to override this behavior.";

const volumeRows: readonly Row[] = [
  ["name reserved", [], run("volumeCreate", { name: "all", bricks }), EINVAL,
    '"all" cannot be the name of a volume.'],
  ["name too long", [], run("volumeCreate", { name: "x".repeat(129), bricks }), EINVAL,
    "Volname can not exceed 128 characters."],
  ["name with a dot", [], run("volumeCreate", { name: "a.b", bricks }), EINVAL,
    'Volume name should not contain "." character.\n' +
      "Volume names can onlycontain alphanumeric, '-' and '_' characters."],
  ["exists", [created], create(bricks, { force: true }), EG_INTRNL, "Volume v already exists"],
  ["no path", [], create(["a"]), EINVAL,
    "Wrong brick type: a, use <HOSTNAME>:<export-dir-abs-path>"],
  ["relative path", [], create(["a:b1/exp"]), EINVAL,
    "Wrong brick type: a:b1/exp, use <HOSTNAME>:<export-dir-abs-path>"],
  ["climbing path", [], create(["a:/b1/../etc"]), EINVAL, /^Wrong brick type/],
  ["a brick twice", [], create(["a:/b1/exp", "a:/b1//exp/"]), EINVAL,
    "Found duplicate exports a:/b1/exp"],
  ["localhost", [], create(["localhost:/b1/exp"]), EINVAL,
    /^Please provide a valid hostname\/ip other than localhost/],
  ["long path", [], create([`a:/b1/${"x".repeat(300)}`]), EINVAL, /^brick path .* is too long\.$/],
  ["unknown host", [], create(["c:/b1/exp"]), EG_INTRNL, "Failed to find host c"],
  ["one in the other", [], create(["a:/b1/exp", "a:/b1/exp/sub"]), EG_INTRNL,
    "Brick: a:/b1/exp/sub not available. " +
      "Brick may be containing or be contained by an existing brick."],
  ["of another volume", [created], run("volumeCreate", { name: "w", bricks: ["a:/b1/exp/x"] }),
    EG_INTRNL,
    "Brick: a:/b1/exp/x not available. " +
      "Brick may be containing or be contained by an existing brick."],
  ["mount point", [], create(["a:/b1"]), EG_INTRNL,
    "The brick a:/b1 is a mount point. Please create a sub-directory under the mount point and " +
      `use that as the brick directory. ${orForce}`],
  ["root partition", [], create(["a:/plain"]), EG_INTRNL,
    "The brick a:/plain is being created in the root partition. It is recommended that you don't " +
      `use the system's root partition for storage backend. ${orForce}`],
  ["no parent", [], create(["a:/b1/no/exp"]), EG_INTRNL,
    "Failed to create brick directory for brick a:/b1/no/exp. Reason : No such file or directory "],
  ["in use", [tweak((it) => nodeA(it).fsOf("/b1").fs.directories.set("/exp", "id"))],
    create(bricks), EG_INTRNL, "/b1/exp is already part of a volume"],
  ["parent in use", [tweak((it) => nodeA(it).fsOf("/b1").fs.directories.set("/d", "id"))],
    create(["a:/b1/d/exp"]), EG_INTRNL, "parent directory /b1/d is already part of a volume"],
  ["create: same server", [],
    run("volumeCreate", { name: "v", bricks: ["a:/b1/exp", "a:/b2/exp"], replica: 2 }),
    errno.EG_INTRNL,
    "Multiple bricks of a replicate volume are present on the same server. This setup is not " +
      "optimal. Bricks should be on different nodes to have best fault tolerant configuration. " +
      "Use 'force' at the end of the command if you want to override this behavior. "],
  ["start: none", [], started, errno.EG_NOVOL, "Volume v does not exist"],
  ["start: twice", up, started, EG_INTRNL, "Volume v already started"],
  ["start: not mounted", [created, tweak((it) => nodeA(it).mounts.delete("/b1"))], started,
    EG_INTRNL,
    "Failed to find brick directory /b1/exp for volume v. Reason : No such file or directory"],
  ["start: no id",
    [created, tweak((it) => nodeA(it).fsOf("/b1").fs.directories.set("/exp", undefined))], started,
    EG_INTRNL,
    "Failed to get extended attribute trusted.glusterfs.volume-id for brick dir /b1/exp. " +
      "Reason : No data available"],
  ["start: other id",
    [created, tweak((it) => nodeA(it).fsOf("/b1").fs.directories.set("/exp", "else"))], started,
    EG_INTRNL,
    /^Volume id mismatch for brick a:\/b1\/exp\. Expected volume id \S+, volume id else found$/],
  ["stop: not started", [created], stopped, EG_INTRNL, "Volume v is not in the started state"],
  ["delete: started", up, run("volumeDelete", { volume: "v" }), EG_INTRNL,
    "Volume v has been started.Volume needs to be stopped before deletion."],
  ["delete: snapshots", [...snapped, stopped], run("volumeDelete", { volume: "v" }), EG_INTRNL,
    "Cannot delete Volume v ,as it has 1 snapshots. " +
      "To delete the volume, first delete all the snapshots under it."],
  ["info: none", [], run("volumeInfo", { volume: "v" }), errno.EG_NOVOL, "Volume v does not exist"],
  ["set: unknown", [created],
    run("volumeOptionSet", { volume: "v", options: [{ name: "nosuch.opt", value: "on" }] }),
    EG_INTRNL, "option : nosuch.opt does not exist\nDid you mean auth.allow or ...reject?"],
  ["set: bad value", [created],
    run("volumeOptionSet", {
      volume: "v",
      options: [{ name: "performance.io-cache", value: "x" }],
    }),
    EG_INTRNL, /is not a valid boolean value/],
  ["reset: unknown", [created], run("volumeOptionReset", { volume: "v", key: "nosuch.opt" }),
    EG_INTRNL, /^Option nosuch\.opt does not exist/],
  ["set: no such engine", [created],
    run("volumeOptionSet", {
      volume: "v",
      options: [{ name: "mortar.brick-engine", value: "x" }],
    }),
    EG_INTRNL, /builtin/],
  ["profile: not started", up, run("volumeProfile", { volume: "v", action: "info" }), EG_INTRNL,
    "Profile on Volume v is not started"],
  ["profile: twice", [...up, profiled], profiled, EG_INTRNL,
    "Profile on Volume v is already started"],
  ["profile: stopped volume", [created, profiled],
    run("volumeProfile", { volume: "v", action: "info" }), EG_INTRNL, "Volume v is not started."],
  ["statedump: stopped volume", [created], run("volumeStatedump", { volume: "v" }), EG_INTRNL,
    "Volume v is not in the started state"],
  ["log rotate: stopped volume", [created], run("volumeLogRotate", { volume: "v" }), EG_INTRNL,
    "Volume v needs to be started before log rotate."],
  ["log rotate: another brick", up, run("volumeLogRotate", { volume: "v", brick: "a:/none" }),
    EG_INTRNL, "Incorrect brick a:/none for volume v"],
  ["barrier: stopped volume", [created], run("volumeBarrier", { volume: "v", enable: true }),
    EG_INTRNL, "Volume v is not started"],
];

const snapshotRows: readonly Row[] = [
  ["create: characters", up, snap("bad/name"), EINVAL,
    'Snapname can contain only alphanumeric, "-" and "_" characters'],
  ["create: too long", up, snap("x".repeat(256)), EINVAL, "snapname cannot exceed 255 characters."],
  ["create: too long with its time", up, snap("x".repeat(240), { timestamp: true }), EINVAL,
    "snapname cannot exceed 255 characters."],
  ["create: reserved", up, snap("all"), EINVAL, '"all" cannot be a snapname/volname'],
  ["create: empty description", up, snap("s", { description: "" }), EINVAL,
    "Snapshot cannot be created with empty description"],
  ["create: no volume", [], snap("s"), errno.EG_NOVOL, "Volume (v) does not exist "],
  ["create: stopped", [created], snap("s"), errno.EG_VOLSTP, "volume v is not started"],
  ["create: exists", snapped, snap("s"), errno.EG_SNAPEXST, "Snapshot s already exists"],
  ["create: hard limit", [...snapped, run("snapshotConfigSet", { volume: "v", hardLimit: 1 })],
    snap("t"), errno.EG_HRDLMT,
    "The number of existing snaps has reached the effective maximum limit of 1, " +
      "for the volume (v). Please delete few snapshots before taking further snapshots."],
  ["create: not thin", [create(["a:/thick/exp"]), started], snap("s"), errno.EG_NOTTHINP,
    "Snapshot is supported only for thin provisioned LV. " +
      "Ensure that all bricks of v are thinly provisioned LV."],
  ["create: root partition", [create(["a:/plain"], { force: true }), started], snap("s"),
    errno.EG_NOTTHINP, /^Snapshot is supported only for thin provisioned LV/],
  ["create: two on one LV", [create(["a:/b1/x", "a:/b1/y"]), started], snap("s"),
    errno.EG_NOTTHINP, /LV of their own/],
  ["create: other volume's LV",
    [...up, run("volumeCreate", { name: "w", bricks: ["a:/b1/other"] })], snap("s"),
    errno.EG_NOTTHINP, /LV of their own/],
  ["create: brick down", [...up, tweak((it) => nodeA(it).running.clear())], snap("s"),
    errno.EG_BRCKDWN,
    "One or more bricks are not running. Please run volume status command to see brick status.\n" +
      "All bricks have to be online to take a snapshot." +
      "Please start the stopped brick and then issue snapshot create command."],
  ["create: pool full", [...up, tweak((it) => (nodeA(it).pool.metadataPercent = 97))], snap("s"),
    EG_INTRNL, /^A thin pool under the volume v/],
  ["activate: none", [], run("snapshotActivate", { snapshot: "s" }), errno.EG_NOSNAP,
    "Snapshot (s) does not exist."],
  ["activate: twice", [...snapped, run("snapshotActivate", { snapshot: "s" })],
    run("snapshotActivate", { snapshot: "s" }), EINVAL, "Snapshot s is already activated."],
  ["deactivate: twice", snapped, run("snapshotDeactivate", { snapshot: "s" }), EINVAL,
    "Snapshot s is already deactivated."],
  ["delete: none", [], run("snapshotDelete", { snapshot: "s" }), errno.EG_NOSNAP,
    "Snapshot (s) does not exist"],
  ["restore: none", [], run("snapshotRestore", { snapshot: "s" }), errno.EG_NOSNAP,
    "Snapshot (s) does not exist"],
  ["restore: started", snapped, run("snapshotRestore", { snapshot: "s" }), errno.EG_VOLRUN,
    "Volume (v) has been started. Volume needs to be stopped before restoring a snapshot."],
  ["clone: none", [], run("snapshotClone", { snapshot: "s", name: "c" }), errno.EG_NOSNAP,
    "Failed to find :s snap"],
  ["clone: inactive", snapped, run("snapshotClone", { snapshot: "s", name: "c" }),
    errno.EG_VOLSTP, "Snapshot s is not activated"],
  ["clone: exists", snapped, run("snapshotClone", { snapshot: "s", name: "v" }),
    errno.EG_VOLEXST, "Volume with name:v already exists"],
  ["list: no volume", [], run("snapshotList", { volume: "v" }), errno.EG_NOVOL,
    "Volume (v) does not exist"],
  ["config: range", [], run("snapshotConfigSet", { hardLimit: 300 }), EINVAL,
    "Invalid snap-max-hard-limit 300. Expected range 1 - 256"],
  ["config: the system's limit bounds the volume's",
    [created, run("snapshotConfigSet", { hardLimit: 10 })],
    run("snapshotConfigSet", { volume: "v", hardLimit: 11 }), EINVAL,
    "Invalid snap-max-hard-limit 11. Expected range 1 - 10"],
  ["config: soft range", [], run("snapshotConfigSet", { softLimitPercent: 101 }), EINVAL,
    "Invalid snap-max-soft-limit 101. Expected range 1 - 100"],
  ["config: fraction", [], run("snapshotConfigSet", { hardLimit: 1.5 }), EINVAL,
    "Please enter an integer value greater than zero for snap-max-hard-limit"],
  ["config: soft of a volume", [created],
    run("snapshotConfigSet", { volume: "v", softLimitPercent: 5 }), EINVAL,
    "Soft limit cannot be set to individual volumes."],
  ["config: auto-delete of a volume", [created],
    run("snapshotConfigSet", { volume: "v", autoDelete: "enable" }), EINVAL,
    "As of now, auto-delete option cannot be set to volumes"],
  ["config: no boolean", [], run("snapshotConfigSet", { autoDelete: "maybe" }), EINVAL,
    "Please enter a valid boolean value for auto-delete"],
  ["config: already", [], run("snapshotConfigSet", { activateOnCreate: "disable" }), EINVAL,
    "activate-on-create is already disabled"],
];

for (const [title, prepare, act, opErrno, opErrstr] of [...volumeRows, ...snapshotRows]) {
  void test(`refused in stock's words, nothing changed: ${title}`, async () => {
    const cluster = await SimulatedCluster.start();
    for (const one of prepare) assert.ok((await one(cluster)).ok);
    const before = cluster.stored;
    const answer = (await act(cluster)) as Awaited<ReturnType<SimulatedCluster["run"]>>;
    assert.ok(!answer.ok);
    if (typeof opErrstr === "string") assert.equal(answer.opErrstr, opErrstr);
    else assert.match(answer.opErrstr, opErrstr);
    assert.equal(answer.opErrno, opErrno);
    assert.equal(cluster.stored, before, "the state is untouched");
  });
}

void test("what an interrupted command holds is refused in stock's words", async () => {
  const cluster = await SimulatedCluster.start();
  for (const one of [...snapped, run("snapshotActivate", { snapshot: "s" })]) await one(cluster);
  const snapshot = cluster.stored.snapshots.get("s")!.document;
  const lv = snapshot.volumes[0]!.bricks[0]!.thin!.lv;
  nodeA(cluster).busy.add(`vg/${lv}`);
  const failed = await cluster.run("snapshotDelete", { snapshot: "s" });
  assert.ok(!failed.ok && failed.opErrno === EG_INTRNL);
  assert.match(failed.details[0]!.nextStep ?? "", /tried again by itself/);
  const held = await cluster.run("snapshotActivate", { snapshot: "s" });
  assert.ok(!held.ok);
  assert.equal(
    held.opErrstr,
    "Another transaction is in progress for s. Please try again after some time.",
  );
  assert.deepEqual((await cluster.must("snapshotList", {})).map((it) => it.name), ["s"]);
  nodeA(cluster).busy.clear();
  await cluster.must("snapshotDelete", { snapshot: "s" });
  assert.ok(!cluster.stored.snapshots.has("s"));
  cluster.checkAtRest();
});

void test("details name brick, device and failing check", async () => {
  const cluster = await SimulatedCluster.start();
  for (const one of [create(["a:/thick/exp", "a:/b1/exp"]), started]) await one(cluster);
  const answer = await cluster.run("snapshotCreate", { name: "s", volume: "v" });
  assert.ok(!answer.ok);
  assert.equal(answer.details.length, 1);
  assert.equal(
    answer.details[0]!.detail,
    "a:/thick/exp is on /dev/vg/thick, mounted at /thick: vg/thick is not a thin logical volume",
  );
});

void test("a volume's document is under the key that the table of keys says", () => {
  assert.equal(keyOf.volume("v"), "volume/v");
});
