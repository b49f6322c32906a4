import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import type { FlushFailure } from "./device-table.ts";

const EIO = 5;

/**
 * Have the kernel write out what it holds of these devices, in threads that serve nobody, so that a
 * flush by one who serves finds little to do. A device that cannot is left to that flush, which
 * has the last word. What failed is noted in `failure`: who opens the device later is not told.
 */
export async function writeBack(paths: readonly string[], failure: FlushFailure): Promise<void> {
  await Promise.all(paths.map((path) => writeBackOne(path, failure)));
}

async function writeBackOne(path: string, failure: FlushFailure): Promise<void> {
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch {
    return; // The flush of the one who serves tells of it.
  }
  try {
    await file.datasync();
  } catch (error) {
    failure.flushError = Math.abs((error as NodeJS.ErrnoException).errno ?? EIO);
  } finally {
    await file.close();
  }
}
