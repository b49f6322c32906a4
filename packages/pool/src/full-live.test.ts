/** A pool that runs full, on this machine's kernel: writes wait, reads go on, nothing gets EIO. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { PoolClient } from "./client.ts";
import { cannotServe, LivePool, MiB, run, runBeside } from "./live.fixture.ts";
import { readPoolEvents } from "./pool-events.ts";
import { DEFAULT_PROTECTION } from "./protection.ts";
import type { PoolProtection } from "./protection.ts";
import type { ThinPoolSpec } from "./spec.ts";

const LIVE = { skip: cannotServe, timeout: 60_000 };
const lv1 = { name: "lv1", deviceId: 1, sizeBytes: 512 * MiB, readOnly: false };

const pools: LivePool[] = [];
after(async () => {
  for (const pool of pools) await pool.close();
});

function newPool(deviceBytes: number): LivePool {
  const pool = new LivePool(deviceBytes);
  pools.push(pool);
  return pool;
}

function queueing(
  live: LivePool,
  dataBytes: number,
  protection: Partial<PoolProtection> = {},
): ThinPoolSpec {
  return {
    ...live.spec(dataBytes, [lv1]),
    errorWhenFull: false,
    protection: { ...DEFAULT_PROTECTION, ...protection },
  };
}

function grown(spec: ThinPoolSpec, lengthBytes: number): ThinPoolSpec {
  return { ...spec, messages: [], data: [{ ...spec.data[0]!, lengthBytes }] };
}

/** 4 KiB writes all over 128 MiB, many at a time, then all of it is read back and compared. */
function verifyingFio(device: string, depth = 32): ReturnType<typeof runBeside> {
  const how = ["--rw=randwrite", "--bs=4k", "--size=128m", "--io_size=24m", "--randseed=7"];
  const engine = ["--ioengine=libaio", `--iodepth=${depth}`, "--direct=1"];
  const check = ["--verify=crc32c", "--verify_fatal=1", "--do_verify=1"];
  return runBeside("fio", "--name=full", `--filename=${device}`, ...how, ...engine, ...check);
}

async function untilFull(client: PoolClient): Promise<void> {
  for (;;) {
    const { pool } = await client.status();
    if (pool!.mode === "out-of-data-space") return;
    await sleep(10);
  }
}

function kinds(live: LivePool): string[] {
  return readPoolEvents(live.directory, 100).map(({ kind }) => kind);
}

test("writes to a full pool wait, through a kill too, and go on when it grows", LIVE, async () => {
  const live = newPool(512 * MiB);
  const spec = queueing(live, 16 * MiB);
  const client = await live.start(spec);
  const loop = live.attach("lv1");
  run("dd", "if=/dev/urandom", `of=${loop}`, "bs=64k", "count=1", "seek=4096", "oflag=direct");
  const fio = verifyingFio(loop);
  await untilFull(client);
  const ended = await Promise.race([fio, sleep(500, "waits")]);
  assert.equal(ended, "waits");
  // Read past the page cache, and write to a chunk of one's own, meanwhile.
  const far = ["of=/dev/null", "bs=64k", "count=1", "skip=4096", "iflag=direct"];
  assert.equal((await runBeside("dd", `if=${loop}`, ...far)).code, 0);
  const own = ["oflag=direct", "conv=notrunc", "bs=4k", "count=1", "seek=65536"];
  assert.equal((await runBeside("dd", "if=/dev/zero", `of=${loop}`, ...own)).code, 0);
  await live.killServer();
  assert.equal(await Promise.race([fio, sleep(300, "waits")]), "waits");
  assert.match(readFileSync(live.files.log, "utf8"), /took over.* \d+ wait for room/);

  await client.reload(grown(spec, 256 * MiB));
  const { code, output } = await fio;
  assert.equal(code, 0, output);
  assert.deepEqual(
    kinds(live).filter((kind) => kind !== "data-high" && kind !== "full"),
    ["not-full"],
  );
  assert.ok(kinds(live).includes("full"));
  await live.detach(loop, client, "lv1");
  await client.stop();
  live.checkMetadata();
});

test("reads get through although more writes wait than a loop device takes", LIVE, async () => {
  const live = newPool(512 * MiB);
  const spec = queueing(live, 16 * MiB);
  const client = await live.start(spec);
  const loop = live.attach("lv1");
  // Above the threshold: from then on the loop device keeps places for reads.
  run("dd", "if=/dev/urandom", `of=${loop}`, "bs=1M", "count=14", "seek=256", "oflag=direct");
  const scheduler = `${loop.replace("/dev/", "/sys/block/")}/queue/scheduler`;
  while (!readFileSync(scheduler, "utf8").includes("[mq-deadline]")) await sleep(20);
  const fio = verifyingFio(loop, 256);
  await untilFull(client);
  await sleep(200);
  const far = ["of=/dev/null", "bs=1M", "count=14", "skip=256", "iflag=direct"];
  assert.equal((await runBeside("dd", `if=${loop}`, ...far)).code, 0);
  await client.reload(grown(spec, 256 * MiB));
  assert.equal((await fio).code, 0);
  await live.detach(loop, client, "lv1");
  await client.stop();
});

