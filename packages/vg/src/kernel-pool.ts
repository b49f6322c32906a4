/**
 * A thin pool that the kernel carries.
 *
 *     VG-POOL_tmeta, VG-POOL_tdata  ─►  VG-POOL-tpool  ─►  thin volumes, VG-POOL
 *
 * The pool is there while a thin volume of it is active, or it is active for itself: then the layer
 * VG-POOL lies above it, or, while it has no volumes, it has that name itself. So LVM does it, and
 * either can take over from the other at any moment.
 */
import type { DeviceMapper } from "@mortar/dm";
import { flushBlockCache } from "@mortar/linux";
import {
  deviceMapperName,
  SECTOR_BYTES,
  thinVolumesOf,
  type LogicalVolume,
  type ThinPool,
} from "@mortar/lvm2";
import { poolRunDirectory } from "@mortar/pool";
import { withBlockFile } from "./block-file.ts";
import { readBlockState, type BlockState } from "./block-state.ts";
import type { VgHost } from "./host.ts";
import { bringInStep, ordered, removeMapped, withDeviceMapper } from "./kernel-devices.ts";
import { isNamed, mappedUuid } from "./kernel-names.ts";
import { planPool, planPoolLayer } from "./kernel-plan.ts";
import { holdKernelMetadata, KernelPoolClient, poolStatusOf } from "./kernel-pool-client.ts";
import { ensureWatched } from "./kernel-watch.ts";
import type { LoadedVg } from "./loaded-vg.ts";
import type { RunningPool } from "./running-pool.ts";
import { VgError } from "./vg-error.ts";

/** The pool with this name, by whomever it was activated. Undefined while it is not. */
export function findKernelPool(
  state: BlockState,
  runDirectory: string,
  vgName: string,
  poolName: string,
): RunningPool | undefined {
  const device = state.mapped.find(
    ({ name, uuid }) => uuid.endsWith("-tpool") && isNamed(name, vgName, poolName),
  );
  if (device === undefined) return undefined;
  return kernelPool({ vgName, poolName, uuid: device.uuid, hasVolumes: true, runDirectory });
}

interface Identity {
  readonly vgName: string;
  readonly poolName: string;
  /** Of the mapped device. */
  readonly uuid: string;
  /** False: the text has no thin volume of it. */
  readonly hasVolumes: boolean;
  readonly runDirectory: string;
}

function kernelPool(identity: Identity): RunningPool {
  const { vgName, poolName, uuid, runDirectory } = identity;
  return {
    client: new KernelPoolClient(vgName, poolName, uuid),
    directory: poolRunDirectory(runDirectory, vgName, poolName),
    isKept: () => isKeptDevice(readBlockState().mapped, uuid),
    keep: async (kept) => {
      if (isKeptDevice(readBlockState().mapped, uuid) !== kept) await changeKept(identity, kept);
    },
    hold: async (held) => await holdKernelMetadata(uuid, held),
  };
}

async function changeKept(identity: Identity, kept: boolean): Promise<void> {
  const { vgName, poolName, uuid, hasVolumes } = identity;
  const publicName = deviceMapperName(vgName, poolName);
  const layer = uuid.replace(/-tpool$/, "-pool");
  await withDeviceMapper(async (dm) => {
    if (!kept) {
      await removeMapped(dm, layer, true);
      await ordered(publicName, dm.rename({ uuid }, `${publicName}-tpool`, { hidden: true }));
    } else if (hasVolumes) {
      const pool = readBlockState().mapped.find((device) => device.uuid === uuid);
      const lengthSectors = (pool?.sizeBytes ?? 0) / SECTOR_BYTES;
      const table = { kind: "layer", below: uuid, lengthSectors } as const;
      await bringInStep(dm, { name: publicName, uuid: layer, readOnly: true, hidden: true, table });
    } else {
      await ordered(publicName, dm.rename({ uuid }, publicName, { hidden: true }));
    }
  });
}

/**
 * The pool as the text has it, at work. One that is there is brought in step: it grows, takes new
 * settings or another name while it is in use. Queued messages are performed.
 */
