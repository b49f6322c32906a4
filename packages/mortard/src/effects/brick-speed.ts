/**
 * How fast the file system of a brick writes and reads: so many blocks into a file of its own, flushed,
 * and back from it. The file has no name, and nobody is held up but by the disk.
 */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { BrickSpeed, SpeedTrial } from "@mortar/cluster";

const TOTAL_BYTES_MAX = 1024 * 1024 * 1024;
/** Of a file that has no name, below a directory. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/** Throws for a trial that would write more than 1 GiB, or nothing. */
export async function speedOf(path: string, trial: SpeedTrial | undefined): Promise<BrickSpeed> {
  const { kind, blockBytes, count } = trial ?? { kind: "read", blockBytes: 0, count: 0 };
  const totalBytes = blockBytes * count;
  if (!(totalBytes > 0 && totalBytes <= TOTAL_BYTES_MAX)) {
    throw new Error(`bs times count is ${totalBytes} bytes, and has to be between 1 and 1 GiB`);
  }
  const file = await open(path, O_TMPFILE | constants.O_RDWR, 0o600);
  try {
    const block = Buffer.alloc(blockBytes, 1);
    let begun = performance.now();
    for (let index = 0; index < count; index += 1) {
      await file.write(block, 0, blockBytes, index * blockBytes);
    }
    await file.datasync();
    if (kind === "read") {
      begun = performance.now();
      for (let index = 0; index < count; index += 1) {
        await file.read(block, 0, blockBytes, index * blockBytes);
      }
    }
    const microseconds = (performance.now() - begun) * 1000;
    return { megabytes: totalBytes / microseconds, microseconds };
  } finally {
    await file.close();
  }
}
