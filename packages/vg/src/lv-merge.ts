/**
 * Merging a thin snapshot into its origin, at once or when the origin is activated next.
 *
 * The merge itself is one change of the pool, by the protocol of pool-transaction.ts: its text says
 * already that the origin's LV has the snapshot's device, and queues the deletion of the old one.
 * Whoever dies on the way is finished by the next command, and no state in between shows the
 * origin without its content or with half of the other's.
 */
import {
  findLv,
  mergeSnapshot,
  mergingSnapshotOf,
  requireMergeable,
  requireThinPool,
  scheduleMerge,
  type LogicalVolume,
} from "@mortar/lvm2";
import { activateLv, deactivateLv, requireUnused } from "./activation.ts";
import { findDevice, readBlockState, usageOf } from "./block-state.ts";
import type { VgHost } from "./host.ts";
import { commitVg, loadVg, type LoadedVg } from "./loaded-vg.ts";
import { keepRunning } from "./lv-remove.ts";
import { stopIfIdle } from "./pool-host.ts";
import { changePool, settlePool } from "./pool-transaction.ts";
import { VgError } from "./vg-error.ts";

export interface MergedLv {
  readonly originName: string;
  /** False: the origin is in use, and takes the content when it is activated next. */
  readonly done: boolean;
}

export async function mergeLv(
  host: VgHost,
  loaded: LoadedVg,
  snapshotName: string,
): Promise<MergedLv> {
  const { snapshot, origin } = requireMergeable(loaded.vg, snapshotName);
  requireUnused(host, loaded, snapshot.lv);
  const settled = await settlePool(host, loaded, snapshot.segment.pool);
  const originName = origin.lv.name;
  if (!isInUse(host, settled, origin.lv)) {
    const merged = await perform(host, settled, snapshotName);
    if (merged !== undefined) return { originName, done: true };
  }
  await deactivateLv(host, settled, snapshot.lv);
  commitVg(settled, scheduleMerge(settled.vg, snapshotName));
  return { originName, done: false };
}

/**
 * Do what was scheduled for an LV that is about to be activated. The pools must be settled. An LV
 * that is active keeps waiting.
 */
export async function finishPendingMerge(
  host: VgHost,
  loaded: LoadedVg,
  originName: string,
): Promise<LoadedVg> {
  const merging = mergingSnapshotOf(loaded.vg, originName);
  const origin = findLv(loaded.vg, originName);
  if (merging === undefined || origin === undefined) return loaded;
  const state = readBlockState();
  if (findDevice(state, host.runDirectory, loaded, origin) !== undefined) return loaded;
  if (findDevice(state, host.runDirectory, loaded, merging.lv) !== undefined) {
    const { name } = loaded.vg;
    host.warn(
      `Postponing pending snapshot merge for origin volume ${name}/${originName}, merging thin ` +
        `snapshot volume ${name}/${merging.lv.name} is active.`,
    );
    return loaded;
  }
  return (await perform(host, loaded, merging.lv.name)) ?? loaded;
}

function isInUse(host: VgHost, loaded: LoadedVg, lv: LogicalVolume): boolean {
  const state = readBlockState();
  const loop = findDevice(state, host.runDirectory, loaded, lv);
  return loop !== undefined && usageOf(state, loop) !== undefined;
}

/** Undefined, and nothing changed, when a program has the origin open. */
async function perform(
  host: VgHost,
  loaded: LoadedVg,
  snapshotName: string,
): Promise<LoadedVg | undefined> {
  const { snapshot, origin } = requireMergeable(loaded.vg, snapshotName);
  const next = mergeSnapshot(loaded.vg, snapshotName);
  const { pool } = snapshot.segment;
  const state = readBlockState();
  const wasActive = findDevice(state, host.runDirectory, loaded, origin.lv) !== undefined;
  let isOpen = false;
  await keepRunning(host, loaded, pool, async () => {
    await deactivateLv(host, loaded, snapshot.lv);
    try {
      await deactivateLv(host, loaded, origin.lv);
    } catch (error) {
      if (!(error instanceof VgError) || error.code !== "in-use") throw error;
      isOpen = true;
    }
  });
  if (isOpen) return undefined;
  let changed: LoadedVg;
  try {
    changed = await changePool(host, loaded, pool, next);
  } catch (error) {
    if (wasActive) await reactivate(host, loaded.vg.name, origin.lv.name, pool);
    throw error;
  }
  const merged = findLv(changed.vg, origin.lv.name);
  if (wasActive && merged !== undefined) await activateLv(host, changed, merged);
  else await stopIfIdle(host, changed, pool);
  return changed;
}

/** After a refusal the text is what it was; while a message waits, the LV has to wait too. */
async function reactivate(
  host: VgHost,
  vgName: string,
  lvName: string,
  pool: string,
): Promise<void> {
  const now = loadVg(host, vgName);
  const lv = findLv(now.vg, lvName);
  if (lv === undefined || requireThinPool(now.vg, pool).segment.messages.length > 0) return;
  try {
    await activateLv(host, now, lv);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    host.warn(`WARNING: Failed to reactivate origin ${vgName}/${lvName}. ${reason}`);
  }
}
