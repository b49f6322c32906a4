/** Changing logical volumes that are there: size, name, permission, tags, pool settings. */
import {
  asThinPool,
  asThinVolume,
  extendLogicalVolume,
  extendPoolMetadata,
  poolOfHidden,
  renameLogicalVolume,
  requireLv,
  requireThinPool,
  thinVolumesOf,
  type LogicalVolume,
  type VolumeGroup,
} from "@mortar/lvm2";
import { activateLv, deactivateLv, requireUnused, resizeActive } from "./activation.ts";
import { findDevice, onlyPiece, readBlockState } from "./block-state.ts";
import type { VgHost } from "./host.ts";
import { commitVg, type LoadedVg } from "./loaded-vg.ts";
import { engineInUse } from "./engine.ts";
import { ensurePool, findPool, findServer, poolCall } from "./pool-host.ts";
import { settlePool } from "./pool-transaction.ts";
import { provenance } from "./provenance.ts";
import { thinPoolSpec, thinVolumeSpec } from "./served-spec.ts";

export interface Extension {
  readonly name: string;
  readonly extentCount: number;
  readonly physicalVolumes?: readonly string[] | undefined;
}

export interface LvExtension extends Extension {
  /** Of a thin LV: although its pool is above its threshold. Default false. */
  readonly force?: boolean;
}

/** Grow a linear LV, a thin LV, or a pool's data; an active one grows at once. */
export async function extendLv(
  host: VgHost,
  loaded: LoadedVg,
  { name, extentCount, physicalVolumes }: Extension,
): Promise<LoadedVg> {
  const lv = requireLv(loaded.vg, name);
  const options = physicalVolumes === undefined ? {} : { physicalVolumes };
  const next = extendLogicalVolume(loaded.vg, name, extentCount, options);
  const pool = asThinPool(lv) ?? poolOfHidden(loaded.vg, lv);
  if (pool !== undefined) return await growPool(host, loaded, pool.lv.name, next);
  if (asThinVolume(lv) !== undefined) {
    const committed = commitVg(loaded, next);
    await resizeActive(host, committed, requireLv(committed.vg, name));
    return committed;
  }
  return await growLinear(host, loaded, lv, next);
}

/** An LV that is one piece can grow in use; when it becomes several, its device changes kind. */
async function growLinear(
  host: VgHost,
  loaded: LoadedVg,
  lv: LogicalVolume,
  next: VolumeGroup,
): Promise<LoadedVg> {
  const planned: LoadedVg = { ...loaded, vg: next };
  const grown = requireLv(next, lv.name);
  const wasActive = findDevice(readBlockState(), host.runDirectory, loaded, lv) !== undefined;
  const staysWhole =
    engineInUse(host, loaded) === "kernel" || onlyPiece(planned, grown) !== undefined;
  if (wasActive && !staysWhole) {
    requireUnused(host, loaded, lv);
    await deactivateLv(host, loaded, lv);
  }
  const committed = commitVg(loaded, next);
  if (wasActive && staysWhole) await resizeActive(host, committed, grown);
  else if (wasActive) await activateLv(host, committed, grown);
  return committed;
}

/** More metadata for a pool, and for the spare. */
export async function extendMetadata(
  host: VgHost,
  loaded: LoadedVg,
  { name, extentCount, physicalVolumes }: Extension,
): Promise<LoadedVg> {
  const options = physicalVolumes === undefined ? {} : { physicalVolumes };
  const next = extendPoolMetadata(loaded.vg, name, extentCount, provenance(), options);
  return await growPool(host, loaded, name, next);
}

async function growPool(
  host: VgHost,
  loaded: LoadedVg,
  poolName: string,
  next: VolumeGroup,
): Promise<LoadedVg> {
  const committed = commitVg(loaded, next);
  await reloadPool(host, committed, poolName);
  return committed;
}

