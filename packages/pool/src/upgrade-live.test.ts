/** Another installation takes over a pool that is in use; one that does not run does no harm. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { PoolClient } from "./client.ts";
import { cannotServe, LivePool, MiB, runBeside } from "./live.fixture.ts";
import type { PoolError } from "./pool-error.ts";
import { ownProgram } from "./program.ts";
import { replaceProcesses } from "./upgrade.ts";

const LIVE = { skip: cannotServe, timeout: 60_000 };
const lv1 = { name: "lv1", deviceId: 1, sizeBytes: 512 * MiB, readOnly: false };
const packages = fileURLToPath(new URL("../../", import.meta.url));
const installed = join(packages, "../node_modules");

const directory = mkdtempSync(join(tmpdir(), `mortar-upgrade-${process.pid}-`));
const pools: LivePool[] = [];
after(async () => {
  for (const pool of pools) await pool.close();
  rmSync(directory, { recursive: true, force: true });
});

/** A copy of what a pool's processes run, told apart by its version. */
function installation(version: string): string {
  const root = join(directory, version);
  const modules = join(root, "node_modules/@mortar");
  mkdirSync(modules, { recursive: true });
  for (const name of ["binary", "fuse", "linux", "nbd", "pool", "thin"]) {
    for (const part of ["dist", "package.json"]) {
      cpSync(join(packages, name, part), join(root, "packages", name, part), { recursive: true });
    }
    symlinkSync(`../../packages/${name}`, join(modules, name));
  }
  for (const name of readdirSync(installed).filter((it) => /^(koffi|@koromix)$/.test(it))) {
    cpSync(join(installed, name), join(root, "node_modules", name), { recursive: true });
  }
  const text = JSON.stringify({ ...JSON.parse(readFileSync(join(packages, "pool/package.json"), "utf8")), version });
  writeFileSync(join(root, "packages/pool/package.json"), text);
  return join(root, "packages/pool/dist");
}

function inUse(): { live: LivePool; start: () => Promise<{ client: PoolClient; loop: string }> } {
  const live = new LivePool(700 * MiB);
  pools.push(live);
  const start = async () => {
    const client = await live.start(live.spec(640 * MiB, [lv1]));
    return { client, loop: live.attach("lv1") };
  };
  return { live, start };
}

function verifyOn(loop: string, seconds: number): ReturnType<typeof runBeside> {
  return runBeside(
    "fio", "--name=verify", `--filename=${loop}`, "--rw=randwrite", "--bs=4k", "--size=64M",
    "--iodepth=16", "--ioengine=libaio", "--direct=1", "--verify=crc32c", "--verify_fatal=1",
    "--verify_state_save=0", "--rate_iops=4000", "--time_based", `--runtime=${seconds}`,
    "--verify_backlog=512",
  );
}

function programsOf(live: LivePool): string[] {
  return [live.files.serverPid, live.files.holderPid].map((path) => {
    const pid = Number(readFileSync(path, "utf8"));
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    assert.equal(words[0], "@mortar-pool", "systemd spares it at the end of a shutdown");
    return dirname(words.find((word) => word.endsWith("-host.js")) ?? "");
  });
}

test("under load a new version takes over server and holder, and one killed later stays new", LIVE, async () => {
  const { live, start } = inUse();
  const { client, loop } = await start();
  const next = installation("9.9.9");
  const job = verifyOn(loop, 4);
  await sleep(700);
  const { before, after: now } = await replaceProcesses(live.files.directory, {
    node: process.execPath,
    directory: next,
  });
  assert.deepEqual([before.version, now.version], ["0.1.0", "9.9.9"]);
  assert.notEqual(before.serverPid, now.serverPid);
  assert.notEqual(before.holderPid, now.holderPid);
  assert.deepEqual(programsOf(live), [next, next]);
  await live.killServer();
  await live.killHolder();
  assert.deepEqual(programsOf(live), [next, next]);
  await replaceProcesses(live.files.directory);
  assert.deepEqual(programsOf(live), [ownProgram.directory, ownProgram.directory]);
  const { code, output } = await job;
  assert.equal(code, 0, output);
  assert.equal((await client.status()).requests.errors, 0);
  await live.detach(loop, client, "lv1");
  await client.stop();
  live.checkMetadata();
});

test("a version whose server, or holder, or anything does not start leaves the old one serving", LIVE, async () => {
  const { live, start } = inUse();
  const { client, loop } = await start();
  const job = verifyOn(loop, 5);
  const failed = (pattern: RegExp) => (error: PoolError) => {
    assert.equal(error.code, "start-failed");
    assert.match(error.message, pattern);
    return true;
  };
  const broken = [
    ["8.0.1", "../../linux/dist/index.js", /nothing was changed/],
    ["8.0.2", "server-host.js", /the old version serves on/],
    ["8.0.3", "worker-host.js", /the old version serves on/],
    ["8.0.4", "holder-host.js", /the old version serves on/],
  ] as const;
  for (const [version, module, pattern] of broken) {
    const next = installation(version);
    writeFileSync(join(next, module), "throw new Error('a bad copy');\n");
    const program = { node: process.execPath, directory: next };
    await assert.rejects(replaceProcesses(live.files.directory, program), failed(pattern));
    while (!(await client.status()).isHeld) await sleep(10);
    assert.equal(programsOf(live)[1], ownProgram.directory, module);
  }
  // Nothing of the bad one is left when server and holder are replaced again.
  await replaceProcesses(live.files.directory);
  assert.deepEqual(programsOf(live), [ownProgram.directory, ownProgram.directory]);
  const { code, output } = await job;
  assert.equal(code, 0, output);
  await live.detach(loop, client, "lv1");
  await client.stop();
  live.checkMetadata();
});
