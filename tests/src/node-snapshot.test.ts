// Snapshots as an operator meets them: typed on the command line, seen through the stock client,
// judged by xfs_repair. One node for all of it, each test leaves the volume started and mounted.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { LiveNode, until } from "./live-node.ts";
import { checkThinMetadata, checkWithLvm } from "./pool-on-disk.ts";
import {
  createTwoBrickVolume, mountSnapshot, mountVolume, thinVolumes, unmountSnapshot, volume,
  volumesOfSnapshots,
} from "./two-brick-volume.ts";

const node = new LiveNode();
const { address, directory, group } = node;
const script = "gluster --mode=script";
const program = fileURLToPath(new URL("./sequence-writer.js", import.meta.url));
const sequence = `'${process.execPath}' '${program}'`;

before(
  async () => {
    // A program that is missing: with it for an engine, no brick that is down comes back.
    const settings = { address, glusterfsd: join(directory, "none") };
    writeFileSync(join(node.root, "etc/mortar/mortar.json"), JSON.stringify(settings));
    await createTwoBrickVolume(node);
  },
  { timeout: 120_000 },
);
after(() => node.close());

/** Files with random content, each durable before the next is begun. */
function writeFiles(prefix: string, count: number): Promise<string> {
  const dd = `dd if=/dev/urandom of=volume/${prefix}-$n bs=10007 count=$((n * 3)) conv=fsync`;
  return node.ok(`for n in $(seq ${count}); do ${dd} status=none || exit; done`);
}

function sums(where: string, prefix: string): Promise<string> {
  return node.ok(`cd ${where} && sha256sum ${prefix}-*`);
}

/** As a person does: everything off, the snapshot's content in, everything on again. */
async function restore(snapshot: string, options = ""): Promise<void> {
  await node.ok("umount volume");
  await node.ok(`${script} volume stop ${volume}`);
  await node.ok(`${script} snapshot restore ${snapshot} ${options}`);
  await node.ok(`gluster volume start ${volume}`);
  await mountVolume(node);
}

async function safetySnapshots(): Promise<string[]> {
  const names = (await node.ok("mortar snapshot list --safety")).trimEnd().split("\n");
  return names.filter((name) => name.startsWith("safety_"));
}

/** Nothing hides in the catalogue or in the pool: each LV is a brick's or a snapshot's. */
async function requireNoOtherVolumes(bricks: readonly string[]): Promise<void> {
  const expected = [...bricks, ...(await volumesOfSnapshots(node))];
  assert.deepEqual((await thinVolumes(node)).sort(), expected.sort());
}

async function snapshotMounts(): Promise<string> {
  return node.ok(`grep -c ' ${node.root}/run/gluster/snaps/' /proc/self/mountinfo || true`);
}

let sumsBefore = "";

test("what was durable before a snapshot is in it, what came later is not, on both bricks", async () => {
  await writeFiles("before", 16);
  sumsBefore = await sums("volume", "before");
  await node.ok("mkdir volume/sequence");
  const log = join(directory, "sequence.log");
  const durable = () =>
    existsSync(log) ? Number(readFileSync(log, "utf8").trimEnd().split("\n").at(-1)) : 0;
  const writer = node.start(`exec ${sequence} volume/sequence sequence.log`);
  await until("the first files are written", () => durable() > 20);
  const atStart = durable();
  await node.ok(`gluster snapshot create s1 ${volume} no-timestamp`);
  const atEnd = durable();
  await until("writes go on", () => durable() > atEnd + 20);
  process.kill(writer.pid, "SIGTERM");
  await writer.ended;
  await writeFiles("after", 4);
  await node.ok("rm volume/before-1; echo changed > volume/before-2; sync volume/before-2");
  for (const number of [1, 2]) await node.ok(`ls brick${number}/exp/before-* > /dev/null`);

  await mountSnapshot(node, "s1");
  assert.equal(await sums("snapshot", "before"), sumsBefore);
  const whole = Number(await node.ok(`${sequence} --check snapshot/sequence`));
  assert.ok(whole >= atStart, `${atStart} files were durable, ${whole} are in the snapshot`);
  assert.ok(whole <= atEnd + 1, `${whole} files are in the snapshot, ${atEnd} were durable after it`);
  await node.refused("ls snapshot/after-1");
});

test("an activated snapshot refuses every change", async () => {
  for (const change of ["touch snapshot/new", "rm snapshot/before-3", "mkdir snapshot/d"]) {
    assert.match(await node.refused(change), /Read-only file system/);
  }
  assert.match(await node.refused("echo x >> snapshot/before-3"), /Read-only file system/);
  await unmountSnapshot(node, "s1");
  assert.equal(await snapshotMounts(), "0\n");
});

