/** LVM's warnings about thin volumes that promise more than their pools hold. */
import {
  extentBytes,
  formatSize,
  freeExtentCount,
  lvSectors,
  SECTOR_BYTES,
  thinPools,
  thinVolumesOf,
  totalExtentCount,
  type VolumeGroup,
} from "@mortar/lvm2";

/**
 * After a thin volume of `poolName` was made or grown, or that pool: LVM prints the first line on
 * standard error, the others on standard output.
 * `isProtected`: pools of this node grow by themselves.
 */
export function overprovisioningWarnings(
  vg: VolumeGroup,
  poolName: string,
  isProtected: boolean,
): string[] {
  const pools = thinPools(vg);
  const promised = (name: string) =>
    thinVolumesOf(vg, name).reduce((sum, thin) => sum + lvSectors(vg, thin.lv), 0);
  const own = pools.find(({ lv }) => lv.name === poolName);
  if (own === undefined || promised(poolName) <= lvSectors(vg, own.lv)) return [];
  const thinSectors = pools.reduce((sum, { lv }) => sum + promised(lv.name), 0);
  const poolSectors = pools.reduce((sum, { lv }) => sum + lvSectors(vg, lv), 0);
  if (thinSectors <= poolSectors) return [];
  const perExtent = extentBytes(vg) / SECTOR_BYTES;
  const groupSectors = totalExtentCount(vg) * perExtent;
  const freeSectors = freeExtentCount(vg) * perExtent;
  const what = pools.length > 1 ? "pools" : `pool ${vg.name}/${poolName}`;
  const size = (sectors: number) => formatSize(sectors, { long: true });
  let excess = `exceeds the size of thin ${what} (${size(poolSectors)})`;
  if (groupSectors < thinSectors) {
    excess = `exceeds the size of thin ${what} and the size of whole volume group ` +
      `(${size(groupSectors)})`;
  } else if (freeSectors > 0 && freeSectors < thinSectors) {
    excess = `exceeds the size of thin ${what} and the amount of free space in volume group ` +
      `(${size(freeSectors)})`;
  }
  const promise = `WARNING: Sum of all thin volume sizes (${size(thinSectors)}) ${excess}.`;
  if (isProtected) return [promise];
  return [
    promise,
    "WARNING: You have not turned on protection against thin pools running out of space.",
    "WARNING: Set activation/thin_pool_autoextend_threshold below 100 to trigger automatic " +
      "extension of thin pools before they get full.",
  ];
}
