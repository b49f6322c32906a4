/** The whole of it on this machine's kernel: /dev/fuse, loop devices, fio, XFS, thin_check. */
import assert from "node:assert/strict";
import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { allocatePages } from "@mortar/linux";
import { connectPool } from "./client.ts";
import { pidOfLocker } from "./life-lock.ts";
import { cannotServe, LivePool, MiB, run, runBeside } from "./live.fixture.ts";
import type { PoolError } from "./pool-error.ts";

const lv1 = { name: "lv1", deviceId: 1, sizeBytes: 512 * MiB, readOnly: false };
const CHUNK_BYTES = 64 * 1024;

/** What waits for ever is a failure, and is taken down. */
const LIVE = { skip: cannotServe, timeout: 60_000 };

const pools: LivePool[] = [];
after(async () => {
  for (const pool of pools) await pool.close();
});

function newPool(deviceBytes: number): LivePool {
  const pool = new LivePool(deviceBytes);
  pools.push(pool);
  return pool;
}

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => (error as PoolError).code === code;
}

/** `pages` pages of one byte each. O_DIRECT wants aligned memory. */
function pattern(byte: number, pages: number): Uint8Array {
  return allocatePages(pages * 4096).bytes.fill(byte);
}

/** Writes for more than two seconds, reads all of it back, and fails with what does not fit. */
function runVerifyingFio(device: string, ...more: string[]): ReturnType<typeof runBeside> {
  return runBeside(
    "fio",
    "--name=verify",
    `--filename=${device}`,
    "--rw=randwrite",
    "--bs=4k",
    "--size=64M",
    "--iodepth=16",
    "--ioengine=libaio",
    "--direct=1",
    "--verify=crc32c",
    "--verify_fatal=1",
    "--verify_state_save=0", // It would be a file in the working directory.
    "--rate_iops=6000",
    ...more,
  );
}

test(
  "fio verifies through three kills of the server, and thin_check finds nothing",
  LIVE,
  async () => {
    const live = newPool(700 * MiB);
    const client = await live.start(live.spec(640 * MiB, [lv1]));
    const loop = live.attach("lv1");
    const job = runVerifyingFio(loop);
    for (let kill = 0; kill < 3; kill++) {
      await sleep(500); // Somewhere in the middle of the writing: the moment is the test.
      await live.killServer();
    }
    const { code, output } = await job;
    assert.equal(code, 0, output);
    const status = await client.status();
    assert.equal(status.restarts, 3);
    assert.equal(status.volumes[0]!.mappedBlocks, (64 * MiB) / CHUNK_BYTES);
    assert.equal(status.requests.errors, 0);
    await live.detach(loop, client, "lv1");
    await client.stop();
    live.checkMetadata();
  },
);

test(
  "long transfers and flushes, done by executors, verify through kills and snapshots",
  LIVE,
  async () => {
    const live = newPool(1400 * MiB);
    const client = await live.start(live.spec(1280 * MiB, [lv1]));
    const loop = live.attach("lv1");
    const fill = await runBeside(
      "fio", "--name=fill", `--filename=${loop}`, "--rw=write", "--bs=1M", "--size=256M", "--direct=1",
    );
    assert.equal(fill.code, 0, fill.output);
    // Bursts, so that requests wait; some seconds of them.
    const job = runVerifyingFio(
      loop, "--size=256M", "--bs=256k", "--iodepth=8", "--fsync=16", "--rate_iops=0",
      "--thinktime=20ms", "--thinktime_blocks=8",
    );
    const givenAway = async (): Promise<number> => (await client.status()).requests.elsewhere;
    let elsewhere = 0;
    for (let waited = 0; waited < 60 && elsewhere === 0; waited++) {
      await sleep(50);
      elsewhere = await givenAway();
    }
    for (let round = 0; round < 6; round++) {
      if (round % 3 === 0) {
        await live.killServer();
      } else {
        const { pool } = await client.status();
        const snapshot = { kind: "snapshot", deviceId: 10 + round, originId: 1 } as const;
        await client.message({ messages: [snapshot], transactionId: pool!.transactionId + 1 });
      }
      await sleep(300);
    }
    const { code, output } = await job;
    assert.equal(code, 0, output);
    assert.ok(elsewhere > 0, "no executor did anything");
    assert.equal((await client.status()).requests.errors, 0);
    await live.detach(loop, client, "lv1");
    await client.stop();
    live.checkMetadata();
  },
);

