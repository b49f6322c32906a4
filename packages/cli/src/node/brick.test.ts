/**
 * Bricks made by a node that runs: of a file, with group, pool, volume, file system and mount; used
 * by a volume and snapshotted; brought back by `mortar up`; removed with all that was made.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { runCommandLine } from "../command-line.ts";
import { recorder } from "../testing/recorder.ts";
import { readMounts } from "./mounts.ts";

const skip = process.getuid?.() === 0 ? false : "needs root for mounts and loop devices";
const directory = mkdtempSync(join(tmpdir(), `mortar-brick-${process.pid}-`));
const root = join(directory, "r");
const host = `127.95.${process.pid % 250}.1`;
const vg = `brk${process.pid}`;
const file = join(directory, "disk.img");
const point = join(directory, "b1");
const brick = `${host}:${point}/brick`;

async function mortar(line: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const io = recorder("");
  const code = await runCommandLine("mortar", ["--root", root, ...line.split(" ")], io);
  return { code, ...io.text() };
}

async function good(line: string): Promise<string> {
  const { code, stdout, stderr } = await mortar(line);
  assert.equal(code, 0, `${line}: ${stdout}${stderr}`);
  return stdout;
}

const isMounted = (path: string) => readMounts().some((it) => it.point === path);

describe("bricks made for you", { skip, timeout: 180_000, concurrency: false }, () => {
  before(async () => {
    mkdirSync(join(root, "etc/mortar"), { recursive: true });
    writeFileSync(join(root, "etc/mortar/mortar.json"), JSON.stringify({ address: host }));
    await good("up");
  });
  after(async () => {
    await mortar("volume stop v force --mode=script");
    await mortar("volume delete v --mode=script");
    await mortar(`brick delete ${host}:${root}/bricks/v-1/brick`);
    await mortar(`brick delete ${brick}`);
    await mortar("down");
    rmSync(directory, { recursive: true, force: true });
  });

  test("a dry run prints the plan and makes nothing", async () => {
    const plan = await good(
      `brick create ${brick} --size 400M --file ${file} --pool-size 1G --vg ${vg} --dry-run`,
    );
    assert.match(plan, new RegExp(`vgcreate ${vg} LOOP`));
    assert.match(plan, /mkfs\.xfs -i size=512 -n size=8192/);
    assert.ok(!existsSync(file));
    assert.ok(!isMounted(point));
  });

  test("group, pool, volume, file system, mount and directory are made of a file", async () => {
    const made = await good(
      `brick create ${brick} --size 400M --file ${file} --pool-size 1G --vg ${vg}`,
    );
    assert.match(made, /^brick create: .*: success: 400 MiB on /);
    assert.ok(isMounted(point));
    assert.ok(existsSync(join(point, "brick")));
    const shown = execFileSync("xfs_info", [point], { encoding: "utf8", timeout: 10_000 });
    assert.match(shown, /isize=512/);
    assert.match(shown, /naming +=version 2 +bsize=8192/);
    const [listed] = JSON.parse(await good("brick list --json")) as { usedBy: string[] }[];
    assert.deepEqual(listed?.usedBy, []);
  });

  test("what is in the way is refused, and stays as it is", async () => {
    writeFileSync(join(directory, "mine"), "mine");
    const other = `brick create ${host}:${directory}/b2/brick --size 400M`;
    for (const [words, reason] of [
      [`--file ${directory}/mine --vg ${vg}x`, /is there already/],
      ["--device /dev/null", /no block device/],
      ["--vg none", /no volume group none/],
    ] as const) {
      const { code, stderr } = await mortar(`${other} ${words}`);
      assert.equal(code, 1);
      assert.match(stderr, reason);
      assert.match(stderr, /^Next: /m);
    }
    assert.equal(readFileSync(join(directory, "mine"), "utf8"), "mine");
    mkdirSync(join(directory, "full/mine"), { recursive: true });
    const full = await mortar(`brick create ${host}:${directory}/full/brick --size 400M`);
    assert.match(full.stderr, /full is not empty/);
  });

  test("what fails half-way is undone: nothing can be mounted there", async () => {
    symlinkSync("/nonexistent/place", join(directory, "dangling"));
    const half = `brick create ${host}:${directory}/dangling/brick --size 400M --name half`;
    const { code, stderr } = await mortar(half);
    assert.equal(code, 1);
    assert.match(stderr, /mkdir '.*\/dangling'/);
    const kernels = await mortar(`brick create ${host}:/proc/nowhere/brick --size 400M`);
    assert.match(kernels.stderr, /belongs to the kernel/);
    assert.doesNotMatch(await good(`lvs --noheadings -o lv_name ${vg}`), /half/);
    assert.equal((JSON.parse(await good("brick list --json")) as unknown[]).length, 1);
  });

  test("a volume is created with bricks of its own, which can be snapshotted", async () => {
    const plan = await good("volume create v --size 350M --dry-run");
    assert.match(plan, new RegExp(`mortar volume create v ${host}:${root}/bricks/v-1/brick\n$`));
    assert.match(await good("volume create v --size 350M"), /^volume create: v: success/);
    const asked = async () => (await mortar("doctor")).stdout;
    assert.match(await asked(), /missing +brick .*v-1\/brick +volume v takes no snapshot: the volume is not/);
    await good("volume start v");
    assert.match(await asked(), /ok +brick .*v-1\/brick +volume v: can be snapshotted/);
    const planned = await mortar(`brick delete ${host}:${root}/bricks/v-1/brick --dry-run`);
    assert.equal(planned.code, 1);
    assert.match(planned.stderr, /would be refused: it is used by volume v/);
    const refused = await mortar(`brick delete ${host}:${root}/bricks/v-1/brick`);
    assert.match(refused.stderr, /is used by volume v\nNext: /);
    await good("snapshot create s v no-timestamp");
    await good("snapshot delete s --mode=script");
  });

  test("a volume that cannot be created takes its bricks back", async () => {
    const { code } = await mortar("volume create v --size 350M force");
    assert.equal(code, 1);
    assert.equal((JSON.parse(await good("brick list --json")) as unknown[]).length, 2);
    assert.ok(!isMounted(join(root, "bricks/v-2")));
  });

  test("after `down` and `up` bricks are mounted again, and are written down for a start", async () => {
    const text = readFileSync(join(root, "var/lib/mortar/brick-mounts.json"), "utf8");
    assert.ok((JSON.parse(text) as { point: string }[]).some((it) => it.point === point));
    await good("down");
    assert.ok(!isMounted(point));
    await good("up");
    assert.ok(isMounted(point));
  });

  test("the last brick takes the pool, the group and the file with it", async () => {
    await good("volume stop v --mode=script");
    await good("volume delete v --mode=script");
    const plan = await good(`brick delete ${host}:${root}/bricks/v-1/brick --dry-run`);
    assert.match(plan, /unmount .*\n {2}remove logical volume .*, which holds [^\n]+ of /);
    await good(`brick delete ${host}:${root}/bricks/v-1/brick`);
    assert.ok(existsSync(file));
    assert.match(await good(`brick delete ${brick}`), /success/);
    assert.ok(!existsSync(file));
    assert.ok(!existsSync(point));
    assert.equal((await good("vgs --noheadings -o vg_name")).includes(vg), false);
    assert.match(await good("brick list"), /No bricks were made/);
  });
});
