/** All that reports show of the volume groups of this machine: text, devices, pool status. */
import { join } from "node:path";
import { within } from "@mortar/linux";
import {
  asThinPool,
  asThinVolume,
  isValidName,
  poolOfHidden,
  thinPools,
  type LogicalVolume,
  type VolumeGroup,
} from "@mortar/lvm2";
import type { EngineStatus, VolumeStatus } from "@mortar/pool";
import { findDevice, readBlockState, usageOf } from "./block-state.ts";
import type { BlockState, LvDevice } from "./block-state.ts";
import type { VgHost } from "./host.ts";
import { selectVg, volumeGroupsOf, type LoadedVg } from "./loaded-vg.ts";
import { findPool } from "./pool-host.ts";
import type { PoolReport } from "./running-pool.ts";
import { isNbdOnly } from "./nbd-only.ts";
import { isKeptPool } from "./kernel-pool.ts";
import { scanPhysicalVolumes, type FoundPv } from "./pv-scan.ts";
import { withVgLock } from "./vg-lock.ts";

const STATUS_MS_MAX = 3000;

/** Of a thin LV, in whole chunks. */
export interface LvSpace {
  readonly mappedBytes: number;
  /** What deleting it alone would free; the rest of what is mapped is shared. */
  readonly exclusiveBytes: number;
  readonly sharedBytes: number;
}

export interface LvState {
  readonly active: boolean;
  /** Mounted, swapped to, or under another device; of a pool: a thin LV of it is active. */
  readonly open: boolean;
  readonly loop: LvDevice | undefined;
  /** What the server says of an active thin LV. */
  readonly volume: VolumeStatus | undefined;
  /** What the server says of the pool; of a thin LV: of its pool. */
  readonly engine: EngineStatus | undefined;
  /** The server runs and does not answer. */
  readonly unreachable: boolean;
  /** Only where it was asked for, of a thin LV whose pool is active. */
  readonly space?: LvSpace | undefined;
}

export interface VgView {
  readonly vg: VolumeGroup;
  readonly found: ReadonlyMap<string, FoundPv>;
  /** Of every LV that was asked about, hidden ones too, by name. */
  readonly states: ReadonlyMap<string, LvState>;
  /** By pool name; absent while the pool is not served or does not answer. */
  readonly pools: ReadonlyMap<string, PoolReport>;
}

export interface MachineView {
  /** By name. */
  readonly groups: readonly VgView[];
  /** Physical volumes of no group. */
  readonly freePvs: readonly FoundPv[];
}

/** Each group is read under its shared lock. One that is named and not there is an error. */
export async function viewMachine(
  host: VgHost,
  names?: readonly string[],
  mustExist = true,
): Promise<MachineView> {
  const scan = scanPhysicalVolumes(host);
  const loaded = volumeGroupsOf(scan);
  if (names !== undefined && mustExist) for (const name of names) selectVg(loaded, name);
  const groups: VgView[] = [];
  for (const { vg } of loaded) {
    if (names !== undefined && !names.includes(vg.name)) continue;
    const view = await viewLocked(host, vg.name, vg.id);
    if (view === undefined) continue;
    warnOfMissing(host, view);
    groups.push(view);
  }
  const owned = new Set(loaded.flatMap(({ vg }) => vg.physicalVolumes.map((pv) => pv.id)));
  const freePvs = scan.found.filter((pv) => !owned.has(pv.contents.label.id));
  return { groups, freePvs };
}

function warnOfMissing(host: VgHost, { vg, found }: VgView): void {
  for (const pv of vg.physicalVolumes) {
    if (found.has(pv.key)) continue;
    host.warn(`WARNING: Couldn't find device with uuid ${pv.id}.`);
    host.warn(`WARNING: VG ${vg.name} is missing PV ${pv.id} (last written to ${pv.device}).`);
  }
}

/** Undefined when the group went away before the lock was had. */
async function viewLocked(host: VgHost, name: string, id: string): Promise<VgView | undefined> {
  const quiet: VgHost = { ...host, warn: () => undefined };
  return await withVgLock(host.locks, name, "shared", async () => {
    const loaded = volumeGroupsOf(scanPhysicalVolumes(quiet)).find(({ vg }) => vg.id === id);
    return loaded === undefined ? undefined : await viewVg(host, loaded);
  });
}