test("reads of what the page cache has not are right, and do not hold up the rest", LIVE, async () => {
  const live = newPool(700 * MiB);
  const client = await live.start(live.spec(640 * MiB, [lv1]));
  const loop = live.attach("lv1");
  const job = ["--size=64M", "--bs=16k", "--iodepth=16", "--rate_iops=0"];
  const written = await runVerifyingFio(loop, ...job, "--do_verify=0", "--end_fsync=1");
  assert.equal(written.code, 0, written.output);
  run("dd", `of=${live.device}`, "oflag=nocache", "conv=notrunc,fdatasync", "count=0");
  const read = await runVerifyingFio(loop, ...job, "--verify_only");
  assert.equal(read.code, 0, read.output);
  assert.ok((await client.status()).requests.elsewhere > 0, "nothing was cold");
  await live.detach(loop, client, "lv1");
  await client.stop();
});

test("what was acknowledged and never flushed survives a kill", LIVE, async () => {
  const live = newPool(700 * MiB);
  const client = await live.start(live.spec(640 * MiB, [lv1]));
  const fd = openSync(live.path("lv1"), constants.O_RDWR | constants.O_DIRECT);
  const bytes = pattern(0x5a, 2);
  // Every other chunk: each write makes a mapping.
  for (let index = 0; index < 200; index++)
    writeSync(fd, bytes, 0, bytes.length, index * 2 * CHUNK_BYTES);
  await live.killServer();
  const back = pattern(0, 2);
  for (let index = 0; index < 200; index++) {
    readSync(fd, back, 0, back.length, index * 2 * CHUNK_BYTES);
    assert.deepEqual(back, bytes, `write ${index}`);
  }
  assert.equal((await client.status()).volumes[0]!.mappedBlocks, 200);
  // The opening survived as well: the LV counts as in use, until this very descriptor is closed.
  await assert.rejects(client.deactivate("lv1"), hasCode("busy"));
  await assert.rejects(client.stop(), hasCode("busy"));
  closeSync(fd);
  while ((await client.status()).volumes[0]!.openCount > 0) await sleep(5);
  await client.stop();
  live.checkMetadata();
});

test(
  "a snapshot of a mounted XFS is that moment, and both sides stay whole",
  LIVE,
  async () => {
    const live = newPool(700 * MiB);
    const client = await live.start(live.spec(640 * MiB, [lv1]));
    const loop = live.attach("lv1");
    run("mkfs.xfs", "-q", loop);
    const mounted = live.mount(loop);
    const before = Buffer.alloc(3 * MiB, "before ");
    writeFileSync(join(mounted, "kept"), before);
    writeFileSync(join(mounted, "trimmed"), Buffer.alloc(32 * MiB, "x"));
    run("sync", "-f", mounted);
    const messages = [{ kind: "snapshot", deviceId: 2, originId: 1 }] as const;
    run("fsfreeze", "-f", mounted);
    assert.equal(await client.message({ messages, transactionId: 2 }), "done");
    run("fsfreeze", "-u", mounted);
    assert.equal(await client.message({ messages, transactionId: 2 }), "unchanged");
    await assert.rejects(
      client.message({ messages, transactionId: 9 }),
      hasCode("transaction-mismatch"),
    );

    writeFileSync(join(mounted, "kept"), Buffer.alloc(3 * MiB, "after! "));
    rmSync(join(mounted, "trimmed"));
    run("sync", "-f", mounted);
    const used = (await client.status()).pool!.dataUsedBlocks;
    run("fstrim", mounted);
    run("sync", "-f", mounted);
    await live.killServer();
    live.unmount(mounted);
    run("xfs_repair", "-n", loop);

    await client.activate({ name: "snap", deviceId: 2, sizeBytes: lv1.sizeBytes, readOnly: false });
    const snapLoop = live.attach("snap");
    const snapshot = live.mount(snapLoop, "-o", "nouuid");
    assert.deepEqual(readFileSync(join(snapshot, "kept")), before);
    assert.equal(readFileSync(join(snapshot, "trimmed")).length, 32 * MiB);
    live.unmount(snapshot);
    run("xfs_repair", "-n", snapLoop);

    await assert.rejects(
      client.message({ messages: [{ kind: "delete", deviceId: 2 }], transactionId: 3 }),
      hasCode("busy"),
    );
    await live.detach(snapLoop, client, "snap");
    assert.equal(await client.deactivate("snap"), "done");
    assert.equal(await client.deactivate("snap"), "unchanged");
    await client.message({ messages: [{ kind: "delete", deviceId: 2 }], transactionId: 3 });
    assert.ok((await client.status()).pool!.dataUsedBlocks <= used - (32 * MiB) / CHUNK_BYTES);
    await live.detach(loop, client, "lv1");
    await client.stop();
    live.checkMetadata();
  },
);

