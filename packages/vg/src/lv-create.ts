/** Making logical volumes. Each function runs under the exclusive lock of the group. */
import { frozen, isErrno, zeroBlocks } from "@mortar/linux";
import {
  asThinVolume,
  createLinear,
  createThin,
  createThinPool,
  createThinSnapshot,
  requireLv,
  requireThinPool,
  requireThinVolume,
  type CreatedPool,
  type LogicalVolume,
  type NewLvOptions,
  type NewThinPool,
  type Striping,
  type VolumeGroup,
} from "@mortar/lvm2";
import { flattened } from "@mortar/pool";
import { activateLv, syncDevice, type ActivatedLv } from "./activation.ts";
import { BlockFile } from "./block-file.ts";
import { findDevice, mountPointOf, readBlockState } from "./block-state.ts";
import { engineInUse } from "./engine.ts";
import type { EngineName } from "./engine-choice.ts";
import type { VgHost } from "./host.ts";
import { suspended } from "./kernel-suspend.ts";
import { commitVg, type LoadedVg } from "./loaded-vg.ts";
import { admit } from "./pool-admission.ts";
import { ensurePool, stopIfIdle } from "./pool-host.ts";
import { changePool, settlePool } from "./pool-transaction.ts";
import { provenance } from "./provenance.ts";
import { segmentsOf } from "./served-spec.ts";
import { VgError } from "./vg-error.ts";
import type { ThinSnapshotRequest } from "./volume-groups-options.ts";

const FREEZE_MS_MAX = 10_000;

/** The group after the change, the LV, and its device if it was activated. */
export interface MadeLv {
  readonly loaded: LoadedVg;
  readonly lv: LogicalVolume;
  readonly device: ActivatedLv | undefined;
}

export interface NewLinear extends NewLvOptions {
  readonly extentCount: number;
  readonly physicalVolumes?: readonly string[] | undefined;
  readonly striping?: Striping | undefined;
  readonly activate: boolean;
}

export async function makeLinear(
  host: VgHost,
  loaded: LoadedVg,
  options: NewLinear,
): Promise<MadeLv> {
  const created = createLinear(loaded.vg, options, provenance());
  const committed = commitVg(loaded, created.vg);
  host.step("text-committed");
  const device = options.activate ? await activateLv(host, committed, created.lv) : undefined;
  return { loaded: committed, lv: created.lv, device };
}

/** The superblock's place is zeroed before the text names it: a pool formats what is all zero. */
export async function makeThinPool(
  host: VgHost,
  loaded: LoadedVg,
  options: NewThinPool & { readonly activate: boolean },
): Promise<MadeLv & { readonly pool: CreatedPool }> {
  const pool = createThinPool(loaded.vg, options, provenance());
  const { lv } = pool;
  await zeroMetadata({ ...loaded, vg: pool.vg }, lv);
  host.step("metadata-zeroed");
  const committed = commitVg(loaded, pool.vg);
  host.step("text-committed");
  if (options.activate) {
    try {
      const started = await ensurePool(host, committed, requireThinPool(committed.vg, lv.name));
      await started.keep(true);
    } catch (error) {
      // What is active of it must not outlive the text; the reason above matters more than this.
      await stopIfIdle(host, committed, lv.name).catch(() => undefined);
      commitVg(committed, { ...loaded.vg, seqno: committed.vg.seqno });
      throw error;
    }
  }
  return { loaded: committed, lv, device: undefined, pool };
}

/** The extents belong to nobody yet: whatever they held is gone. */
async function zeroMetadata(planned: LoadedVg, pool: LogicalVolume): Promise<void> {
  const { metadataLv } = requireThinPool(planned.vg, pool.name).segment;
  for (const piece of flattened(segmentsOf(planned, requireLv(planned.vg, metadataLv)))) {
    const path = planned.devices.get(piece.device);
    if (path === undefined) continue;
    const device = BlockFile.open(path, "write");
    try {
      await zeroRange(device, piece.deviceOffsetBytes, piece.lengthBytes);
      device.flush();
    } finally {
      device.close();
    }
  }
}

async function zeroRange(device: BlockFile, offset: number, lengthBytes: number): Promise<void> {
  try {
    await zeroBlocks(device.fd, device.name, offset, lengthBytes);
  } catch (error) {
    if (!isErrno(error, "ENOTSUP", "EOPNOTSUPP", "ENOTTY", "EINVAL")) throw error;
    const zeros = new Uint8Array(1 << 20);
    for (let done = 0; done < lengthBytes; done += zeros.length) {
      device.write(offset + done, zeros.subarray(0, Math.min(zeros.length, lengthBytes - done)));
    }
  }
}

export interface NewThin extends NewLvOptions {
  readonly pool: string;
  readonly extentCount: number;
  readonly activate: boolean;
  /** Although the pool is above its threshold. Default false. */
  readonly force?: boolean;
}

export async function makeThin(host: VgHost, loaded: LoadedVg, options: NewThin): Promise<MadeLv> {
  requireThinPool(loaded.vg, options.pool);
  createThin(withoutMessages(loaded), options, provenance());
  const settled = await admit(host, await settlePool(host, loaded, options.pool), {
    pool: options.pool,
    what: "create new thin volume",
    force: options.force ?? false,
  });
  const created = createThin(settled.vg, options, provenance());
  const changed = await changePool(host, settled, options.pool, created.vg);
  return await finish(host, changed, created.lv, options.activate);
}