/**
 * One group, with the states of these LVs only: it may have thousands. Undefined when there is no
 * such group.
 */
export async function viewSome(
  host: VgHost,
  name: string,
  lvNames: readonly string[],
): Promise<VgView | undefined> {
  if (!isValidName(name)) return undefined;
  return await withVgLock(host.locks, name, "shared", async () => {
    const loaded = volumeGroupsOf(scanPhysicalVolumes(host)).filter(({ vg }) => vg.name === name);
    return loaded.length === 0
      ? undefined
      : await viewVg(host, selectVg(loaded, name), new Set(lvNames));
  });
}

/** Without `lvNames`, the states of all. */
export async function viewVg(
  host: VgHost,
  loaded: LoadedVg,
  lvNames?: ReadonlySet<string>,
): Promise<VgView> {
  const { vg, found } = loaded;
  const pools = new Map<string, PoolReport>();
  const silent = new Set<string>();
  for (const { lv } of thinPools(vg)) {
    const running = await findPool(host, vg.name, lv.name);
    if (running === undefined) continue;
    try {
      const sentence = `its server does not answer within ${STATUS_MS_MAX / 1000} s`;
      pools.set(lv.name, await within(STATUS_MS_MAX, sentence, running.client.status()));
    } catch (error) {
      silent.add(lv.name);
      const reason = error instanceof Error ? error.message : String(error);
      const log = join(running.directory, "log");
      host.warn(`WARNING: Thin pool ${vg.name}/${lv.name}: ${reason}. Log: ${log}`);
    }
  }
  const state = readBlockState();
  const states = new Map<string, LvState>();
  for (const lv of vg.logicalVolumes) {
    if (lvNames !== undefined && !lvNames.has(lv.name)) continue;
    states.set(lv.name, stateOf(host, state, loaded, lv, { pools, silent }));
  }
  return { vg, found, states, pools };
}

interface Servers {
  readonly pools: ReadonlyMap<string, PoolReport>;
  readonly silent: ReadonlySet<string>;
}

function stateOf(
  host: VgHost,
  state: BlockState,
  loaded: LoadedVg,
  lv: LogicalVolume,
  servers: Servers,
): LvState {
  const pool = asThinPool(lv) ?? poolOfHidden(loaded.vg, lv);
  if (pool !== undefined) return poolState(state, loaded, pool.lv, lv, host, servers);
  const loop = findDevice(state, host.runDirectory, loaded, lv);
  const poolName = asThinVolume(lv)?.segment.pool;
  const status = poolName === undefined ? undefined : servers.pools.get(poolName);
  const volume = status?.volumes.find(({ name }) => name === lv.name);
  const hasClients = loop !== undefined && isNbdOnly(loop) && (volume?.openCount ?? 0) > 0;
  return {
    active: loop !== undefined,
    open: hasClients || (loop !== undefined && usageOf(state, loop) !== undefined),
    loop,
    volume,
    engine: loop === undefined ? undefined : status?.pool,
    unreachable: loop !== undefined && poolName !== undefined && servers.silent.has(poolName),
  };
}

/** Data and metadata are in use while their pool runs, the pool while a thin LV is active. */
function poolState(
  state: BlockState,
  loaded: LoadedVg,
  pool: LogicalVolume,
  lv: LogicalVolume,
  host: VgHost,
  servers: Servers,
): LvState {
  const active = servers.pools.has(pool.name) || servers.silent.has(pool.name);
  const hasActiveThin = () =>
    loaded.vg.logicalVolumes.some(
      (thin) =>
        asThinVolume(thin)?.segment.pool === pool.name &&
        findDevice(state, host.runDirectory, loaded, thin) !== undefined,
    );
  // In the kernel it tells whether it is there for itself, or for its thin LVs only.
  const isHidden = lv !== pool;
  const isActive = active && (isHidden || isKeptPool(state, loaded, pool));
  return {
    active: isActive,
    open: isActive && (isHidden || hasActiveThin()),
    loop: undefined,
    volume: undefined,
    engine: servers.pools.get(pool.name)?.pool,
    unreachable: servers.silent.has(pool.name),
  };
}