test(
  "a full pool says ENOSPC, keeps what it has, and goes on after it has grown",
  LIVE,
  async () => {
    const live = newPool(64 * MiB);
    const spec = live.spec(8 * MiB, [lv1]);
    const client = await live.start(spec);
    const fd = openSync(live.path("lv1"), constants.O_RDWR | constants.O_DIRECT);
    const chunk = pattern(7, 16);
    for (let index = 0; index < 128; index++)
      writeSync(fd, chunk, 0, chunk.length, index * CHUNK_BYTES);
    assert.throws(() => writeSync(fd, chunk, 0, chunk.length, 128 * CHUNK_BYTES), {
      code: "ENOSPC",
    });
    writeSync(fd, chunk, 0, chunk.length, 0); // In place: still fine.
    assert.equal((await client.status()).pool!.mode, "out-of-data-space");

    const grown = { ...spec, messages: [], data: [{ ...spec.data[0]!, lengthBytes: 16 * MiB }] };
    await client.reload(grown);
    writeSync(fd, chunk, 0, chunk.length, 128 * CHUNK_BYTES);
    fsyncSync(fd);
    const { pool } = await client.status();
    assert.deepEqual(
      [pool!.mode, pool!.dataTotalBlocks, pool!.dataUsedBlocks],
      ["write", 256, 129],
    );
    await assert.rejects(client.reload(spec), hasCode("bad-request"), "a pool does not shrink");
    await live.killServer(); // The successor finds the grown pool and the spec that fits it.
    assert.equal((await client.status()).pool!.dataTotalBlocks, 256);
    closeSync(fd);
    while ((await client.status()).volumes[0]!.openCount > 0) await sleep(5);
    await client.stop();
    live.checkMetadata();
  },
);

test(
  "a read-only LV refuses writers, a resized one has its new size at once",
  LIVE,
  async () => {
    const live = newPool(700 * MiB);
    const client = await live.start(live.spec(640 * MiB, [{ ...lv1, readOnly: true }]));
    assert.throws(() => openSync(live.path("lv1"), "r+"), { code: "EROFS" });
    closeSync(openSync(live.path("lv1"), "r"));
    while ((await client.status()).volumes[0]!.openCount > 0) await sleep(5);
    await client.deactivate("lv1");
    assert.throws(() => openSync(live.path("lv1"), "r"), { code: "ENOENT" });
    await client.activate(lv1);
    await client.activate(lv1);
    await assert.rejects(client.activate({ ...lv1, sizeBytes: MiB }), hasCode("exists"));
    assert.equal(await client.resize("lv1", 1024 * MiB), "done");
    assert.equal(run("stat", "-c", "%s", live.path("lv1")), String(1024 * MiB));
    assert.equal(await client.resize("lv1", 1024 * MiB), "unchanged");
    await client.stop();
  },
);

test(
  "stop leaves nothing behind; a pool of another history is refused and left alone",
  LIVE,
  async () => {
    const live = newPool(700 * MiB);
    const spec = live.spec(640 * MiB, [lv1]);
    const client = await live.start(spec);
    const { holderPid, serverPid } = await client.status();
    await client.stop();
    assert.equal(existsSync(live.files.directory), false);
    for (const pid of [holderPid, serverPid]) while (existsSync(`/proc/${pid}`)) await sleep(5);
    assert.ok(!readFileSync("/proc/mounts", "utf8").includes(live.directory));
    assert.equal(await connectPool(live.files.directory), undefined);
    await assert.rejects(client.status(), hasCode("unreachable"));

    await assert.rejects(
      live.start({ ...spec, transactionId: 7, messages: [] }),
      (error: PoolError) => {
        assert.equal(error.code, "transaction-mismatch");
        assert.match(error.message, /transaction_id is 1, while expected 7/);
        return true;
      },
    );
    assert.equal(existsSync(live.files.directory), false);
    // One behind, with a message: it is performed at the start. At its side a message that was
    // performed before.
    const pending = {
      ...spec,
      transactionId: 2,
      messages: [{ kind: "create", deviceId: 5 }],
    } as const;
    await (await live.start(pending)).stop();
    const again = await live.start({ ...pending, volumes: [{ ...lv1, name: "lv5", deviceId: 5 }] });
    assert.equal((await again.status()).pool!.transactionId, 2);
    await again.stop();
  },
);

