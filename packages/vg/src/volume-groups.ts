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
  findLv,
  thinPools,
  type CreatedPool,
  type LogicalVolume,
  type NewThinPool,
  type VolumeGroup,
} from "@mortar/lvm2";
import type { NbdAddress } from "@mortar/pool";
import { activateLv, deactivateLv, type ActivatedLv } from "./activation.ts";
import {
  activateGroup,
  deactivateGroup,
  isServedElsewhere,
  messageOf,
  type ActivationCount,
  type LeftOver,
} from "./group-activation.ts";
import { changeGroup, exportVg, importVg, renameVg, restoreVg } from "./group-change.ts";
import { engineInUse } from "./engine.ts";
import type { VgHost } from "./host.ts";
import { loadVg, volumeGroupsOf, type LoadedVg } from "./loaded-vg.ts";
import { changeText, extendLv, extendMetadata, reloadPool, renameLv } from "./lv-change.ts";
import type { Extension, LvExtension } from "./lv-change.ts";
import { makeLinear, makeSnapshot, makeThin, makeThinPool } from "./lv-create.ts";
import type { MadeLv, NewLinear, NewThin } from "./lv-create.ts";
import { finishPendingMerge, mergeLv, type MergedLv } from "./lv-merge.ts";
import { shrinkLv } from "./lv-shrink.ts";
import { readLvOfDevice, type LvOfDevice } from "./lv-of-device.ts";
import { removeLv } from "./lv-remove.ts";
import { lvStatuses, lvStatusOf, poolStatusOf, type LvStatus, type PoolStatusOfVg } from "./lv-status.ts";
import {
  exportLv,
  listExports,
  unexportLv,
  type NbdExportOfLv,
  type NbdPlace,
} from "./nbd-exports.ts";
import { admitExtension } from "./pool-admission.ts";
import { replaceMetadata } from "./metadata-replacement.ts";
import type { MetadataAccess, MetadataReplacement } from "./metadata-replacement.ts";
import { extendByPolicy, type Growth } from "./pool-growth.ts";
import { DEFAULT_POLICY } from "./pool-policy.ts";
import { reclaimable, withSpace, type PoolReclaim } from "./pool-space.ts";
import { holdMetadata, releaseMetadata } from "./metadata-hold.ts";
import { settleAll } from "./pool-transaction.ts";
import { scanPhysicalVolumes } from "./pv-scan.ts";
import type { CandidateDevice } from "./device-scan.ts";
import { createPv, removePv, type Dialogue, type NewPvOptions } from "./pv-verbs.ts";
import { VgError } from "./vg-error.ts";
import { withGlobalLock, withVgLock } from "./vg-lock.ts";
import { createVg, extendVg, reduceVg, removeVg, type NewVgOptions } from "./vg-verbs.ts";
import type { LvName, ThinSnapshotRequest, VolumeGroupsOptions } from "./volume-groups-options.ts";
import { viewMachine, viewSome, type MachineView } from "./vg-view.ts";

const LVM_LOCKS = "/run/lock/lvm";

