import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { byteSegments } from "./byte-segments.ts";
import {
  addTags,
  extendLogicalVolume,
  removeTags,
  renameLogicalVolume,
  setActivationSkip,
  setDiscards,
  setErrorWhenFull,
  setReadOnly,
  setZeroNewBlocks,
} from "./change-lv.ts";
import { freeExtentCount } from "./extents.ts";
import { groupOf, provenance } from "./fixtures.ts";
import {
  createVolumeGroup,
  extendVolumeGroup,
  reduceVolumeGroup,
  renameVolumeGroup,
} from "./group.ts";
import { createLinear } from "./linear.ts";
import type { VolumeGroup } from "./model.ts";
import { removeLogicalVolume } from "./remove.ts";
import { createThinPool, extendPoolMetadata } from "./thin-pool.ts";
import { createThin, createThinSnapshot } from "./thin-volume.ts";
import { validateVolumeGroup } from "./validate.ts";
import { stripMessages } from "./vg-edit.ts";
import { parseMetadataText } from "./vg-parse.ts";
import {
  checkRemovable,
  findLv,
  lvExtentCount,
  requireThinPool,
  requireThinVolume,
} from "./vg-query.ts";

const origin = provenance();

function names(vg: VolumeGroup): string[] {
  return vg.logicalVolumes.map((lv) => lv.name);
}

/** [pv key, first extent, extents] of each segment. */
function layout(vg: VolumeGroup, name: string): unknown[] {
  return findLv(vg, name)!.segments.map((segment) =>
    segment.type === "striped"
      ? [segment.stripes[0]!.target, segment.stripes[0]!.startExtent, segment.extentCount]
      : segment.type,
  );
}

function poolGroup(): VolumeGroup {
  const pool = createThinPool(groupOf(200), { extentCount: 50, name: "pool" }, origin);
  const thin = createThin(pool.vg, { pool: "pool", extentCount: 30, name: "t1" }, origin);
  return stripMessages(thin.vg, "pool");
}

