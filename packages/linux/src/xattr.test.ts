import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileSystemUsage } from "./statfs.ts";
import { getXattr, listXattrs, removeXattr, setXattr } from "./xattr.ts";

describe("extended attributes", () => {
  const directory = mkdtempSync(join(tmpdir(), `mortar-xattr-${process.pid}-`));
  const file = join(directory, "file");
  writeFileSync(file, "");
  after(() => rmSync(directory, { recursive: true }));

  it("are there until removed, with any bytes", () => {
    const value = Uint8Array.of(0, 255, 10, 0);
    assert.equal(getXattr(file, "user.mortar"), undefined);
    setXattr(file, "user.mortar", value);
    assert.deepEqual(getXattr(file, "user.mortar"), value);
    assert.ok(listXattrs(file).includes("user.mortar"));
    assert.equal(removeXattr(file, "user.mortar"), true);
    assert.equal(removeXattr(file, "user.mortar"), false);
  });

  it("are created or replaced only where that was asked for", () => {
    const set = (only: "create" | "replace") => setXattr(file, "user.a", Uint8Array.of(1), only);
    assert.throws(() => set("replace"), { code: "ENODATA" });
    set("create");
    assert.throws(() => set("create"), { code: "EEXIST" });
  });

  it("name the file they are missing from", () => {
    assert.throws(() => getXattr(join(directory, "nothing"), "user.a"), /nothing.*ENOENT/);
  });
});

it("a file system is known by name and has room", () => {
  const usage = fileSystemUsage("/proc/self");
  assert.match(usage.type, /^0x/);
  assert.ok(fileSystemUsage("/").totalBytes > 0);
});
