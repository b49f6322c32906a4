/** From a block device back to the logical volume that it shows. */
import { realpathSync } from "node:fs";
import { basename } from "node:path";
import { isErrno, readLoop, type LoopStatus } from "@mortar/linux";
import { asThinVolume, isVisible, type LogicalVolume } from "@mortar/lvm2";
import { findDevice, readBlockState } from "./block-state.ts";
import type { VgHost } from "./host.ts";
import { volumeGroupsOf } from "./loaded-vg.ts";
import { scanPhysicalVolumes } from "./pv-scan.ts";

/** What lies under a block device. */
export type LvOfDevice =
  | { readonly kind: "thin"; readonly vg: string; readonly lv: string; readonly pool: string }
  | { readonly kind: "linear"; readonly vg: string; readonly lv: string }
  | { readonly kind: "none"; readonly reason: string };

/** `/dev/VG/LV`, `/dev/mapper/VG-LV` and `/dev/loopN` are the same to it. */
export function readLvOfDevice(host: VgHost, devicePath: string): LvOfDevice {
  const none = (why: string): LvOfDevice => ({ kind: "none", reason: `${devicePath} ${why}` });
  let path: string;
  try {
    path = realpathSync(devicePath);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return none("does not exist");
    throw error;
  }
  const state = readBlockState();
  const loop = readLoop(path);
  if (loop === undefined && !state.mapped.some((device) => device.path === path)) {
    return none("is not a logical volume that is active here");
  }
  for (const loaded of volumeGroupsOf(scanPhysicalVolumes(host))) {
    for (const lv of likelyFirst(loaded.vg.logicalVolumes.filter(isVisible), loop)) {
      if (findDevice(state, host.runDirectory, loaded, lv)?.path !== path) continue;
      const vg = loaded.vg.name;
      const thin = asThinVolume(lv);
      if (thin === undefined) return { kind: "linear", vg, lv: lv.name };
      return { kind: "thin", vg, lv: lv.name, pool: thin.segment.pool };
    }
  }
  const what = loop === undefined ? "a mapped device" : `a loop device over ${loop.backingPath}`;
  return none(`is ${what}, not a logical volume`);
}

/** A server's file has the name of its LV. */
function likelyFirst(lvs: readonly LogicalVolume[], loop: LoopStatus | undefined): LogicalVolume[] {
  const likely = loop === undefined ? "" : basename(loop.backingPath);
  return [...lvs.filter(({ name }) => name === likely), ...lvs.filter(({ name }) => name !== likely)];
}
