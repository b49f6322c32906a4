/**
 * Whether a thin pool can honestly take one more volume, a snapshot, or a larger volume.
 *
 * - A pool that is read-only, needs a check or has failed takes none, and no force helps.
 * - One above its threshold takes none, which is LVM's rule; before it is refused, the pool is
 *   extended as its policy says. Promising more than the pool has is no reason: that is what thin
 *   volumes are for.
 * - A snapshot costs metadata when it and its origin part. What the change of every hundredth chunk
 *   of the origin may cost must be free; what parting wholly may cost is warned of.
 */
import {
  findThinVolume,
  formatSize,
  freeExtentCount,
  Lvm2Error,
  requireThinPool,
  SECTOR_BYTES,
} from "@mortar/lvm2";
import type { EngineStatus } from "@mortar/pool";
import type { VgHost } from "./host.ts";
import type { LoadedVg } from "./loaded-vg.ts";
import type { LvExtension } from "./lv-change.ts";
import { extendByPolicy, metadataThresholdOf, poolJudgement } from "./pool-growth.ts";
import { ensurePool, findPool, poolCall, stopIfIdle } from "./pool-host.ts";
import { ailmentOf } from "./pool-ailment.ts";
import type { PoolReport, RunningPool } from "./running-pool.ts";
import { VgError } from "./vg-error.ts";

export interface Admission {
  readonly pool: string;
  /** What is to be done: "create new thin volume", "extend thin volume vg/lv". */
  readonly what: string;
  /** The LV of which a snapshot is made. */
  readonly origin?: string;
  /** Whatever the thresholds say. */
  readonly force: boolean;
}

const METADATA_BLOCK_BYTES = 4096;
/** Mappings of a leaf after it was split: half of the 252 that fit. */
const MAPPINGS_PER_LEAF = 126;
/** Above the leaves. */
const TREE_LEVELS_MAX = 4;
const CHANGED_SHARE = 0.01;
const EXTENSIONS_MAX = 50;

/** Throws VgError `pool-full` or `pool-failed`. Returns the group, which may have grown the pool. */
export async function admit(
  host: VgHost,
  loaded: LoadedVg,
  admission: Admission,
): Promise<LoadedVg> {
  const name = `${loaded.vg.name}/${admission.pool}`;
  const running = await ensurePool(host, loaded, requireThinPool(loaded.vg, admission.pool));
  try {
    let status = await statusOf(name, running);
    requireHealthy(name, admission, status.engine);
    let now = loaded;
    for (let round = 0; refusalOf(host, now, admission, status) !== undefined; round++) {
      const next = round < EXTENSIONS_MAX ? await grown(host, now, admission.pool) : undefined;
      if (next === undefined) break;
      now = next;
      status = await statusOf(name, running);
    }
    const refusal = refusalOf(host, now, admission, status);
    if (refusal !== undefined && !admission.force) throw new VgError("pool-full", refusal);
    warnOfParting(host, now, admission, status);
    return now;
  } catch (error) {
    await stopIfIdle(host, loaded, admission.pool);
    throw error;
  }
}

/**
 * The same for a thin LV that is to be larger. Any other LV, and a pool that is not active, where
 * nothing can be written, are let pass.
 */
export async function admitExtension(
  host: VgHost,
  loaded: LoadedVg,
  { name, force }: LvExtension,
): Promise<LoadedVg> {
  const pool = findThinVolume(loaded.vg, name)?.segment.pool;
  if (pool === undefined) return loaded;
  if ((await findPool(host, loaded.vg.name, pool)) === undefined) return loaded;
  const what = `extend thin volume ${loaded.vg.name}/${name}`;
  return await admit(host, loaded, { pool, what, force: force ?? false });
}

interface Judged {
  readonly engine: EngineStatus;
  readonly whole: PoolReport;
}

async function statusOf(name: string, { client, directory }: RunningPool): Promise<Judged> {
  const whole = await poolCall(name, directory, client.status());
  if (whole.pool === undefined) throw new VgError("pool-failed", `${name} is no thin pool.`);
  return { engine: whole.pool, whole };
}

/** The group with a larger pool, or undefined when it does not grow. */
async function grown(
  host: VgHost,
  loaded: LoadedVg,
  pool: string,
): Promise<LoadedVg | undefined> {
  try {
    const growth = await extendByPolicy(host, loaded, pool);
    return growth.grown.length > 0 ? growth.loaded : undefined;
  } catch (error) {
    const isRefused = error instanceof Lvm2Error || error instanceof VgError;
    if (isRefused && (error.code === "no-space" || error.code === "limit-reached")) return undefined;
    throw error;
  }
}

