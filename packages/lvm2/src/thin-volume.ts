/**
 * Thin volumes and their snapshots. Each is one pool transaction: the text carries the message and
 * the next transaction id, the pool obeys, and `stripMessages` makes the text of the second commit.
 */

import { Lvm2Error } from "./errors.ts";
import type { NewLvOptions } from "./linear.ts";
import { checkNewLv, requireExtentCount } from "./linear.ts";
import type { Provenance, ThinPool, ThinSegment, VolumeGroup } from "./model.ts";
import { autoLvName, checkTag } from "./names.ts";
import type { Created } from "./vg-edit.ts";
import {
  addLv, joinMessage, newLv, queueMessage, requireIdlePool, requireLvChangeable,
} from "./vg-edit.ts";
import { asThinVolume, findLv, lvExtentCount, requireThinPool, thinVolumesOf } from "./vg-query.ts";

/** A device id has 24 bits. */
const DEVICE_ID_MAX = 0xff_ffff;

export function createThin(
  vg: VolumeGroup,
  options: NewLvOptions & { readonly pool: string; readonly extentCount: number },
  provenance: Provenance,
): Created {
  checkNewLv(vg, options);
  requireExtentCount(options.extentCount);
  const pool = requireThinPool(vg, options.pool);
  return create(vg, pool, { ...options, origin: undefined, flags: [] }, provenance);
}

/**
 * `activationSkip` is on by default, as LVM has it for thin snapshots. `joins`: in the transaction
 * that is queued for the pool already, which makes volumes only.
 */
export function createThinSnapshot(
  vg: VolumeGroup,
  options: NewLvOptions & {
    readonly origin: string;
    readonly activationSkip?: boolean | undefined;
    readonly joins?: boolean | undefined;
  },
  provenance: Provenance,
): Created {
  checkNewLv(vg, options);
  const origin = findLv(vg, options.origin);
  if (!origin) {
    throw new Lvm2Error(
      "origin-not-found",
      `Snapshot origin LV ${options.origin} not found in Volume group ${vg.name}.`,
    );
  }
  requireLvChangeable(vg, origin, "snapshot");
  const thin = asThinVolume(origin);
  if (!thin) {
    throw new Lvm2Error(
      "unsupported",
      `Logical volume ${vg.name}/${origin.name} is not thin: only thin volumes have snapshots here.`,
    );
  }
  const pool = requireThinPool(vg, thin.segment.pool);
  const flags = options.activationSkip === false ? [] : ["ACTIVATION_SKIP"];
  const extentCount = lvExtentCount(origin);
  return create(vg, pool, { ...options, extentCount, flags }, provenance);
}

function create(
  vg: VolumeGroup,
  pool: ThinPool,
  wanted: NewLvOptions & {
    readonly extentCount: number;
    readonly origin: string | undefined;
    readonly flags: readonly string[];
    readonly joins?: boolean | undefined;
  },
  provenance: Provenance,
): Created {
  requireLvChangeable(vg, pool.lv, "use");
  const joins = wanted.joins === true && pool.segment.messages.length > 0;
  if (!joins) requireIdlePool(vg, pool);
  const segment: ThinSegment = {
    type: "thin",
    startExtent: 0,
    extentCount: wanted.extentCount,
    pool: pool.lv.name,
    transactionId: pool.segment.transactionId - (joins ? 1 : 0),
    deviceId: nextDeviceId(vg, pool),
    origin: wanted.origin,
    tags: [],
    extra: [],
  };
  const lv = newLv(provenance, {
    name: wanted.name ?? autoLvName(vg),
    segments: [segment],
    flags: wanted.flags,
    readOnly: wanted.readOnly,
    tags: wanted.tags?.map((tag) => checkTag(tag)),
  });
  const message = { kind: "create", lv: lv.name } as const;
  const queued = joins ? joinMessage(vg, pool, message) : queueMessage(vg, pool, message);
  return { vg: addLv(queued, lv), lv };
}

/** One above the highest in use, from 1: LVM does not fill holes. */
function nextDeviceId(vg: VolumeGroup, pool: ThinPool): number {
  const ids = thinVolumesOf(vg, pool.lv.name).map((thin) => thin.segment.deviceId);
  const next = ids.reduce((highest, id) => Math.max(highest, id), 0) + 1;
  if (next > DEVICE_ID_MAX) throw new Lvm2Error("limit-reached", "Cannot find free device_id.");
  return next;
}
