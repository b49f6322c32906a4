// A start of the machine, as far as a node can tell: every process gone at one blow, RUN and /dev/shm
// empty, no mounts, no loop devices. What was durable must be back after one `mortar up`.
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { LiveNode, endProcess, until } from "./live-node.ts";
import { createTwoBrickVolume, mountVolume, thinVolumes } from "./two-brick-volume.ts";

const LIMIT = { timeout: 240_000 };
const node = new LiveNode();
after(() => node.close());

const linesOf = async (line: string) =>
  (await node.ok(line)).split("\n").map((it) => it.trim()).filter((it) => it !== "");

/** Pids of everything that has the node's directory in its command line. */
function processes(): number[] {
  return readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    try {
      return readFileSync(`/proc/${name}/cmdline`, "utf8").includes(node.directory) ? [pid] : [];
    } catch {
      return [];
    }
  });
}

function mountsBelow(): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => (line.split(" ")[4] ?? "").replaceAll("\\040", " "))
    .filter((point) => point.startsWith(`${node.directory}/`));
}

/** Backing files lose their directory when the file system that they lie on is unmounted. */
function loopsBelow(): string[] {
  return readdirSync("/sys/block").flatMap((name) => {
    const file = `/sys/block/${name}/loop/backing_file`;
    if (!name.startsWith("loop") || !existsSync(file)) return [];
    return readFileSync(file, "utf8").startsWith(`${node.directory}/`) ? [`/dev/${name}`] : [];
  });
}

async function powerCut(): Promise<void> {
  const loops = loopsBelow();
  const surviving = readdirSync(join(node.root, "run/mortar/pools")).flatMap((name) => {
    const file = join(node.root, "run/mortar/pools", name, "surviving.json");
    return existsSync(file) ? [(JSON.parse(readFileSync(file, "utf8")) as { prefix: string }).prefix] : [];
  });
  // Again and again, for those that start another when it dies.
  await until("all processes are gone", () => {
    const living = processes();
    for (const pid of living) endProcess(pid);
    return living.length === 0;
  });
  for (const point of mountsBelow().toReversed()) await node.run(`umount -l '${point}'`);
  for (const loop of loops) await node.run(`losetup -d ${loop}`);
  await until("all loop devices are gone", () => loopsBelow().length === 0);
  rmSync(join(node.root, "run"), { recursive: true });
  for (const prefix of surviving) {
    if (prefix.startsWith("/dev/shm/mortar-")) await node.ok(`rm -f ${prefix}*`);
  }
  rmSync(`/dev/${node.group}`, { recursive: true, force: true });
}

test("mortar up after a power cut: disks, LVs, fstab, bricks, daemon; the client has all that was durable", LIMIT, async () => {
  await createTwoBrickVolume(node);
  await node.ok(`lvcreate -V 400M -T ${node.group}/lvol1 -n home && mkfs.xfs -q /dev/${node.group}/home`);
  await node.ok("mkdir 'my home'");
  const point = join(node.directory, "my\\040home");
  writeFileSync(
    join(node.root, "etc/fstab"),
    `/dev/${node.group}/home ${point} xfs noauto,x-mortar,noatime 0 0\n/dev/${node.group}/none /none xfs noauto 0 0\n`,
  );
  await node.ok(`lvcreate -s -n kept ${node.group}/home && lvchange -ay -K ${node.group}/kept`);
  await node.ok("gluster snapshot create before two no-timestamp && gluster snapshot activate before");
  await node.ok(`mount /dev/${node.group}/home 'my home'`);
  await node.ok("echo mine > 'my home/file' && sync -f 'my home'");
  await node.ok("for n in $(seq 16); do dd if=/dev/urandom of=volume/f$n bs=64k count=4 conv=fsync status=none; done");
  await node.ok("sha256sum volume/f* > durable");
  // Acknowledged and not flushed: it may be lost, and must do no harm.
  await node.ok("for n in $(seq 8); do dd if=/dev/zero of=volume/g$n bs=64k count=4 status=none; done");
  const lvs = (await thinVolumes(node)).sort();

  await powerCut();
  const told = await node.ok("mortar up");
  assert.match(told, /attached .*disk\.img to \/dev\/loop/);
  assert.match(told, /mounted .*\/home on .*my home\n/);
  for (const number of [1, 2]) assert.match(told, new RegExp(`mounted .*/lv${number} on .*/brick${number}\n`));
  await mountVolume(node);
  await node.ok("sha256sum --check --quiet durable");
  assert.equal(await node.ok("cat 'my home/file'"), "mine\n");
  assert.match(await node.ok(`findmnt -no OPTIONS '${node.directory}/my home'`), /noatime/);
  assert.deepEqual((await thinVolumes(node)).sort(), lvs);
  assert.match(await node.ok("gluster snapshot status before"), /Brick Running\s*:\s*Yes/);
  await node.ok("dd if=/dev/zero of=volume/again bs=64k count=4 conv=fsync status=none");
  const skipped = await linesOf(`lvs --noheadings -o lv_name,lv_active ${node.group}/kept`);
  assert.deepEqual(skipped, ["kept"], "an LV to be skipped is not activated by itself");

  // Once it is up, what an operator takes away stays away.
  await node.ok("umount 'my home'");
  await node.ok(`lvchange -an ${node.group}/home`);
  assert.doesNotMatch(await node.ok("mortar up"), /home|activated/);
  assert.deepEqual(await linesOf(`lvs --noheadings -o lv_active ${node.group}/home`), []);
});

test("a shutdown in order, and a start: what down took away comes back, disks in files too", LIMIT, async () => {
  await node.ok("umount volume");
  // As systemd does it: the daemon first, so that down meets bricks without one.
  const status = JSON.parse(await node.ok("mortar status --json")) as { node: { pid: number } };
  process.kill(status.node.pid, "SIGTERM");
  await until("mortard is gone", () => !existsSync(`/proc/${status.node.pid}`));
  assert.match(await node.ok("mortar down"), /ended 4 brick\(s\) without mortard/);
  assert.deepEqual(processes(), []);
  await powerCut();
  const told = await node.ok("mortar up");
  assert.match(told, /attached .*disk\.img/);
  await mountVolume(node);
  await node.ok("sha256sum --check --quiet durable");
  assert.equal(await node.ok("cat 'my home/file'"), "mine\n");
});

test("a disk that is missing, or another under its name, is told and left alone, and the rest is up", LIMIT, async () => {
  await node.ok("umount volume");
  await powerCut();
  await node.ok("mv disk.img away && truncate -s 1G disk.img");
  const refused = await node.refused("mortar up");
  assert.match(refused, /disk\.img: it does not hold physical volume/);
  assert.match(refused, /mortard started/);
  await node.ok("mv away disk.img");
  await node.ok("mortar up");
  await node.ok("gluster volume start two force");
  await mountVolume(node);
  await node.ok("sha256sum --check --quiet durable");
  await node.ok("umount volume && mortar down");
  await node.ok(`losetup -d ${node.scratch.loopOf("disk.img")}`);
  assert.deepEqual(node.scratch.left(), []);
});
