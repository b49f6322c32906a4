/**
 * What must hold of LMDB's file before it is mapped: a read beyond its end kills the process, and
 * a foreign file is refused in words.
 *
 * Meta pages 0 and 1, little-endian, of which the one with the greater transaction counts:
 *
 * | offset in the page | field                                   |
 * |--------------------|-----------------------------------------|
 * | 24                 | u32 magic 0xBEEFC0DE                    |
 * | 28                 | u32 version                             |
 * | 48                 | u32 page size                           |
 * | 144                | u64 number of the last page used        |
 * | 152                | u64 transaction                         |
 */
import { closeSync, existsSync, fstatSync, ftruncateSync, openSync, readSync } from "node:fs";
import { StoreError } from "./cluster-store.ts";

const MAGIC = 0xbeefc0de;
const META_BYTES = 160;

/** Throws `StoreError` "corrupt" when this is no whole LMDB file. An absent or empty one is new. */
export function checkLmdbFile(path: string): void {
  if (!existsSync(path)) return;
  const descriptor = openSync(path, "r+");
  try {
    const sizeBytes = fstatSync(descriptor).size;
    if (sizeBytes > 0) checkMeta(path, descriptor, sizeBytes);
  } finally {
    closeSync(descriptor);
  }
}

function checkMeta(path: string, descriptor: number, sizeBytes: number): void {
  const first = readMeta(descriptor, 0);
  const second = readMeta(descriptor, first?.pageBytes ?? 4096);
  const newest =
    first !== undefined && second !== undefined && second.transaction > first.transaction
      ? second
      : (first ?? second);
  if (newest === undefined) {
    throw new StoreError(
      "corrupt",
      `${path} is not a state file of Mortar, or its beginning is damaged. ` +
        "Restore the directory from a backup, or move it away to begin anew.",
    );
  }
  const neededBytes = (newest.lastPage + 1) * newest.pageBytes;
  // Missing pages are found out as empty ones by the walk over all entries that follows.
  if (sizeBytes < neededBytes) ftruncateSync(descriptor, neededBytes);
}

function readMeta(
  descriptor: number,
  offset: number,
): { transaction: number; lastPage: number; pageBytes: number } | undefined {
  const page = Buffer.alloc(META_BYTES);
  if (readSync(descriptor, page, 0, META_BYTES, offset) !== META_BYTES) return undefined;
  const pageBytes = page.readUInt32LE(48);
  const lastPage = Number(page.readBigUInt64LE(144));
  const sane = [512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536].includes(pageBytes);
  if (page.readUInt32LE(24) !== MAGIC || !sane || lastPage > 2 ** 32) return undefined;
  return { transaction: Number(page.readBigUInt64LE(152)), lastPage, pageBytes };
}