export async function ensureKernelPool(
  host: VgHost,
  loaded: LoadedVg,
  pool: ThinPool,
): Promise<RunningPool> {
  const { vg } = loaded;
  const uuid = mappedUuid(vg, pool.lv, "tpool");
  const before = readBlockState().mapped;
  const wasThere = before.some((device) => device.uuid === uuid);
  if (!wasThere) dropCaches(loaded);
  const isKept = wasThere && isKeptDevice(before, uuid);
  try {
    await withDeviceMapper(async (dm) => {
      const [metadata, data, above] = planPool(loaded, pool, isKept);
      const changed = [await bringInStep(dm, metadata), await bringInStep(dm, data)];
      await bringInStep(
        dm,
        above,
        changed.some((one) => one.changed),
      );
      if (isKept) for (const layer of planPoolLayer(loaded, pool)) await bringInStep(dm, layer);
      await requireTransaction(dm, loaded, pool, above.name);
    });
  } catch (error) {
    if (!wasThere) await removeKernelPool(loaded, pool);
    throw error;
  }
  ensureWatched(host, loaded, pool);
  const hasVolumes = thinVolumesOf(vg, pool.lv.name).length > 0;
  const { runDirectory } = host;
  return kernelPool({ vgName: vg.name, poolName: pool.lv.name, uuid, hasVolumes, runDirectory });
}

/** The pool's own id is the text's, or one less with or without a message that leads there. */
async function requireTransaction(
  dm: DeviceMapper,
  { vg }: LoadedVg,
  { lv, segment }: ThinPool,
  name: string,
): Promise<void> {
  const uuid = mappedUuid(vg, lv, "tpool");
  const { mode, transactionId } = await poolStatusOf(dm, uuid);
  if (mode === "fail") {
    throw new VgError(
      "pool-failed",
      `Thin pool ${vg.name}/${lv.name}: the kernel cannot use its metadata. Deactivate it, then: ` +
        `mortar pool check ${vg.name}/${lv.name}`,
    );
  }
  const expected = segment.transactionId;
  if (transactionId === expected || transactionId + 1 === expected) return;
  throw new VgError(
    "pool-failed",
    `Thin pool ${name} transaction_id is ${transactionId}, while expected ${expected}.`,
  );
}

/** Whatever of the pool's devices is there, from above. */
export async function removeKernelPool(loaded: LoadedVg, pool: ThinPool): Promise<boolean> {
  const [metadata, data, above] = planPool(loaded, pool, false);
  const layer = mappedUuid(loaded.vg, pool.lv, "pool");
  const gone = await withDeviceMapper(async (dm) => {
    for (const uuid of [layer, above.uuid, data.uuid, metadata.uuid]) {
      if (!(await removeMapped(dm, uuid, true))) return false;
    }
    return true;
  });
  if (gone) dropCaches(loaded);
  return gone;
}

/** A name without "-tpool", or the layer above: the pool was activated for itself. */
function isKeptDevice(mapped: BlockState["mapped"], uuid: string): boolean {
  const layer = uuid.replace(/-tpool$/, "-pool");
  return mapped.some(
    (device) =>
      device.uuid === layer || (device.uuid === uuid && !device.name.endsWith("-tpool")),
  );
}

/** False for a pool that the kernel carries for its thin volumes only. */
export function isKeptPool({ mapped }: BlockState, { vg }: LoadedVg, lv: LogicalVolume): boolean {
  const uuid = mappedUuid(vg, lv, "tpool");
  return !mapped.some((device) => device.uuid === uuid) || isKeptDevice(mapped, uuid);
}

/** Nothing but its own layer lies above the pool. */
export function isIdle(state: BlockState, { vg }: LoadedVg, { lv }: ThinPool): boolean {
  const uuid = mappedUuid(vg, lv, "tpool");
  const device = state.mapped.find((one) => one.uuid === uuid);
  const layer = state.mapped.find((one) => one.uuid === mappedUuid(vg, lv, "pool"));
  const above = device?.holders ?? [];
  return above.every((holder) => `/dev/${holder}` === layer?.path);
}

/**
 * The kernel's engine goes below the page cache of the physical volumes: what that holds is written
 * before, and forgotten after, for whoever reads them next.
 */
export function dropCaches(loaded: LoadedVg): void {
  for (const path of loaded.devices.values()) {
    withBlockFile(path, "read", ({ fd, name }) => flushBlockCache(fd, name));
  }
}
