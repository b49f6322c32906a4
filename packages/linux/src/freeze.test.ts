import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, mkdtempSync, openSync } from "node:fs";
import { rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isErrno } from "./async-call.ts";
import { freezeFileSystem, frozen, thawFileSystem } from "./freeze.ts";
import { attachLoop, detachLoop } from "./loop.ts";
import { mountFileSystem, unmount } from "./mount.ts";

const hasTools = spawnSync("mkfs.ext4", ["-V"]).status === 0;
const skip = process.getuid?.() !== 0 ? "needs root" : hasTools ? false : "needs mkfs.ext4";

describe("freezing a file system", { skip }, () => {
  const directory = mkdtempSync(join(tmpdir(), `mortar-freeze-${process.pid}-`));
  const mountPoint = join(directory, "mnt");
  let loop = "";

  before(async () => {
    const disk = join(directory, "disk");
    writeFileSync(disk, "");
    truncateSync(disk, 16 << 20);
    mkdirSync(mountPoint);
    loop = await attachLoop({ backingPath: disk });
    assert.equal(spawnSync("mkfs.ext4", ["-q", loop]).status, 0);
    await mountFileSystem({ source: loop, target: mountPoint, type: "ext4" });
  });
  after(async () => {
    const fd = openSync(mountPoint, "r");
    thawFileSystem(fd, mountPoint);
    closeSync(fd);
    await unmount(mountPoint, { detach: true });
    await detachLoop(loop);
    rmSync(directory, { recursive: true });
  });

  /** Freezing once more tells whether it is frozen: EBUSY. */
  function isFrozen(): boolean {
    const fd = openSync(mountPoint, "r");
    try {
      freezeFileSystem(fd, mountPoint);
      thawFileSystem(fd, mountPoint);
      return false;
    } catch (error) {
      if (isErrno(error, "EBUSY")) return true;
      throw error;
    } finally {
      closeSync(fd);
    }
  }

  it("lasts as long as the work, and passes on what it returns", async () => {
    const result = await frozen(mountPoint, async () => {
      assert.equal(isFrozen(), true);
      return await Promise.resolve(42);
    });
    assert.deepEqual(result, { value: 42, heldThroughout: true });
    assert.equal(isFrozen(), false);
  });

  it("ends when the work fails", async () => {
    await assert.rejects(
      frozen(mountPoint, async () => await Promise.reject(new Error("no"))),
      /no/,
    );
    assert.equal(isFrozen(), false);
  });

  it("ends at the limit, and the caller is told", async () => {
    const result = await frozen(mountPoint, async () => await sleep(2500), { limitMs: 1500 });
    assert.equal(result.heldThroughout, false);
    assert.equal(isFrozen(), false);
  });

  it("ends when the process that asked for it is killed", async () => {
    const program = fileURLToPath(new URL("./freeze.js", import.meta.url));
    const source =
      `import { frozen } from ${JSON.stringify(program)};` +
      `await frozen(${JSON.stringify(mountPoint)}, async () => {` +
      `  console.log("held"); await new Promise((done) => setTimeout(done, 20000)); });`;
    const holder = spawn(process.execPath, ["--input-type=module", "-e", source], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(holder.stdout, "data");
    assert.equal(isFrozen(), true);
    holder.kill("SIGKILL");
    await once(holder, "exit");
    for (let attempt = 0; attempt < 100 && isFrozen(); attempt += 1) await sleep(20);
    assert.equal(isFrozen(), false);
  });

  it("is refused, with the reason, where it cannot be", async () => {
    const work = async () => await Promise.resolve();
    await assert.rejects(frozen("/proc", work), /\/proc.*ENOTSUP/);
  });
});
