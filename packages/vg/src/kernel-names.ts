/**
 * Names and uuids of mapped devices, as LVM makes them: whoever looks by uuid finds the other's.
 *
 *     layer    name              uuid                        what
 *              VG-LV             LVM-<vg id><lv id>          thin and linear volumes
 *     tmeta    VG-POOL_tmeta     LVM-<vg id><lv id>-tmeta    a pool's metadata
 *     tdata    VG-POOL_tdata     LVM-<vg id><lv id>-tdata    its data
 *     tpool    VG-POOL-tpool     LVM-<vg id><pool>-tpool     the pool; VG-POOL while without volumes
 *     pool     VG-POOL           LVM-<vg id><pool>-pool      "the pool itself is active": read-only
 *
 * Hyphens within names are doubled, ids are without theirs.
 */
import { compactId, deviceMapperName, type LogicalVolume, type VolumeGroup } from "@mortar/lvm2";

export type Layer = "tmeta" | "tdata" | "tpool" | "pool";

export function mappedUuid(vg: VolumeGroup, lv: LogicalVolume, layer?: Layer): string {
  const id = `LVM-${compactId(vg.id)}${compactId(lv.id)}`;
  return layer === undefined ? id : `${id}-${layer}`;
}

/** True for the device of a pool, whether or not it is active for itself. */
export function isNamed(name: string, vgName: string, poolName: string): boolean {
  const own = deviceMapperName(vgName, poolName);
  return name === own || name === `${own}-tpool`;
}

/** True for each device of the group, whatever it is. */
export function isOfGroup(uuid: string, vg: VolumeGroup): boolean {
  return uuid.startsWith(`LVM-${compactId(vg.id)}`);
}
