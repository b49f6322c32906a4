/** What a pool server is told, derived from the text of a volume group. */
import {
  isErrorWhenFull,
  isReadOnly,
  lvSectors,
  requireLv,
  SECTOR_BYTES,
  type LogicalVolume,
  type Stripe,
  type ThinPool,
  type ThinVolume,
  type VolumeGroup,
} from "@mortar/lvm2";
import type {
  DeviceSpec,
  LinearSpec,
  LinearVolumeSpec,
  PoolMessage,
  SegmentSpec,
  StripePlace,
  ThinPoolSpec,
  VolumeSpec,
} from "@mortar/pool";
import { stripesOf } from "@mortar/pool";
import type { VgHost } from "./host.ts";
import type { LoadedVg } from "./loaded-vg.ts";
import { protectionOf } from "./pool-policy.ts";
import { VgError } from "./vg-error.ts";

/** The run directory of linear LVs in several pieces is RUN/pools/VG-_linear. */
export const LINEAR_SERVER = "_linear";

const DEVICE_ID_MAX = 0xff_ffff;

/** The pool with its pending messages; `volumes` are the LVs to serve from the start. */
export function thinPoolSpec(
  host: VgHost,
  loaded: LoadedVg,
  pool: ThinPool,
  volumes: readonly VolumeSpec[],
): ThinPoolSpec {
  const { vg } = loaded;
  const { segment } = pool;
  const metadata = segmentsOf(loaded, requireLv(vg, segment.metadataLv));
  const data = segmentsOf(loaded, requireLv(vg, segment.dataLv));
  return {
    kind: "thin-pool",
    vgName: vg.name,
    poolName: pool.lv.name,
    uuid: pool.lv.id,
    devices: devicesOf(loaded, [...metadata, ...data]),
    ...(host.nbdOnly === true && { mount: false }),
    metadata,
    data,
    chunkSectors: segment.chunkSectors,
    zeroNewBlocks: segment.zeroNewBlocks,
    discards: segment.discards,
    errorWhenFull: isErrorWhenFull(pool.lv),
    transactionId: segment.transactionId,
    messages: pendingMessages(vg, pool),
    volumes,
    protection: protectionOf(host.policy, vg.name, pool.lv.name),
  };
}

/** The messages that the text queues, in the pool's terms. */
export function pendingMessages(vg: VolumeGroup, pool: ThinPool): PoolMessage[] {
  return pool.segment.messages.map((message) => {
    if (message.kind === "delete") return { kind: "delete", deviceId: message.deviceId };
    return createMessage(vg, requireLv(vg, message.lv));
  });
}

/** A `create` in the text is a snapshot when the LV has an origin in the same pool. */
function createMessage(vg: VolumeGroup, lv: LogicalVolume): PoolMessage {
  const [segment] = lv.segments;
  if (segment?.type !== "thin") {
    throw new VgError("damaged", `Logical volume ${vg.name}/${lv.name} is not a thin volume.`);
  }
  const { deviceId, origin } = segment;
  if (origin === undefined) return { kind: "create", deviceId };
  const [above] = requireLv(vg, origin).segments;
  if (above?.type !== "thin" || above.pool !== segment.pool) {
    throw new VgError("damaged", `Origin ${vg.name}/${origin} is not in pool ${segment.pool}.`);
  }
  return { kind: "snapshot", deviceId, originId: above.deviceId };
}

export function thinVolumeSpec(vg: VolumeGroup, { lv, segment }: ThinVolume): VolumeSpec {
  return {
    name: lv.name,
    deviceId: segment.deviceId,
    sizeBytes: lvSectors(vg, lv) * SECTOR_BYTES,
    readOnly: isReadOnly(lv),
  };
}

/** The server of every linear LV in several pieces of one volume group. */
export function linearServerSpec(
  loaded: LoadedVg,
  volumes: readonly LinearVolumeSpec[],
): LinearSpec {
  return {
    kind: "linear",
    vgName: loaded.vg.name,
    poolName: LINEAR_SERVER,
    uuid: loaded.vg.id,
    devices: [...loaded.devices].map(([name, path]) => ({ name, path })),
    volumes,
  };
}

