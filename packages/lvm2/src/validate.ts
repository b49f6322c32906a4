/**
 * What must hold in every volume group, checked after each read and, by callers, before each write:
 *
 *   - names and ids are well formed and unique
 *   - the segments of an LV follow one another from extent 0
 *   - no physical extent has two owners, and none lies beyond its volume
 *   - every reference leads somewhere: stripes, pools, their data and metadata, origins, messages
 *   - a pool is as long as its data; a device id occurs once in its pool
 */

import { Lvm2Error } from "./errors.ts";
import { usedRuns } from "./extents.ts";
import { isLvmId } from "./lvm-id.ts";
import type { LogicalVolume, Segment, StripedSegment, ThinPool, VolumeGroup } from "./model.ts";
import { isValidName } from "./names.ts";
import { asThinPool, lvExtentCount, thinPools } from "./vg-query.ts";

const DEVICE_ID_MAX = 0xff_ffff;

type Fail = (problem: string) => never;

/** Throws `bad-volume-group` that names what is wrong. */
export function validateVolumeGroup(vg: VolumeGroup): void {
  const fail: Fail = (problem) => {
    throw new Lvm2Error(
      "bad-volume-group",
      `Volume group "${vg.name}" is inconsistent: ${problem}.`,
    );
  };
  if (!isValidName(vg.name)) fail("its name is invalid");
  if (vg.extentSectors === 0) fail("its extent size is 0");
  checkUnique("id", [vg.id, ...vg.physicalVolumes.map((pv) => pv.id)], fail);
  checkUnique(
    "id",
    vg.logicalVolumes.map((lv) => lv.id),
    fail,
  );
  for (const object of [vg, ...vg.physicalVolumes, ...vg.logicalVolumes]) {
    if (!isLvmId(object.id)) fail(`"${object.id}" is no id`);
  }
  checkUnique(
    "physical volume",
    vg.physicalVolumes.map((pv) => pv.key),
    fail,
  );
  checkUnique(
    "logical volume",
    vg.logicalVolumes.map((lv) => lv.name),
    fail,
  );
  const byName = new Map(vg.logicalVolumes.map((lv) => [lv.name, lv]));
  const pvKeys = new Set(vg.physicalVolumes.map((pv) => pv.key));
  for (const lv of vg.logicalVolumes) {
    if (!isValidName(lv.name)) fail(`logical volume name "${lv.name}" is invalid`);
    checkSegments(lv, fail);
    for (const segment of lv.segments) checkReferences(lv, segment, { byName, pvKeys, fail });
  }
  checkExtents(vg, fail);
  checkPools(vg, byName, fail);
}

function checkUnique(what: string, values: readonly string[], fail: Fail): void {
  const seen = new Set<string>();
  for (const value of values) {
    if (seen.has(value)) fail(`${what} "${value}" occurs twice`);
    seen.add(value);
  }
}

function checkSegments(lv: LogicalVolume, fail: Fail): void {
  let next = 0;
  for (const segment of lv.segments) {
    if (segment.startExtent !== next) fail(`${lv.name} has a gap or overlap at extent ${next}`);
    if (segment.extentCount < 1) fail(`${lv.name} has an empty segment`);
    next += segment.extentCount;
    if ((segment.type === "thin" || segment.type === "thin-pool") && lv.segments.length > 1) {
      fail(`${lv.name} has ${lv.segments.length} segments, but type ${segment.type} has one`);
    }
  }
}

interface Scope {
  readonly byName: ReadonlyMap<string, LogicalVolume>;
  readonly pvKeys: ReadonlySet<string>;
  readonly fail: Fail;
}

