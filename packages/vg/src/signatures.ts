/**
 * What a device held before: file systems, swap, partition tables, encryption. Only as much of each
 * format is known as it takes to name it and to wipe its mark.
 */
import { withBlockFile, type BlockFile } from "./block-file.ts";

export interface Signature {
  /** As blkid names it. */
  readonly name: string;
  readonly offset: number;
  readonly lengthBytes: number;
}

interface Mark {
  readonly name: string;
  readonly offset: number;
  readonly magic: string;
}

const MARKS: readonly Mark[] = [
  { name: "xfs", offset: 0, magic: "XFSB" },
  { name: "ext4", offset: 1080, magic: "\x53\xef" },
  { name: "btrfs", offset: 65_600, magic: "_BHRfS_M" },
  { name: "swap", offset: 4086, magic: "SWAPSPACE2" },
  { name: "crypto_LUKS", offset: 0, magic: "LUKS\xba\xbe" },
  { name: "LVM2_member", offset: 536, magic: "LVM2 001" },
  { name: "gpt", offset: 512, magic: "EFI PART" },
  { name: "dos", offset: 510, magic: "\x55\xaa" },
  { name: "ntfs", offset: 3, magic: "NTFS    " },
  { name: "vfat", offset: 82, magic: "FAT32   " },
  { name: "squashfs", offset: 0, magic: "hsqs" },
  { name: "DM_snapshot_cow", offset: 0, magic: "SnAp" },
  { name: "zfs_member", offset: 131_072 + 1024, magic: "\x0c\xb1\xba\x00" },
];

/** In the order of their offsets. */
export function signaturesOn(device: BlockFile): Signature[] {
  const found: Signature[] = [];
  for (const mark of MARKS) {
    if (mark.offset + mark.magic.length > device.sizeBytes) continue;
    const bytes = new Uint8Array(mark.magic.length);
    device.read(mark.offset, bytes);
    if (Buffer.from(bytes).toString("latin1") !== mark.magic) continue;
    found.push({ name: mark.name, offset: mark.offset, lengthBytes: mark.magic.length });
  }
  const isFat = found.some((one) => one.name === "vfat" || one.name === "ntfs");
  // The boot sector of these ends with the mark of a partition table, which is not one.
  const real = isFat ? found.filter((one) => one.name !== "dos") : found;
  return real.sort((a, b) => a.offset - b.offset);
}

export function wipeOn(device: BlockFile, signature: Signature): void {
  device.write(signature.offset, new Uint8Array(signature.lengthBytes));
  device.flush();
}

/** The same for a device by its path. */
export function findSignatures(path: string): Signature[] {
  return withBlockFile(path, "read", signaturesOn);
}

export function wipeSignature(path: string, signature: Signature): void {
  withBlockFile(path, "write", (device) => wipeOn(device, signature));
}

/** The first 4 KiB become zeros, so that nothing takes old contents for new ones. */
export function zeroStart(path: string): void {
  withBlockFile(path, "write", (device) => {
    device.write(0, new Uint8Array(Math.min(4096, device.sizeBytes)));
    device.flush();
  });
}
