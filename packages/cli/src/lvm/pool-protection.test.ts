/** Pools that grow by themselves, and pools that take no more: the commands on the real kernel. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { LiveGroup, needsRoot } from "../testing/live-group.ts";

const LIVE = { skip: needsRoot, timeout: 60_000 };
const MiB = 1024 * 1024;

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

const groups: LiveGroup[] = [];
after(async () => {
  for (const group of groups) await group.remove();
});

function groupOn(sizesBytes: readonly number[], thinPools: object = {}): LiveGroup {
  const name = `prot${process.pid}n${groups.length + 1}`;
  const group = new LiveGroup({ area: "protection", name });
  groups.push(group);
  group.attach(sizesBytes, { thinPools });
  return group;
}

function fill(device: string, megabytes: number): ReturnType<typeof runBeside> {
  const dd = ["if=/dev/urandom", `of=${device}`, "bs=1M", `count=${megabytes}`, "oflag=direct"];
  return runBeside("dd", ...dd);
}

test("a pool grows by itself under load, and no write fails", LIVE, async () => {
  const group = groupOn([512 * MiB]);
  await group.done(`vgcreate VG ${group.loops[0]}`);
  await group.done("lvcreate --thin VG/pool -L 64M");
  await group.done("lvcreate -V 400M --thinpool pool -n lv VG");
  const { code, output } = await fill(group.device("lv"), 100);
  assert.equal(code, 0, output);
  for (;;) {
    const percent = Number(await group.done("lvs --noheadings -o data_percent VG/pool"));
    if (percent <= 80) break;
    await sleep(100);
  }
  assert.equal((await group.lvm("lvextend --use-policies VG/pool")).code, 0, "nothing to do");
});

test("a pool above its threshold takes no volume, and says what is free and what to type", LIVE, async () => {
  const group = groupOn([128 * MiB, 128 * MiB]);
  const [first, second] = group.loops;
  await group.done(`vgcreate VG ${first}`);
  await group.done("lvcreate --thin VG/pool -L 112M");
  await group.done("lvcreate -V 200M --thinpool pool -n lv VG");
  assert.equal((await fill(group.device("lv"), 100)).code, 0);
  for (const command of [
    "lvcreate -V 10M --thinpool pool -n b VG",
    "lvcreate -s VG/lv -n s",
    "lvextend -L +100M VG/lv",
  ]) {
    const { stderr, code } = await group.lvm(command);
    assert.equal(code, 5, command);
    assert.match(stderr, /free space in thin pool \S+\/pool reached threshold/);
    assert.match(stderr, /Data: 8\d\.\d\d% of 1\d\d\.00 MiB is used, threshold 80%; .*MiB is free/);
    assert.match(stderr, /Next: vgextend \S+ DEVICE; lvextend -L \+SIZE/);
  }
  const free = await group.done("vgs --noheadings -o vg_free_count VG");
  assert.equal(free.trim(), "0", "the pool has taken all there was");
  await group.done("lvcreate -s VG/lv -n s --force");
  const failed = await group.lvm("lvextend --use-policies VG/pool");
  assert.equal(failed.code, 5);
  assert.match(failed.stderr, /insufficient free space \(0 extents\): \d+ required/);
  await group.done(`vgextend VG ${second}`);
  await group.done("lvcreate -V 10M --thinpool pool -n b VG");
});

test("a threshold of 100 leaves the pool as it is until it is full", LIVE, async () => {
  const group = groupOn([256 * MiB], { autoextendThreshold: 100, noSpaceTimeoutSeconds: 1 });
  await group.done(`vgcreate VG ${group.loops[0]}`);
  await group.done("lvcreate --thin VG/pool -L 64M");
  await group.done("lvcreate -V 200M --thinpool pool -n lv VG");
  assert.equal((await fill(group.device("lv"), 60)).code, 0);
  await group.done("lvcreate -s VG/lv -n s");
  const { code, output } = await fill(group.device("lv"), 100);
  assert.equal(code, 1);
  assert.match(output, /No space left on device/);
  const refused = await group.lvm("lvcreate -s VG/lv -n s2");
  assert.match(refused.stderr, /100\.00% of 64\.00 MiB is used/);
});

test("doctor, status and events tell how a pool is, and what to type", LIVE, async () => {
  const group = groupOn([128 * MiB]);
  const mortar = async (verb: string) => (await group.mortar(verb)).stdout;
  await group.done(`vgcreate VG ${group.loops[0]}`);
  await group.done("lvcreate --thin VG/pool -L 96M");
  await group.done("lvcreate -V 200M --thinpool pool -n lv VG");
  assert.match(await mortar("doctor"), /ok +pool \S+\/pool +data 0\.00%.*grows by itself above 80%/);
  assert.equal(await mortar("events"), "");
  assert.equal((await fill(group.device("lv"), 110)).code, 0);
  while (!/above its threshold/.test(await mortar("doctor"))) await sleep(100);
  assert.match(await mortar("doctor"), /missing +pool .*0 *m? is free.*Next: vgextend \S+ DEVICE/i);
  while (!/could not be extended/.test(await mortar("events"))) await sleep(100);
  const events = await mortar("events");
  assert.match(events, /UTC {2}note +Thin pool \S+\/pool was extended: data from \d+ to \d+ chunks/);
  assert.match(events, /UTC {2}error +Thin pool \S+ could not be extended: .*insufficient free space/);
  assert.match(await mortar("status"), /could not be extended/);
});
