/** XFS as bricks want it: 512-byte inodes hold their attributes, 8 KiB directory blocks. */
import { execFile } from "node:child_process";
import { open } from "node:fs/promises";
import { promisify } from "node:util";
import { isErrno } from "@mortar/linux";
import { uuidBytes } from "./uuid.ts";

export interface StripeGeometry {
  readonly unitBytes: number;
  readonly stripeCount: number;
}

const MKFS_MS_MAX = 240_000;
/** Of the superblock, big-endian: magic at 0, uuid at 32, "being made" at 126. */
const SUPERBLOCK_BYTES = 512;
const MAGIC = "XFSB";
const UUID_OFFSET = 32;
const IN_PROGRESS_OFFSET = 126;

const run = promisify(execFile);

/** Nothing happens when the device has a complete file system with this uuid. */
export async function makeXfs(
  device: string,
  uuid: string,
  geometry: StripeGeometry | undefined,
): Promise<void> {
  if (await isMade(device, uuid)) return;
  const stripes =
    geometry === undefined ? [] : ["-d", `su=${geometry.unitBytes},sw=${geometry.stripeCount}`];
  // The device is new: there is nothing to discard, and what half of a file system is replaced.
  const words = ["-q", "-f", "-K", "-m", `uuid=${uuid}`, "-i", "size=512", "-n", "size=8192"];
  try {
    await run("mkfs.xfs", [...words, ...stripes, device], { timeout: MKFS_MS_MAX, cwd: "/" });
  } catch (error) {
    if (isErrno(error, "ENOENT")) {
      throw new Error("mkfs.xfs is not installed (apt-get install xfsprogs)", { cause: error });
    }
    const said = (error as { stderr?: string }).stderr?.trim();
    throw new Error(`mkfs.xfs ${device}: ${said || (error as Error).message}`, { cause: error });
  }
}

async function isMade(device: string, uuid: string): Promise<boolean> {
  const file = await open(device, "r");
  try {
    const block = Buffer.alloc(SUPERBLOCK_BYTES);
    const { bytesRead } = await file.read(block, 0, SUPERBLOCK_BYTES, 0);
    return (
      bytesRead === SUPERBLOCK_BYTES &&
      block.toString("latin1", 0, MAGIC.length) === MAGIC &&
      block.subarray(UUID_OFFSET, UUID_OFFSET + 16).equals(uuidBytes(uuid)) &&
      block[IN_PROGRESS_OFFSET] === 0
    );
  } finally {
    await file.close();
  }
}