test("xfs_repair finds nothing to repair in any snapshot, nor in the origin", async () => {
  await node.ok(`gluster snapshot create s2 ${volume} no-timestamp`);
  await mountSnapshot(node, "s2");
  assert.equal(await sums("snapshot", "after"), await sums("volume", "after"));
  await unmountSnapshot(node, "s2");
  const snapshots = await volumesOfSnapshots(node);
  assert.equal(snapshots.length, 4);
  for (const lv of snapshots) {
    await node.ok(`lvchange -ay -K ${group}/${lv} && xfs_repair -n /dev/${group}/${lv}`);
  }
  await node.ok(`umount volume && ${script} volume stop ${volume}`);
  for (const number of [1, 2]) {
    await node.ok(`umount brick${number} && xfs_repair -n /dev/${group}/lv${number}`);
    await node.ok(`mount /dev/${group}/lv${number} brick${number}`);
  }
  await node.ok(`gluster volume start ${volume}`);
  await mountVolume(node);
});

test("every snapshot command speaks XML that a parser takes, and JSON", async () => {
  const commands = [
    `snapshot create spoken ${volume} no-timestamp description 'a < b & "c"'`,
    "snapshot list", `snapshot list ${volume}`, "snapshot info", "snapshot info spoken",
    `snapshot info volume ${volume}`, "snapshot status", "snapshot status spoken",
    `snapshot status volume ${volume}`, "snapshot activate spoken", "snapshot status spoken",
    "snapshot deactivate spoken", "snapshot config", `snapshot config ${volume}`,
    `snapshot config ${volume} snap-max-hard-limit 200`, "snapshot config auto-delete enable",
    "snapshot config auto-delete disable", "snapshot clone twin nothing", "snapshot delete spoken",
    "snapshot delete spoken", "snapshot activate nothing", "snapshot info nothing",
    `snapshot create s1 ${volume} no-timestamp`, "snapshot restore s1", "snapshot list --safety",
  ];
  for (const format of ["xml", "json"]) {
    for (const [number, command] of commands.entries()) {
      await node.run(`mortar --mode=script --${format} ${command} > spoken-${number}.${format}`);
    }
  }
  for (const number of commands.keys()) {
    JSON.parse(readFileSync(join(directory, `spoken-${number}.json`), "utf8"));
  }
  const parser = "import sys, xml.dom.minidom as dom; [dom.parse(name) for name in sys.argv[1:]]";
  await node.ok(`python3 -c '${parser}' spoken-*.xml`);
  assert.equal(await node.ok("gluster snapshot list"), "s1\ns2\n");
});

test("limits refuse in stock's words, and auto-delete removes the oldest", async () => {
  await node.ok(`${script} snapshot config ${volume} snap-max-hard-limit 3`);
  await node.ok(`gluster snapshot create s3 ${volume} no-timestamp`);
  assert.equal(
    await node.refused(`gluster snapshot create s4 ${volume} no-timestamp`),
    "snapshot create: failed: The number of existing snaps has reached the effective maximum " +
      `limit of 3, for the volume (${volume}). Please delete few snapshots before taking further ` +
      "snapshots.\nSnapshot command failed\n",
  );
  await node.ok(`${script} snapshot config ${volume} snap-max-hard-limit 4`);
  await node.ok(`${script} snapshot config snap-max-soft-limit 75`);
  const warned = await node.ok(`gluster snapshot create s4 ${volume} no-timestamp`);
  assert.match(warned, /Soft-limit of volume \(two\) is reached/);
  await node.ok(`${script} snapshot delete s4`);
  await node.ok("gluster snapshot config auto-delete enable");
  await node.ok(`gluster snapshot create s5 ${volume} no-timestamp`);
  assert.equal(await node.ok("gluster snapshot list"), "s2\ns3\ns5\n");
  await node.ok("gluster snapshot config auto-delete disable");
  await node.ok(`${script} snapshot config ${volume} snap-max-hard-limit 256`);
  await requireNoOtherVolumes(["lv1", "lv2"]);
});

test("activate-on-create leaves the new snapshot activated", async () => {
  await node.ok("gluster snapshot config activate-on-create enable");
  await node.ok(`gluster snapshot create s6 ${volume} no-timestamp`);
  await node.ok("gluster snapshot config activate-on-create disable");
  assert.match(await node.ok("gluster snapshot info s6"), /Status +: Started/);
  await node.ok(`mount -t glusterfs ${address}:/snaps/s6/${volume} snapshot && ls snapshot/after-1`);
  await unmountSnapshot(node, "s6");
});

test("deleting snapshots leaves no LV, no mount and no loop device", async () => {
  await mountSnapshot(node, "s5");
  await node.ok("umount snapshot");
  const doomed = await volumesOfSnapshots(node);
  await node.ok(`${script} snapshot delete s5`);
  await node.ok(`${script} snapshot delete volume ${volume}`);
  assert.equal(await node.ok("gluster snapshot list"), "No snapshots present\n");
  await requireNoOtherVolumes(["lv1", "lv2"]);
  assert.equal(await snapshotMounts(), "0\n");
  const devices = await node.ok("losetup --list --noheadings -O BACK-FILE");
  for (const lv of doomed) assert.ok(!devices.includes(lv), `a loop device has ${lv}`);
  assert.equal(await node.ok(`ls ${node.root}/run/gluster/snaps`), "");
});

