import assert from "node:assert/strict";
import { test } from "node:test";
import { mountOf, parseMountInfo } from "./mount.ts";

const TABLE = `22 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
30 22 7:3 / /mnt/with\\040blank rw,nosuid shared:5 - xfs /dev/bd-vg/lv1 rw,attr2
31 22 0:50 / /run/mortar/pools/vg-pool/mnt rw - fuse.mortar mortar rw,user_id=0
32 30 7:4 /exp /mnt/with\\040blank ro master:1 propagate_from:2 - xfs /dev/loop4 ro
garbage
`;

test("every field of the table of mounts is read, whatever optional fields there are", () => {
  const mounts = parseMountInfo(TABLE);
  assert.equal(mounts.length, 4);
  assert.deepEqual(mounts[1], {
    id: 30,
    parentId: 22,
    deviceNumber: "7:3",
    root: "/",
    path: "/mnt/with blank",
    options: ["rw", "nosuid"],
    type: "xfs",
    source: "/dev/bd-vg/lv1",
    superOptions: ["rw", "attr2"],
  });
  assert.equal(mounts[3]?.root, "/exp");
});

test("a path belongs to the deepest mount above it, of two at one place to the later", () => {
  const mounts = parseMountInfo(TABLE);
  assert.equal(mountOf("/mnt/with blank/file", mounts)?.id, 32);
  assert.equal(mountOf("/mnt/with", mounts)?.id, 22);
  assert.equal(mountOf("/run/mortar/pools/vg-pool/mnt/lv1", mounts)?.type, "fuse.mortar");
});
