/** One logical volume, or one pool, in the terms of those who place bricks on it. */
import { join } from "node:path";
import {
  asThinPool,
  asThinVolume,
  findLv,
  isReadOnly,
  isVisible,
  lvSectors,
  requireLv,
  SECTOR_BYTES,
  type LogicalVolume,
} from "@mortar/lvm2";
import type { EngineStatus, PoolMode } from "@mortar/pool";
import type { VgHost } from "./host.ts";
import { poolDirectory } from "./pool-host.ts";
import type { LvState, VgView } from "./vg-view.ts";

const METADATA_BLOCK_BYTES = 4096;

export interface LvStatus {
  readonly vg: string;
  readonly lv: string;
  readonly kind: "thin" | "thin-pool" | "linear" | "other";
  readonly sizeBytes: number;
  readonly uuid: string;
  readonly pool: string | undefined;
  readonly origin: string | undefined;
  readonly deviceId: number | undefined;
  readonly readOnly: boolean;
  readonly active: boolean;
  /** Served from the run directory that was given: not by another node of this machine. */
  readonly servedHere: boolean;
  /** Mounted, used as swap, or held by another block device. */
  readonly inUse: boolean;
  /** `/dev/VG/LV` while active. */
  readonly devicePath: string | undefined;
  /** `/dev/loopN`, or the kernel's `/dev/dm-N`, while active. */
  readonly loopPath: string | undefined;
  /** "7:12": as mounts name it, while active. */
  readonly deviceNumber: string | undefined;
  /** 0..100, of an active thin LV; of an active pool: of its data. */
  readonly dataPercent: number | undefined;
  /** 0..100, of an active pool, as LVM counts it (with the kernel's reserve). */
  readonly metadataPercent: number | undefined;
}

export interface PoolStatusOfVg {
  readonly vg: string;
  readonly pool: string;
  readonly active: boolean;
  /** As dm-thin names it. Undefined while inactive, or when the server does not answer. */
  readonly mode: "rw" | "ro" | "out-of-data-space" | "fail" | undefined;
  readonly needsCheck: boolean;
  /** The errno, by name, of a flush of its devices that failed. */
  readonly flushFailure?: string;
  readonly dataBytes: number;
  readonly dataUsedBytes: number | undefined;
  readonly metadataBytes: number;
  readonly metadataUsedBytes: number | undefined;
  readonly dataPercent: number | undefined;
  readonly metadataPercent: number | undefined;
  readonly chunkBytes: number;
  readonly transactionId: number;
  readonly serverPid: number | undefined;
  /** Of the server that runs; see `mortar upgrade`. */
  readonly serverVersion: string | undefined;
  readonly logFile: string;
}

const MODES: Record<PoolMode, NonNullable<PoolStatusOfVg["mode"]>> = {
  write: "rw",
  "read-only": "ro",
  "out-of-data-space": "out-of-data-space",
  failed: "fail",
};

/** Of every visible LV of a group. */
export function lvStatuses(host: VgHost, view: VgView): LvStatus[] {
  return view.vg.logicalVolumes.filter(isVisible).map((lv) => statusOf(host, view, lv));
}

/** Undefined when the group has no such LV, or only a hidden one. */
export function lvStatusOf(host: VgHost, view: VgView, name: string): LvStatus | undefined {
  const lv = findLv(view.vg, name);
  return lv !== undefined && isVisible(lv) ? statusOf(host, view, lv) : undefined;
}