test("restore brings the old content back, and keeps the present as a safety snapshot", async () => {
  await writeFiles("before", 16);
  sumsBefore = await sums("volume", "before");
  await node.ok(`gluster snapshot create r1 ${volume} no-timestamp`);
  await node.ok("rm volume/before-*");
  await writeFiles("later", 3);
  const sumsLater = await sums("volume", "later");

  await restore("r1");
  assert.equal(await sums("volume", "before"), sumsBefore);
  await node.refused("ls volume/later-1");
  assert.equal(await node.ok("gluster snapshot list"), "No snapshots present\n");
  assert.equal(await node.ok("gluster snapshot info"), "No snapshots present\n");
  const [safety = ""] = await safetySnapshots();
  assert.match(await node.ok(`gluster snapshot info volume ${volume}`), /Snaps Taken +: 0/);

  await restore(safety);
  assert.equal(await sums("volume", "later"), sumsLater);
  await node.refused("ls volume/before-1");
});

test("no more than the last two safety snapshots are kept", async () => {
  for (const name of ["k1", "k2", "k3"]) {
    await node.ok(`gluster snapshot create ${name} ${volume} no-timestamp`);
    await restore(name);
  }
  await until("two are left", async () => (await safetySnapshots()).length === 2);
  const used = await node.ok("mortar status --json");
  assert.equal((await thinVolumes(node)).length, 2 + 2 * 2, used);
});

test("restore --no-safety leaves no LV behind", async () => {
  for (const name of await safetySnapshots()) await node.ok(`${script} snapshot delete ${name}`);
  await node.ok(`gluster snapshot create n1 ${volume} no-timestamp`);
  await restore("n1", "--no-safety");
  assert.deepEqual(await safetySnapshots(), []);
  assert.equal((await thinVolumes(node)).length, 2);
  await node.ok("ls volume/later-1");
});

test("a brick on a directory that is no thin LV refuses a snapshot, in stock's words", async () => {
  await node.ok("mkdir plain");
  await node.ok(`gluster volume create plain ${address}:${directory}/plain/exp force`);
  await node.ok("gluster volume start plain");
  assert.equal(
    await node.refused("gluster snapshot create p1 plain"),
    "snapshot create: failed: Snapshot is supported only for thin provisioned LV. Ensure that " +
      "all bricks of plain are thinly provisioned LV.\nSnapshot command failed\n",
  );
  await node.ok(`${script} volume stop plain && ${script} volume delete plain`);
});

test("two bricks on one LV refuse a snapshot; foreign data beside a brick is named", async () => {
  await node.ok(`lvcreate -V 400M -T ${group}/lvol1 -n lv3 && mkfs.xfs -q /dev/${group}/lv3`);
  await node.ok(`mkdir brick3 && mount /dev/${group}/lv3 brick3`);
  const brick = `${address}:${directory}/brick3`;
  await node.ok(`gluster volume create shared ${brick}/a ${brick}/b && gluster volume start shared`);
  assert.match(
    await node.refused("gluster snapshot create p2 shared"),
    /Ensure that no brick of shared shares its LV with another brick\./,
  );
  await node.ok(`${script} volume stop shared && ${script} volume delete shared`);
  await node.ok("rm -r brick3/a brick3/b && mkdir brick3/letters");
  await node.ok(`gluster volume create alone ${brick}/exp && gluster volume start alone`);
  const { exitCode, stderr } = await node.run("gluster snapshot create p3 alone no-timestamp");
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, /^Warning: .*brick3 .*holds more than the brick .*: letters\./);
  await node.ok(`${script} snapshot delete p3 && ${script} volume stop alone`);
  await node.ok(`${script} volume delete alone && umount brick3 && lvremove -y ${group}/lv3`);
});

test("while a brick is down, a snapshot is refused in stock's words", async () => {
  interface Status {
    readonly node: { readonly bricks: readonly { readonly pid: number }[] };
  }
  const { node: status } = JSON.parse(await node.ok("mortar status --json")) as Status;
  // So that mortard cannot start it again meanwhile.
  await node.ok(`gluster volume set ${volume} mortar.brick-engine glusterfsd`);
  await node.ok(`kill -9 ${status.bricks[0]!.pid}`);
  assert.equal(
    await node.refused(`gluster snapshot create d1 ${volume}`),
    "snapshot create: failed: One or more bricks are not running. Please run volume status " +
      "command to see brick status.\nAll bricks have to be online to take a snapshot.Please " +
      "start the stopped brick and then issue snapshot create command.\nSnapshot command failed\n",
  );
  await node.ok(`gluster volume reset ${volume} mortar.brick-engine`);
  await node.ok(`gluster volume start ${volume} force`);
  await node.ok(`gluster snapshot create d2 ${volume} no-timestamp`);
});

test("after the node went down, LVM and thin_check accept its disk", async () => {
  const left = await thinVolumes(node);
  await node.ok("umount volume");
  await node.ok("mortar down");
  await checkThinMetadata(node);
  await checkWithLvm(node, left);
  await node.ok(`losetup -d ${node.scratch.loopOf("disk.img")}`);
  assert.deepEqual(node.scratch.left(), []);
});
