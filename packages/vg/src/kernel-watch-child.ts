/** The process of kernel-watch.ts: `node kernel-watch-child.js RUN/pools/VG-POOL`. */
import { readFileSync, rmdirSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { isErrno } from "@mortar/linux";
import { lockForLife, outsideGuard } from "@mortar/pool";
import { readBlockState } from "./block-state.ts";
import { isNamed } from "./kernel-names.ts";
import { readEngineStatus } from "./kernel-pool-client.ts";
import { watchFiles, type WatchOrder } from "./kernel-watch.ts";

const TICK_MS = 1000;

const [directory = ""] = process.argv.slice(2);
const files = watchFiles(directory);
const readOrder = () => JSON.parse(readFileSync(files.order, "utf8")) as WatchOrder;

/** A pool that was renamed has another directory and another watcher. */
function isThere({ uuid, spec }: WatchOrder): boolean {
  return readBlockState().mapped.some(
    (device) => device.uuid === uuid && isNamed(device.name, spec.vgName, spec.poolName),
  );
}

/** The directory may be a pool server's by now: only what is ours goes. */
function removeFiles(): void {
  for (const path of Object.values(files)) rmSync(path, { force: true });
  try {
    rmdirSync(directory);
  } catch (error) {
    if (!isErrno(error, "ENOTEMPTY", "EEXIST", "ENOENT")) throw error;
  }
}

if (await lockForLife(files.pid)) {
  const look = outsideGuard(
    directory,
    () => readOrder().spec,
    async () => await readEngineStatus(readOrder().uuid),
  );
  while (isThere(readOrder())) {
    await look();
    await sleep(TICK_MS);
  }
  removeFiles();
  // A command that extends the pool may be under way; it has nothing to extend any more.
  process.exit(0);
}
