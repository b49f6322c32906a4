import assert from "node:assert/strict";
import { test } from "node:test";
import { renameLogicalVolume } from "./change-lv.ts";
import { groupOf, provenance } from "./fixtures.ts";
import { mergeSnapshot, mergingSnapshotOf, scheduleMerge } from "./merge.ts";
import type { VolumeGroup } from "./model.ts";
import { removeLogicalVolume } from "./remove.ts";
import { createThinPool } from "./thin-pool.ts";
import { createThin, createThinSnapshot } from "./thin-volume.ts";
import { validateVolumeGroup } from "./validate.ts";
import { stripMessages } from "./vg-edit.ts";
import { parseMetadataText } from "./vg-parse.ts";
import { printMetadataText } from "./vg-print.ts";
import { requireLv, requireThinPool, requireThinVolume } from "./vg-query.ts";

/** data <- snap <- later, and data <- other; the pool is idle. */
function family(): VolumeGroup {
  const origin = provenance();
  let vg = createThinPool(groupOf(100), { name: "tank", extentCount: 20 }, origin).vg;
  const settle = (next: VolumeGroup) => (vg = stripMessages(next, "tank"));
  settle(createThin(vg, { pool: "tank", name: "data", extentCount: 5, tags: ["keep"] }, origin).vg);
  settle(createThinSnapshot(vg, { origin: "data", name: "snap", tags: ["gone"] }, origin).vg);
  settle(createThinSnapshot(vg, { origin: "data", name: "other" }, origin).vg);
  settle(createThinSnapshot(vg, { origin: "snap", name: "later" }, origin).vg);
  return vg;
}

function reread(vg: VolumeGroup): VolumeGroup {
  const options = { form: "disk", description: "", generator: "test", now: 1, host: "h" } as const;
  return parseMetadataText(printMetadataText(vg, options)).vg;
}

test("a merge gives the origin the snapshot's device, and one message deletes the old one", () => {
  const before = family();
  const old = requireThinVolume(before, "data");
  const snap = requireThinVolume(before, "snap");
  const after = mergeSnapshot(before, "snap");
  validateVolumeGroup(after);
  const { lv, segment } = requireThinVolume(after, "data");
  assert.equal(segment.deviceId, snap.segment.deviceId);
  assert.equal(segment.transactionId, snap.segment.transactionId);
  assert.deepEqual([lv.id, lv.tags, lv.flags], [old.lv.id, ["keep"], []]);
  assert.equal(segment.origin, undefined);
  assert.equal(requireThinVolume(after, "later").segment.origin, "data");
  assert.equal(requireThinVolume(after, "other").segment.origin, undefined);
  const { messages, transactionId } = requireThinPool(after, "tank").segment;
  assert.deepEqual(messages, [{ kind: "delete", deviceId: old.segment.deviceId }]);
  assert.equal(transactionId, requireThinPool(before, "tank").segment.transactionId + 1);
  assert.throws(() => requireLv(after, "snap"), /Failed to find logical volume "vg0\/snap"/);
});

test("a scheduled merge survives the text, hides the snapshot, and is done like any other", () => {
  const scheduled = reread(scheduleMerge(family(), "snap"));
  assert.equal(mergingSnapshotOf(scheduled, "data")?.lv.name, "snap");
  assert.equal(requireLv(scheduled, "snap").status.includes("VISIBLE"), false);
  const renamed = reread(renameLogicalVolume(scheduled, "data", "home"));
  assert.equal(mergingSnapshotOf(renamed, "home")?.lv.name, "snap");
  const done = reread(mergeSnapshot(renamed, "snap"));
  assert.equal(mergingSnapshotOf(done, "home"), undefined);
  assert.equal(requireLv(done, "home").status.includes("VISIBLE"), true);
});

test("what is being merged is not removed, and comes back when its origin is removed", () => {
  const scheduled = scheduleMerge(family(), "snap");
  assert.throws(
    () => removeLogicalVolume(scheduled, "snap"),
    /Can't remove merging snapshot logical volume vg0\/snap/,
  );
  const { vg } = removeLogicalVolume(scheduled, "data");
  assert.equal(requireLv(vg, "snap").status.includes("VISIBLE"), true);
  assert.equal(requireThinVolume(vg, "snap").segment.mergeInto, undefined);
});

test("only a snapshot with an origin is mergeable, and one at a time into it", () => {
  const vg = family();
  assert.throws(() => mergeSnapshot(vg, "data"), /vg0\/data is not a mergeable logical volume/);
  assert.throws(() => mergeSnapshot(vg, "tank"), /not a mergeable/);
  assert.throws(
    () => scheduleMerge(scheduleMerge(vg, "snap"), "other"),
    /Cannot merge snapshot vg0\/other into the origin vg0\/data with merging snapshot vg0\/snap/,
  );
});
