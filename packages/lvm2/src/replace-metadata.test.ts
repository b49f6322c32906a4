import assert from "node:assert/strict";
import { test } from "node:test";
import { freeExtentCount } from "./extents.ts";
import { groupOf, provenance } from "./fixtures.ts";
import { createLinear } from "./linear.ts";
import type { VolumeGroup } from "./model.ts";
import { removeLogicalVolume } from "./remove.ts";
import { replacePoolMetadata, withSpareFor } from "./replace-metadata.ts";
import { createThinPool } from "./thin-pool.ts";
import { validateVolumeGroup } from "./validate.ts";
import { findLv, isMetadataSpare, isVisible } from "./vg-query.ts";

const origin = provenance();

function withPool(metadataSpare = true): VolumeGroup {
  const options = { name: "pool", extentCount: 50, metadataExtentCount: 2, metadataSpare };
  return createThinPool(groupOf(100), options, origin).vg;
}

function extents(vg: VolumeGroup, name: string): unknown {
  return findLv(vg, name)?.segments;
}

test("the spare becomes the metadata, the old one stays visible, and there is a new spare", () => {
  const before = withPool();
  assert.equal(withSpareFor(before, "pool", origin), before, "there is one");
  const spare = before.logicalVolumes.find(isMetadataSpare)!;
  const { vg, kept, hasSpare } = replacePoolMetadata(before, "pool", origin);
  validateVolumeGroup(vg);
  assert.deepEqual(extents(vg, "pool_tmeta"), spare.segments);
  assert.deepEqual(extents(vg, "pool_meta0"), extents(before, "pool_tmeta"));
  assert.equal(findLv(vg, "pool_tmeta")!.id, findLv(before, "pool_tmeta")!.id);
  assert.ok(isVisible(kept) && hasSpare);
  assert.equal(vg.logicalVolumes.filter(isMetadataSpare).length, 1);
  assert.equal(freeExtentCount(vg), freeExtentCount(before) - 2);
});

test("each repair keeps the metadata before it, under the next free name", () => {
  const once = replacePoolMetadata(withPool(), "pool", origin).vg;
  const twice = replacePoolMetadata(once, "pool", origin);
  assert.equal(twice.kept.name, "pool_meta1");
  const less = removeLogicalVolume(twice.vg, "pool_meta0").vg;
  assert.equal(replacePoolMetadata(less, "pool", origin).kept.name, "pool_meta0");
});

test("a group without a spare gets one first, and without room says that there is none left", () => {
  const bare = withPool(false);
  const spared = withSpareFor(bare, "pool", origin);
  assert.equal(spared.logicalVolumes.filter(isMetadataSpare).length, 1);
  const free = freeExtentCount(spared);
  const { vg: full } = createLinear(spared, { name: "rest", extentCount: free }, origin);
  const { vg, hasSpare } = replacePoolMetadata(full, "pool", origin);
  validateVolumeGroup(vg);
  assert.equal(hasSpare, false);
  assert.throws(() => withSpareFor(vg, "pool", origin), { code: "no-space" });
});
