/** Removing logical volumes. */
import {
  asThinPool,
  asThinVolume,
  removeLogicalVolume,
  requireLv,
  thinVolumesOf,
  type LogicalVolume,
} from "@mortar/lvm2";
import { deactivateLv, requireUnused } from "./activation.ts";
import type { VgHost } from "./host.ts";
import { commitVg, type LoadedVg } from "./loaded-vg.ts";
import { findPool, stopIfIdle } from "./pool-host.ts";
import { changePool, settlePool } from "./pool-transaction.ts";

export interface RemovedLvs {
  readonly loaded: LoadedVg;
  /** In LVM's order of reporting: the thin volumes of a pool before the pool. */
  readonly removed: readonly LogicalVolume[];
}

/** Under the exclusive lock. An active LV that nobody uses is deactivated first. */
export async function removeLv(
  host: VgHost,
  loaded: LoadedVg,
  name: string,
): Promise<RemovedLvs> {
  const lv = requireLv(loaded.vg, name);
  if (asThinPool(lv) !== undefined) return await removePool(host, loaded, lv);
  const thin = asThinVolume(lv);
  if (thin === undefined) {
    const { vg, removed } = removeLogicalVolume(loaded.vg, name);
    await deactivateLv(host, loaded, lv);
    return { loaded: commitVg(loaded, vg), removed };
  }
  const { pool } = thin.segment;
  requireUnused(host, loaded, lv);
  const settled = await settlePool(host, loaded, pool);
  const { vg, removed } = removeLogicalVolume(settled.vg, name);
  await keepRunning(host, settled, pool, async () => await deactivateLv(host, settled, lv));
  const changed = await changePool(host, settled, pool, vg);
  await stopIfIdle(host, changed, pool);
  return { loaded: changed, removed };
}

/** The server is needed for the message that follows: it must not end with its last LV. */
export async function keepRunning(
  host: VgHost,
  loaded: LoadedVg,
  pool: string,
  work: () => Promise<void>,
): Promise<void> {
  const running = await findPool(host, loaded.vg.name, pool);
  const wasKept = running === undefined || running.isKept();
  if (!wasKept) await running.keep(true);
  try {
    await work();
  } finally {
    if (!wasKept) await running.keep(false);
  }
}

/** All of it goes, so no message is needed: the server ends, then the text forgets the pool. */
async function removePool(
  host: VgHost,
  loaded: LoadedVg,
  pool: LogicalVolume,
): Promise<RemovedLvs> {
  const { vg, removed } = removeLogicalVolume(loaded.vg, pool.name);
  const thins = thinVolumesOf(loaded.vg, pool.name);
  for (const thin of thins) requireUnused(host, loaded, thin.lv);
  for (const thin of thins) await deactivateLv(host, loaded, thin.lv);
  await deactivateLv(host, loaded, pool);
  return { loaded: commitVg(loaded, vg), removed };
}