function checkReferences(lv: LogicalVolume, segment: Segment, scope: Scope): void {
  const { byName, fail } = scope;
  switch (segment.type) {
    case "striped":
      checkStripes(lv, segment, scope);
      break;
    case "thin-pool":
      if (segment.chunkSectors === 0) fail(`${lv.name} has a chunk size of 0`);
      for (const name of [segment.dataLv, segment.metadataLv]) {
        if (!byName.has(name)) fail(`${lv.name} refers to ${name}, which does not exist`);
      }
      break;
    case "thin": {
      if (!byName.has(segment.pool))
        fail(`${lv.name} refers to pool ${segment.pool}, which does not exist`);
      // A name that starts with a hyphen is the record of an LV that is gone.
      const { origin, mergeInto } = segment;
      if (mergeInto !== undefined && mergeInto !== origin) {
        fail(`${lv.name} is to be merged into ${mergeInto}, which is not its origin`);
      }
      if (origin !== undefined && !origin.startsWith("-") && !byName.has(origin)) {
        fail(`${lv.name} refers to origin ${origin}, which does not exist`);
      }
      if (segment.deviceId < 1 || segment.deviceId > DEVICE_ID_MAX) {
        fail(`${lv.name} has device id ${segment.deviceId}`);
      }
      break;
    }
    case "opaque":
      break;
  }
}

function checkStripes(lv: LogicalVolume, segment: StripedSegment, scope: Scope): void {
  if (segment.extentCount % segment.stripes.length !== 0) {
    scope.fail(`${lv.name} cannot be cut in ${segment.stripes.length} stripes`);
  }
  if (segment.stripes.length > 1 && segment.stripeSectors === 0) {
    scope.fail(`${lv.name} is striped, but its stripe size is 0`);
  }
  for (const { target } of segment.stripes) {
    if (!scope.pvKeys.has(target) && !scope.byName.has(target)) {
      scope.fail(`${lv.name} refers to ${target}, which does not exist`);
    }
  }
}

function checkExtents(vg: VolumeGroup, fail: Fail): void {
  // How long a segment of an unknown type is on each volume is a guess, good enough to allocate
  // around it, not to condemn it.
  const used = usedRuns({
    ...vg,
    logicalVolumes: vg.logicalVolumes.map((lv) => ({
      ...lv,
      segments: lv.segments.filter((segment) => segment.type !== "opaque"),
    })),
  });
  for (const pv of vg.physicalVolumes) {
    let free = 0;
    for (const run of used.get(pv.key)!) {
      if (run.startExtent < free) fail(`extent ${run.startExtent} of ${pv.key} has two owners`);
      free = run.startExtent + run.extentCount;
      if (free > pv.extentCount) fail(`extent ${free - 1} lies beyond the end of ${pv.key}`);
    }
  }
}

function checkPools(vg: VolumeGroup, byName: ReadonlyMap<string, LogicalVolume>, fail: Fail): void {
  const pools = thinPools(vg);
  checkUnique(
    "pool volume",
    pools.flatMap(({ segment }) => [segment.dataLv, segment.metadataLv]),
    fail,
  );
  for (const pool of pools) checkPool(pool, byName, fail);
  const devices = vg.logicalVolumes.flatMap((lv) =>
    lv.segments.flatMap((segment) =>
      segment.type === "thin" ? `${segment.pool} device ${segment.deviceId}` : [],
    ),
  );
  checkUnique("thin", devices, fail);
  for (const lv of vg.logicalVolumes) {
    const [segment] = lv.segments;
    if (segment?.type !== "thin") continue;
    const [under] = byName.get(segment.pool)!.segments;
    // A pool with flags that are not understood is opaque, and may still be one.
    if (under?.type !== "thin-pool" && under?.type !== "opaque") fail(`${segment.pool} is no pool`);
  }
}

function checkPool(pool: ThinPool, byName: ReadonlyMap<string, LogicalVolume>, fail: Fail): void {
  const { lv, segment } = pool;
  const data = byName.get(segment.dataLv)!;
  if (asThinPool(data)) fail(`data ${data.name} of ${lv.name} is itself a pool`);
  if (lvExtentCount(data) !== segment.extentCount) {
    fail(`${lv.name} has ${segment.extentCount} extents, its data ${lvExtentCount(data)}`);
  }
  for (const message of segment.messages) {
    if (message.kind !== "create") continue;
    const [target] = byName.get(message.lv)?.segments ?? [];
    if (target?.type !== "thin" || target.pool !== lv.name) {
      fail(`a message of ${lv.name} names ${message.lv}, which is no thin volume of it`);
    }
  }
}
