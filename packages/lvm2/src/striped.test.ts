import assert from "node:assert/strict";
import { test } from "node:test";
import { byteSegments } from "./byte-segments.ts";
import { extendLogicalVolume } from "./change-lv.ts";
import { freeExtentCount } from "./extents.ts";
import { provenance, Random } from "./fixtures.ts";
import { createVolumeGroup } from "./group.ts";
import { createLinear } from "./linear.ts";
import type { VolumeGroup } from "./model.ts";
import { removeLogicalVolume } from "./remove.ts";
import { createThinPool } from "./thin-pool.ts";
import { validateVolumeGroup } from "./validate.ts";
import { extentBytes, findLv, lvExtentCount, requireLv } from "./vg-query.ts";
import { parseMetadataText } from "./vg-parse.ts";
import { printMetadataText } from "./vg-print.ts";

const origin = provenance();
const striping = { count: 2, stripeSectors: 128 };

function group(...extents: number[]): VolumeGroup {
  const physicalVolumes = extents.map((count, index) => ({
    id: `AAAAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAAA${index}`,
    device: `/dev/vd${index}`,
    deviceSectors: 2048 + count * 8192,
    extentAreaSectors: count * 8192,
    extentStartSectors: 2048,
  }));
  const extentSectors = undefined;
  return createVolumeGroup({ name: "vg", extentSectors, tags: undefined, physicalVolumes }, origin);
}

/** [extents, [PV, first extent] of each stripe] of each segment. */
function layout(vg: VolumeGroup, name: string): unknown[] {
  return requireLv(vg, name).segments.map((segment) =>
    segment.type === "striped"
      ? [segment.extentCount, segment.stripes.map((one) => [one.target, one.startExtent])]
      : segment.type,
  );
}

test("a pool's data is striped, its metadata and spare are not", () => {
  const { vg } = createThinPool(group(50, 50), { name: "tp", extentCount: 21, striping }, origin);
  validateVolumeGroup(vg);
  assert.equal(lvExtentCount(requireLv(vg, "tp")), 22, "whole rows");
  assert.equal(lvExtentCount(requireLv(vg, "tp_tdata")), 22);
  const [data] = layout(vg, "tp_tdata") as [number, [string, number][]][];
  assert.equal(data?.[0], 22);
  assert.deepEqual(data?.[1].map(([pv]) => pv).toSorted(), ["pv0", "pv1"]);
  assert.equal((layout(vg, "tp_tmeta")[0] as unknown[][])[1]!.length, 1);
});

test("it grows in place where all its stripes can, in another segment where not", () => {
  let { vg } = createLinear(group(20, 20), { name: "a", extentCount: 4, striping }, origin);
  assert.deepEqual(layout(vg, "a"), [[4, [["pv0", 0], ["pv1", 0]]]]);
  vg = extendLogicalVolume(vg, "a", 7);
  assert.deepEqual(layout(vg, "a"), [[8, [["pv0", 0], ["pv1", 0]]]], "whole rows");
  vg = createLinear(vg, { name: "b", extentCount: 1, physicalVolumes: ["pv1"] }, origin).vg;
  vg = extendLogicalVolume(vg, "a", 12);
  assert.deepEqual(layout(vg, "a"), [
    [8, [["pv0", 0], ["pv1", 0]]],
    [4, [["pv0", 4], ["pv1", 5]]],
  ]);
  validateVolumeGroup(vg);
});

test("what cannot be is refused, and nothing is taken", () => {
  const vg = group(10, 10);
  const make = (extentCount: number, more: object): unknown =>
    createLinear(vg, { name: "a", extentCount, striping: { ...striping, ...more } }, origin);
  assert.throws(() => make(4, { count: 3 }), /Number of stripes \(3\) must not exceed.*\(2\)/);
  assert.throws(() => make(4, { count: 129 }), /between 1 and 128/);
  for (const stripeSectors of [0, 4, 100, 16_384])
    assert.throws(() => make(4, { stripeSectors }), { code: "bad-size" });
  assert.throws(() => make(21, {}), { code: "no-space" });
  const lopsided = group(15, 5);
  assert.throws(
    () => createLinear(lopsided, { name: "a", extentCount: 12, striping }, origin),
    /Insufficient suitable allocatable extents: 2 more required on 2/,
  );
});

test("whatever is made, grown and removed, no extent is taken twice, and the text keeps it", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new Random(seed);
    let vg = group(40 + random.below(40), 40, 40 + random.below(10));
    const total = freeExtentCount(vg);
    for (let step = 0; step < 30; step++) {
      const name = `lv${random.below(5)}`;
      const known = findLv(vg, name);
      const count = 2 + random.below(2);
      try {
        if (known === undefined) {
          const stripes = { count, stripeSectors: 8 << random.below(8) };
          const options = { name, extentCount: 1 + random.below(20), striping: stripes };
          vg = createLinear(vg, options, origin).vg;
        } else if (random.below(3) === 0) vg = removeLogicalVolume(vg, name).vg;
        else vg = extendLogicalVolume(vg, name, lvExtentCount(known) + 1 + random.below(9));
      } catch (error) {
        assert.equal((error as { code?: string }).code, "no-space");
      }
      validateVolumeGroup(vg);
      const taken = vg.logicalVolumes.reduce((sum, lv) => sum + lvExtentCount(lv), 0);
      assert.equal(freeExtentCount(vg) + taken, total);
    }
    const about = { form: "backup", description: "", generator: "t", host: "vm", now: 1 } as const;
    assert.deepEqual(parseMetadataText(printMetadataText(vg, about)).vg, vg);
  }
});

test("its bytes lie stripe by stripe in turns, and cover it", () => {
  const { vg } = createLinear(group(20, 20), { name: "a", extentCount: 4, striping }, origin);
  const segments = byteSegments(vg, "a");
  assert.equal(segments.length, (4 * extentBytes(vg)) / 65_536);
  let at = 0;
  for (const [index, segment] of segments.entries()) {
    assert.equal(segment.lvOffsetBytes, at);
    assert.equal(segment.pvKey, `pv${index % 2}`);
    assert.equal(segment.pvOffsetBytes, 1_048_576 + Math.floor(index / 2) * 65_536);
    at += segment.lengthBytes;
  }
  assert.equal(at, 4 * extentBytes(vg));
});