export type { LvName, ThinSnapshotRequest, VolumeGroupsOptions } from "./volume-groups-options.ts";

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
    const nbdOnly = options.nbdOnly ?? process.getuid?.() !== 0;
    return await Promise.resolve(
      new VolumeGroups({
        runDirectory,
        locks: {
          directory: options.lockDirectory ?? (nbdOnly ? join(runDirectory, "lock") : LVM_LOCKS),
          timeoutMs: options.lockTimeoutMs ?? 60_000,
          warn,
        },
        engine: options.engine,
        deviceFilter: options.deviceFilter,
        files: options.files ?? [],
        nbdOnly,
        warn,
        policy: { ...DEFAULT_POLICY, ...options.policy },
        step: options.step ?? (() => undefined),
        recorder: options.recorder,
        boot: options.boot,
      }),
    );
  }

  /** Whether a pool above its threshold grows without anybody asking. */
  get extendsPools(): boolean {
    const { thresholdPercent, extendPercent, extendCommand } = this.#host.policy;
    return thresholdPercent < 100 && extendPercent > 0 && extendCommand.length > 0;
  }

  /**
   * What reports show. With names: those groups only, nobody waits for another one's lock; each of
   * them must be there, unless `mustExist` is false.
   */
  async view(
    names?: readonly string[],
    show: { space?: boolean; mustExist?: boolean } = {},
  ): Promise<MachineView> {
    const machine = await viewMachine(this.#host, names, show.mustExist);
    return show.space === true ? await withSpace(this.#host, machine) : machine;
  }

  /** What deleting exactly these thin LVs would give back, by pool. Their pools must be active. */
  async reclaimable(names: readonly LvName[]): Promise<readonly PoolReclaim[]> {
    return await reclaimable(this.#host, names);
  }

  async lvStatus({ vg, lv }: LvName): Promise<LvStatus | undefined> {
    const view = await viewSome(this.#host, vg, [lv]);
    return view && lvStatusOf(this.#host, view, lv);
  }

  async poolStatus(name: { vg: string; pool: string }): Promise<PoolStatusOfVg | undefined> {
    const view = await viewSome(this.#host, name.vg, [name.pool]);
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

  /** `onlyLook`: it stays, and what refuses the removal is thrown. */
  async removePv(path: string, { onlyLook = false } = {}): Promise<CandidateDevice> {
    return await withGlobalLock(this.#host.locks, async () => {
      return await Promise.resolve(removePv(this.#host, path, onlyLook));
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

  /** Tags, limits and policies of a group, tags of its physical volumes. */
  async changeVg(name: string, change: (vg: VolumeGroup) => VolumeGroup): Promise<void> {
    await this.#change(name, async (_, loaded) => {
      await Promise.resolve(changeGroup(loaded, change));
    });
  }

  /** None of its LVs may be active. */
  async renameVg(from: string, to: string): Promise<void> {
    if (from === to) {
      throw new VgError("vg-exists", "Old and new volume group names must differ");
    }
    await this.#globally(from, async () => {
      await withVgLock(this.#host.locks, to, "exclusive", async () => {
        await renameVg(this.#host, from, to);
      });
    });
  }

  async exportVg(name: string): Promise<void> {
    await this.#globally(name, async () => await exportVg(this.#host, name));
  }

  async importVg(name: string): Promise<void> {
    await this.#globally(name, async () => {
      await Promise.resolve(importVg(this.#host, name));
    });
  }

  /** The text of a backup becomes the group's. */
  async restoreVg(vg: VolumeGroup): Promise<void> {
    await this.#globally(vg.name, async () => await restoreVg(this.#host, vg));
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
        force: request.force ?? false,
        hold: request.hold,
        others: request.others ?? [],
      });
    });
  }

  /** Deactivates it first if it is active and unused. Returns what went with it, in LVM's order. */
  async removeLv({ vg, lv }: LvName): Promise<readonly LogicalVolume[]> {
    return await this.#change(vg, async (host, loaded) => {
      return (await removeLv(host, loaded, requireLvOf(loaded, lv).name)).removed;
    });
  }

  /** Give the origin of a thin snapshot the snapshot's content; the snapshot is gone. */
  async mergeSnapshot({ vg, lv }: LvName): Promise<MergedLv> {
    return await this.#change(vg, async (host, loaded) => await mergeLv(host, loaded, lv));
  }

  /** Grow an LV to `extentCount` in all. */
  async extendLv(vg: string, extension: LvExtension): Promise<VolumeGroup> {
    return await this.#change(vg, async (host, loaded) => {
      const admitted = await admitExtension(host, loaded, extension);
      return (await extendLv(host, admitted, extension)).vg;
    });
  }

  /** Grow the metadata of a pool to `extentCount` in all. */
  async extendPoolMetadata(vg: string, extension: Extension): Promise<VolumeGroup> {
    return await this.#change(vg, async (host, loaded) => {
      return (await extendMetadata(host, loaded, extension)).vg;
    });
  }

  /** `lvextend --use-policies`: grow what is above its threshold. Empty: nothing is. */
  async extendPoolByPolicy({ vg, pool }: { vg: string; pool: string }): Promise<readonly Growth[]> {
    return await this.#change(vg, async (host, loaded) => {
      return (await extendByPolicy(host, loaded, pool)).grown;
    });
  }

  /**
   * Other metadata for a pool that is not active: `fill` makes it, of the old one or a copy. The old
   * one stays in the group. When `fill` throws, nothing has changed.
   */
  async replacePoolMetadata<T>(
    { vg, pool }: { readonly vg: string; readonly pool: string },
    fill: (access: MetadataAccess) => T,
    instead?: Parameters<typeof replaceMetadata>[4],
  ): Promise<MetadataReplacement<T>> {
    return await this.#change(vg, async (host, loaded) => {
      return await replaceMetadata(host, loaded, pool, fill, instead);
    });
  }

  /** Shrink an LV to `extentCount` in all. */
  async reduceLv(vg: string, extension: Extension): Promise<VolumeGroup> {
    return await this.#change(vg, async (host, loaded) => {
      return (await shrinkLv(host, loaded, extension)).vg;
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
      const merged = await finishPendingMerge(host, settled, lv);
      return await activateLv(host, merged, requireLvOf(merged, lv));
    });
  }

  /**
   * Keep the metadata of a pool readable on its physical volumes while `read` runs. `isHeld` says
   * that the pool is served, so that its metadata snapshot must be read, not what is live.
   */
  async withHeldMetadata<T>(
    name: { vg: string; pool: string },
    read: (isHeld: boolean) => Promise<T>,
  ): Promise<T> {
    const { vg, pool } = name;
    const isHeld = await this.#change(vg, async (host, loaded) => {
      return await holdMetadata(host, loaded, pool);
    });
    try {
      return await read(isHeld);
    } finally {
      if (isHeld) await this.#change(vg, async (host, one) => await releaseMetadata(host, one, pool));
    }
  }

  /** Refuses with "in-use" while mounted or open. Not active: only stale links are removed. */
  async deactivateLv({ vg, lv }: LvName): Promise<void> {
    await this.#change(vg, async (host, loaded) => {
      await deactivateLv(host, loaded, requireLvOf(loaded, lv));
    });
  }

  /** Serve a thin LV by NBD, at one more place if one is given; it becomes active. */
  async exportLv({ vg, lv }: LvName, place?: NbdPlace): Promise<NbdExportOfLv> {
    return await this.#change(vg, async (host, loaded) => {
      const settled = await settleAll(host, loaded, poolNames(loaded));
      return await exportLv(host, settled, lv, place);
    });
  }

  async unexportLv({ vg, lv }: LvName, address?: NbdAddress): Promise<void> {
    await this.#change(vg, async (host, loaded) => await unexportLv(host, loaded, lv, address));
  }

  async listExports(vg?: string): Promise<readonly NbdExportOfLv[]> {
    return await listExports(this.#host, vg);
  }

  /** vgchange -ay: every visible LV without the skip flag, unless `ignoreSkip`. */
  async activateVg(
    name: string,
    options: { readonly ignoreSkip?: boolean } = {},
  ): Promise<ActivationCount> {
    return await this.#change(name, async (host, loaded) => {
      const settled = await settleAll(host, loaded, poolNames(loaded));
      return await activateGroup(host, settled, options.ignoreSkip === true);
    });
  }

  /** vgchange -an. What is in use stays, and is told. Links without device are removed. */
  async deactivateVg(name: string): Promise<ActivationCount> {
    return await this.#change(name, deactivateGroup);
  }

  /** Give the servers of a group's pools that run the policy of this object: see PoolPolicy. */
  async refreshPools(name: string): Promise<void> {
    await this.#change(name, async (host, loaded) => {
      for (const pool of poolNames(loaded)) await reloadPool(host, loaded, pool);
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

  async #change<T>(
    name: string,
    work: (host: VgHost, loaded: LoadedVg) => Promise<T>,
  ): Promise<T> {
    return await withVgLock(this.#host.locks, name, "exclusive", async () => {
      const loaded = loadVg(this.#host, name);
      engineInUse(this.#host, loaded);
      return await work(this.#host, loaded);
    });
  }

  async #globally<T>(name: string, work: () => Promise<T>): Promise<T> {
    return await withGlobalLock(this.#host.locks, async () => {
      return await withVgLock(this.#host.locks, name, "exclusive", work);
    });
  }
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