function statusOf(host: VgHost, view: VgView, lv: LogicalVolume): LvStatus {
  const state = stateOf(view, lv);
  const thin = asThinVolume(lv)?.segment;
  const sizeBytes = lvSectors(view.vg, lv) * SECTOR_BYTES;
  const { loop } = state;
  return {
    vg: view.vg.name,
    lv: lv.name,
    kind: kindOf(lv),
    sizeBytes,
    uuid: lv.id,
    pool: thin?.pool,
    origin: thin?.origin,
    deviceId: thin?.deviceId,
    readOnly: isReadOnly(lv),
    active: state.active,
    servedHere: isServedHere(host, view, lv),
    inUse: state.open,
    devicePath: loop === undefined ? undefined : `/dev/${view.vg.name}/${lv.name}`,
    loopPath: loop?.path,
    deviceNumber: loop?.deviceNumber,
    dataPercent: dataPercentOf(lv, state, sizeBytes),
    metadataPercent:
      asThinPool(lv) === undefined || state.engine === undefined
        ? undefined
        : percent(state.engine.metadataUsedBlocks, state.engine.metadataTotalBlocks),
  };
}

function kindOf(lv: LogicalVolume): LvStatus["kind"] {
  if (asThinVolume(lv) !== undefined) return "thin";
  if (asThinPool(lv) !== undefined) return "thin-pool";
  const isLinear = lv.segments.every(
    (segment) => segment.type === "striped",
  );
  return isLinear ? "linear" : "other";
}

function isServedHere(host: VgHost, view: VgView, lv: LogicalVolume): boolean {
  const pool = asThinVolume(lv)?.segment.pool ?? asThinPool(lv)?.lv.name;
  if (pool === undefined) return true;
  // As it was when the view was made: another node's pool may have gone since.
  const directory = view.pools.get(pool)?.mountPoint ?? poolDirectory(host, view.vg.name, pool);
  return directory.startsWith(join(host.runDirectory, "/"));
}

function stateOf(view: VgView, lv: LogicalVolume): LvState {
  const state = view.states.get(lv.name);
  if (state === undefined) throw new Error(`no state was read for ${view.vg.name}/${lv.name}`);
  return state;
}

function dataPercentOf(lv: LogicalVolume, state: LvState, sizeBytes: number): number | undefined {
  const { engine, volume } = state;
  if (engine === undefined) return undefined;
  if (asThinPool(lv) !== undefined) return percent(engine.dataUsedBlocks, engine.dataTotalBlocks);
  if (volume?.mappedBlocks === undefined) return undefined;
  // LVM counts the last chunk as whole, also where the volume ends within it.
  const chunkCount = Math.ceil(sizeBytes / (engine.chunkSectors * SECTOR_BYTES));
  return percent(volume.mappedBlocks, chunkCount);
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : (part / whole) * 100;
}

/** Undefined when the group has no such pool. */
export function poolStatusOf(
  host: VgHost,
  view: VgView,
  poolName: string,
): PoolStatusOfVg | undefined {
  const { vg } = view;
  const lv = vg.logicalVolumes.find((one) => one.name === poolName);
  const pool = lv && asThinPool(lv);
  if (pool === undefined) return undefined;
  const state = stateOf(view, pool.lv);
  const engine: EngineStatus | undefined = state.engine;
  const chunkBytes = pool.segment.chunkSectors * SECTOR_BYTES;
  return {
    vg: vg.name,
    pool: poolName,
    active: state.active || engine !== undefined,
    mode: engine && MODES[engine.mode],
    needsCheck: engine?.needsCheck ?? false,
    ...(engine?.flushFailure !== undefined && { flushFailure: engine.flushFailure }),
    dataBytes: lvSectors(vg, pool.lv) * SECTOR_BYTES,
    dataUsedBytes: engine && engine.dataUsedBlocks * chunkBytes,
    metadataBytes: lvSectors(vg, requireLv(vg, pool.segment.metadataLv)) * SECTOR_BYTES,
    metadataUsedBytes: engine && engine.metadataUsedBlocks * METADATA_BLOCK_BYTES,
    dataPercent: engine && percent(engine.dataUsedBlocks, engine.dataTotalBlocks),
    metadataPercent: engine && percent(engine.metadataUsedBlocks, engine.metadataTotalBlocks),
    chunkBytes,
    transactionId: pool.segment.transactionId,
    serverPid: view.pools.get(poolName)?.serverPid,
    serverVersion: view.pools.get(poolName)?.version,
    logFile: join(poolDirectory(host, vg.name, poolName), "log"),
  };
}