/** Give a running server the pool as the text has it now. */
export async function reloadPool(
  host: VgHost,
  loaded: LoadedVg,
  poolName: string,
): Promise<void> {
  const { vg } = loaded;
  if ((await findPool(host, vg.name, poolName)) === undefined) return;
  if (engineInUse(host, loaded) === "kernel") {
    await ensurePool(host, loaded, requireThinPool(vg, poolName));
    return;
  }
  const running = await findServer(host, vg.name, poolName);
  if (running === undefined) return;
  const name = `${vg.name}/${poolName}`;
  const settled = await settlePool(host, loaded, poolName);
  const status = await poolCall(name, running.directory, running.client.status());
  const served = new Set(status.volumes.map((volume) => volume.name));
  const volumes = thinVolumesOf(settled.vg, poolName)
    .filter((thin) => served.has(thin.lv.name))
    .map((thin) => thinVolumeSpec(settled.vg, thin));
  const spec = thinPoolSpec(host, settled, requireThinPool(settled.vg, poolName), volumes);
  await poolCall(name, running.directory, running.client.reload(spec));
}

/**
 * The device of an active LV is named after it: the kernel renames it in use; a served LV must be
 * unused, and comes back.
 */
export async function renameLv(
  host: VgHost,
  loaded: LoadedVg,
  from: string,
  to: string,
): Promise<LoadedVg> {
  const next = renameLogicalVolume(loaded.vg, from, to);
  const lv = requireLv(loaded.vg, from);
  const pool = asThinPool(lv);
  const affected = pool === undefined ? [lv] : thinVolumesOf(loaded.vg, from).map((one) => one.lv);
  const isActive = (one: LogicalVolume) =>
    findDevice(readBlockState(), host.runDirectory, loaded, one) !== undefined;
  const active = affected.filter(isActive);
  if (engineInUse(host, loaded) === "kernel") {
    return await renameMapped(host, loaded, next, { lv, to, active });
  }
  for (const one of active) requireUnused(host, loaded, one);
  const poolRan = pool !== undefined && (await findPool(host, loaded.vg.name, from)) !== undefined;
  for (const one of active) await deactivateLv(host, loaded, one);
  if (pool !== undefined) await deactivateLv(host, loaded, lv);
  const committed = commitVg(loaded, next);
  const nameNow = (one: LogicalVolume) => (one.name === from ? to : one.name);
  if (poolRan) await activateLv(host, committed, requireLv(committed.vg, to));
  for (const one of active) {
    await activateLv(host, committed, requireLv(committed.vg, nameNow(one)));
  }
  return committed;
}

/** The text first: a name that the kernel does not take is one that the next activation repairs. */
async function renameMapped(
  host: VgHost,
  loaded: LoadedVg,
  next: VolumeGroup,
  { lv, to, active }: { lv: LogicalVolume; to: string; active: readonly LogicalVolume[] },
): Promise<LoadedVg> {
  const running = await findPool(host, loaded.vg.name, lv.name);
  const committed = commitVg(loaded, next);
  if (running !== undefined) {
    await ensurePool(host, committed, requireThinPool(committed.vg, to));
  }
  for (const one of active) {
    const name = one.name === lv.name ? to : one.name;
    await activateLv(host, committed, requireLv(committed.vg, name));
  }
  return committed;
}

/**
 * A change of the text alone, such as tags or settings. An active LV whose permission changes must
 * be unused: its device is made anew. A running pool is told of its new settings.
 */
export async function changeText(
  host: VgHost,
  loaded: LoadedVg,
  name: string,
  change: (vg: VolumeGroup) => VolumeGroup,
): Promise<LoadedVg> {
  const next = change(loaded.vg);
  if (next === loaded.vg) return loaded;
  const before = requireLv(loaded.vg, name);
  const after = requireLv(next, name);
  const permissionChanges = before.status.includes("WRITE") !== after.status.includes("WRITE");
  const loop = findDevice(readBlockState(), host.runDirectory, loaded, before);
  const isMapped = engineInUse(host, loaded) === "kernel";
  const remake = permissionChanges && loop !== undefined && !isMapped;
  if (remake) {
    requireUnused(host, loaded, before);
    await deactivateLv(host, loaded, before);
  }
  const committed = commitVg(loaded, next);
  if (remake || (isMapped && loop !== undefined)) await activateLv(host, committed, after);
  if (asThinPool(after) !== undefined) await reloadPool(host, committed, name);
  return committed;
}

