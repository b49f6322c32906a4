// Real XFS on a loop device: what matters is that nothing ever stays frozen.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Freezer } from "./freezer.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const directory = mkdtempSync(join(tmpdir(), `mortard-freeze-${process.pid}-`));
const mountPoint = join(directory, "mnt");
const markers = join(directory, "frozen");

before(() => {
  mkdirSync(mountPoint);
  mkdirSync(markers);
  const image = join(directory, "image");
  execFileSync("truncate", ["-s", "320M", image]);
  execFileSync("mkfs.xfs", ["-q", image]);
  execFileSync("mount", ["-o", "loop", image, mountPoint]);
});

after(() => {
  try {
    execFileSync("fsfreeze", ["-u", mountPoint], { stdio: "ignore" });
  } catch {
    // It is not frozen: as it should be.
  }
  execFileSync("umount", [mountPoint]);
  rmSync(directory, { recursive: true });
});

/** Whether a write goes through. Works in another process: a frozen write cannot be cancelled. */
async function isWritable(withinMs: number): Promise<boolean> {
  const file = join(mountPoint, `probe-${Math.random()}`);
  const child = spawn("dd", ["if=/dev/zero", `of=${file}`, "bs=1", "count=1"], { stdio: "ignore" });
  const ended = new Promise<boolean>((resolve) => child.once("exit", () => resolve(true)));
  const late = sleep(withinMs, false);
  return await Promise.race([ended, late]);
}

async function settles(withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (performance.now() < deadline) if (await isWritable(300)) return;
  assert.fail(`${mountPoint} is still frozen after ${withinMs} ms`);
}

function freezer(): Freezer {
  return new Freezer({ directory: markers, log: silent });
}

test("a frozen file system holds writers until the thaw, which says that it was held", async () => {
  const own = freezer();
  await own.warm();
  await own.freeze(mountPoint, 10_000);
  assert.equal(own.isFrozen(mountPoint), true);
  assert.equal(await isWritable(300), false);
  assert.equal(await own.thaw(mountPoint), true);
  assert.equal(await own.thaw(mountPoint), false);
  await settles(2000);
  assert.deepEqual(readdirSync(markers), []);
  await own.close();
});

test("the limit thaws, and the thaw that comes later says so", async () => {
  const own = freezer();
  await own.freeze(mountPoint, 200);
  assert.equal(await isWritable(50), false);
  await settles(3000);
  assert.equal(await own.thaw(mountPoint), false);
  await own.close();
});

test("what cannot be frozen is an error that leaves nothing behind", async () => {
  const own = freezer();
  await assert.rejects(own.freeze("/proc", 1000), /\/proc/);
  await assert.rejects(own.freeze(join(directory, "none"), 1000), /none/);
  await own.freeze(mountPoint, 5000);
  const other = freezer();
  await assert.rejects(other.freeze(mountPoint, 1000), /EBUSY/);
  await other.close();
  await own.close();
  await settles(2000);
  assert.deepEqual(readdirSync(markers), []);
});

test("kill -9 of the guard thaws", async () => {
  const own = freezer();
  await own.freeze(mountPoint, 60_000);
  const pid = own.guardPid;
  assert.ok(pid);
  process.kill(pid, "SIGKILL");
  await settles(3000);
  await own.close();
});

test("kill -9 of the daemon thaws", async () => {
  const program = `
    import { Freezer } from ${JSON.stringify(fileURLToPath(new URL("./freezer.js", import.meta.url)))};
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const freezer = new Freezer({ directory: ${JSON.stringify(markers)}, log });
    await freezer.freeze(${JSON.stringify(mountPoint)}, 60000);
    process.stdout.write("frozen");
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  assert.equal(await isWritable(100), false);
  child.kill("SIGKILL");
  await settles(3000);
});

test("what was left frozen by both is thawed at the next start", async () => {
  execFileSync("fsfreeze", ["-f", mountPoint]);
  writeFileSync(join(markers, "left"), mountPoint);
  assert.deepEqual(freezer().thawLeftovers(), [mountPoint]);
  await settles(1000);
  assert.deepEqual(readdirSync(markers), []);
  const handle = await open(join(mountPoint, "after"), "w");
  await handle.close();
});
