import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync } from "node:fs";
import { rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { blockDeviceSize, discardBlocks, isHeldExclusively } from "./block-ioctl.ts";
import { logicalBlockSize, sizeOfBlockDevice, zeroBlocks } from "./block-ioctl.ts";
import { attachLoop, detachLoop, listLoops, readLoop, refreshLoopCapacity } from "./loop.ts";
import { setLoopSizeLimit } from "./loop.ts";

const MIB = 1 << 20;

describe("loop devices", { skip: process.getuid?.() === 0 ? false : "needs root" }, () => {
  const directory = mkdtempSync(join(tmpdir(), `mortar-linux-${process.pid}-`));
  const file = join(directory, "disk");
  const attached = new Set<string>();

  async function attach(request: Parameters<typeof attachLoop>[0]): Promise<string> {
    const path = await attachLoop(request);
    attached.add(path);
    return path;
  }

  before(() => writeFileSync(file, Buffer.alloc(8 * MIB, 7)));
  after(async () => {
    for (const path of attached) await detachLoop(path);
    rmSync(directory, { recursive: true });
  });

  it("shows a file as a block device, and the kernel's own tool agrees", async () => {
    const path = await attach({ backingPath: file, directIo: true });
    assert.equal(sizeOfBlockDevice(path), 8 * MIB);
    assert.equal(readLoop(path)?.backingPath, file);
    assert.ok(listLoops().some((loop) => loop.path === path));
    const tool = spawnSync("losetup", ["-n", "-O", "BACK-FILE,RO", path], { encoding: "utf8" });
    assert.deepEqual(tool.stdout.trim().split(/\s+/), [file, "0"]);
    assert.equal(await detachLoop(path), true);
    assert.equal(readLoop(path), undefined);
  });

  it("shows a part of a file, which may grow in use", async () => {
    const path = await attach({ backingPath: file, offsetBytes: MIB, sizeLimitBytes: 2 * MIB });
    assert.equal(sizeOfBlockDevice(path), 2 * MIB);
    await setLoopSizeLimit(path, 3 * MIB);
    assert.equal(sizeOfBlockDevice(path), 3 * MIB);
    assert.equal(readLoop(path)?.offsetBytes, MIB);
    await detachLoop(path);
  });

  it("takes over a new size of the file when told", async () => {
    const path = await attach({ backingPath: file });
    truncateSync(file, 16 * MIB);
    await refreshLoopCapacity(path);
    assert.equal(readLoop(path)?.sizeBytes, 16 * MIB);
    truncateSync(file, 8 * MIB);
    await detachLoop(path);
  });

  it("refuses to be written when read-only", async () => {
    const path = await attach({ backingPath: file, readOnly: true });
    assert.equal(readLoop(path)?.readOnly, true);
    assert.throws(() => writeFileSync(path, "x", { flag: "r+" }));
    await detachLoop(path);
  });

  it("stays as it was when somebody has it open", async () => {
    const path = await attach({ backingPath: file });
    const opener = openSync(path, "r");
    try {
      assert.equal(await detachLoop(path, 50), false);
    } finally {
      closeSync(opener);
    }
    assert.equal(readLoop(path)?.backingPath, file);
    assert.equal(await detachLoop(path), true);
  });

  it("gives each of many callers a device of its own", async () => {
    const requests = Array.from({ length: 6 }, async () => await attach({ backingPath: file }));
    const paths = await Promise.all(requests);
    assert.equal(new Set(paths).size, 6);
    for (const path of paths) assert.equal(await detachLoop(path), true);
  });

  it("answers questions and orders about its blocks", async () => {
    const path = await attach({ backingPath: file });
    const fd = openSync(path, "r+");
    try {
      assert.equal(logicalBlockSize(fd, path), 512);
      assert.equal(blockDeviceSize(fd, path), 8 * MIB);
      await zeroBlocks(fd, path, 0, MIB);
      await discardBlocks(fd, path, MIB, MIB);
    } finally {
      closeSync(fd);
    }
    assert.equal(await isHeldExclusively(path), false);
    assert.equal(readFileSync(path).subarray(0, 2 * MIB).every((byte) => byte === 0), true);
    assert.equal(readFileSync(path)[2 * MIB], 7);
    await detachLoop(path);
  });

  it("names the file that cannot be opened", async () => {
    await assert.rejects(attachLoop({ backingPath: join(directory, "nothing") }), /nothing/);
  });
});
