/**
 * Random operations against a model so simple that it can be seen to be right: owners of extents.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { extendLogicalVolume, renameLogicalVolume } from "./change-lv.ts";
import { Lvm2Error } from "./errors.ts";
import { freeExtentCount, usedExtentCount } from "./extents.ts";
import { groupOf, provenance, Random } from "./fixtures.ts";
import { createLinear } from "./linear.ts";
import type { VolumeGroup } from "./model.ts";
import { removeLogicalVolume } from "./remove.ts";
import { createThinPool, extendPoolMetadata } from "./thin-pool.ts";
import { createThin, createThinSnapshot } from "./thin-volume.ts";
import { validateVolumeGroup } from "./validate.ts";
import { stripMessages } from "./vg-edit.ts";
import { parseMetadataText } from "./vg-parse.ts";
import { asRead } from "./recent-texts.ts";
import { isVisible, lvExtentCount, thinPools } from "./vg-query.ts";
import { printMetadataText } from "./vg-print.ts";

const SIZES = [40, 25, 60];
const owned = ["striped"];

function emptyRow(length: number): (string | undefined)[] {
  return Array.from({ length });
}

/** One entry an extent: the LV that has it. */
function owners(vg: VolumeGroup): Map<string, (string | undefined)[]> {
  const map = new Map(vg.physicalVolumes.map((pv) => [pv.key, emptyRow(pv.extentCount)]));
  for (const lv of vg.logicalVolumes) {
    for (const segment of lv.segments) {
      if (segment.type !== "striped") continue;
      const row = map.get(segment.stripes[0]!.target)!;
      for (let extent = 0; extent < segment.extentCount; extent++) {
        const at: number = segment.stripes[0]!.startExtent + extent;
        assert.equal(row[at], undefined, `extent ${at} had an owner`);
        row[at] = lv.name;
      }
    }
  }
  return map;
}

/** Physical extents of each LV; what grows must add up, what is not touched must stay. */
function counts(vg: VolumeGroup): Map<string, number> {
  const result = new Map<string, number>();
  for (const row of owners(vg).values()) {
    for (const name of row) if (name !== undefined) result.set(name, (result.get(name) ?? 0) + 1);
  }
  return result;
}

function step(vg: VolumeGroup, random: Random, origin: ReturnType<typeof provenance>): VolumeGroup {
  const some = vg.logicalVolumes.filter(isVisible).map((lv) => lv.name);
  const pools = thinPools(vg).map((pool) => pool.lv.name);
  const name = some.length > 0 ? random.pick(some) : "none";
  const pool = pools.length > 0 ? random.pick(pools) : "none";
  const size = 1 + random.below(20);
  switch (random.below(9)) {
    case 0:
      return createLinear(vg, { extentCount: size }, origin).vg;
    case 1:
      return createThinPool(
        vg,
        { extentCount: size, metadataExtentCount: 1 + random.below(3) },
        origin,
      ).vg;
    case 2:
      return createThin(vg, { pool, extentCount: size * 10 }, origin).vg;
    case 3:
    case 4:
      return createThinSnapshot(vg, { origin: name }, origin).vg;
    case 5:
      return removeLogicalVolume(vg, name).vg;
    case 6:
      return extendLogicalVolume(vg, name, size * 2);
    case 7:
      return extendPoolMetadata(vg, pool, 1 + random.below(4), origin);
    default:
      return renameLogicalVolume(vg, name, `n${random.below(1000)}`);
  }
}

function checkAgainstModel(vg: VolumeGroup): void {
  validateVolumeGroup(vg);
  const map = owners(vg);
  for (const pv of vg.physicalVolumes) {
    const taken = map.get(pv.key)!.filter((owner) => owner !== undefined).length;
    assert.equal(usedExtentCount(vg, pv.key), taken);
  }
  const total = counts(vg);
  for (const lv of vg.logicalVolumes) {
    const physical = lv.segments.every((segment) => owned.includes(segment.type));
    assert.equal(total.get(lv.name) ?? 0, physical ? lvExtentCount(lv) : 0);
  }
  const used = [...total.values()].reduce((sum, count) => sum + count, 0);
  assert.equal(freeExtentCount(vg), SIZES.reduce((sum, count) => sum + count, 0) - used);
}

for (const seed of [1, 2, 3, 4, 5, 6]) {
  test(`random operations keep the group valid and agree with a map of extents (seed ${seed})`, () => {
    const random = new Random(seed);
    const origin = provenance(seed + 100);
    let vg = groupOf(...SIZES);
    let done = 0;
    for (let round = 0; round < 600; round++) {
      const before = JSON.stringify(vg);
      let next: VolumeGroup;
      try {
        next = step(vg, random, origin);
      } catch (error) {
        assert.ok(error instanceof Lvm2Error, String(error));
        assert.equal(JSON.stringify(vg), before, "a refusal changes nothing");
        continue;
      }
      assert.equal(JSON.stringify(vg), before, "the old group is left alone");
      checkAgainstModel(next);
      for (const pool of thinPools(next)) next = stripMessages(next, pool.lv.name);
      vg = next;
      done++;
      const text = printMetadataText(vg, {
        form: round % 2 === 0 ? "disk" : "backup",
        description: "",
        generator: "Mortar",
        now: 1,
        host: "vm",
      });
      const again = parseMetadataText(text).vg;
      assert.deepEqual(again, asRead(vg));
    }
    assert.ok(done > 150, `${done} operations succeeded`);
  });
}
