import { open } from "node:fs/promises";

/**
 * Have the kernel write out what it holds of these devices, in threads that serve nobody, so that a
 * flush by one who serves finds little to do. A device that cannot is left to that flush, which
 * has the last word.
 */
export async function writeBack(paths: readonly string[]): Promise<void> {
  await Promise.all(paths.map(writeBackOne));
}

async function writeBackOne(path: string): Promise<void> {
  try {
    const file = await open(path, "r");
    try {
      await file.datasync();
    } finally {
      await file.close();
    }
  } catch {
    // The flush of the one who serves tells of it.
  }
}
