import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { flockWithin, tryFlock, unlockFlock } from "./flock.ts";

describe("flock", () => {
  const directory = mkdtempSync(join(tmpdir(), `mortar-flock-${process.pid}-`));
  const path = join(directory, "lock");
  const open = () => openSync(path, "a+");
  after(() => rmSync(directory, { recursive: true }));

  it("is shared among readers and refused to a writer", () => {
    const [a, b, c] = [open(), open(), open()];
    assert.equal(tryFlock(a, "shared", path), true);
    assert.equal(tryFlock(b, "shared", path), true);
    assert.equal(tryFlock(c, "exclusive", path), false);
    for (const fd of [a, b, c]) closeSync(fd);
  });

  it("is had as soon as the holder lets go", async () => {
    const [a, b] = [open(), open()];
    assert.equal(tryFlock(a, "exclusive", path), true);
    const waiting = flockWithin(b, "exclusive", path, 5000);
    unlockFlock(a, path);
    assert.equal(await waiting, true);
    for (const fd of [a, b]) closeSync(fd);
  });

  it("is given up when time is out", async () => {
    const [a, b] = [open(), open()];
    tryFlock(a, "exclusive", path);
    assert.equal(await flockWithin(b, "shared", path, 20), false);
    for (const fd of [a, b]) closeSync(fd);
  });
});
