/**
 * The mapped devices of a volume group with their tables, derived from its text alone, in the order
 * in which they are made: what is below comes first. Equal to what LVM makes of the same text.
 */
import { linearTable, thinPoolTable, thinTable, type LinearRun, type Target } from "@mortar/dm";
import {
  asThinPool,
  asThinVolume,
  deviceMapperName,
  isErrorWhenFull,
  isReadOnly,
  isVisible,
  lvSectors,
  requireLv,
  requireThinPool,
  SECTOR_BYTES,
  thinVolumesOf,
  type LogicalVolume,
  type ThinPool,
  type ThinVolume,
} from "@mortar/lvm2";
import type { StripePlace } from "@mortar/pool";
import { mappedUuid, type Layer } from "./kernel-names.ts";
import type { LoadedVg } from "./loaded-vg.ts";
import { segmentsOf } from "./served-spec.ts";

/** A table whose mapped devices are named by uuid: their numbers are known when they are there. */
export type PlannedTable =
  | { readonly kind: "linear"; readonly runs: readonly LinearRun[] }
  | { readonly kind: "layer"; readonly below: string; readonly lengthSectors: number }
  | {
      readonly kind: "thin";
      readonly pool: string;
      readonly deviceId: number;
      readonly lengthSectors: number;
    }
  | {
      readonly kind: "thin-pool";
      readonly metadata: string;
      readonly data: string;
      readonly lengthSectors: number;
      readonly chunkSectors: number;
      readonly zeroNewBlocks: boolean;
      readonly discards: "ignore" | "nopassdown" | "passdown";
      readonly errorWhenFull: boolean;
    };

export interface PlannedDevice {
  readonly name: string;
  readonly uuid: string;
  readonly readOnly: boolean;
  /** Not for users: udev must not look into it. */
  readonly hidden: boolean;
  readonly table: PlannedTable;
}

/** Every device of the group when all of it is active, pools themselves too. */
export function planTables(loaded: LoadedVg): PlannedDevice[] {
  const visible = loaded.vg.logicalVolumes.filter(isVisible);
  const pools = visible.flatMap((lv) => asThinPool(lv) ?? []);
  return [
    ...pools.flatMap((pool) => [...planPool(loaded, pool, true), ...planPoolLayer(loaded, pool)]),
    ...visible.filter((lv) => asThinPool(lv) === undefined).map((lv) => planVolume(loaded, lv)),
  ];
}

/** A thin or a linear volume. Throws "not-supported" for other types, "pv-missing". */
export function planVolume(loaded: LoadedVg, lv: LogicalVolume): PlannedDevice {
  const thin = asThinVolume(lv);
  const table = thin === undefined ? linearOf(loaded, lv) : thinOf(loaded, thin);
  return device(loaded, lv, { hidden: false, readOnly: isReadOnly(lv), table });
}

/**
 * Metadata, data, and the pool above them. A pool without volumes that is active for itself,
 * `isKept`, has the public name.
 */
export function planPool(loaded: LoadedVg, { lv, segment }: ThinPool, isKept: boolean) {
  const { vg } = loaded;
  const metadata = requireLv(vg, segment.metadataLv);
  const data = requireLv(vg, segment.dataLv);
  const hidden = { hidden: true, readOnly: false };
  const isPublic = isKept && thinVolumesOf(vg, lv.name).length === 0;
  const table: PlannedTable = {
    kind: "thin-pool",
    metadata: mappedUuid(vg, metadata, "tmeta"),
    data: mappedUuid(vg, data, "tdata"),
    lengthSectors: lvSectors(vg, data),
    chunkSectors: segment.chunkSectors,
    zeroNewBlocks: segment.zeroNewBlocks,
    discards: segment.discards,
    errorWhenFull: isErrorWhenFull(lv),
  };
  return [
    device(loaded, metadata, { ...hidden, table: linearOf(loaded, metadata) }, "tmeta"),
    device(loaded, data, { ...hidden, table: linearOf(loaded, data) }, "tdata"),
    {
      ...device(loaded, lv, { ...hidden, table }, "tpool"),
      name: deviceMapperName(vg.name, lv.name, ...(isPublic ? [] : ["tpool"])),
    },
  ] as const;
}

/** The device that says that a pool is active for itself; none for a pool without volumes. */
export function planPoolLayer(loaded: LoadedVg, { lv }: ThinPool): PlannedDevice[] {
  const { vg } = loaded;
  if (thinVolumesOf(vg, lv.name).length === 0) return [];
  const table: PlannedTable = {
    kind: "layer",
    below: mappedUuid(vg, lv, "tpool"),
    lengthSectors: lvSectors(vg, lv),
  };
  return [device(loaded, lv, { hidden: true, readOnly: true, table }, "pool")];
}

function device(
  { vg }: LoadedVg,
  lv: LogicalVolume,
  rest: Omit<PlannedDevice, "name" | "uuid">,
  layer?: Layer,
): PlannedDevice {
  return { name: deviceMapperName(vg.name, lv.name), uuid: mappedUuid(vg, lv, layer), ...rest };
}

function thinOf({ vg }: LoadedVg, { lv, segment }: ThinVolume): PlannedTable {
  const pool = mappedUuid(vg, requireThinPool(vg, segment.pool).lv, "tpool");
  return { kind: "thin", pool, deviceId: segment.deviceId, lengthSectors: lvSectors(vg, lv) };
}

function linearOf(loaded: LoadedVg, lv: LogicalVolume): PlannedTable {
  const startOf = ({ device: key, deviceOffsetBytes }: StripePlace) => {
    const found = loaded.found.get(key);
    if (found === undefined) throw new Error(`no device was found for ${key}`);
    const { deviceNumber } = found;
    return { deviceNumber, offsetSectors: deviceOffsetBytes / SECTOR_BYTES };
  };
  const runs = segmentsOf(loaded, lv).map((piece) => {
    const { striped, lengthBytes } = piece;
    const lengthSectors = lengthBytes / SECTOR_BYTES;
    if (striped === undefined) return { ...startOf(piece), lengthSectors };
    const unitSectors = striped.stripeBytes / SECTOR_BYTES;
    const more = striped.more.map((place) => startOf(place));
    return { ...startOf(piece), lengthSectors, striped: { unitSectors, more } };
  });
  return { kind: "linear", runs };
}

/** The table in the kernel's words; `numberOf` tells the number of a mapped device by its uuid. */
export function targetsOf(table: PlannedTable, numberOf: (uuid: string) => string): Target[] {
  switch (table.kind) {
    case "linear":
      return linearTable(table.runs);
    case "layer": {
      const { below, lengthSectors } = table;
      return linearTable([{ deviceNumber: numberOf(below), offsetSectors: 0, lengthSectors }]);
    }
    case "thin":
      return thinTable(numberOf(table.pool), table.deviceId, table.lengthSectors);
    case "thin-pool":
    default:
      return thinPoolTable({
        ...table,
        metadata: numberOf(table.metadata),
        data: numberOf(table.data),
        lowWaterChunks: 0,
      });
  }
}
