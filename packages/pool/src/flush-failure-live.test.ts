/**
 * A disk that takes writes and fails to keep them: a loop device over a sparse file on a tmpfs that
 * is full. Its page cache takes everything, and the write-back finds no room.
 */
import assert from "node:assert/strict";
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { cannotServe, LivePool, MiB, run } from "./live.fixture.ts";
import { readPoolEvents } from "./pool-events.ts";
import type { ThinPoolSpec } from "./spec.ts";

const lv1 = { name: "lv1", deviceId: 1, sizeBytes: 64 * MiB, readOnly: false };
const CHUNK = 65_536;

class FullDisk {
  readonly directory: string;
  readonly loop: string;

  constructor(live: LivePool) {
    this.directory = join(live.directory, "disk");
    mkdirSync(this.directory);
    run("mount", "-t", "tmpfs", "-o", "size=24m", "none", this.directory);
    const file = join(this.directory, "pv");
    writeFileSync(file, "");
    truncateSync(file, 128 * MiB);
    this.loop = run("losetup", "--find", "--show", file);
  }

  fill(): void {
    const fd = openSync(join(this.directory, "rest"), "w");
    try {
      for (;;) writeSync(fd, Buffer.alloc(4096, 1));
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
    } finally {
      closeSync(fd);
    }
  }

  relieve(): void {
    rmSync(join(this.directory, "rest"));
  }

  close(): void {
    run("losetup", "-d", this.loop);
    run("umount", "-l", this.directory);
  }
}

const opened: (() => unknown)[] = [];
after(async () => {
  for (const close of opened) await close();
});

/** Not synchronously: this process must not wait for a mount that a pool in trouble serves. */
async function writeByte(path: string, at: number, byte: number): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.write(Buffer.alloc(4096, byte), 0, 4096, at);
    await file.datasync();
  } finally {
    await file.close();
  }
}

async function readByte(path: string, at: number): Promise<number> {
  const file = await open(path, "r");
  try {
    const page = Buffer.alloc(4096);
    await file.read(page, 0, 4096, at);
    return page[0]!;
  } finally {
    await file.close();
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(50);
}

test(
  "after a failed flush no successor takes anything for durable, until the pool is stopped",
  { skip: cannotServe, timeout: 60_000 },
  async () => {
    const live = new LivePool(MiB);
    const disk = new FullDisk(live);
    opened.push(async () => {
      await live.close().catch(() => undefined);
      disk.close();
      await live.close();
    });
    const spec: ThinPoolSpec = {
      ...live.spec(64 * MiB, [lv1]),
      devices: [{ name: "pv0", path: disk.loop }],
    };
    const client = await live.start(spec);
    const path = live.path("lv1");
    // Mapped and durable; the rest of the chunk is a hole in the tmpfs.
    await writeByte(path, 0, 7);
    assert.equal((await client.status()).pool?.mode, "write");
    disk.fill();
    await assert.rejects(writeByte(path, CHUNK / 2, 8), /EIO|ENOSPC/);
    assert.equal(existsSync(live.files.flushFailure), true);
    const events = () =>
      readPoolEvents(live.directory, 10).filter(({ kind }) => kind === "flush-failed");
    await until(() => events().length > 0);

    disk.relieve(); // It works again, and that brings nothing back.
    for (const attempt of ["first", "second"]) {
      await live.killServer();
      const { pool } = await client.status();
      assert.equal(pool?.mode, "read-only", `${attempt} successor`);
      assert.match(pool?.flushFailure ?? "", /^E(IO|NOSPC)$/);
      assert.equal(await readByte(path, 0), 7);
      await assert.rejects(writeByte(path, 0, 9), /EROFS/);
      await assert.rejects(writeByte(path, 2 * CHUNK, 9), /EROFS/);
      assert.equal(await readByte(path, 0), 7);
      const file = await open(path, "r+");
      await assert.rejects(file.datasync(), /EIO|ENOSPC/);
      await file.close();
      const kept = JSON.parse(readFileSync(live.files.flushFailure, "utf8")) as { errno: number };
      assert.ok(kept.errno > 0);
    }
    await assert.rejects(
      client.message({ messages: [{ kind: "create", deviceId: 2 }], transactionId: 2 }),
      /read-only: a flush of its devices failed/,
    );

    await client.stop();
    await until(() => !existsSync(live.files.directory));
    const again = await live.start({ ...spec, messages: [], transactionId: 1 });
    assert.equal((await again.status()).pool?.mode, "write");
    assert.equal((await again.status()).pool?.flushFailure, undefined);
    await writeByte(path, 2 * CHUNK, 9);
    assert.equal(await readByte(path, 0), 7);
    const fd = openSync(disk.loop, "r");
    fdatasyncSync(fd);
    closeSync(fd);
  },
);
