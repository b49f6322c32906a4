/**
 * The volume groups of this machine, in one object.
 *
 * Everything happens in the calling process, under LVM's own lock file of the volume group; only
 * the data path of a thin pool is another process. Every method may be called at any time and
 * again: an operation that was interrupted is finished by the next one. Errors are VgError and
 * Lvm2Error, whose messages are LVM's where LVM has one.
 */
import { mkdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import {
  asThinPool,
  findLv,
  hasActivationSkip,
  isVisible,
  thinPools,
  type CreatedPool,
  type LogicalVolume,
  type NewThinPool,
  type VolumeGroup,
} from "@mortar/lvm2";
import { activateLv, deactivateLv, type ActivatedLv } from "./activation.ts";
import { findLoop, findPoolDirectory, readBlockState } from "./block-state.ts";
import { unlinkStale } from "./device-links.ts";
import type { Step, VgHost } from "./host.ts";
import { loadVg, volumeGroupsOf, type LoadedVg } from "./loaded-vg.ts";
import { changeText, extendLv, extendMetadata, renameLv, type Extension } from "./lv-change.ts";
import { makeLinear, makeSnapshot, makeThin, makeThinPool } from "./lv-create.ts";
import type { MadeLv, NewLinear, NewThin } from "./lv-create.ts";
import { readLvOfDevice, type LvOfDevice } from "./lv-of-device.ts";
import { removeLv } from "./lv-remove.ts";
import { lvStatuses, poolStatusOf, type LvStatus, type PoolStatusOfVg } from "./lv-status.ts";
import { settleAll } from "./pool-transaction.ts";
import { scanPhysicalVolumes } from "./pv-scan.ts";
import { createPv, removePv, type Dialogue, type NewPvOptions } from "./pv-verbs.ts";
import { VgError } from "./vg-error.ts";
import { withGlobalLock, withVgLock } from "./vg-lock.ts";
import { createVg, extendVg, reduceVg, removeVg, type NewVgOptions } from "./vg-verbs.ts";
import { viewMachine, viewVg, type MachineView } from "./vg-view.ts";

export interface VolumeGroupsOptions {
  /** `/run/mortar` or `ROOT/run/mortar`: pools live under it in `pools/VG-POOL/`. */
  readonly runDirectory: string;
  /** LVM's lock files; machine-wide. Default `/run/lock/lvm`. */
  readonly lockDirectory?: string;
  /** Which block devices may be scanned. Default: all. */
  readonly deviceFilter?: ((devicePath: string) => boolean) | undefined;
  /** How long to wait for a lock held by another command. Default 60 s. */
  readonly lockTimeoutMs?: number;
  /** Called for what an operator should read and that stops nothing. Default: ignored. */
  readonly warn?: (sentence: string) => void;
  /** Called after each durable step of a change; a throw ends the operation there. For tests. */
  readonly step?: (step: Step) => void;
}

export interface LvName {
  readonly vg: string;
  readonly lv: string;
}

export interface ThinSnapshotRequest {
  readonly vg: string;
  readonly origin: string;
  /** Absent: LVM's next `lvolN`. */
  readonly name?: string | undefined;
  /** Set the flag that keeps plain `-ay` from activating it. Default true, as LVM. */
  readonly setActivationSkip?: boolean;
  readonly readOnly?: boolean | undefined;
  readonly tags?: readonly string[] | undefined;
  /** Make its block device in the same step. Default true. */
  readonly activate?: boolean;
  /**
   * Freeze the origin's mounted file system around the pool's commit, as device-mapper does.
   * Default true; false when the caller holds it frozen already.
   */
  readonly freeze?: boolean;
}

/** An LV that could not be brought into the wanted state, as `VG/LV`, with the reason. */
export interface LeftOver {
  readonly name: string;
  readonly reason: string;
}

export interface ActivationCount {
  /** Visible LVs of the group that are active now. */
  readonly active: number;
  readonly leftOver: readonly LeftOver[];
}

export class VolumeGroups {
  readonly #host: VgHost;

  private constructor(host: VgHost) {
    this.#host = host;
  }

  static async open(options: VolumeGroupsOptions): Promise<VolumeGroups> {
    mkdirSync(options.runDirectory, { recursive: true, mode: 0o755 });
    const warn = options.warn ?? (() => undefined);
    // The kernel tells backing files by their real paths, and they are compared with ours.
    const runDirectory = realpathSync(options.runDirectory);
    return await Promise.resolve(
      new VolumeGroups({
        runDirectory,
        locks: {
          directory: options.lockDirectory ?? "/run/lock/lvm",
          timeoutMs: options.lockTimeoutMs ?? 60_000,
          warn,
        },
        deviceFilter: options.deviceFilter,
        warn,
        step: options.step ?? (() => undefined),
      }),
    );
  }

  /** What reports show. With names: those groups only, and each of them must be there. */
  async view(names?: readonly string[]): Promise<MachineView> {
    return await viewMachine(this.#host, names);
  }

  async lvStatus({ vg, lv }: LvName): Promise<LvStatus | undefined> {
    return (await this.listLvs(vg)).find((status) => status.lv === lv);
  }

  async poolStatus(name: { vg: string; pool: string }): Promise<PoolStatusOfVg | undefined> {
    const { groups } = await viewMachine(this.#host, [name.vg], false);
    const [view] = groups;
    return view && poolStatusOf(this.#host, view, name.pool);
  }

  /** The visible LVs of one group or of all. An unknown group has none. */
  async listLvs(vgName?: string): Promise<readonly LvStatus[]> {
    const names = vgName === undefined ? undefined : [vgName];
    const { groups } = await viewMachine(this.#host, names, false);
    return groups.flatMap((view) => lvStatuses(this.#host, view));
  }

  /** What lies under a block device, such as the source of a mount. */
  async lvOfDevice(devicePath: string): Promise<LvOfDevice> {
    return await Promise.resolve(readLvOfDevice(this.#host, devicePath));
  }

  async createPv(path: string, options: NewPvOptions, dialogue: Dialogue): Promise<void> {
    await withGlobalLock(this.#host.locks, async () => {
      await createPv(this.#host, path, options, dialogue);
    });
  }

  async removePv(path: string): Promise<void> {
    await withGlobalLock(this.#host.locks, async () => {
      await Promise.resolve(removePv(this.#host, path));
    });
  }

  async createVg(options: NewVgOptions, dialogue: Dialogue): Promise<VolumeGroup> {
    return await this.#globally(options.name, async () => {
      return await createVg(this.#host, options, dialogue);
    });
  }

  async extendVg(name: string, devices: readonly string[], dialogue: Dialogue): Promise<void> {
    await this.#globally(name, async () => await extendVg(this.#host, name, devices, dialogue));
  }

  async reduceVg(name: string, devicePath: string): Promise<void> {
    await this.#globally(name, async () => {
      await Promise.resolve(reduceVg(this.#host, name, devicePath));
    });
  }

  /** The group must hold no LV any more. */
  async removeVg(name: string): Promise<void> {
    await this.#globally(name, async () => {
      await Promise.resolve(removeVg(this.#host, name));
    });
  }

  async createLinear(vg: string, options: NewLinear): Promise<MadeLv> {
    return await this.#change(vg, async (host, loaded) => await makeLinear(host, loaded, options));
  }

  async createThinPool(
    vg: string,
    options: NewThinPool & { readonly activate: boolean },
  ): Promise<MadeLv & { readonly pool: CreatedPool }> {
    return await this.#change(vg, async (host, loaded) => {
      return await makeThinPool(host, loaded, options);
    });
  }

  async createThin(vg: string, options: NewThin): Promise<MadeLv> {
    return await this.#change(vg, async (host, loaded) => await makeThin(host, loaded, options));
  }

  /** For those who need no more than the device; undefined when it was not activated. */
  async createThinSnapshot(request: ThinSnapshotRequest): Promise<ActivatedLv | undefined> {
    return (await this.createSnapshot(request)).device;
  }

  async createSnapshot(request: ThinSnapshotRequest): Promise<MadeLv> {
    return await this.#change(request.vg, async (host, loaded) => {
      return await makeSnapshot(host, loaded, {
        origin: request.origin,
        name: request.name,
        readOnly: request.readOnly,
        tags: request.tags,
        activationSkip: request.setActivationSkip ?? true,
        activate: request.activate ?? true,
        freeze: request.freeze ?? true,
      });
    });
  }

  /** Deactivates it first if it is active and unused. Returns what went with it, in LVM's order. */
  async removeLv({ vg, lv }: LvName): Promise<readonly LogicalVolume[]> {
    return await this.#change(vg, async (host, loaded) => {
      return (await removeLv(host, loaded, requireLvOf(loaded, lv).name)).removed;
    });
  }

  /** Grow an LV to `extentCount` in all. */
  async extendLv(vg: string, extension: Extension): Promise<VolumeGroup> {
    return await this.#change(vg, async (host, loaded) => {
      return (await extendLv(host, loaded, extension)).vg;
    });
  }

  /** Grow the metadata of a pool to `extentCount` in all. */
  async extendPoolMetadata(vg: string, extension: Extension): Promise<VolumeGroup> {
    return await this.#change(vg, async (host, loaded) => {
      return (await extendMetadata(host, loaded, extension)).vg;
    });
  }

  async renameLv(vg: string, from: string, to: string): Promise<void> {
    await this.#change(vg, async (host, loaded) => await renameLv(host, loaded, from, to));
  }

  /** Tags, permission, pool settings: a change of the text that makes and removes no LV. */
  async changeLv(name: LvName, change: (vg: VolumeGroup) => VolumeGroup): Promise<void> {
    await this.#change(name.vg, async (host, loaded) => {
      await changeText(host, loaded, name.lv, change);
    });
  }

  /** Undefined for a pool, which has a server and no device. */
  async activateLv({ vg, lv }: LvName): Promise<ActivatedLv | undefined> {
    return await this.#change(vg, async (host, loaded) => {
      const settled = await settleAll(host, loaded, poolNames(loaded));
      return await activateLv(host, settled, requireLvOf(settled, lv));
    });
  }

  /** Refuses with "in-use" while mounted or open. Not active: only stale links are removed. */
  async deactivateLv({ vg, lv }: LvName): Promise<void> {
    await this.#change(vg, async (host, loaded) => {
      await deactivateLv(host, loaded, requireLvOf(loaded, lv));
    });
  }

  /** vgchange -ay: every visible LV without the skip flag, unless `ignoreSkip`. */
  async activateVg(
    name: string,
    options: { readonly ignoreSkip?: boolean } = {},
  ): Promise<ActivationCount> {
    return await this.#change(name, async (host, loaded) => {
      const leftOver: LeftOver[] = [];
      const settled = await settleAll(host, loaded, poolNames(loaded));
      for (const lv of visible(settled)) {
        if (hasActivationSkip(lv) && options.ignoreSkip !== true) continue;
        await attempt(leftOver, settled, lv, async () => {
          await activateLv(host, settled, lv);
        });
      }
      return { active: await this.#activeCount(settled), leftOver };
    });
  }

  /** vgchange -an. What is in use stays, and is told. Links without device are removed. */
  async deactivateVg(name: string): Promise<ActivationCount> {
    return await this.#change(name, async (host, loaded) => {
      const leftOver: LeftOver[] = [];
      const pools = visible(loaded).filter((lv) => asThinPool(lv) !== undefined);
      const others = visible(loaded).filter((lv) => asThinPool(lv) === undefined);
      for (const lv of [...others, ...pools]) {
        await attempt(leftOver, loaded, lv, async () => await deactivateLv(host, loaded, lv));
      }
      removeStaleLinks(host, loaded);
      return { active: await this.#activeCount(loaded), leftOver };
    });
  }

  /** Every group of this machine, as at its start. Returns what could not be activated. */
  async activateAll(): Promise<readonly LeftOver[]> {
    return await this.#each(async (name) => (await this.activateVg(name)).leftOver);
  }

  /**
   * Every group of this machine, but what other run directories serve. Returns what could not be
   * deactivated.
   */
  async deactivateAll(): Promise<readonly LeftOver[]> {
    return await this.#each(async (name) => (await this.deactivateVg(name)).leftOver);
  }

  async #each(
    work: (vgName: string) => Promise<readonly LeftOver[]>,
  ): Promise<readonly LeftOver[]> {
    const leftOver: LeftOver[] = [];
    for (const loaded of volumeGroupsOf(scanPhysicalVolumes(this.#host))) {
      if (isServedElsewhere(this.#host, loaded)) continue;
      try {
        leftOver.push(...(await work(loaded.vg.name)));
      } catch (error) {
        leftOver.push({ name: loaded.vg.name, reason: messageOf(error) });
      }
    }
    return leftOver;
  }

  async #activeCount(loaded: LoadedVg): Promise<number> {
    const { states } = await viewVg(this.#host, loaded);
    return visible(loaded).filter((lv) => states.get(lv.name)?.active === true).length;
  }

  async #change<T>(
    name: string,
    work: (host: VgHost, loaded: LoadedVg) => Promise<T>,
  ): Promise<T> {
    return await withVgLock(this.#host.locks, name, "exclusive", async () => {
      return await work(this.#host, loadVg(this.#host, name));
    });
  }

  async #globally<T>(name: string, work: () => Promise<T>): Promise<T> {
    return await withGlobalLock(this.#host.locks, async () => {
      return await withVgLock(this.#host.locks, name, "exclusive", work);
    });
  }
}

/** The part of it that who places bricks on logical volumes needs. */
export type VolumeGroupsForBricks = Pick<
  VolumeGroups,
  | "activateAll"
  | "activateLv"
  | "createThinSnapshot"
  | "deactivateAll"
  | "deactivateLv"
  | "listLvs"
  | "lvOfDevice"
  | "lvStatus"
  | "poolStatus"
  | "removeLv"
>;

function visible(loaded: LoadedVg): LogicalVolume[] {
  return loaded.vg.logicalVolumes.filter(isVisible);
}

function poolNames(loaded: LoadedVg): string[] {
  return thinPools(loaded.vg).map(({ lv }) => lv.name);
}

/** Throws "lv-missing" in LVM's words. */
function requireLvOf(loaded: LoadedVg, name: string): LogicalVolume {
  const lv = findLv(loaded.vg, name);
  if (lv !== undefined) return lv;
  throw new VgError("lv-missing", `Failed to find logical volume "${loaded.vg.name}/${name}"`);
}

/** True when a pool of the group runs under another run directory, so another node's. */
function isServedElsewhere(host: VgHost, loaded: LoadedVg): boolean {
  const state = readBlockState();
  const own = join(host.runDirectory, "/");
  return poolNames(loaded).some(
    (pool) => !findPoolDirectory(state, host.runDirectory, loaded.vg.name, pool).startsWith(own),
  );
}

function removeStaleLinks(host: VgHost, loaded: LoadedVg): void {
  const state = readBlockState();
  unlinkStale(loaded.vg.name, (name, loopPath) => {
    const lv = findLv(loaded.vg, name);
    const loop = lv && findLoop(state, host.runDirectory, loaded, lv);
    return loop?.path !== loopPath;
  });
}

/** Do it, or note why not. */
async function attempt(
  leftOver: LeftOver[],
  loaded: LoadedVg,
  lv: LogicalVolume,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    leftOver.push({ name: `${loaded.vg.name}/${lv.name}`, reason: messageOf(error) });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