export function linearVolumeSpec(loaded: LoadedVg, lv: LogicalVolume): LinearVolumeSpec {
  return {
    name: lv.name,
    deviceId: linearDeviceId(loaded.vg, lv),
    sizeBytes: lvSectors(loaded.vg, lv) * SECTOR_BYTES,
    readOnly: isReadOnly(lv),
    segments: segmentsOf(loaded, lv),
  };
}

/** A number that stays the LV's: 24 bits of its UUID, moved on where an older LV has the same. */
function linearDeviceId(vg: VolumeGroup, lv: LogicalVolume): number {
  const taken = new Set<number>();
  for (const other of vg.logicalVolumes) {
    let id = 17;
    for (let index = 0; index < other.id.length; index += 1) {
      id = (Math.imul(id, 31) + other.id.charCodeAt(index)) & DEVICE_ID_MAX;
    }
    while (taken.has(id)) id = (id + 1) & DEVICE_ID_MAX;
    if (other === lv) return id;
    taken.add(id);
  }
  throw new Error(`${vg.name} has no LV ${lv.name}`);
}

/** Where a linear or striped LV lies, in bytes; neighbouring linear pieces are joined. */
export function segmentsOf(loaded: LoadedVg, lv: LogicalVolume): SegmentSpec[] {
  const { vg } = loaded;
  const pieces: SegmentSpec[] = [];
  for (const segment of lv.segments) {
    const [first, ...rest] = segment.type === "striped" ? segment.stripes : [];
    if (segment.type !== "striped" || first === undefined) {
      const type = segment.type === "opaque" ? segment.textType : segment.type;
      throw new VgError(
        "not-supported",
        `Logical volume ${vg.name}/${lv.name} has a segment of type ${type}, which cannot be ` +
          "activated here.",
      );
    }
    const place = placeOf(loaded, lv, first);
    const lengthBytes = segment.extentCount * vg.extentSectors * SECTOR_BYTES;
    const last = pieces.at(-1);
    if (rest.length > 0) {
      const stripeBytes = segment.stripeSectors * SECTOR_BYTES;
      if (lengthBytes % (stripeBytes * segment.stripes.length) !== 0) {
        const message = `Logical volume ${vg.name}/${lv.name} does not end with a whole stripe.`;
        throw new VgError("not-supported", message);
      }
      const more = rest.map((stripe) => placeOf(loaded, lv, stripe));
      pieces.push({ ...place, lengthBytes, striped: { stripeBytes, more } });
    } else if (
      last?.striped === undefined &&
      last?.device === place.device &&
      last.deviceOffsetBytes + last.lengthBytes === place.deviceOffsetBytes
    ) {
      pieces[pieces.length - 1] = { ...last, lengthBytes: last.lengthBytes + lengthBytes };
    } else pieces.push({ ...place, lengthBytes });
  }
  return pieces;
}

function placeOf(loaded: LoadedVg, lv: LogicalVolume, { target, startExtent }: Stripe): StripePlace {
  const { vg } = loaded;
  const pv = vg.physicalVolumes.find((one) => one.key === target);
  if (pv === undefined || !loaded.devices.has(target)) {
    throw new VgError(
      "pv-missing",
      `Couldn't find device with uuid ${pv?.id ?? target}: refusing activation of partial LV ` +
        `${vg.name}/${lv.name}.`,
    );
  }
  const startSectors = pv.extentStartSectors + startExtent * vg.extentSectors;
  return { device: target, deviceOffsetBytes: startSectors * SECTOR_BYTES };
}

function devicesOf(loaded: LoadedVg, segments: readonly SegmentSpec[]): DeviceSpec[] {
  const names = new Set(segments.flatMap((segment) => stripesOf(segment).map(({ device }) => device)));
  return [...loaded.devices]
    .filter(([name]) => names.has(name))
    .map(([name, path]) => ({ name, path }));
}
