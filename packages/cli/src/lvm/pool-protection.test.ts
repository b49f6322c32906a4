/** Pools that grow by themselves, and pools that take no more: the commands on the real kernel. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { runCommandLine } from "../command-line.ts";
import { recorder } from "../testing/recorder.ts";
import { runLvm } from "./index.ts";

const LIVE = { skip: process.getuid?.() === 0 ? false : "needs root", timeout: 60_000 };
const MiB = 1024 * 1024;

function run(program: string, ...args: readonly string[]): string {
  const result = spawnSync(program, args, { encoding: "utf8" });
  if (result.status === 0) return result.stdout.trim();
  throw new Error(`${program} ${args.join(" ")}: ${result.status} ${result.stderr}`);
}

function runBeside(program: string, ...args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (part: Buffer) => (output += part.toString()));
    child.stderr.on("data", (part: Buffer) => (output += part.toString()));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code: code ?? -1, output }));
  });
}

let count = 0;
const nodes: Node[] = [];
after(async () => {
  for (const node of nodes) await node.close();
});

class Node {
  readonly root = mkdtempSync(join(tmpdir(), `mortar-protection-${process.pid}-`));
  readonly vg = `prot${process.pid}n${(count += 1)}`;
  readonly loops: string[] = [];

  constructor(diskBytes: readonly number[], thinPools: object = {}) {
    nodes.push(this);
    for (const [index, bytes] of diskBytes.entries()) {
      const disk = join(this.root, `disk${index}`);
      closeSync(openSync(disk, "w"));
      truncateSync(disk, bytes);
      this.loops.push(run("losetup", "-f", "--show", disk));
    }
    mkdirSync(join(this.root, "etc/mortar"), { recursive: true });
    const settings = { devices: this.loops, thinPools };
    writeFileSync(join(this.root, "etc/mortar/mortar.json"), JSON.stringify(settings));
  }

  async lvm(command: string): Promise<{ stdout: string; stderr: string; code: number }> {
    const [tool = "", ...args] = command.replaceAll("VG", this.vg).split(" ");
    const io = recorder("");
    const code = await runLvm(tool, args, io, { root: this.root });
    const { stdout, stderr } = io.text();
    return { stdout, stderr, code };
  }

  async must(command: string): Promise<string> {
    const { stdout, stderr, code } = await this.lvm(command);
    assert.equal(code, 0, `${command}: ${stderr}`);
    return stdout;
  }

  async close(): Promise<void> {
    await this.lvm("vgchange -an VG");
    for (const loop of this.loops) run("losetup", "-d", loop);
    rmSync(this.root, { recursive: true });
  }
}

function fill(device: string, megabytes: number): ReturnType<typeof runBeside> {
  const dd = ["if=/dev/urandom", `of=${device}`, "bs=1M", `count=${megabytes}`, "oflag=direct"];
  return runBeside("dd", ...dd);
}

test("a pool grows by itself under load, and no write fails", LIVE, async () => {
  const node = new Node([512 * MiB]);
  await node.must(`vgcreate VG ${node.loops[0]}`);
  await node.must("lvcreate --thin VG/pool -L 64M");
  await node.must("lvcreate -V 400M --thinpool pool -n lv VG");
  const { code, output } = await fill(`/dev/${node.vg}/lv`, 100);
  assert.equal(code, 0, output);
  for (;;) {
    const percent = Number(await node.must("lvs --noheadings -o data_percent VG/pool"));
    if (percent <= 80) break;
    await sleep(100);
  }
  assert.equal((await node.lvm("lvextend --use-policies VG/pool")).code, 0, "nothing to do");
});

test("a pool above its threshold takes no volume, and says what is free and what to type", LIVE, async () => {
  const node = new Node([128 * MiB, 128 * MiB]);
  const [first, second] = node.loops;
  await node.must(`vgcreate VG ${first}`);
  await node.must("lvcreate --thin VG/pool -L 112M");
  await node.must("lvcreate -V 200M --thinpool pool -n lv VG");
  assert.equal((await fill(`/dev/${node.vg}/lv`, 100)).code, 0);
  for (const command of [
    "lvcreate -V 10M --thinpool pool -n b VG",
    "lvcreate -s VG/lv -n s",
    "lvextend -L +100M VG/lv",
  ]) {
    const { stderr, code } = await node.lvm(command);
    assert.equal(code, 5, command);
    assert.match(stderr, /free space in thin pool \S+\/pool reached threshold/);
    assert.match(stderr, /Data: 8\d\.\d\d% of 1\d\d\.00 MiB is used, threshold 80%; .*MiB is free/);
    assert.match(stderr, /Next: vgextend \S+ DEVICE; lvextend -L \+SIZE/);
  }
  const free = await node.must("vgs --noheadings -o vg_free_count VG");
  assert.equal(free.trim(), "0", "the pool has taken all there was");
  await node.must("lvcreate -s VG/lv -n s --force");
  const failed = await node.lvm("lvextend --use-policies VG/pool");
  assert.equal(failed.code, 5);
  assert.match(failed.stderr, /insufficient free space \(0 extents\): \d+ required/);
  await node.must(`vgextend VG ${second}`);
  await node.must("lvcreate -V 10M --thinpool pool -n b VG");
});

test("a threshold of 100 leaves the pool as it is until it is full", LIVE, async () => {
  const node = new Node([256 * MiB], { autoextendThreshold: 100, noSpaceTimeoutSeconds: 1 });
  await node.must(`vgcreate VG ${node.loops[0]}`);
  await node.must("lvcreate --thin VG/pool -L 64M");
  await node.must("lvcreate -V 200M --thinpool pool -n lv VG");
  assert.equal((await fill(`/dev/${node.vg}/lv`, 60)).code, 0);
  await node.must("lvcreate -s VG/lv -n s");
  const { code, output } = await fill(`/dev/${node.vg}/lv`, 100);
  assert.equal(code, 1);
  assert.match(output, /No space left on device/);
  const refused = await node.lvm("lvcreate -s VG/lv -n s2");
  assert.match(refused.stderr, /100\.00% of 64\.00 MiB is used/);
});

test("doctor, status and events tell how a pool is, and what to type", LIVE, async () => {
  const node = new Node([128 * MiB]);
  const mortar = async (verb: string): Promise<string> => {
    const io = recorder("");
    await runCommandLine("mortar", ["--root", node.root, verb], io);
    return io.text().stdout;
  };
  await node.must(`vgcreate VG ${node.loops[0]}`);
  await node.must("lvcreate --thin VG/pool -L 96M");
  await node.must("lvcreate -V 200M --thinpool pool -n lv VG");
  assert.match(await mortar("doctor"), /ok +pool \S+\/pool +data 0\.00%.*grows by itself above 80%/);
  assert.equal(await mortar("events"), "");
  assert.equal((await fill(`/dev/${node.vg}/lv`, 110)).code, 0);
  while (!/above its threshold/.test(await mortar("doctor"))) await sleep(100);
  assert.match(await mortar("doctor"), /missing +pool .*0 *m? is free.*Next: vgextend \S+ DEVICE/i);
  while (!/could not be extended/.test(await mortar("events"))) await sleep(100);
  const events = await mortar("events");
  assert.match(events, /UTC {2}note +Thin pool \S+\/pool was extended: data from \d+ to \d+ chunks/);
  assert.match(events, /UTC {2}error +Thin pool \S+ could not be extended: .*insufficient free space/);
  assert.match(await mortar("status"), /could not be extended/);
});
