/** What a pool that the kernel carries is asked: its figures, and LVM's messages. */
import {
  parseThinPoolStatus,
  parseThinStatus,
  type DeviceMapper,
  type MappedDevice,
  type ThinPoolStatus,
} from "@mortar/dm";
import { expandId, splitLvPath } from "@mortar/lvm2";
import type {
  EngineStatus,
  PoolMessage,
  PoolMode,
  SpaceReport,
  VolumeStatus,
} from "@mortar/pool";
import { readBlockState } from "./block-state.ts";
import { ordered, withDeviceMapper } from "./kernel-devices.ts";
import { performMessages } from "./kernel-messages.ts";
import type { PoolControl, PoolReport } from "./running-pool.ts";
import { VgError } from "./vg-error.ts";

const MODES: Record<ThinPoolStatus["mode"], PoolMode> = {
  rw: "write",
  ro: "read-only",
  "out-of-data-space": "out-of-data-space",
  fail: "failed",
};

export class KernelPoolClient implements PoolControl {
  readonly #name: string;
  readonly #uuid: string;

  /** `uuid` is the mapped device's. */
  constructor(vgName: string, poolName: string, uuid: string) {
    this.#name = `${vgName}/${poolName}`;
    this.#uuid = uuid;
  }

  async status(): Promise<PoolReport> {
    const uuid = this.#uuid;
    return await withDeviceMapper(async (dm) => {
      const chunkSectors = await chunkSectorsOf(dm, uuid);
      const status = await poolStatusOf(dm, uuid);
      const volumes = await volumesOf(dm, uuid, chunkSectors);
      const id = expandId(uuid.replace(/^LVM-/, "").slice(32, 64));
      return { uuid: id, pool: engineStatusOf(status, chunkSectors), volumes };
    });
  }

  async message(request: {
    readonly messages: readonly PoolMessage[];
    readonly transactionId: number;
  }): Promise<"done" | "unchanged"> {
    const uuid = this.#uuid;
    return await withDeviceMapper(async (dm) => {
      const kernel = {
        status: async () => await poolStatusOf(dm, uuid),
        order: async (words: string) => await dm.message({ uuid }, words),
      };
      return await performMessages(kernel, this.#name, request);
    });
  }

  /** The kernel counts no owners; the metadata tells, read as a whole. */
  async space(): Promise<SpaceReport> {
    const reason =
      "the kernel carries it, which does not count what is exclusive: mortar pool ls " + this.#name;
    return await Promise.resolve({ ready: false, retry: false, reason });
  }
}

/** Take the metadata snapshot of a pool, or let go of it. */
export async function holdKernelMetadata(uuid: string, held: boolean): Promise<void> {
  const order = `${held ? "reserve" : "release"}_metadata_snap`;
  await withDeviceMapper(async (dm) => await ordered(uuid, dm.message({ uuid }, order)));
}

/** As of the last commit, which is a second ago at most: nothing is written for it. */
export async function readEngineStatus(uuid: string): Promise<EngineStatus> {
  return await withDeviceMapper(async (dm) => {
    const status = await poolStatusOf(dm, uuid, true);
    return engineStatusOf(status, await chunkSectorsOf(dm, uuid));
  });
}

async function chunkSectorsOf(dm: DeviceMapper, uuid: string): Promise<number> {
  const [target] = await dm.table({ uuid });
  return Number(target?.parameters.split(" ")[2]);
}

export async function poolStatusOf(
  dm: DeviceMapper,
  uuid: string,
  noFlush = false,
): Promise<ThinPoolStatus> {
  const [line] = await ordered(uuid, dm.status({ uuid }, { noFlush }));
  if (line?.type !== "thin-pool") throw new VgError("device-failed", `${uuid} is no thin pool.`);
  return parseThinPoolStatus(line.parameters);
}

function engineStatusOf(status: ThinPoolStatus, chunkSectors: number): EngineStatus {
  return {
    transactionId: status.transactionId,
    mode: MODES[status.mode],
    needsCheck: status.needsCheck,
    chunkSectors,
    dataUsedBlocks: status.dataUsedChunks,
    dataTotalBlocks: status.dataTotalChunks,
    metadataUsedBlocks: status.metadataUsedBlocks,
    metadataTotalBlocks: status.metadataTotalBlocks,
    heldRoot: status.heldRoot ?? null,
  };
}

/** The thin volumes above the pool. */
async function volumesOf(
  dm: DeviceMapper,
  poolUuid: string,
  chunkSectors: number,
): Promise<VolumeStatus[]> {
  const { mapped } = readBlockState();
  const pool = mapped.find((device) => device.uuid === poolUuid);
  const above = (pool?.holders ?? []).map((holder) =>
    mapped.find((device) => device.path === `/dev/${holder}`),
  );
  const volumes: VolumeStatus[] = [];
  for (const device of above) {
    const volume = device && (await volumeOf(dm, device, chunkSectors));
    if (volume !== undefined) volumes.push(volume);
  }
  return volumes;
}

/** Undefined for a device that is no thin volume, or went away. */
async function volumeOf(
  dm: DeviceMapper,
  device: MappedDevice,
  chunkSectors: number,
): Promise<VolumeStatus | undefined> {
  const { uuid, name, sizeBytes, readOnly } = device;
  const info = await dm.info({ uuid });
  if (info === undefined) return undefined;
  const [target] = await dm.table({ uuid });
  if (target?.type !== "thin") return undefined;
  const [line] = await dm.status({ uuid }, { noFlush: true });
  const status = line && parseThinStatus(line.parameters);
  const highest = status?.highestMappedSector;
  return {
    name: splitLvPath(`/dev/mapper/${name}`).lvName ?? name,
    deviceId: Number(target.parameters.split(" ")[1]),
    sizeBytes,
    readOnly,
    openCount: info.openCount,
    ...(status === undefined
      ? {}
      : {
          mappedBlocks: status.mappedSectors / chunkSectors,
          highestMappedBlock: highest === undefined ? null : Math.floor(highest / chunkSectors),
        }),
  };
}