export interface NewSnapshot extends NewLvOptions {
  readonly origin: string;
  /** LVM's default for thin snapshots is true. */
  readonly activationSkip: boolean;
  readonly activate: boolean;
  /** Freeze the file system mounted from the origin meanwhile, as device-mapper does. */
  readonly freeze: boolean;
  /** Although the pool is above its threshold. */
  readonly force: boolean;
  /** See ThinSnapshotRequest. */
  readonly hold: ((take: () => Promise<void>) => Promise<void>) | undefined;
  readonly others: NonNullable<ThinSnapshotRequest["others"]>;
}

export async function makeSnapshot(
  host: VgHost,
  loaded: LoadedVg,
  options: NewSnapshot,
): Promise<MadeLv> {
  // Errors about names and origin come before anything is started.
  createThinSnapshot(withoutMessages(loaded), options, provenance());
  const origin = requireThinVolume(loaded.vg, options.origin);
  const { pool } = origin.segment;
  const settled = await admit(host, await settlePool(host, loaded, pool), {
    pool,
    what: "create new thin volume",
    origin: origin.lv.name,
    force: options.force,
  });
  const created = createThinSnapshot(settled.vg, options, provenance());
  const next = withOthers(created.vg, pool, options);
  const origins = [origin.lv, ...options.others.map((it) => requireLv(settled.vg, it.origin))];
  const around = async (work: () => Promise<void>) => {
    const engine = engineInUse(host, settled);
    const take = async () =>
      await heldStill(host, settled, { engine, origins, freeze: options.freeze }, work);
    await (options.hold === undefined ? take() : options.hold(take));
  };
  const changed = await changePool(host, settled, pool, next, around);
  return await finish(host, changed, created.lv, options.activate);
}

/** In the transaction that is queued. */
function withOthers(vg: VolumeGroup, pool: string, options: NewSnapshot): VolumeGroup {
  const { activationSkip, others } = options;
  return others.reduce((made, { origin, name }) => {
    if (requireThinVolume(made, origin).segment.pool !== pool) {
      throw new VgError("not-supported", `${vg.name}/${origin} is not in the pool ${pool}.`);
    }
    return createThinSnapshot(made, { origin, name, activationSkip, joins: true }, provenance()).vg;
  }, vg);
}

interface Stillness {
  readonly engine: EngineName | undefined;
  readonly origins: readonly LogicalVolume[];
  readonly freeze: boolean;
}

async function heldStill(
  host: VgHost,
  loaded: LoadedVg,
  still: Stillness,
  work: () => Promise<void>,
): Promise<void> {
  const { engine, origins: [origin, ...others], freeze } = still;
  if (origin === undefined) return await work();
  const rest = async () => await heldStill(host, loaded, { ...still, origins: others }, work);
  if (engine === "kernel") await suspended(host, loaded, origin, freeze, rest);
  else if (freeze) await quiesced(host, loaded, origin, rest);
  else await rest();
}

/** For checks only: the group as if every pool were settled. */
function withoutMessages(loaded: LoadedVg): LoadedVg["vg"] {
  return {
    ...loaded.vg,
    logicalVolumes: loaded.vg.logicalVolumes.map((lv) => ({
      ...lv,
      segments: lv.segments.map((segment) =>
        segment.type === "thin-pool" ? { ...segment, messages: [] } : segment,
      ),
    })),
  };
}

async function finish(
  host: VgHost,
  loaded: LoadedVg,
  lv: LogicalVolume,
  activate: boolean,
): Promise<MadeLv> {
  const device = activate ? await activateLv(host, loaded, lv) : undefined;
  const pool = asThinVolume(lv)?.segment.pool;
  if (!activate && pool !== undefined) await stopIfIdle(host, loaded, pool);
  return { loaded, lv, device };
}

/**
 * Hold the origin still while `work` runs: its file system is frozen; without one, what the page
 * cache holds of the device is written. A file system that cannot freeze is snapshotted as it is,
 * as after a power cut.
 */
async function quiesced(
  host: VgHost,
  loaded: LoadedVg,
  origin: LogicalVolume,
  work: () => Promise<void>,
): Promise<void> {
  const state = readBlockState();
  const loop = findDevice(state, host.runDirectory, loaded, origin);
  if (loop === undefined) {
    await work();
    return;
  }
  const mountPoint = mountPointOf(state, loop);
  if (mountPoint === undefined) {
    await syncDevice(loaded, origin, loop.path);
    await work();
    return;
  }
  const name = `${loaded.vg.name}/${origin.name}`;
  let begun = false;
  try {
    const result = await frozen(
      mountPoint,
      async () => {
        begun = true;
        await work();
      },
      { limitMs: FREEZE_MS_MAX },
    );
    if (!result.heldThroughout) {
      host.warn(`WARNING: ${mountPoint} was thawed before the snapshot of ${name} was complete.`);
    }
  } catch (error) {
    if (begun) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    host.warn(`WARNING: Snapshot of ${name} without freezing its file system: ${reason}`);
    await syncDevice(loaded, origin, loop.path);
    await work();
  }
}
