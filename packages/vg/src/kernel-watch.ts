/**
 * A process beside each pool that the kernel carries, as LVM's dmeventd is one: it looks every
 * second how full the pool is, tells operators, and runs the command that extends it. It ends when
 * the pool is gone. What it is to do it reads each time from RUN/pools/VG-POOL/watch.json, which
 * every command that brings the pool in step writes anew.
 */
import { spawn } from "node:child_process";
import { mkdirSync, openSync, closeSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ThinPool } from "@mortar/lvm2";
import { pidOfLocker, poolRunDirectory, type ThinPoolSpec } from "@mortar/pool";
import type { VgHost } from "./host.ts";
import { mappedUuid } from "./kernel-names.ts";
import type { LoadedVg } from "./loaded-vg.ts";
import { thinPoolSpec } from "./served-spec.ts";

export interface WatchOrder {
  /** Of the mapped device. */
  readonly uuid: string;
  readonly spec: ThinPoolSpec;
}

export function watchFiles(directory: string): { order: string; pid: string; log: string } {
  return {
    order: join(directory, "watch.json"),
    pid: join(directory, "watch.pid"),
    log: join(directory, "watch.log"),
  };
}

/** Start it unless it lives, and tell it how things are now. A pool that never grows has none. */
export function ensureWatched(host: VgHost, loaded: LoadedVg, pool: ThinPool): void {
  const { thresholdPercent, extendCommand } = host.policy;
  if (thresholdPercent >= 100 || extendCommand.length === 0) return;
  const directory = poolRunDirectory(host.runDirectory, loaded.vg.name, pool.lv.name);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const files = watchFiles(directory);
  const order: WatchOrder = {
    uuid: mappedUuid(loaded.vg, pool.lv, "tpool"),
    spec: thinPoolSpec(host, loaded, pool, []),
  };
  writeFileSync(`${files.order}.new`, JSON.stringify(order), { mode: 0o600 });
  renameSync(`${files.order}.new`, files.order);
  if (pidOfLocker(files.pid) !== undefined) return;
  const program = fileURLToPath(new URL("./kernel-watch-child.js", import.meta.url));
  const log = openSync(files.log, "a", 0o600);
  try {
    const child = spawn(process.execPath, [program, directory], {
      cwd: "/",
      detached: true,
      stdio: ["ignore", log, log],
    });
    child.on("error", (error) => host.warn(`WARNING: ${program}: ${error.message}`));
    child.unref();
  } finally {
    closeSync(log);
  }
}
