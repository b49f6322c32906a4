/** Shrinking a logical volume, in use or not. */
import { setLoopSizeLimit } from "@mortar/linux";
import {
  asThinVolume,
  lvSectors,
  requireLv,
  SECTOR_BYTES,
  shrinkLogicalVolume,
} from "@mortar/lvm2";
import { activateLv, deactivateLv, requireUnused, resizeActive } from "./activation.ts";
import { findDevice, isLoop, readBlockState } from "./block-state.ts";
import type { VgHost } from "./host.ts";
import { commitVg, type LoadedVg } from "./loaded-vg.ts";
import type { Extension } from "./lv-change.ts";

/**
 * The device shrinks before the text does: whoever dies in between leaves a device that is too
 * small, which the next activation corrects, and never one that shows what is another LV's by then.
 */
export async function shrinkLv(
  host: VgHost,
  loaded: LoadedVg,
  { name, extentCount }: Extension,
): Promise<LoadedVg> {
  const before = requireLv(loaded.vg, name);
  const next = shrinkLogicalVolume(loaded.vg, name, extentCount);
  const planned: LoadedVg = { ...loaded, vg: next };
  const after = requireLv(next, name);
  const device = findDevice(readBlockState(), host.runDirectory, loaded, before);
  if (device === undefined) return commitVg(loaded, next);
  // A loop device over part of a disk is known by its size, so it is looked for before.
  if (isLoop(device) && device.sizeLimitBytes > 0) {
    await setLoopSizeLimit(device.path, lvSectors(next, after) * SECTOR_BYTES);
    return commitVg(loaded, next);
  }
  if (asThinVolume(before) !== undefined || !isLoop(device)) {
    await resizeActive(host, planned, after);
    return commitVg(loaded, next);
  }
  // Several pieces have a server that knows them from its start: the LV is made anew.
  requireUnused(host, loaded, before);
  await deactivateLv(host, loaded, before);
  const committed = commitVg(loaded, next);
  await activateLv(host, committed, requireLv(committed.vg, name));
  return committed;
}
