/** Metadata that is lost or damaged, and comes back: the commands, a real XFS, thin_check. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync } from "node:fs";
import { truncateSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { byteSegments, readPhysicalVolume } from "@mortar/lvm2";
import { runCommandLine } from "../command-line.ts";
import { recorder } from "../testing/recorder.ts";
import { FileDevice } from "./file-device.ts";

const LIVE = { skip: process.getuid?.() === 0 ? false : "needs root", timeout: 60_000 };

function run(program: string, ...args: readonly string[]): string {
  const result = spawnSync(program, args, { encoding: "utf8" });
  if (result.status === 0) return result.stdout.trim();
  throw new Error(`${program} ${args.join(" ")}: ${result.status} ${result.stderr}`);
}

const root = mkdtempSync(join(tmpdir(), `mortar-in-group-${process.pid}-`));
const disk = join(root, "disk");
const mount = join(root, "mnt");
const vg = `ingroup${process.pid}`;
let loop = "";

async function mortar(command: string): Promise<{ stdout: string; stderr: string; code: number }> {
  const io = recorder("");
  const words = ["--root", root, ...command.replaceAll("VG", vg).split(" ")];
  const code = await runCommandLine("mortar", words, io);
  const { stdout, stderr } = io.text();
  return { stdout, stderr, code };
}

async function must(command: string): Promise<string> {
  const { stdout, stderr, code } = await mortar(command);
  assert.equal(code, 0, `${command}: ${stdout}${stderr}`);
  return stdout;
}

after(async () => {
  spawnSync("umount", ["-l", mount]);
  await mortar("vgchange -an VG");
  if (loop !== "") run("losetup", "-d", loop);
  rmSync(root, { recursive: true });
});

/** Overwrite the beginning of the pool's metadata on the disk. */
function overwriteMetadata(bytes: Uint8Array, offset = 0): void {
  const file = new FileDevice(disk, "r");
  const group = readPhysicalVolume(file)?.metadata?.vg;
  file.close();
  const at = byteSegments(group!, "pool_tmeta")[0]!.pvOffsetBytes + offset;
  const fd = openSync(disk, "r+");
  writeSync(fd, bytes, 0, bytes.length, at);
  closeSync(fd);
  run("blockdev", "--flushbufs", loop);
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
  closeSync(openSync(disk, "w"));
  truncateSync(disk, 600 * 1024 * 1024);
  loop = run("losetup", "-f", "--show", disk);
  mkdirSync(join(root, "etc/mortar"), { recursive: true });
  mkdirSync(mount);
  writeFileSync(join(root, "etc/mortar/mortar.json"), JSON.stringify({ devices: [loop] }));
  await must(`vgcreate VG ${loop}`);
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
