/**
 * Growing a thin pool from the free extents of its group, as its policy says: what `lvextend
 * --use-policies` does, and what happens before a new volume is refused.
 */
import {
  freeExtentCount,
  Lvm2Error,
  lvExtentCount,
  percentOfExtents,
  requireLv,
  requireThinPool,
} from "@mortar/lvm2";
import type { EngineStatus } from "@mortar/pool";
import type { VgHost } from "./host.ts";
import type { LoadedVg } from "./loaded-vg.ts";
import { extendLv, extendMetadata } from "./lv-change.ts";
import { findPool, poolCall } from "./pool-host.ts";
import { VgError } from "./vg-error.ts";

/** Extents of the pool's data, or metadata, before and after. */
export interface Growth {
  readonly lv: string;
  readonly before: number;
  readonly after: number;
}

export interface PoolGrowth {
  readonly loaded: LoadedVg;
  /** Empty: the pool is below its threshold. */
  readonly grown: readonly Growth[];
}

const METADATA_BLOCK_BYTES = 4096;
/** LVM's least: 25 % of the metadata, or 4 MiB of it, is free. */
const METADATA_FREE_PERCENT = 25;
const METADATA_FREE_BYTES = 4 * 1024 * 1024;

/** 0 to 100, as LVM has it: what the kernel keeps in reserve counts as used. */
export function dataPercentOf(status: EngineStatus): number {
  return percent(status.dataUsedBlocks, status.dataTotalBlocks);
}

export function metadataPercentOf(status: EngineStatus): number {
  return percent(status.metadataUsedBlocks, status.metadataTotalBlocks);
}

/** The metadata's own threshold, never above the policy's. */
export function metadataThresholdOf(status: EngineStatus, thresholdPercent: number): number {
  const total = status.metadataTotalBlocks * METADATA_BLOCK_BYTES;
  const free = Math.min(METADATA_FREE_PERCENT, percent(METADATA_FREE_BYTES, total));
  return Math.min(thresholdPercent, 100 - free);
}

/** How an engine's fill stands to the threshold of a policy. */
export function poolJudgement(
  status: EngineStatus,
  thresholdPercent: number,
): {
  readonly dataPercent: number;
  readonly metadataPercent: number;
  readonly isDataHigh: boolean;
  readonly isMetadataHigh: boolean;
} {
  const dataPercent = dataPercentOf(status);
  const metadataPercent = metadataPercentOf(status);
  const isDataHigh = dataPercent > thresholdPercent || dataPercent >= 100;
  const metadataMax = metadataThresholdOf(status, thresholdPercent);
  const isMetadataHigh = metadataPercent > metadataMax || metadataPercent >= 100;
  return { dataPercent, metadataPercent, isDataHigh, isMetadataHigh };
}

/** What the server of an active pool says. Throws `pool-failed` when none runs. */
export async function engineOf(
  host: VgHost,
  vgName: string,
  poolName: string,
): Promise<EngineStatus> {
  const name = `${vgName}/${poolName}`;
  const running = await findPool(host, vgName, poolName);
  const status = running && (await poolCall(name, running.directory, running.client.status()));
  if (status?.pool !== undefined) return status.pool;
  throw new VgError(
    "pool-failed",
    `Thin pool ${name} is not active, so its fill is not known. Activate it: lvchange -ay ${name}.`,
  );
}

/**
 * Grow what is above its threshold, once, by the policy's percentage or what is free of it. Throws
 * `no-space` of Lvm2Error when nothing is.
 */
export async function extendByPolicy(
  host: VgHost,
  loaded: LoadedVg,
  poolName: string,
): Promise<PoolGrowth> {
  const { thresholdPercent, extendPercent } = host.policy;
  const status = await engineOf(host, loaded.vg.name, poolName);
  const grown: Growth[] = [];
  let now = loaded;
  if (extendPercent === 0 || thresholdPercent === 100) return { loaded, grown };
  if (metadataPercentOf(status) > metadataThresholdOf(status, thresholdPercent)) {
    const { metadataLv } = requireThinPool(now.vg, poolName).segment;
    const before = lvExtentCount(requireLv(now.vg, metadataLv));
    const after = await growMetadata(host, now, poolName, before);
    now = after.loaded;
    grown.push({ lv: metadataLv, before, after: after.extentCount });
  }
  if (dataPercentOf(status) > thresholdPercent) {
    const { lv, segment } = requireThinPool(now.vg, poolName);
    const before = lvExtentCount(lv);
    const count = wanted(host, now, before, freeExtentCount(now.vg), poolName);
    now = await extendLv(host, now, { name: poolName, extentCount: before + count });
    const after = lvExtentCount(requireLv(now.vg, segment.dataLv)); // Whole stripes are added.
    grown.push({ lv: segment.dataLv, before, after });
  }
  return { loaded: now, grown };
}

/** The spare grows with the metadata, so half of what is free is the most. */
async function growMetadata(
  host: VgHost,
  loaded: LoadedVg,
  poolName: string,
  before: number,
): Promise<{ readonly loaded: LoadedVg; readonly extentCount: number }> {
  const room = Math.floor(freeExtentCount(loaded.vg) / 2);
  const extentCount = before + wanted(host, loaded, before, room, poolName);
  return { loaded: await extendMetadata(host, loaded, { name: poolName, extentCount }), extentCount };
}

function wanted(
  host: VgHost,
  { vg }: LoadedVg,
  before: number,
  room: number,
  poolName: string,
): number {
  const count = percentOfExtents(host.policy.extendPercent, before, "up");
  if (room > 0) return Math.min(count, room);
  throw new Lvm2Error(
    "no-space",
    `Volume group "${vg.name}" has insufficient free space (${freeExtentCount(vg)} extents): ` +
      `${count} required to extend thin pool ${vg.name}/${poolName}.`,
  );
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 100 : (part / whole) * 100;
}
