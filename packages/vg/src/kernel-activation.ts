/**
 * Logical volumes as mapped devices of the kernel.
 *
 *     thin     pool -> VG-LV -> /dev/VG/LV       linear   physical volumes -> VG-LV -> /dev/VG/LV
 *
 * As in activation.ts every step looks first at what is there.
 */
import type { MappedDevice } from "@mortar/dm";
import {
  asThinVolume,
  requireThinPool,
  splitLvPath,
  type LogicalVolume,
} from "@mortar/lvm2";
import type { ActivatedLv } from "./activation.ts";
import { readBlockState } from "./block-state.ts";
import { linkMapped, unlinkMapped } from "./device-links.ts";
import type { VgHost } from "./host.ts";
import { bringInStep, removeMapped, withDeviceMapper } from "./kernel-devices.ts";
import { mappedUuid } from "./kernel-names.ts";
import { planVolume } from "./kernel-plan.ts";
import { ensureKernelPool } from "./kernel-pool.ts";
import type { LoadedVg } from "./loaded-vg.ts";
import { VgError } from "./vg-error.ts";

/** Also brings an active one in step with the text: size, permission, name. */
export async function activateMapped(
  host: VgHost,
  loaded: LoadedVg,
  lv: LogicalVolume,
): Promise<ActivatedLv> {
  const { vg } = loaded;
  const state = readBlockState();
  const thin = asThinVolume(lv);
  if (thin !== undefined) {
    await ensureKernelPool(host, loaded, requireThinPool(vg, thin.segment.pool));
    host.step("served");
  }
  const { info } = await withDeviceMapper(async (dm) => {
    return await bringInStep(dm, planVolume(loaded, lv));
  });
  host.step("loop-attached");
  const before = state.mapped.find((device) => device.uuid === mappedUuid(vg, lv));
  const oldName = before === undefined ? lv.name : nameOf(before);
  if (oldName !== lv.name) unlinkMapped(vg.name, oldName);
  const loopPath = `/dev/dm-${info.deviceNumber.split(":")[1]}`;
  return { devicePath: linkMapped(vg.name, lv.name), loopPath };
}

/** Does nothing when there is none. Throws "in-use". */
export async function deactivateMapped(loaded: LoadedVg, lv: LogicalVolume): Promise<void> {
  const { vg } = loaded;
  const gone = await withDeviceMapper(async (dm) => {
    return await removeMapped(dm, mappedUuid(vg, lv), false);
  });
  if (!gone) throw new VgError("in-use", `Logical volume ${vg.name}/${lv.name} in use.`);
  unlinkMapped(vg.name, lv.name);
}

/** The LV's name when the device was made. */
function nameOf({ name }: MappedDevice): string {
  return splitLvPath(`/dev/mapper/${name}`).lvName ?? name;
}