test("a pool that is extended by its command never lets a write fail", LIVE, async () => {
  const live = newPool(512 * MiB);
  const program = join(live.directory, "extend.mjs");
  const spec = queueing(live, 32 * MiB, { extendCommand: [process.execPath, program] });
  // Half as much again, with the spec as the run directory has it.
  const client = new URL("./client.js", import.meta.url).href;
  writeFileSync(
    program,
    `import { readFileSync } from "node:fs";
     import { connectPool } from ${JSON.stringify(client)};
     const spec = JSON.parse(readFileSync(${JSON.stringify(live.files.spec)}, "utf8"));
     const lengthBytes = Math.ceil(spec.data[0].lengthBytes * 1.5 / 65536) * 65536;
     const pool = await connectPool(${JSON.stringify(live.files.directory)});
     await pool.reload({ ...spec, data: [{ ...spec.data[0], lengthBytes }] });`,
  );
  const started = await live.start(spec);
  const loop = live.attach("lv1");
  const { code, output } = await verifyingFio(loop);
  assert.equal(code, 0, output);
  const said = kinds(live);
  assert.ok(said.includes("data-high") && said.includes("extended"), String(said));
  assert.ok(!said.includes("extend-failed"), String(said));
  assert.ok((await started.status()).pool!.dataTotalBlocks > 2048);
  await live.detach(loop, started, "lv1");
  await started.stop();
  live.checkMetadata();
});

test("without room in time writes get ENOSPC, not EIO, and XFS stays whole", LIVE, async () => {
  const live = newPool(512 * MiB);
  const command = ["/bin/sh", "-c", "echo no free extents >&2; exit 5"];
  const spec = queueing(live, 48 * MiB, { noSpaceTimeoutMs: 1500, extendCommand: command });
  const client = await live.start(spec);
  const loop = live.attach("lv1");
  run("mkfs.xfs", "-q", loop);
  const mount = live.mount(loop);
  const dd = ["if=/dev/urandom", `of=${mount}/big`, "bs=1M", "count=100", "conv=fsync"];
  const { code, output } = await runBeside("dd", ...dd);
  assert.equal(code, 1);
  assert.match(output, /No space left on device/);
  assert.doesNotMatch(output, /Input\/output error/);
  // The events are told by another thread than the one that answered.
  const expected = ["data-high", "full", "full-timeout", "extend-failed"];
  while (!expected.every((kind) => kinds(live).includes(kind))) await sleep(20);
  const failed = readPoolEvents(live.directory, 100).find(({ kind }) => kind === "extend-failed");
  assert.match(failed!.message, /no free extents/);
  await client.reload(grown(spec, 256 * MiB));
  assert.equal((await runBeside("dd", ...dd)).code, 0, "after it has grown");
  live.unmount(mount);
  assert.equal((await runBeside("xfs_repair", "-n", loop)).code, 0);
  await live.detach(loop, client, "lv1");
  await client.stop();
  live.checkMetadata();
});

test("writes wait for room in the metadata, too, and the pool stays sound", LIVE, async () => {
  const live = newPool(1100 * MiB);
  const large = { ...lv1, sizeBytes: 1024 * MiB };
  const plain = queueing(live, 1024 * MiB);
  const metadata = [{ ...plain.metadata[0]!, lengthBytes: 160 * 1024 }];
  const client = await live.start({ ...plain, zeroNewBlocks: false, metadata, volumes: [large] });
  const loop = live.attach("lv1");
  const how = ["--rw=randwrite", "--bs=4k", "--size=1g", "--io_size=24m", "--randseed=3"];
  const engine = ["--ioengine=libaio", "--iodepth=16", "--direct=1", "--verify=crc32c"];
  const fio = runBeside("fio", "--name=meta", `--filename=${loop}`, ...how, ...engine);
  while (!kinds(live).includes("full")) await sleep(20);
  const full = readPoolEvents(live.directory, 100).find(({ kind }) => kind === "full");
  assert.match(full!.message, /out of metadata/);
  assert.equal(await Promise.race([fio, sleep(300, "waits")]), "waits");
  const { pool } = await client.status();
  assert.deepEqual([pool!.mode, pool!.needsCheck], ["write", false]);
  await client.reload({ ...plain, zeroNewBlocks: false, messages: [], volumes: [large] });
  const { code, output } = await fio;
  assert.equal(code, 0, output);
  await live.detach(loop, client, "lv1");
  await client.stop();
  live.checkMetadata();
});
