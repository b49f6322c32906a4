/** `mortar pool`: what it prints, its exit codes, and what it refuses to do. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import {
  byteSegments, commitText, createThin, createThinPool, createVolumeGroup, extendPoolMetadata,
  initialisePhysicalVolume, newPhysicalVolume, printMetadataText, readPhysicalVolume, stripMessages,
  type VolumeGroup, withNextSeqno,
} from "@mortar/lvm2";
import { type BlockDevice, ThinPool } from "@mortar/thin";
import { runCommandLine } from "../command-line.ts";
import { recorder } from "../testing/recorder.ts";
import { FileDevice } from "./file-device.ts";
import { poolVerbs } from "./pool-verbs.ts";

const MiB = 2 ** 20;
const CHUNK = 65_536;

async function pool(...words: readonly string[]) {
  const io = recorder("");
  const code = await runCommandLine("mortar", words, io);
  return { code, ...io.text() };
}

function scratch(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), `mortar-cli-pool-${process.pid}-`));
  context.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

function sparse(path: string, sizeBytes: number): FileDevice {
  writeFileSync(path, "");
  truncateSync(path, sizeBytes);
  return new FileDevice(path, "r+");
}

/** Device 1 with a snapshot 2 of it, both changed since; nobody looks at the data. */
function fill(metadata: BlockDevice): void {
  const data: BlockDevice = {
    sizeBytes: 1000 * MiB, read: (_offset, target) => target.fill(0), write() {}, discard() {}, flush() {},
  };
  ThinPool.format({ metadata, data, dataBlockSectors: 128 });
  const thin = ThinPool.open({ metadata, data });
  thin.createThin(1);
  const device = thin.device(1);
  device.write(0, new Uint8Array(10 * CHUNK));
  thin.createSnapshot(2, 1);
  device.write(3 * CHUNK, new Uint8Array(2 * CHUNK));
  device.write(12 * CHUNK, new Uint8Array(CHUNK));
  device.discard(7 * CHUNK, CHUNK);
  thin.setTransactionId(0, 2);
  thin.close();
}

function metadataFile(context: TestContext): { path: string; directory: string } {
  const directory = scratch(context);
  const path = join(directory, "tmeta");
  const file = sparse(path, 4 * MiB);
  fill(file);
  file.close();
  return { path, directory };
}