function requireHealthy(name: string, { what }: Admission, engine: EngineStatus): void {
  if (!engine.needsCheck && engine.mode !== "read-only" && engine.mode !== "failed") return;
  throw new VgError("pool-failed", `Cannot ${what}: ${ailmentOf(name, engine)}`);
}

function refusalOf(
  host: VgHost,
  loaded: LoadedVg,
  admission: Admission,
  { engine, whole }: Judged,
): string | undefined {
  const { thresholdPercent } = host.policy;
  const name = `${loaded.vg.name}/${admission.pool}`;
  const judged = poolJudgement(engine, thresholdPercent);
  const { isDataHigh, isMetadataHigh } = judged;
  const metadataMax = metadataThresholdOf(engine, thresholdPercent);
  const needed = partingBlocks(admission, whole, CHANGED_SHARE);
  const isTight = needed > freeMetadata(engine);
  if (!isDataHigh && !isMetadataHigh && !isTight) return undefined;
  const lines = [`Cannot ${admission.what}, free space in thin pool ${name} reached threshold.`];
  if (isDataHigh) lines.push(dataLine(engine, judged.dataPercent, thresholdPercent));
  if (isMetadataHigh) lines.push(metadataLine(engine, judged.metadataPercent, metadataMax));
  if (isTight) {
    lines.push(
      `Metadata: a change of every hundredth chunk of ${admission.origin} may need ` +
        `${blockSize(needed)}; ${blockSize(freeMetadata(engine))} is free.`,
    );
  }
  lines.push(adviceOf(loaded, name, isDataHigh));
  return lines.join("\n");
}

function adviceOf({ vg }: LoadedVg, name: string, isData: boolean): string {
  const free = freeExtentCount(vg);
  const size = formatSize(free * vg.extentSectors, { long: true });
  const extend = isData ? `lvextend -L +SIZE ${name}` : `lvextend --poolmetadatasize +SIZE ${name}`;
  const steps = free > 0 ? extend : `vgextend ${vg.name} DEVICE; ${extend}`;
  return `Volume group ${vg.name} has ${size} free. Next: ${steps} (or the same command with --force)`;
}

function dataLine(engine: EngineStatus, percent: number, threshold: number): string {
  const bytes = engine.chunkSectors * SECTOR_BYTES;
  const free = (engine.dataTotalBlocks - engine.dataUsedBlocks) * bytes;
  return (
    `Data: ${percent.toFixed(2)}% of ${sizeOf(engine.dataTotalBlocks * bytes)} is used, threshold ` +
    `${threshold}%; ${sizeOf(free)} is free.`
  );
}

function metadataLine(engine: EngineStatus, percent: number, threshold: number): string {
  return (
    `Metadata: ${percent.toFixed(2)}% of ${blockSize(engine.metadataTotalBlocks)} is used, ` +
    `threshold ${threshold.toFixed(2)}%; ${blockSize(freeMetadata(engine))} is free.`
  );
}

function warnOfParting(
  host: VgHost,
  loaded: LoadedVg,
  admission: Admission,
  { engine, whole }: Judged,
): void {
  const needed = partingBlocks(admission, whole, 1);
  const growth = (freeExtentCount(loaded.vg) / 2) * loaded.vg.extentSectors * SECTOR_BYTES;
  const room = freeMetadata(engine) + Math.floor(growth / METADATA_BLOCK_BYTES);
  if (needed <= room) return;
  const name = `${loaded.vg.name}/${admission.pool}`;
  host.warn(
    `WARNING: Metadata of thin pool ${name} has room for ${blockSize(room)}; rewriting all of ` +
      `${loaded.vg.name}/${admission.origin} under a snapshot may need ${blockSize(needed)}.`,
  );
}

/**
 * The most metadata blocks that writes to `share` of the origin's chunks, anywhere, may take: each
 * in a leaf of its own while there are leaves, and the nodes above. 0 while the origin is not
 * served, as nobody writes then.
 */
function partingBlocks(
  { origin }: Admission,
  { volumes }: PoolReport,
  share: number,
): number {
  const mapped = volumes.find(({ name }) => name === origin)?.mappedBlocks ?? 0;
  if (origin === undefined || mapped === 0) return 0;
  const leaves = Math.ceil(mapped / MAPPINGS_PER_LEAF);
  const changed = Math.min(leaves, Math.ceil(mapped * share));
  return changed + Math.ceil(changed / MAPPINGS_PER_LEAF) + TREE_LEVELS_MAX;
}

function freeMetadata({ metadataUsedBlocks, metadataTotalBlocks }: EngineStatus): number {
  return metadataTotalBlocks - metadataUsedBlocks;
}

function blockSize(blocks: number): string {
  return sizeOf(blocks * METADATA_BLOCK_BYTES);
}

function sizeOf(bytes: number): string {
  return formatSize(bytes / SECTOR_BYTES, { long: true });
}