test(
  "SIGTERM replaces the server, the holder refuses to go while an LV is open",
  LIVE,
  async () => {
    const live = newPool(700 * MiB);
    const client = await live.start(live.spec(640 * MiB, [lv1]));
    const fd = openSync(live.path("lv1"), constants.O_RDWR | constants.O_DIRECT);
    const page = pattern(3, 1);
    writeSync(fd, page, 0, page.length, 0);
    const { serverPid, holderPid } = await client.status();
    process.kill(serverPid, "SIGTERM");
    while ((await client.status()).serverPid === serverPid) await sleep(5);
    const back = pattern(0, 1);
    readSync(fd, back, 0, back.length, 0);
    assert.deepEqual(back, page);
    process.kill(holderPid, "SIGTERM");
    while (!readFileSync(live.files.log, "utf8").includes("not stopping: lv1 is in use"))
      await sleep(5);
    closeSync(fd);
    while ((await client.status()).volumes[0]!.openCount > 0) await sleep(5);
    process.kill(holderPid, "SIGTERM");
    while (existsSync(live.files.directory)) await sleep(5);
    live.checkMetadata();
  },
);

test(
  "holder and server may be killed in any order under load, and stop leaves nothing behind",
  LIVE,
  async () => {
    const live = newPool(700 * MiB);
    const client = await live.start(live.spec(640 * MiB, [lv1]));
    const loop = live.attach("lv1");
    const job = runVerifyingFio(loop);
    for (const kill of ["holder", "server", "holder", "holder", "server", "server"] as const) {
      await sleep(300);
      await (kill === "holder" ? live.killHolder() : live.killServer());
    }
    // The server dies while the holder that it started is not yet at work.
    const { holderPid } = await client.status();
    process.kill(holderPid, "SIGKILL");
    const log = (): string => readFileSync(live.files.log, "utf8");
    while (!log().includes(`the holder ${holderPid} is gone`)) await sleep(1);
    await sleep(10); // It is started now, and needs ten times as long to be at work.
    await live.killServer();
    const { code, output } = await job;
    assert.equal(code, 0, output);
    const status = await client.status();
    assert.equal(status.restarts, 4);
    assert.equal(status.requests.errors, 0);
    assert.equal(status.holderPid, pidOfLocker(live.files.holderPid));
    assert.equal(status.serverPid, pidOfLocker(live.files.serverPid));
    await live.detach(loop, client, "lv1");
    await client.stop();
    assert.equal(existsSync(live.files.directory), false);
    assert.ok(!readFileSync("/proc/mounts", "utf8").includes(live.directory));
    // They have ended; until init has collected them they are still listed.
    for (const pid of [status.holderPid, status.serverPid])
      while (existsSync(`/proc/${pid}`)) await sleep(5);
    live.checkMetadata();
  },
);

test(
  "a new holder does all that the first one did: devices, SIGTERM, the next server",
  LIVE,
  async () => {
    const live = newPool(700 * MiB);
    const spec = live.spec(640 * MiB, [lv1]);
    const client = await live.start(spec);
    await live.killHolder();
    const { holderPid } = await client.status();
    const more = join(live.directory, "pv1");
    writeFileSync(more, "");
    truncateSync(more, 16 * MiB);
    const devices = [...spec.devices, { name: "pv1", path: more }];
    await client.reload({ ...spec, messages: [], devices });
    const held = (): string[] =>
      readdirSync(`/proc/${holderPid}/fd`).map((fd) => targetOf(`/proc/${holderPid}/fd/${fd}`));
    while (!held().includes(more)) await sleep(5);
    assert.ok(held().includes(live.device));
    process.kill((await client.status()).serverPid, "SIGTERM");
    while ((await client.status()).restarts === 0) await sleep(5);
    assert.equal((await client.status()).holderPid, holderPid);
    process.kill(holderPid, "SIGTERM");
    while (existsSync(live.files.directory)) await sleep(5);
    live.checkMetadata();
  },
);

