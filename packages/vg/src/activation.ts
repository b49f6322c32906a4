/**
 * Making a logical volume a block device, and taking it away again.
 *
 *     thin     pool server -> RUN/pools/VG-POOL/mnt/LV -> /dev/loopN -> /dev/VG/LV
 *     linear   one piece:  PV device, offset and length -> /dev/loopN -> /dev/VG/LV
 *              several:    server of linear LVs, then as a thin one
 *
 * Every step looks first at what is there, so that activating again finishes what was left
 * half-way: a server without loop device, a loop device without link, a link to a device of yesterday.
 */
import { promises as fs } from "node:fs";
import { join } from "node:path";
import {
  attachLoop,
  CallTimeout,
  detachLoop,
  isErrno,
  refreshLoopCapacity,
  setLoopSizeLimit,
  within,
} from "@mortar/linux";
import {
  asThinPool,
  asThinVolume,
  isReadOnly,
  isVisible,
  lvSectors,
  requireThinPool,
  SECTOR_BYTES,
  type LogicalVolume,
} from "@mortar/lvm2";
import { PoolError, type LinearVolumeSpec, type VolumeSpec } from "@mortar/pool";
import { findDevice, findMapped, findServedLoop } from "./block-state.ts";
import { onlyPiece, readBlockState, usageOf } from "./block-state.ts";
import { linkDevice, unlinkDevice } from "./device-links.ts";
import { engineFor, engineInUse } from "./engine.ts";
import type { VgHost } from "./host.ts";
import { activateMapped, deactivateMapped } from "./kernel-activation.ts";
import type { LoadedVg } from "./loaded-vg.ts";
import {
  ensureLinearServer,
  ensurePool,
  ensurePoolServer,
  findPool,
  findServer,
  poolCall,
  stopIfIdle,
  type PoolServer,
} from "./pool-host.ts";
import { isNbdOnly } from "./nbd-only.ts";
import { linearVolumeSpec, LINEAR_SERVER, thinVolumeSpec } from "./served-spec.ts";
import { VgError } from "./vg-error.ts";

/** How long the kernel may take over a loop device, which waits for the server below it. */
const LOOP_MS_MAX = 30_000;

export interface ActivatedLv {
  /** /dev/VG/LV */
  readonly devicePath: string;
  /** The device itself: /dev/loopN, or the kernel's /dev/dm-N. */
  readonly loopPath: string;
}

/** The group's pools must be settled. A pool itself has no block device: its server is started. */
export async function activateLv(
  host: VgHost,
  loaded: LoadedVg,
  lv: LogicalVolume,
): Promise<ActivatedLv | undefined> {
  if (!isVisible(lv)) {
    const name = fullName(loaded, lv);
    throw new VgError("not-supported", `Operation not permitted on hidden LV ${name}.`);
  }
  host.boot?.activated(loaded);
  const pool = asThinPool(lv);
  if (pool !== undefined) {
    await (await ensurePool(host, loaded, pool)).keep(true);
    return undefined;
  }
  if ((await engineFor(host, loaded)) === "kernel") return await activateMapped(host, loaded, lv);
  const loopPath = await attach(host, loaded, lv);
  host.step("loop-attached");
  if (host.nbdOnly === true) return { devicePath: loopPath, loopPath };
  return { devicePath: linkDevice(loaded.vg.name, lv.name, loopPath), loopPath };
}

async function attach(host: VgHost, loaded: LoadedVg, lv: LogicalVolume): Promise<string> {
  const thin = asThinVolume(lv);
  const piece = onlyPiece(loaded, lv);
  if (thin === undefined && host.nbdOnly === true) {
    const name = fullName(loaded, lv);
    const sentence = `Logical volume ${name} is not thin: without root only thin volumes are served.`;
    throw new VgError("not-supported", sentence);
  }
  if (thin === undefined && piece !== undefined) {
    return await attachOver(host, loaded, lv, {
      backingPath: piece.path,
      offsetBytes: piece.offsetBytes,
      sizeLimitBytes: piece.lengthBytes,
    });
  }
  const server =
    thin === undefined
      ? await ensureLinearServer(host, loaded)
      : await ensurePoolServer(host, loaded, requireThinPool(loaded.vg, thin.segment.pool));
  const spec =
    thin === undefined ? linearVolumeSpec(loaded, lv) : thinVolumeSpec(loaded.vg, thin);
  const backingPath = await serve(host, loaded, lv, server, spec);
  host.step("served");
  return await attachOver(host, loaded, lv, { backingPath });
}

/** Ask the server for the file. One that has it with another size or mode is brought in step. */
async function serve(
  host: VgHost,
  loaded: LoadedVg,
  lv: LogicalVolume,
  { client, directory }: PoolServer,
  spec: VolumeSpec | LinearVolumeSpec,
): Promise<string> {
  const name = `${loaded.vg.name}/${serverOf(lv)}`;
  try {
    return await client.activate(spec);
  } catch (error) {
    if (!(error instanceof PoolError) || error.code !== "exists") {
      return await poolCall(name, directory, Promise.reject(error));
    }
  }
  await poolCall(name, directory, client.resize(lv.name, spec.sizeBytes));
  const loop = findServedLoop(readBlockState(), host.runDirectory, loaded, lv);
  if (loop !== undefined && !isNbdOnly(loop))
    await bounded(loaded, lv, refreshLoopCapacity(loop.path));
  if (loop?.readOnly !== undefined && loop.readOnly !== spec.readOnly) {
    await detachUnused(host, loaded, lv);
    await poolCall(name, directory, client.deactivate(lv.name));
  }
  return await poolCall(name, directory, client.activate(spec));
}

