/** Metadata that is lost or damaged, and comes back: the commands, a real XFS, thin_check. */
import assert from "node:assert/strict";
import { closeSync, existsSync, openSync, readdirSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { byteSegments, readPhysicalVolume } from "@mortar/lvm2";
import { LiveGroup, needsRoot, run } from "../testing/live-group.ts";
import { FileDevice } from "./file-device.ts";

const LIVE = { skip: needsRoot, timeout: 60_000 };

const group = new LiveGroup({ area: "ingroup" });
const { root, vg, mountPoint: mount } = group;
const mortar = (command: string) => group.mortar(command);
const must = (command: string) => group.done(command);
after(() => group.remove());

/** Overwrite the beginning of the pool's metadata on the disk. */
function overwriteMetadata(bytes: Uint8Array, offset = 0): void {
  const [disk = ""] = group.disks;
  const file = new FileDevice(disk, "r");
  const text = readPhysicalVolume(file)?.metadata?.vg;
  file.close();
  const at = byteSegments(text!, "pool_tmeta")[0]!.pvOffsetBytes + offset;
  const fd = openSync(disk, "r+");
  writeSync(fd, bytes, 0, bytes.length, at);
  closeSync(fd);
  run("blockdev", "--flushbufs", group.loops[0] ?? "");
}

async function mounted(): Promise<void> {
  await must("vgchange -ay VG");
  run("mount", `/dev/${vg}/lv`, mount);
}

async function unmounted(): Promise<void> {
  run("umount", mount);
  await must("vgchange -an VG");
}

function checksum(): string {
  return run("sh", "-c", `cd ${mount} && find . -type f | sort | xargs sha256sum | sha256sum`);
}

test("a pool with files, of whose metadata a copy is made by itself", LIVE, async () => {
  group.attach([600 * 1024 * 1024]);
  await must(`vgcreate VG ${group.loops[0]}`);
  await must("lvcreate --thin VG/pool -L 450M");
  await must("lvcreate -V 400M --thinpool pool -n lv VG");
  run("mkfs.xfs", "-q", `/dev/${vg}/lv`);
  run("mount", `/dev/${vg}/lv`, mount);
  run("cp", "-r", join(import.meta.dirname, ".."), mount);
  await must("lvcreate -s VG/lv -n before");
  run("dd", "if=/dev/urandom", `of=${mount}/random`, "bs=1M", "count=20", "status=none");
  run("sync", "-f", mount);
  const directory = join(root, "var/lib/mortar/pools", `${vg}-pool`);
  for (const name of existsSync(directory) ? readdirSync(directory) : []) {
    rmSync(join(directory, name)); // Of a state before the files.
  }
  run("umount", mount);
  await mounted();
  const isCopied = () => existsSync(directory) && readdirSync(directory).some((n) => n.endsWith(".gz"));
  while (!isCopied()) await sleep(100);
});

test("metadata that was zeroed comes back from the newest copy, with all files", LIVE, async () => {
  const before = checksum();
  await unmounted();
  overwriteMetadata(new Uint8Array(2 * 1024 * 1024));
  const refused = await mortar("lvchange -ay VG/lv");
  assert.equal(refused.code, 5);
  assert.match(refused.stderr, /mortar pool check \S+\/pool; mortar pool repair \S+\/pool/);
  assert.equal((await mortar("pool repair VG/pool")).code, 1, "there is nothing to repair from");
  const disks = run("sha256sum", ...group.disks);
  const dry = await must("pool restore VG/pool --dry-run");
  assert.match(dry, /pool: dry run, nothing was changed\. It would have 2 devices, \d+ mappings from/);
  assert.match(dry, /metadata of now, \d+ bytes, would stay as \S+\/pool_meta0\n/);
  assert.equal(run("sha256sum", ...group.disks), disks);
  const { stdout, stderr } = await mortar("pool restore VG/pool");
  assert.match(stdout, /pool: 2 devices, \d+ mappings from .*metadata-.*\.xml\.gz/);
  assert.match(stderr, /LV \S+\/pool_meta0 holds a backup of the unrepaired metadata/);
  await must("pool check VG/pool");
  await mounted();
  assert.equal(checksum(), before);
  assert.match(await must("lvs -a --noheadings -o lv_name VG"), /pool_meta0/);
});

test("metadata with a broken superblock is repaired in place, nothing lost", LIVE, async () => {
  const before = checksum();
  await unmounted();
  overwriteMetadata(Uint8Array.of(0x55, 0xaa), 100);
  const refused = await mortar("lvchange -ay VG/lv");
  assert.equal(refused.code, 5);
  const { stdout, code } = await mortar("pool repair VG/pool");
  assert.equal(code, 0, stdout);
  assert.match(stdout, /kept 2 devices, \d+ mappings, nothing lost/);
  await must("pool check VG/pool");
  await mounted();
  assert.equal(checksum(), before);
  const active = await mortar("pool repair VG/pool");
  assert.equal(active.code, 2);
  assert.match(active.stderr, /Only inactive pool can be repaired/);
  await unmounted();
  await must("lvremove -y VG/pool_meta0 VG/pool_meta1");
});
