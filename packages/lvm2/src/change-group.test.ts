import assert from "node:assert/strict";
import { test } from "node:test";
import {
  changeGroupTags,
  changePvTags,
  renewGroupId,
  setAllocatable,
  setAllocationPolicy,
  setExported,
  setGroupAutoactivation,
  setMaxLvs,
  setMaxPvs,
  setResizeable,
} from "./change-group.ts";
import { groupOf, provenance } from "./fixtures.ts";
import { createLinear } from "./linear.ts";
import { shrinkLogicalVolume } from "./shrink-lv.ts";
import { createThinPool } from "./thin-pool.ts";
import { validateVolumeGroup } from "./validate.ts";
import { freeExtentCount } from "./extents.ts";
import { findPv, requireLv } from "./vg-query.ts";

test("tags are added once, removed where they are, and checked", () => {
  const tagged = changeGroupTags(groupOf(9), { added: ["a", "@b", "a"], removed: [] });
  assert.deepEqual(tagged.tags, ["a", "b"]);
  assert.deepEqual(changeGroupTags(tagged, { added: [], removed: ["a", "z"] }).tags, ["b"]);
  const change = { added: ["no blank"], removed: [] };
  assert.throws(() => changeGroupTags(tagged, change), /Invalid argument for --addtag: no blank/);
  const pv = changePvTags(groupOf(9, 9), "pv1", { added: ["ssd"], removed: [] });
  assert.deepEqual(pv.physicalVolumes.map(({ tags }) => tags), [[], ["ssd"]]);
});

test("settings change, and what is so already is told in LVM's words", () => {
  const vg = groupOf(9, 9);
  assert.equal(setMaxLvs(vg, 5).maxLv, 5);
  assert.throws(() => setMaxPvs(vg, 1), /less than the current number 2 of PVs for "vg0"/);
  const cling = setAllocationPolicy(vg, "cling");
  assert.throws(() => setAllocationPolicy(cling, "cling"), /policy is already cling/);
  assert.throws(() => setAllocationPolicy(vg, "inherit"), /cannot inherit from anything/);
  const fixed = setResizeable(vg, false);
  assert.throws(() => setResizeable(fixed, false), /"vg0" is already not resizeable/);
  assert.throws(() => setMaxLvs(fixed, 3), /must be resizeable/);
  const off = setGroupAutoactivation(vg, false);
  assert.throws(() => setGroupAutoactivation(off, false), /autoactivation is already no/);
  assert.deepEqual(setGroupAutoactivation(off, true).flags, vg.flags);
  const shut = setAllocatable(vg, "pv0", false);
  assert.deepEqual(findPv(shut, "pv0")?.status, []);
  assert.throws(() => setAllocatable(shut, "pv0", false), /is already unallocatable/);
  assert.notEqual(renewGroupId(vg, provenance()).id, vg.id);
});

test("an exported group takes no change until it is imported", () => {
  const vg = groupOf(9);
  assert.throws(() => setExported(vg, false), /"vg0" is not exported/);
  const exported = setExported(vg, true);
  assert.throws(() => setExported(exported, true), /vg0 is exported/);
  assert.throws(() => changeGroupTags(exported, { added: ["a"], removed: [] }), /is exported/);
  assert.deepEqual(exported.physicalVolumes[0]?.status, ["ALLOCATABLE", "EXPORTED"]);
  assert.deepEqual(setExported(exported, false), vg);
});

test("an LV over several volumes shrinks from its end, and its extents are free again", () => {
  const { vg } = createLinear(groupOf(9, 9), { name: "one", extentCount: 15 }, provenance());
  assert.equal(requireLv(vg, "one").segments.length, 2);
  const small = shrinkLogicalVolume(vg, "one", 4);
  validateVolumeGroup(small);
  assert.equal(requireLv(small, "one").segments.length, 1);
  assert.equal(freeExtentCount(small), 14);
  assert.throws(() => shrinkLogicalVolume(small, "one", 4), /\(4 extents\) matches existing size/);
  assert.throws(() => shrinkLogicalVolume(small, "one", 5), /not less than existing size/);
  assert.throws(() => shrinkLogicalVolume(small, "one", 0), /below 1 extent/);
  const { vg: pool } = createThinPool(vg, { name: "tank", extentCount: 1 }, provenance());
  assert.throws(
    () => shrinkLogicalVolume(pool, "tank", 1),
    /Thin pool volumes vg0\/tank_tdata cannot be reduced in size yet/,
  );
});