async function attachOver(
  host: VgHost,
  loaded: LoadedVg,
  lv: LogicalVolume,
  backing: { backingPath: string; offsetBytes?: number; sizeLimitBytes?: number },
): Promise<string> {
  const readOnly = isReadOnly(lv);
  const loop = findServedLoop(readBlockState(), host.runDirectory, loaded, lv);
  if (loop !== undefined && loop.readOnly === readOnly) return loop.path;
  if (loop !== undefined) await detachUnused(host, loaded, lv);
  const attached = attachLoop({ ...backing, readOnly, directIo: true, blockSizeBytes: 512 });
  return await bounded(loaded, lv, attached);
}

/**
 * Take the block device away. Refuses while it is in use; does nothing when there is none. The pool
 * server ends with its last LV.
 */
export async function deactivateLv(
  host: VgHost,
  loaded: LoadedVg,
  lv: LogicalVolume,
): Promise<void> {
  if (asThinPool(lv) !== undefined) {
    const running = await findPool(host, loaded.vg.name, lv.name);
    await running?.keep(false);
    await stopIfIdle(host, loaded, lv.name);
    return;
  }
  if (engineInUse(host, loaded) === "kernel") {
    requireUnused(host, loaded, lv);
    await deactivateMapped(loaded, lv);
    const pool = asThinVolume(lv)?.segment.pool;
    if (pool !== undefined) await stopIfIdle(host, loaded, pool);
    return;
  }
  await detachUnused(host, loaded, lv);
  if (host.nbdOnly !== true) unlinkDevice(loaded.vg.name, lv.name);
  const server = serverOf(lv);
  const running = await findServer(host, loaded.vg.name, server);
  if (running === undefined) return;
  const name = `${loaded.vg.name}/${server}`;
  await poolCall(name, running.directory, running.client.deactivate(lv.name));
  await stopIfIdle(host, loaded, server);
}

/**
 * Throws "in-use" in LVM's words while the device is mounted, swapped to, or under another device.
 * That a program just has it open shows only when it is detached.
 */
export function requireUnused(host: VgHost, loaded: LoadedVg, lv: LogicalVolume): void {
  const state = readBlockState();
  const loop = findDevice(state, host.runDirectory, loaded, lv);
  if (loop === undefined) return;
  const name = fullName(loaded, lv);
  const usage = usageOf(state, loop);
  if (usage === "file system") {
    throw new VgError("in-use", `Logical volume ${name} contains a filesystem in use.`);
  }
  if (usage !== undefined) throw new VgError("in-use", `Logical volume ${name} in use.`);
}

async function detachUnused(host: VgHost, loaded: LoadedVg, lv: LogicalVolume): Promise<void> {
  requireUnused(host, loaded, lv);
  const loop = findServedLoop(readBlockState(), host.runDirectory, loaded, lv);
  if (loop === undefined || isNbdOnly(loop)) return;
  let gone: boolean;
  try {
    gone = await bounded(loaded, lv, detachLoop(loop.path));
  } catch (error) {
    if (!isErrno(error, "EBUSY")) throw error;
    gone = false;
  }
  if (gone) return;
  throw new VgError("in-use", `Logical volume ${fullName(loaded, lv)} in use.`);
}

/**
 * Tell the loop device, and before it the server, that an active LV has the size of the text; or
 * give the kernel the new table.
 */
export async function resizeActive(
  host: VgHost,
  loaded: LoadedVg,
  lv: LogicalVolume,
): Promise<void> {
  const state = readBlockState();
  if (findMapped(state, loaded, lv) !== undefined) await activateMapped(host, loaded, lv);
  const loop = findServedLoop(state, host.runDirectory, loaded, lv);
  if (loop === undefined) return;
  const server = serverOf(lv);
  const running = await findServer(host, loaded.vg.name, server);
  const sizeBytes = lvSectors(loaded.vg, lv) * SECTOR_BYTES;
  if (loop.sizeLimitBytes > 0) {
    await bounded(loaded, lv, setLoopSizeLimit(loop.path, sizeBytes));
    return;
  }
  if (running !== undefined && loop.backingPath === join(running.directory, "mnt", lv.name)) {
    const name = `${loaded.vg.name}/${server}`;
    await poolCall(name, running.directory, running.client.resize(lv.name, sizeBytes));
  }
  if (isNbdOnly(loop)) return;
  await bounded(loaded, lv, refreshLoopCapacity(loop.path));
}

/** Everything written to the device so far is at the server: what its page cache holds, too. */
export async function syncDevice(loaded: LoadedVg, lv: LogicalVolume, path: string): Promise<void> {
  if (!path.startsWith("/")) return; // By NBD alone: nothing is between client and server.
  const sync = async () => {
    const device = await fs.open(path, "r");
    try {
      await device.sync();
    } finally {
      await device.close();
    }
  };
  await bounded(loaded, lv, sync());
}

async function bounded<T>(loaded: LoadedVg, lv: LogicalVolume, call: Promise<T>): Promise<T> {
  const name = fullName(loaded, lv);
  const sentence =
    `The block device of ${name} does not answer within ${LOOP_MS_MAX / 1000} s: see the log of ` +
    `the server of ${loaded.vg.name}/${serverOf(lv)}`;
  try {
    return await within(LOOP_MS_MAX, sentence, call);
  } catch (error) {
    if (!(error instanceof CallTimeout)) throw error;
    throw new VgError("device-failed", error.message, { cause: error });
  }
}

/** The server that would carry an LV. */
export function serverOf(lv: LogicalVolume): string {
  return asThinVolume(lv)?.segment.pool ?? LINEAR_SERVER;
}

function fullName(loaded: LoadedVg, lv: LogicalVolume): string {
  return `${loaded.vg.name}/${lv.name}`;
}
