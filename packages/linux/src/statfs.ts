/** What kind of file system a path lies on, and how full it is. */
import { statfsSync } from "node:fs";

const NAMES: ReadonlyMap<number, string> = new Map([
  [0x58465342, "xfs"],
  [0xef53, "ext4"],
  [0x9123683e, "btrfs"],
  [0x01021994, "tmpfs"],
  [0x65735546, "fuse"],
  [0x6969, "nfs"],
  [0x794c7630, "overlay"],
  [0x2fc12fc1, "zfs"],
]);

export interface FileSystemUsage {
  /** "xfs", "ext4" (also ext2 and ext3, which have the same number), …, or "0x…" */
  readonly type: string;
  readonly blockSizeBytes: number;
  readonly totalBytes: number;
  readonly freeBytes: number;
  /** Free for those who are not root. */
  readonly availableBytes: number;
  readonly inodes: number;
  readonly freeInodes: number;
}

export function fileSystemUsage(path: string): FileSystemUsage {
  const status = statfsSync(path);
  const magic = status.type >>> 0;
  return {
    type: NAMES.get(magic) ?? `0x${magic.toString(16)}`,
    blockSizeBytes: status.bsize,
    totalBytes: status.blocks * status.bsize,
    freeBytes: status.bfree * status.bsize,
    availableBytes: status.bavail * status.bsize,
    inodes: status.files,
    freeInodes: status.ffree,
  };
}
