/**
 * The size of an inode on XFS, asked of the kernel.
 *
 * XFS_IOC_FSGEOMETRY_V1 fills 112 bytes: u32 block size, realtime extent size, blocks per
 * allocation group, number of groups, log blocks, sector size, inode size (offset 24), ...
 */
import { closeSync, constants, openSync } from "node:fs";
import { checked, declare } from "@mortar/linux";

const XFS_IOC_FSGEOMETRY_V1 = 0x80705864;
const GEOMETRY_BYTES = 112;
const INODE_SIZE_OFFSET = 24;

const ioctl = declare("int ioctl(int fd, unsigned long request, void *argument)");

/** Undefined when the file system does not tell. */
export function xfsInodeBytes(path: string): number | undefined {
  const descriptor = openSync(path, constants.O_RDONLY);
  try {
    const geometry = new Uint8Array(GEOMETRY_BYTES);
    checked("FSGEOMETRY", path, ioctl(descriptor, XFS_IOC_FSGEOMETRY_V1, geometry));
    return new DataView(geometry.buffer).getUint32(INODE_SIZE_OFFSET, true);
  } catch {
    return undefined;
  } finally {
    closeSync(descriptor);
  }
}