test("every verb has help with an example, and GlusterFS keeps `pool list`", async () => {
  for (const verb of Object.keys(poolVerbs)) {
    const { code, stdout } = await pool("pool", verb, "--help");
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^Usage: mortar pool ${verb} `));
    assert.match(stdout, new RegExp(`Example: mortar pool ${verb} `));
  }
  assert.equal((await pool("pool")).code, 2);
  const { stdout, stderr } = await pool("--root", "/nonexistent", "pool", "list");
  assert.doesNotMatch(stdout + stderr, /mortar pool VERB/);
});

test("check says sound with exit code 0, and damaged with 1 and what to do", async (context) => {
  const { path } = metadataFile(context);
  assert.deepEqual(await pool("pool", "check", path), {
    code: 0, stdout: `${path}: sound; 2 devices, 20 mappings\n`, stderr: "",
  });
  const bytes = readFileSync(path);
  // Any block with the salt of a node would do: all used ones are in front.
  for (let block = 1; block < 40; block += 1) bytes[block * 4096 + 100]! ^= 1;
  writeFileSync(path, bytes);
  const { code, stdout } = await pool("pool", "check", path);
  assert.equal(code, 1);
  assert.match(stdout, /^error: /m);
  assert.match(stdout, new RegExp(`Next: mortar pool repair ${path} --dry-run`));
  const { code: jsonCode, stdout: json } = await pool("pool", "check", "--json", path);
  assert.equal(jsonCode, 1);
  assert.equal((JSON.parse(json) as { sound: boolean }).sound, false);
});

test("dump and restore are each other's opposite, and nothing is overwritten unasked", async (context) => {
  const { path, directory } = metadataFile(context);
  const xml = join(directory, "xml");
  const made = join(directory, "made");
  const { stdout } = await pool("pool", "dump", path);
  assert.equal((await pool("pool", "dump", path, "-o", xml)).code, 0);
  assert.equal(readFileSync(xml, "utf8"), stdout);
  assert.equal((await pool("pool", "dump", path, "-o", xml)).code, 2);
  assert.equal((await pool("pool", "restore", "-i", xml, "-o", made)).code, 2);
  assert.ok(!existsSync(made));
  assert.equal((await pool("pool", "restore", "-i", xml, "-o", made, "--size", "4m")).code, 0);
  assert.equal((await pool("pool", "dump", made)).stdout, stdout);
  const refused = await pool("pool", "restore", "-i", xml, "-o", made);
  assert.match(refused.stderr, /holds something; --force/);
  const forced = await pool(
    "pool", "restore", "-i", xml, "-o", made, "--force", "--transaction-id=9", "--json",
  );
  assert.equal(forced.code, 0);
  assert.match((await pool("pool", "dump", made)).stdout, /transaction="9"/);
  const json = JSON.parse((await pool("pool", "dump", "--json", path)).stdout) as {
    devices: { deviceId: number; mappings: number[][] }[];
  };
  assert.deepEqual(json.devices[1]?.mappings, [[0, 0, 10, 0]]);
  writeFileSync(xml, "<superblock>");
  const broken = await pool("pool", "restore", "-i", xml, "-o", join(directory, "new"), "--size", "4m");
  assert.match(broken.stderr, /line 1 of the XML/);
  assert.ok(!existsSync(join(directory, "new")));
});

test("delta, ls and rmap print what is shared and what is not", async (context) => {
  const { path } = metadataFile(context);
  assert.equal(
    (await pool("pool", "delta", path, "2", "1")).stdout,
    "~ 3 +2  128KiB\n- 7 +1  64KiB\n+ 12 +1  64KiB\n" +
      "128KiB different, 64KiB only in 2, 64KiB only in 1, 448KiB the same\n",
  );
  assert.match((await pool("pool", "delta", path, "2", "1", "--xml")).stdout, /<left_only begin="7" /);
  const json = JSON.parse((await pool("pool", "delta", path, "2", "1", "--json")).stdout) as object;
  assert.deepEqual(Object.keys(json), ["left", "right", "dataBlockSectors", "runs"]);
  assert.equal((await pool("pool", "delta", path, "2", "5")).code, 2);
  assert.equal(
    (await pool("pool", "ls", path)).stdout,
    "DEV MAPPED EXCLUSIVE SHARED TRANSACTION CREATE_TIME SNAP_TIME \n" +
      "  1 640KiB    192KiB 448KiB           0           0         1 \n" +
      "  2 640KiB    192KiB 448KiB           0           1         1 \n",
  );
  assert.equal((await pool("pool", "ls", path, "-o", "SIZE")).code, 2);
  assert.equal(
    (await pool("pool", "rmap", path, "--region", "8..11")).stdout,
    "data 8..10 -> thin(1) 8..10\ndata 8..10 -> thin(2) 8..10\ndata 10..11 -> thin(1) 3..4\n",
  );
  assert.equal((await pool("pool", "rmap", path, "--region", "8")).code, 2);
});

const thinLs = spawnSync("thin_ls", ["--version"]).error ? "thin_ls cannot be run" : false;

test("ls prints what thin_ls prints, byte for byte", { skip: thinLs }, async (context) => {
  const { path } = metadataFile(context);
  const fields = ["MAPPED", "EXCLUSIVE", "SHARED"]
    .flatMap((field) => [field, `${field}_BLOCKS`, `${field}_SECTORS`, `${field}_BYTES`]);
  const list = ["DEV", ...fields, "TRANSACTION", "CREATE_TIME", "SNAP_TIME"].join(",");
  for (const more of [[], ["--no-headers"]]) {
    const theirs = spawnSync("thin_ls", [...more, "-o", list, path], { encoding: "utf8" });
    const ours = await pool("pool", "ls", path, "-o", list, ...more);
    assert.equal(ours.stdout, theirs.stdout);
  }
});

test("repair says what is lost, never writes to its source, and needs a word to overwrite", async (context) => {
  const { path, directory } = metadataFile(context);
  const before = (await pool("pool", "dump", path)).stdout;
  const bytes = readFileSync(path);
  bytes.fill(0, 0, 4096);
  writeFileSync(path, bytes);
  const target = join(directory, "target");
  assert.equal((await pool("pool", "repair", path)).code, 2);
  const unknown = await pool("pool", "repair", path, "--dry-run");
  assert.match(unknown.stderr, /the superblock is gone/);
  const geometry = ["--data-block-size", "128", "--nr-data-blocks", "16000", "--transaction-id", "2"];
  const dry = await pool("pool", "repair", path, "--dry-run", ...geometry);
  assert.equal(dry.code, 0, dry.stderr);
  assert.match(dry.stdout, /would keep 2 devices/);
  const self = await pool("pool", "repair", path, "-o", path, "--force", ...geometry);
  assert.match(self.stderr, /is what would be read/);
  copyFileSync(path, `${path}.held`);
  const held = await pool("pool", "repair", path, "-o", join(directory, "target"), ...geometry);
  assert.equal(held.code, 0, held.stderr);
  assert.ok(readFileSync(path).equals(bytes));
  assert.equal((await pool("pool", "check", target)).code, 0);
  assert.equal((await pool("pool", "dump", target)).stdout, before);
  assert.equal((await pool("pool", "repair", path, "-o", target, ...geometry)).code, 2);
});

/** A group on two files, whose pool's metadata lies on both. */
function groupOnFiles(directory: string): { vg: VolumeGroup; disks: string[] } {
  const name = `vg-cli${process.pid}`;
  let counter = 0;
  const provenance = {
    random: (count: number) => Uint8Array.from({ length: count }, () => (counter += 7) % 251),
    now: 1, host: "test",
  };
  const paths = ["a", "b"].map((disk) => join(directory, disk));
  const files = paths.map((path) => sparse(path, 100 * MiB));
  const labels = files.map((file, index) => initialisePhysicalVolume(file, {
    id: `AAAAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAAA${index}`,
  }));
  let vg = createVolumeGroup({
    name,
    physicalVolumes: labels.map((label, index) => newPhysicalVolume(label, paths[index] ?? "")),
  }, provenance);
  ({ vg } = createThinPool(vg, {
    name: "pool", extentCount: 4, metadataExtentCount: 1, chunkSectors: 128, metadataSpare: false,
  }, provenance));
  vg = extendPoolMetadata(vg, "pool", 3, provenance, { physicalVolumes: [paths[1] ?? ""] });
  ({ vg } = createThin(vg, { name: "home", pool: "pool", extentCount: 4 }, provenance));
  vg = withNextSeqno(stripMessages(vg, "pool"));
  const areas = files.flatMap((device) =>
    (readPhysicalVolume(device)?.areas ?? []).map((area) => ({ device, area })));
  commitText(areas, printMetadataText(vg, {
    form: "disk", description: "test", generator: "Mortar", now: 1, host: "test",
  }));
  const segments = byteSegments(vg, "pool_tmeta");
  assert.equal(segments.length, 2);
  const metadata: BlockDevice = {
    sizeBytes: segments.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0),
    read: (offset, target) => place(offset).file.read(place(offset).at, target),
    write: (offset, source) => place(offset).file.write(place(offset).at, source),
    discard() {},
    flush() {},
  };
  const place = (offset: number) => {
    const run = segments.findLast(({ lvOffsetBytes }) => lvOffsetBytes <= offset)!;
    const file = files[run.pvKey === "pv0" ? 0 : 1]!;
    return { file, at: run.pvOffsetBytes + offset - run.lvOffsetBytes };
  };
  fill(oneBlockAtATime(metadata));
  for (const file of files) file.close();
  return { vg, disks: paths };
}

function oneBlockAtATime(device: BlockDevice): BlockDevice {
  const split = (offset: number, bytes: Uint8Array, each: (at: number, part: Uint8Array) => void): void => {
    for (let at = 0; at < bytes.length; at += 4096) each(offset + at, bytes.subarray(at, at + 4096));
  };
  return {
    sizeBytes: device.sizeBytes,
    read: (offset, target) => split(offset, target, (at, part) => device.read(at, part)),
    write: (offset, source) => split(offset, source, (at, part) => device.write(at, part)),
    discard() {},
    flush() {},
  };
}

test("a pool is found on the disks of its group, and never while it is active", async (context) => {
  const directory = scratch(context);
  const { vg, disks } = groupOnFiles(directory);
  const name = `${vg.name}/pool`;
  const pvs = disks.flatMap((disk) => ["--pv", disk]);
  const sound = await pool("pool", "check", name, ...pvs);
  assert.deepEqual(sound, {
    code: 0, stdout: `${name}: sound; 2 devices, 20 mappings\n`, stderr: "",
  });
  assert.match((await pool("pool", "ls", name, ...pvs)).stdout, / home 640KiB /);
  assert.equal((await pool("pool", "delta", name, "home", "2", ...pvs)).code, 0);
  const half = await pool("pool", "check", name, "--pv", disks[0]!);
  assert.equal(half.code, 2);
  assert.match(half.stderr, /Give it with --pv/);
  assert.equal((await pool("pool", "check", name)).code, 2);
  const onDisk = await pool("pool", "repair", name, "-o", disks[1]!, "--force", ...pvs);
  assert.match(onDisk.stderr, /is what would be read/);
  const run = join(directory, "run/mortar/pools", `${vg.name.replaceAll("-", "--")}-pool`);
  mkdirSync(run, { recursive: true });
  writeFileSync(join(run, "holder.pid"), String(process.pid));
  const live = await pool("--root", directory, "pool", "check", name, ...pvs);
  assert.equal(live.code, 2);
  assert.match(live.stderr, /is active, served by process/);
  assert.match(live.stderr, new RegExp(`Next: mortar vgchange -an ${vg.name}`));
});

test("no native module is loaded, so any platform with Node will do", (context) => {
  const { path } = metadataFile(context);
  const main = fileURLToPath(new URL("../main.js", import.meta.url));
  const guard = "data:text/javascript,process.dlopen=()=>{throw new Error('native module')}";
  for (const words of [["check"], ["dump"], ["ls"], ["rmap", "--region", "0..9"]]) {
    const args = ["--import", guard, main, "pool", words[0]!, path, ...words.slice(1)];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    assert.equal(status, 0, stderr);
  }
});
