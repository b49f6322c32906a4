// A volume is put back while it is mounted and read: readers see what was there before, then errors
// or nothing for a moment, then the old content, and never one after the other again. And what the
// destructive commands say before they do it.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { LiveNode, until } from "./live-node.ts";
import {
  createTwoBrickVolume, thinVolumes, volume, volumesOfSnapshots,
} from "./two-brick-volume.ts";

const node = new LiveNode();
const script = "gluster --mode=script";
const FILES = 20;
const stopFirst = /Volume needs to be stopped before restoring a snapshot/;

/** One letter a read, in order: n(ew), o(ld), E(rror), ? for anything else. */
const reader = `
import os, time
letters = {b"new\\n": "n", b"old\\n": "o"}
out = open("read.log", "w", buffering=1)
times = {}
while not os.path.exists("enough"):
    for n in range(${FILES}):
        try:
            with open("volume/f%d" % n, "rb") as f:
                letter = letters.get(f.read(), "?")
            out.write(letter)
            times.setdefault(letter, [time.time(), 0])[1] = time.time()
        except OSError:
            out.write("E")
print("away for %.1f s" % (times["o"][0] - times["n"][1]))
`;

before(
  async () => {
    await createTwoBrickVolume(node);
    writeFileSync(join(node.directory, "reader.py"), reader);
    await node.ok(`cd volume && for n in $(seq 0 ${FILES - 1}); do echo old > f$n; done && sync -f .`);
    await node.ok(`gluster snapshot create s1 ${volume} no-timestamp`);
    await node.ok(`cd volume && for n in $(seq 0 ${FILES - 1}); do echo new > f$n; done`);
    await node.ok("cd volume && dd if=/dev/urandom of=big bs=1M count=40 conv=fsync status=none");
  },
  { timeout: 120_000 },
);
after(() => node.close());

const log = () => node.ok("touch read.log; cat read.log");

test("a started volume is not restored without --online, and the plan says so, too", async () => {
  assert.match(await node.refused(`${script} snapshot restore s1`), stopFirst);
  assert.match(await node.refused("mortar snapshot restore s1 --dry-run"), stopFirst);
  const plan = await node.ok("mortar snapshot restore s1 --online --dry-run");
  assert.match(plan, /nothing was changed/);
  assert.match(plan, /keeps +logical volume .*lv1 as a safety snapshot/);
  assert.equal(await node.ok("cat volume/f0"), "new\n");
});

test("while it is read, a volume goes back at once: old content never precedes new", async (context) => {
  const running = node.start("exec python3 reader.py", { seconds: 90 });
  await until("it reads", async () => (await log()).length > 3 * FILES);
  const inode = await node.ok("stat -c %i volume/f0");
  await node.ok(`mortar --mode=script snapshot restore s1 --online`);
  await until("it reads the old content of every file", async () => {
    const text = await log();
    return text.slice(-FILES) === "o".repeat(FILES);
  });
  await node.ok("touch enough");
  const { exitCode, stdout, stderr } = await running.ended;
  assert.equal(exitCode, 0, stderr);
  context.diagnostic(stdout.trim());
  assert.match(await log(), /^[nE]*[oE]*$/);
  assert.equal(await node.ok("stat -c %i volume/f0"), inode);
  await node.refused("ls volume/big");
  assert.match(await node.ok(`gluster volume info ${volume}`), /Status: Started/);
  await node.ok("echo more > volume/written && cat volume/written");
});

test("what deleting frees is told before, to the byte, and by snapshot", async () => {
  await node.ok(`gluster snapshot create s2 ${volume} no-timestamp`);
  await node.ok("cd volume && dd if=/dev/urandom of=big bs=1M count=24 conv=fsync status=none");
  await node.ok(`gluster snapshot create s3 ${volume} no-timestamp && rm volume/big && sync -f volume`);
  await node.ok("sleep 1; fstrim brick1 || true");
  const freed = async (line: string): Promise<number> =>
    Number(/frees [^(]*\((\d+) bytes\)/.exec(await node.ok(line))?.[1] ?? Number.NaN);
  const one = await freed("mortar snapshot reclaim s3");
  const both = await freed("mortar snapshot reclaim s2 s3");
  assert.ok(both >= one && one >= 0, `${one} and ${both}`);
  assert.equal(await freed("mortar snapshot delete s3 --dry-run"), one);
  assert.match(await node.ok("mortar snapshot list -v"), /NAME +REFERENCED +EXCLUSIVE +SHARED\ns2 /);
  assert.match(await node.ok("mortar snapshot info s3 -v"), /s3: referenced .*, exclusive /);
  assert.equal((await volumesOfSnapshots(node)).length, 4);
  const count = (await thinVolumes(node)).length;
  assert.match(await node.ok(`mortar volume stop ${volume} --dry-run`), /stops +brick/);
  assert.match(await node.ok("mortar snapshot delete all --dry-run"), /removes +snapshot s2/);
  assert.equal((await thinVolumes(node)).length, count);
});