/** The same steps as in the recorded story must lead to the same text, ids and dates aside. */
test("the recorded story gives the recorded volume group", () => {
  const recorded = parseMetadataText(
    readFileSync(new URL("../testdata/walkthrough-vgcfgbackup.txt", import.meta.url), "utf8"),
  ).vg;
  let vg = createVolumeGroup(
    {
      name: "bd-vg",
      physicalVolumes: [
        {
          id: recorded.physicalVolumes[0]!.id,
          device: "/dev/loop0",
          deviceSectors: 2_097_152,
          extentStartSectors: 2048,
          extentAreaSectors: 2_095_104,
        },
      ],
    },
    origin,
  );
  const pool = createThinPool(vg, { extentCount: 250 }, origin);
  assert.equal(pool.lv.name, "lvol1");
  assert.equal(
    pool.notice,
    "Thin pool volume with chunk size 64.00 KiB can address at most <15.88 TiB of data.",
  );
  vg = createThin(pool.vg, { pool: "lvol1", extentCount: 250, name: "lv1" }, origin).vg;
  const snapshot = (name: string): void => {
    vg = stripMessages(vg, "lvol1");
    vg = createThinSnapshot(vg, { origin: "lv1", name, activationSkip: false }, origin).vg;
  };
  const remove = (name: string): void => {
    vg = removeLogicalVolume(stripMessages(vg, "lvol1"), name).vg;
  };
  snapshot("314b673ea68446cf8f3187c32fe65d9b_0");
  snapshot("452bfcf743504df4b6af536487d0924d_0");
  remove("314b673ea68446cf8f3187c32fe65d9b_0");
  for (const name of ["b1", "b2", "b3", "b4", "b5"]) snapshot(name);
  for (const name of ["b1", "b2", "b3", "b4", "b5"]) remove(name);
  vg = stripMessages(vg, "lvol1");

  const undated = (group: VolumeGroup): unknown => ({
    ...group,
    id: "",
    seqno: 0,
    logicalVolumes: group.logicalVolumes
      .map((lv) => ({ ...lv, id: "", creationTime: 0 }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  });
  assert.deepEqual(undated(vg), undated(recorded));
  const hidden = (group: VolumeGroup): string[] =>
    group.logicalVolumes.filter((lv) => !lv.status.includes("VISIBLE")).map((lv) => lv.name);
  assert.deepEqual(hidden(vg), hidden(recorded));
});

test("automatic names count on from the highest, hidden ones included", () => {
  let vg = createLinear(groupOf(100), { extentCount: 1 }, origin).vg;
  assert.deepEqual(names(vg), ["lvol0"]);
  vg = createThinPool(vg, { extentCount: 5 }, origin).vg;
  assert.deepEqual(names(vg), ["lvol0", "lvol1_pmspare", "lvol2", "lvol2_tmeta", "lvol2_tdata"]);
});

test("snapshots of one pool can be one transaction, with a message each", () => {
  const two = createThin(poolGroup(), { pool: "pool", extentCount: 30, name: "t2" }, origin);
  const vg = stripMessages(two.vg, "pool");
  const before = requireThinPool(vg, "pool").segment.transactionId;
  const one = createThinSnapshot(vg, { origin: "t1", name: "s1" }, origin).vg;
  assert.throws(() => createThinSnapshot(one, { origin: "t2", name: "s2" }, origin), /not been sent/);
  const both = createThinSnapshot(one, { origin: "t2", name: "s2", joins: true }, origin).vg;
  validateVolumeGroup(both);
  const { transactionId, messages } = requireThinPool(both, "pool").segment;
  assert.equal(transactionId, before + 1);
  assert.deepEqual(messages, [{ kind: "create", lv: "s1" }, { kind: "create", lv: "s2" }]);
  const [first, second] = ["s1", "s2"].map((name) => requireThinVolume(both, name).segment);
  assert.deepEqual([first!.transactionId, second!.transactionId], [before, before]);
  assert.equal(second!.deviceId, first!.deviceId + 1);
});

test("a pool transaction steps the id and carries its message, one at a time", () => {
  const vg = poolGroup();
  const made = createThinSnapshot(vg, { origin: "t1", name: "s1" }, origin);
  const { segment } = requireThinPool(made.vg, "pool");
  assert.equal(segment.transactionId, 2);
  assert.deepEqual(segment.messages, [{ kind: "create", lv: "s1" }]);
  const snap = requireThinVolume(made.vg, "s1");
  assert.equal(snap.segment.transactionId, 1);
  assert.equal(snap.segment.deviceId, 2);
  assert.equal(snap.segment.origin, "t1");
  assert.deepEqual(snap.lv.flags, ["ACTIVATION_SKIP"]);
  assert.throws(() => createThin(made.vg, { pool: "pool", extentCount: 1 }, origin), {
    code: "pending-messages",
  });
  assert.throws(() => removeLogicalVolume(made.vg, "t1"), { code: "pending-messages" });
});

test("a volume removed while its creation is queued turns the message into a delete", () => {
  const made = createThinSnapshot(poolGroup(), { origin: "t1", name: "s1" }, origin);
  const { segment } = requireThinPool(removeLogicalVolume(made.vg, "s1").vg, "pool");
  assert.equal(segment.transactionId, 2);
  assert.deepEqual(segment.messages, [{ kind: "delete", deviceId: 2 }]);
});

test("removing an origin frees its snapshots of the name", () => {
  const made = createThinSnapshot(poolGroup(), { origin: "t1", name: "s1" }, origin);
  const { vg, removed } = removeLogicalVolume(stripMessages(made.vg, "pool"), "t1");
  assert.deepEqual(
    removed.map((lv) => lv.name),
    ["t1"],
  );
  assert.equal(requireThinVolume(vg, "s1").segment.origin, undefined);
  assert.deepEqual(requireThinPool(vg, "pool").segment.messages, [{ kind: "delete", deviceId: 1 }]);
  validateVolumeGroup(vg);
});

test("device ids go up, and holes are not filled below the highest", () => {
  let vg = poolGroup();
  for (const name of ["a", "b"]) {
    vg = stripMessages(createThin(vg, { pool: "pool", extentCount: 1, name }, origin).vg, "pool");
  }
  vg = stripMessages(removeLogicalVolume(vg, "a").vg, "pool");
  assert.equal(
    requireThinVolume(createThin(vg, { pool: "pool", extentCount: 1, name: "c" }, origin).vg, "c")
      .segment.deviceId,
    4,
  );
});

test("a pool leaves with its volumes, and the spare with the last pool", () => {
  let vg = createThinPool(poolGroup(), { extentCount: 5, name: "other" }, origin).vg;
  const first = removeLogicalVolume(vg, "pool");
  assert.deepEqual(
    first.removed.map((lv) => lv.name),
    ["t1", "pool"],
  );
  assert.deepEqual(names(first.vg), ["lvol0_pmspare", "other", "other_tmeta", "other_tdata"]);
  vg = removeLogicalVolume(first.vg, "other").vg;
  assert.deepEqual(names(vg), []);
  assert.equal(freeExtentCount(vg), 200);
});

test("hidden volumes of a pool are not removed, renamed or grown by themselves", () => {
  const vg = poolGroup();
  assert.throws(() => removeLogicalVolume(vg, "pool_tdata"), {
    message: "Can't remove logical volume vg0/pool_tdata used by a pool.",
    exitCode: 5,
  });
  assert.throws(() => renameLogicalVolume(vg, "pool_tmeta", "x"), { code: "in-use" });
  assert.throws(() => extendLogicalVolume(vg, "pool_tmeta", 9), { code: "wrong-type" });
});

test("renaming a pool takes hidden volumes, references and messages along", () => {
  const made = createThinSnapshot(poolGroup(), { origin: "t1", name: "s1" }, origin);
  let vg = renameLogicalVolume(made.vg, "pool", "p2");
  vg = renameLogicalVolume(vg, "s1", "s2");
  vg = renameLogicalVolume(vg, "t1", "t2");
  validateVolumeGroup(vg);
  assert.deepEqual(names(vg), ["lvol0_pmspare", "p2", "p2_tmeta", "p2_tdata", "t2", "s2"]);
  assert.equal(requireThinVolume(vg, "s2").segment.origin, "t2");
  assert.equal(requireThinVolume(vg, "s2").segment.pool, "p2");
  assert.deepEqual(requireThinPool(vg, "p2").segment.messages, [{ kind: "create", lv: "s2" }]);
});

test("growth merges with what it adjoins, and else takes the lowest run that fits", () => {
  let vg = createLinear(groupOf(20, 20), { extentCount: 5, name: "a" }, origin).vg;
  vg = extendLogicalVolume(vg, "a", 8);
  assert.deepEqual(layout(vg, "a"), [["pv0", 0, 8]]);
  vg = createLinear(vg, { extentCount: 4, name: "b" }, origin).vg;
  vg = extendLogicalVolume(vg, "a", 10);
  assert.deepEqual(layout(vg, "a"), [
    ["pv0", 0, 8],
    ["pv0", 12, 2],
  ]);
  vg = extendLogicalVolume(vg, "a", 12);
  assert.deepEqual(layout(vg, "a"), [
    ["pv0", 0, 8],
    ["pv0", 12, 4],
  ]);
  vg = createLinear(vg, { extentCount: 10, name: "c" }, origin).vg;
  assert.deepEqual(layout(vg, "c"), [["pv1", 0, 10]], "in one piece on the second volume");
  vg = removeLogicalVolume(vg, "b").vg;
  vg = createLinear(vg, { extentCount: 14, name: "d" }, origin).vg;
  assert.deepEqual(layout(vg, "d"), [
    ["pv0", 8, 4],
    ["pv0", 16, 4],
    ["pv1", 10, 6],
  ]);
  validateVolumeGroup(vg);
});

test("allocation keeps to the volumes that are named, and shuns those not allocatable", () => {
  const vg = groupOf(20, 20);
  const made = createLinear(
    vg,
    { extentCount: 5, name: "a", physicalVolumes: ["/dev/loop1"] },
    origin,
  ).vg;
  assert.deepEqual(layout(made, "a"), [["pv1", 0, 5]]);
  const shut = {
    ...vg,
    physicalVolumes: vg.physicalVolumes.map((pv, index) =>
      index === 0 ? { ...pv, status: [] } : pv,
    ),
  };
  assert.deepEqual(layout(createLinear(shut, { extentCount: 5, name: "a" }, origin).vg, "a"), [
    ["pv1", 0, 5],
  ]);
  assert.throws(() => createLinear(shut, { extentCount: 21 }, origin), {
    code: "no-space",
    message: "Insufficient free space: 21 extents needed, but only 20 available",
  });
  assert.throws(() => createLinear(vg, { extentCount: 1, physicalVolumes: ["/dev/x"] }, origin), {
    message: 'Physical Volume "/dev/x" not found in Volume Group "vg0".',
  });
});

test("pool data, pool metadata and thin volumes grow; the spare keeps up with the metadata", () => {
  let vg = poolGroup();
  vg = extendLogicalVolume(vg, "pool", 60);
  assert.deepEqual(layout(vg, "pool_tdata"), [
    ["pv0", 1, 50],
    ["pv0", 52, 10],
  ]);
  assert.equal(lvExtentCount(findLv(vg, "pool")!), 60);
  vg = extendLogicalVolume(vg, "t1", 1000);
  assert.equal(lvExtentCount(findLv(vg, "t1")!), 1000);
  vg = extendPoolMetadata(vg, "pool", 3, origin);
  assert.equal(lvExtentCount(findLv(vg, "pool_tmeta")!), 3);
  assert.equal(lvExtentCount(findLv(vg, "lvol0_pmspare")!), 3);
  validateVolumeGroup(vg);
  assert.throws(() => extendPoolMetadata(vg, "pool", 3, origin), {
    message: "New size (3 extents) matches existing size (3 extents).",
    exitCode: 5,
  });
  assert.throws(() => extendPoolMetadata(vg, "pool", 5000, origin), { code: "limit-reached" });
});

test("a larger pool makes the spare larger, and metadataSpare: false makes none", () => {
  let vg = createThinPool(
    groupOf(200),
    { extentCount: 5, metadataSpare: false, name: "a" },
    origin,
  ).vg;
  assert.deepEqual(names(vg), ["a", "a_tmeta", "a_tdata"]);
  vg = createThinPool(vg, { extentCount: 5, metadataExtentCount: 4, name: "b" }, origin).vg;
  assert.equal(lvExtentCount(findLv(vg, "lvol0_pmspare")!), 4);
  vg = createThinPool(vg, { extentCount: 5, metadataExtentCount: 6, name: "c" }, origin).vg;
  assert.equal(lvExtentCount(findLv(vg, "lvol0_pmspare")!), 6);
  validateVolumeGroup(vg);
});

test("a pool of all free space leaves room for metadata and spare", () => {
  const made = createThinPool(
    groupOf(200),
    { extentCount: 200, leaveRoomForMetadata: true },
    origin,
  );
  assert.equal(lvExtentCount(made.lv), 198);
  assert.equal(freeExtentCount(made.vg), 0);
  assert.throws(
    () => createThinPool(groupOf(2), { extentCount: 2, leaveRoomForMetadata: true }, origin),
    {
      message: "Not enough space for thin pool creation.",
    },
  );
  assert.throws(() => createThinPool(groupOf(200), { extentCount: 199 }, origin), {
    message: "Insufficient free space: 200 extents needed, but only 199 available",
  });
});

test("permission, tags, activation skip and pool settings change", () => {
  let vg = setReadOnly(poolGroup(), "t1", true);
  assert.deepEqual(findLv(vg, "t1")!.status, ["READ", "VISIBLE"]);
  assert.throws(() => setReadOnly(vg, "t1", true), {
    message: 'Logical volume "vg0/t1" is already read only.',
  });
  vg = setReadOnly(vg, "t1", false);
  assert.deepEqual(findLv(vg, "t1")!.status, ["READ", "WRITE", "VISIBLE"]);
  assert.throws(() => setReadOnly(vg, "t1", false), {
    message: "Logical volume vg0/t1 is already writable.",
  });
  vg = addTags(vg, "t1", ["@x", "y", "x"]);
  assert.deepEqual(findLv(vg, "t1")!.tags, ["x", "y"]);
  assert.deepEqual(findLv(removeTags(vg, "t1", ["x"]), "t1")!.tags, ["y"]);
  assert.throws(() => addTags(vg, "t1", ["a b"]), { exitCode: 3 });
  vg = setActivationSkip(vg, "t1", true);
  assert.deepEqual(findLv(vg, "t1")!.flags, ["ACTIVATION_SKIP"]);
  assert.deepEqual(findLv(setActivationSkip(vg, "t1", false), "t1")!.flags, []);
  vg = setErrorWhenFull(
    setZeroNewBlocks(setDiscards(vg, "pool", "ignore"), "pool", false),
    "pool",
    true,
  );
  const { lv, segment } = requireThinPool(vg, "pool");
  assert.equal(segment.discards, "ignore");
  assert.equal(segment.zeroNewBlocks, false);
  assert.deepEqual(lv.flags, ["ERROR_WHEN_FULL"]);
  assert.throws(() => setDiscards(vg, "t1", "ignore"), { code: "wrong-type" });
});

test("groups take and give up physical volumes", () => {
  const two = groupOf(10, 10);
  const used = createLinear(two, { extentCount: 12, name: "a" }, origin).vg;
  assert.throws(() => reduceVolumeGroup(used, "/dev/loop0"), {
    message: 'Physical volume "/dev/loop0" still in use',
  });
  const one = reduceVolumeGroup(two, "/dev/loop0");
  assert.deepEqual(
    one.physicalVolumes.map((pv) => pv.key),
    ["pv1"],
  );
  assert.throws(() => reduceVolumeGroup(one, "/dev/loop1"), {
    message: `Can't remove final physical volume "/dev/loop1" from volume group "vg0"`,
  });
  const addition = {
    id: two.physicalVolumes[0]!.id,
    device: "/dev/loop0",
    deviceSectors: 90_000,
    extentStartSectors: 2048,
    extentAreaSectors: 87_952,
  };
  const again = extendVolumeGroup(one, [addition]);
  assert.deepEqual(
    again.physicalVolumes.map((pv) => [pv.key, pv.extentCount]),
    [
      ["pv1", 10],
      ["pv0", 10],
    ],
  );
  assert.throws(() => extendVolumeGroup(again, [addition]), {
    message: "Physical volume '/dev/loop0' is already in volume group 'vg0'",
  });
  assert.throws(() => checkRemovable(used), {
    message: 'Volume group "vg0" still contains 1 logical volume(s)',
  });
  assert.equal(renameVolumeGroup(two, "vg1").name, "vg1");
});

test("refusals carry LVM's sentence and exit code", () => {
  const vg = poolGroup();
  const refusals: readonly [() => unknown, number, string][] = [
    [
      () => createLinear(vg, { extentCount: 1, name: "a b" }, origin),
      3,
      'Logical volume name "a b" is invalid.',
    ],
    [
      () => createLinear(vg, { extentCount: 1, name: "pvmove1" }, origin),
      3,
      'Names starting "pvmove" are reserved. Please choose a different LV name.',
    ],
    [
      () => createLinear(vg, { extentCount: 1, name: "x_tdata" }, origin),
      3,
      'Names including "_tdata" are reserved. Please choose a different LV name.',
    ],
    [
      () => createLinear(vg, { extentCount: 1, name: "t1" }, origin),
      5,
      'Logical Volume "t1" already exists in volume group "vg0"',
    ],
    [() => createLinear(vg, { extentCount: 0, name: "z" }, origin), 3, "--size may not be zero."],
    [
      () => createLinear(vg, { extentCount: 2560 }, origin),
      5,
      'Volume group "vg0" has insufficient free space (148 extents): 2560 required.',
    ],
    [
      () => createThin(vg, { pool: "no", extentCount: 1 }, origin),
      5,
      "Pool no not found in Volume group vg0.",
    ],
    [
      () => createThinSnapshot(vg, { origin: "no" }, origin),
      5,
      "Snapshot origin LV no not found in Volume group vg0.",
    ],
    [() => removeLogicalVolume(vg, "no"), 5, 'Failed to find logical volume "vg0/no"'],
    [
      () => extendLogicalVolume(vg, "pool", 13),
      5,
      "New size given (13 extents) not larger than existing size (50 extents)",
    ],
    [
      () => extendLogicalVolume(vg, "pool", 500),
      5,
      "Insufficient free space: 450 extents needed, but only 148 available",
    ],
    [
      () => renameLogicalVolume(vg, "no", "x"),
      5,
      'Existing logical volume "no" not found in volume group "vg0"',
    ],
    [() => renameLogicalVolume(vg, "t1", "t1"), 3, "Old and new logical volume names must differ"],
    [
      () => renameLogicalVolume(vg, "t1", "pool"),
      5,
      'Logical Volume "pool" already exists in volume group "vg0"',
    ],
    [
      () => createThinPool(vg, { extentCount: 5, chunkSectors: 200 }, origin),
      3,
      "Thin pool chunk size 100.00 KiB must be a multiple of 64.00 KiB.",
    ],
    [
      () => createThinPool(vg, { extentCount: 5, chunkSectors: 2 }, origin),
      3,
      "Thin pool chunk size 1.00 KiB is not in the range 64.00 KiB to 1.00 GiB.",
    ],
    [
      () => createVolumeGroup({ name: "a b", physicalVolumes: [] }, origin),
      3,
      'New volume group name "a b" is invalid.',
    ],
    [
      () => createVolumeGroup({ name: "v", physicalVolumes: [], extentSectors: 6 }, origin),
      3,
      "Physical Extent size must be a multiple of 128.00 KiB when not a power of 2.",
    ],
    [
      () => createLinear({ ...vg, status: ["READ"] }, { extentCount: 1 }, origin),
      5,
      "Volume group vg0 is read-only",
    ],
    [
      () => createLinear({ ...vg, systemId: "far" }, { extentCount: 1 }, origin),
      5,
      "Cannot access VG vg0 with system ID far with unknown local system ID.",
    ],
    [
      () => createLinear({ ...vg, maxLv: 2 }, { extentCount: 1 }, origin),
      5,
      "Maximum number of logical volumes (2) reached in volume group vg0",
    ],
  ];
  for (const [refused, exitCode, message] of refusals)
    assert.throws(refused, { exitCode, message });
});

test("the bytes of a volume lie where its extents are", () => {
  let vg = createLinear(groupOf(10, 10), { extentCount: 9, name: "a" }, origin).vg;
  vg = extendLogicalVolume(createLinear(vg, { extentCount: 1, name: "b" }, origin).vg, "a", 12);
  const extent = 4 * 1_048_576;
  assert.deepEqual(
    byteSegments(vg, "a").map((piece) => [
      piece.pvKey,
      piece.device,
      piece.pvOffsetBytes,
      piece.lvOffsetBytes,
      piece.lengthBytes,
    ]),
    [
      ["pv0", "/dev/loop0", 1_048_576, 0, 9 * extent],
      ["pv1", "/dev/loop1", 1_048_576, 9 * extent, 3 * extent],
    ],
  );
  assert.throws(() => byteSegments(poolGroup(), "t1"), { code: "unsupported" });
});