test(
  "a pool is stopped cleanly in the moment after its holder was killed",
  LIVE,
  async () => {
    const live = newPool(700 * MiB);
    const client = await live.start(live.spec(640 * MiB, [lv1]));
    process.kill((await client.status()).holderPid, "SIGKILL");
    await client.stop();
    assert.equal(existsSync(live.files.directory), false);
    assert.ok(!readFileSync("/proc/mounts", "utf8").includes(live.directory));
    live.checkMetadata();
  },
);

test(
  "with both processes killed, the disk is whole and a new start has all that was acknowledged",
  LIVE,
  async () => {
    const live = newPool(700 * MiB);
    const spec = live.spec(640 * MiB, [lv1]);
    const client = await live.start(spec);
    const fd = openSync(live.path("lv1"), constants.O_RDWR | constants.O_DIRECT);
    const chunk = pattern(0x11, 16);
    for (let index = 0; index < 100; index++) {
      writeSync(fd, chunk, 0, chunk.length, index * CHUNK_BYTES);
      if (index === 50) fsyncSync(fd);
    }
    const { holderPid, serverPid } = await client.status();
    process.kill(holderPid, "SIGKILL");
    process.kill(serverPid, "SIGKILL");
    while ((await connectPool(live.files.directory)) !== undefined) await sleep(5);
    assert.throws(() => readSync(fd, pattern(0, 1)), "the old mount is dead");
    closeSync(fd);
    live.checkMetadata();
    const again = await live.start(spec);
    const status = await again.status();
    const { mappedBlocks, openCount } = status.volumes[0]!;
    assert.deepEqual([mappedBlocks, openCount], [100, 0]);
    const reader = openSync(live.path("lv1"), constants.O_RDONLY | constants.O_DIRECT);
    const back = pattern(0, 16);
    for (let index = 0; index < 100; index++) {
      readSync(reader, back, 0, back.length, index * CHUNK_BYTES);
      assert.deepEqual(back, chunk, `chunk ${index}`);
    }
    closeSync(reader);
    while ((await again.status()).volumes[0]!.openCount > 0) await sleep(5);
    await again.stop();
    live.checkMetadata();
  },
);

test(
  "a linear LV in pieces is one file, and grows by a reload",
  LIVE,
  async () => {
    const live = newPool(64 * MiB);
    const segments = [
      { device: "pv0", deviceOffsetBytes: 8 * MiB, lengthBytes: MiB },
      { device: "pv0", deviceOffsetBytes: 2 * MiB, lengthBytes: MiB },
    ];
    const volume = { name: "frag", deviceId: 1, sizeBytes: 2 * MiB, readOnly: false, segments };
    const spec = {
      kind: "linear",
      vgName: live.vgName,
      poolName: "tp",
      uuid: "linear",
      volumes: [volume],
      devices: [{ name: "pv0", path: live.device }],
    } as const;
    const client = await live.start(spec);
    const content = Buffer.concat([Buffer.alloc(MiB, 1), Buffer.alloc(MiB, 2)]);
    writeFileSync(live.path("frag"), content, { flag: "r+" });
    await live.killServer();
    assert.deepEqual(readFileSync(live.path("frag")), content);
    const disk = readFileSync(live.device);
    assert.deepEqual([disk[8 * MiB], disk[2 * MiB]], [1, 2]);
    const more = [...segments, { device: "pv0", deviceOffsetBytes: 20 * MiB, lengthBytes: MiB }];
    await client.reload({ ...spec, volumes: [{ ...volume, sizeBytes: 3 * MiB, segments: more }] });
    writeFileSync(live.path("frag"), Buffer.alloc(3 * MiB, 9), { flag: "r+" });
    assert.equal(readFileSync(live.device)[20 * MiB], 9);
    while ((await client.status()).volumes[0]!.openCount > 0) await sleep(5);
    await client.stop();
  },
);

/** Of a link that may be gone before it is read; "" then. */
function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return "";
  }
}
