import assert from "node:assert/strict";
import { test } from "node:test";
import {
  compactId,
  createLinear,
  createThin,
  createThinPool,
  createThinSnapshot,
  createVolumeGroup,
  extendLogicalVolume,
  requireLv,
  setDiscards,
  setErrorWhenFull,
  setReadOnly,
  stripMessages,
  type Provenance,
  type VolumeGroup,
} from "@mortar/lvm2";
import { planPool, planTables, planVolume, targetsOf, type PlannedDevice } from "./kernel-plan.ts";
import type { LoadedVg } from "./loaded-vg.ts";
import type { FoundPv } from "./pv-scan.ts";
import { VgError } from "./vg-error.ts";

let serial = 0;
const provenance: Provenance = {
  random: (count) => Uint8Array.from({ length: count }, () => (serial += 7) % 248),
  now: 0,
  host: "test",
};

const SECTORS = 614_400;

function emptyGroup(): VolumeGroup {
  const physicalVolumes = ["/dev/vda", "/dev/vdb"].map((device, index) => ({
    id: `AAAAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAAA${index}`,
    device,
    deviceSectors: SECTORS,
    extentAreaSectors: SECTORS - 2048,
    extentStartSectors: 2048,
  }));
  const extentSectors = undefined;
  const tags = undefined;
  return createVolumeGroup({ name: "vg-0", extentSectors, tags, physicalVolumes }, provenance);
}

function loaded(vg: VolumeGroup, missing: readonly string[] = []): LoadedVg {
  const there = vg.physicalVolumes.filter(({ key }) => !missing.includes(key));
  const numbers: Record<string, string> = { pv0: "254:0", pv1: "254:16" };
  const found = there.map(({ key, device }) => [
    key,
    { path: device, deviceNumber: numbers[key] } as FoundPv,
  ]);
  return {
    vg,
    found: new Map(found as [string, FoundPv][]),
    devices: new Map(there.map(({ key, device }) => [key, device])),
  };
}

function withPool(): VolumeGroup {
  return createThinPool(emptyGroup(), { name: "pool", extentCount: 50 }, provenance).vg;
}

function withVolumes(): VolumeGroup {
  let vg = createThin(withPool(), { name: "t1", pool: "pool", extentCount: 25 }, provenance).vg;
  vg = stripMessages(vg, "pool");
  const snapshot = { name: "s-1", origin: "t1", readOnly: true, activationSkip: false };
  vg = stripMessages(createThinSnapshot(vg, snapshot, provenance).vg, "pool");
  vg = createLinear(vg, { name: "lin", extentCount: 5 }, provenance).vg;
  return extendLogicalVolume(vg, "lin", 40, {});
}

/** As `dmsetup table` would print it, with the names of mapped devices for their numbers. */
function printed(planned: readonly PlannedDevice[]): string[] {
  const names = new Map(planned.map(({ uuid, name }) => [uuid, name]));
  return planned.flatMap(({ name, table }) =>
    targetsOf(table, (uuid) => names.get(uuid) ?? "?").map((target) => {
      const { startSectors, lengthSectors, type, parameters } = target;
      return `${name}: ${startSectors} ${lengthSectors} ${type} ${parameters}`;
    }),
  );
}

test("the devices of a group are LVM's, those below first", () => {
  assert.deepEqual(printed(planTables(loaded(withVolumes()))), [
    "vg--0-pool_tmeta: 0 8192 linear 254:0 419840",
    "vg--0-pool_tdata: 0 409600 linear 254:0 10240",
    "vg--0-pool-tpool: 0 409600 thin-pool vg--0-pool_tmeta vg--0-pool_tdata 128 0 0",
    "vg--0-pool: 0 409600 linear vg--0-pool-tpool 0",
    "vg--0-t1: 0 204800 thin vg--0-pool-tpool 1",
    "vg--0-s--1: 0 204800 thin vg--0-pool-tpool 2",
    "vg--0-lin: 0 180224 linear 254:0 428032",
    "vg--0-lin: 180224 147456 linear 254:16 2048",
  ]);
});

test("uuids are the group's and the volume's, with the layer's suffix", () => {
  const group = loaded(withVolumes());
  const id = (name: string) => compactId(requireLv(group.vg, name).id);
  const prefix = `LVM-${compactId(group.vg.id)}`;
  assert.deepEqual(
    planTables(group).map(({ uuid }) => uuid),
    [
      `${prefix}${id("pool_tmeta")}-tmeta`,
      `${prefix}${id("pool_tdata")}-tdata`,
      `${prefix}${id("pool")}-tpool`,
      `${prefix}${id("pool")}-pool`,
      `${prefix}${id("t1")}`,
      `${prefix}${id("s-1")}`,
      `${prefix}${id("lin")}`,
    ],
  );
});

test("a pool without volumes has the public name while it is active for itself", () => {
  const group = loaded(withPool());
  const names = planTables(group).map(({ name }) => name);
  assert.deepEqual(names, ["vg--0-pool_tmeta", "vg--0-pool_tdata", "vg--0-pool"]);
  const lv = requireLv(group.vg, "pool");
  const [segment] = lv.segments;
  assert.ok(segment?.type === "thin-pool");
  const [, , hidden] = planPool(group, { lv, segment }, false);
  assert.equal(hidden.name, "vg--0-pool-tpool");
});

test("permissions and settings of the text are the kernel's", () => {
  let vg = setReadOnly(withVolumes(), "t1", true);
  vg = setErrorWhenFull(setDiscards(vg, "pool", "nopassdown"), "pool", true);
  const planned = planTables(loaded(vg));
  const readOnly = planned.filter((device) => device.readOnly).map(({ name }) => name);
  assert.deepEqual(readOnly, ["vg--0-pool", "vg--0-t1", "vg--0-s--1"]);
  const hidden = planned.filter((device) => device.hidden).map(({ name }) => name);
  assert.deepEqual(hidden, [
    "vg--0-pool_tmeta",
    "vg--0-pool_tdata",
    "vg--0-pool-tpool",
    "vg--0-pool",
  ]);
  assert.match(printed(planned)[2] ?? "", / 128 0 2 no_discard_passdown error_if_no_space$/);
});

test("a volume on a physical volume that is missing is refused before anything is made", () => {
  const vg = withVolumes();
  const isMissing = (error: unknown) => error instanceof VgError && error.code === "pv-missing";
  assert.throws(() => planVolume(loaded(vg, ["pv1"]), requireLv(vg, "lin")), isMissing);
  assert.equal(planVolume(loaded(vg, ["pv1"]), requireLv(vg, "t1")).name, "vg--0-t1");
});

test("striped volumes are LVM's striped targets", () => {
  const striping = { count: 2, stripeSectors: 128 };
  const options = { name: "s", extentCount: 4, striping };
  const group = loaded(createLinear(emptyGroup(), options, provenance).vg);
  const { table } = planVolume(group, requireLv(group.vg, "s"));
  const targets = targetsOf(table, () => "");
  const parameters = "2 128 254:0 2048 254:16 2048";
  assert.deepEqual(targets, [
    { startSectors: 0, lengthSectors: 4 * 8192, type: "striped", parameters },
  ]);
});
