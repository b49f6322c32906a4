import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { fops } from "@mortar/gluster";
import { getXattr, setXattr } from "@mortar/linux";
import { gfidOf, InProcessBrick, inProcessSkip, ROOT, wanted } from "../in-process.fixture.ts";

const ACCESS = "system.posix_acl_access";
/** user::rwx, user:1234:rwx, group::r-x, mask::rwx, other::--- */
const ACL = Buffer.concat([
  Buffer.from([2, 0, 0, 0]),
  entry(0x01, 7, 0xffff_ffff), entry(0x02, 7, 1234), entry(0x04, 5, 0xffff_ffff),
  entry(0x10, 7, 0xffff_ffff), entry(0x20, 0, 0xffff_ffff),
]);

function entry(tag: number, permissions: number, id: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(tag, 0);
  bytes.writeUInt16LE(permissions, 2);
  bytes.writeUInt32LE(id, 4);
  return bytes;
}

test("only what is made in a directory inherits its default ACL", inProcessSkip, () => {
  const brick = new InProcessBrick();
  try {
    const parent = gfidOf(1);
    brick.mkdir(ROOT, "shared", parent);
    setXattr(join(brick.path, "shared"), "system.posix_acl_default", ACL);
    // What was read of the directory before is not known any more.
    brick.restart();
    assert.equal(brick.mkdir(parent, "inner", gfidOf(2)).opRet, 0);
    assert.equal(brick.create(ROOT, "private", gfidOf(3), 0o100600).opRet, 0);
    assert.equal(brick.ask(fops.mknod, {
      parent, dev: { high: 0, low: 0 }, mode: 0o100660, umask: 0, name: Buffer.from("made"),
      xdata: wanted(gfidOf(4)),
    }).opRet, 0);
    assert.notEqual(getXattr(join(brick.path, "shared", "inner"), ACCESS), undefined);
    assert.notEqual(getXattr(join(brick.path, "shared", "made"), ACCESS), undefined);
    assert.equal(getXattr(join(brick.path, "private"), ACCESS), undefined);
  } finally {
    brick.remove();
  }
});
