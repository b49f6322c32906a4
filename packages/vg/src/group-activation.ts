/** Activating and deactivating all of a volume group, as far as that goes. */
import { join } from "node:path";
import {
  asThinPool,
  asThinVolume,
  findLv,
  hasActivationSkip,
  isVisible,
  thinPools,
  type LogicalVolume,
} from "@mortar/lvm2";
import { activateLv, deactivateLv } from "./activation.ts";
import { findDevice, findPoolDirectory, isLoop, readBlockState } from "./block-state.ts";
import { unlinkStale } from "./device-links.ts";
import type { VgHost } from "./host.ts";
import type { LoadedVg } from "./loaded-vg.ts";
import { finishPendingMerge } from "./lv-merge.ts";
import { viewVg } from "./vg-view.ts";

/** An LV that could not be brought into the wanted state, as `VG/LV`, with the reason. */
export interface LeftOver {
  readonly name: string;
  readonly reason: string;
}

export interface ActivationCount {
  /** Visible LVs of the group that are active now. */
  readonly active: number;
  readonly leftOver: readonly LeftOver[];
}

/** Every visible LV without the skip flag, unless `ignoreSkip`. The pools must be settled. */
export async function activateGroup(
  host: VgHost,
  loaded: LoadedVg,
  ignoreSkip: boolean,
): Promise<ActivationCount> {
  const leftOver: LeftOver[] = [];
  let current = loaded;
  for (const { name } of visible(loaded)) {
    const lv = findLv(current.vg, name);
    if (lv === undefined || (hasActivationSkip(lv) && !ignoreSkip)) continue;
    await attempt(leftOver, current, lv, async () => {
      current = await finishPendingMerge(host, current, name);
      await activateLv(host, current, findLv(current.vg, name) ?? lv);
    });
  }
  return { active: await activeCount(host, current), leftOver };
}

export async function deactivateGroup(host: VgHost, loaded: LoadedVg): Promise<ActivationCount> {
  const leftOver: LeftOver[] = [];
  const pools = visible(loaded).filter((lv) => asThinPool(lv) !== undefined);
  // Snapshots that are being merged are hidden, and may be active since before.
  const others = loaded.vg.logicalVolumes.filter(
    (lv) => asThinVolume(lv) !== undefined || (isVisible(lv) && asThinPool(lv) === undefined),
  );
  for (const lv of [...others, ...pools]) {
    await attempt(leftOver, loaded, lv, async () => await deactivateLv(host, loaded, lv));
  }
  removeStaleLinks(host, loaded);
  return { active: await activeCount(host, loaded), leftOver };
}

async function activeCount(host: VgHost, loaded: LoadedVg): Promise<number> {
  const { states } = await viewVg(host, loaded);
  return visible(loaded).filter((lv) => states.get(lv.name)?.active === true).length;
}

function visible(loaded: LoadedVg): LogicalVolume[] {
  return loaded.vg.logicalVolumes.filter(isVisible);
}

/** True when a pool of the group runs under another run directory, so another node's. */
export function isServedElsewhere(host: VgHost, loaded: LoadedVg): boolean {
  const state = readBlockState();
  const own = join(host.runDirectory, "/");
  return thinPools(loaded.vg).some(
    ({ lv }) =>
      !findPoolDirectory(state, host.runDirectory, loaded.vg.name, lv.name).startsWith(own),
  );
}

function removeStaleLinks(host: VgHost, loaded: LoadedVg): void {
  const state = readBlockState();
  unlinkStale(loaded.vg.name, (name, loopPath) => {
    const lv = findLv(loaded.vg, name);
    const loop = lv && findDevice(state, host.runDirectory, loaded, lv);
    return loop === undefined || (isLoop(loop) && loop.path !== loopPath);
  });
}

/** Do it, or note why not. */
async function attempt(
  leftOver: LeftOver[],
  loaded: LoadedVg,
  lv: LogicalVolume,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    leftOver.push({ name: `${loaded.vg.name}/${lv.name}`, reason: messageOf(error) });
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
