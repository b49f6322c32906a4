/**
 * Makes and removes the storage of bricks: group, pool, LV, file system, mount, directory.
 *
 * Each step looks first whether it is done already, so that all of it can be repeated after any
 * interruption. What is removed carries the mark that it was made with: see `BrickStorage`.
 */
import { mkdirSync, readdirSync, realpathSync, rmdirSync, statSync } from "node:fs";
import type { BrickStorage, GroupRoom, NodeEffects, StorageFacts } from "@mortar/cluster";
import { isErrno, listMounts } from "@mortar/linux";
import {
  extentBytes, findLv, findSignatures, findThinPool, freeExtentCount, isVisible, lvSectors,
  type LogicalVolume, type LvStatus, requireLv, SECTOR_BYTES, thinPools, thinVolumesOf,
  type VgView, type VolumeGroup, type VolumeGroups,
} from "@mortar/vg";
import { attachBrickFile, removeBrickFile, fileRefusal } from "./brick-file.ts";
import { makeXfs, type StripeGeometry } from "./make-xfs.ts";
import type { Mounts } from "./mount.ts";

export type StorageGroups = Pick<
  VolumeGroups,
  | "view" | "listLvs" | "lvStatus" | "activateLv" | "removeLv"
  | "createVg" | "removeVg" | "removePv" | "createThinPool" | "createThin"
>;

export interface BrickStoragesOptions {
  readonly groups: StorageGroups;
  /** Bricks whose place nobody named are mounted below it. */
  readonly bricksDirectory: string;
}

const MADE = "mortar_bricks";
const MADE_OF_FILE = "mortar_brick_file";
const MOUNT_OPTIONS = "noatime";
const markOf = (id: string): string => `mortar_brick_${id}`;
const silent = { say: () => undefined, confirm: () => Promise.resolve(false) };

type MountEffects = Pick<Mounts, "mountBrick" | "unmountLv">;

export class BrickStorages {
  readonly #groups: StorageGroups;
  readonly #bricksDirectory: string;

  constructor({ groups, bricksDirectory }: BrickStoragesOptions) {
    this.#groups = groups;
    this.#bricksDirectory = bricksDirectory;
  }

  async inspect(asked: NodeEffects["inspectStorage"]["args"]): Promise<StorageFacts> {
    const { groups, freePvs } = await this.#groups.view();
    const lvs = await this.#groups.listLvs();
    const pvPaths = [...freePvs, ...groups.flatMap((it) => [...it.found.values()])].map(pathOf);
    const refusals = {
      mountPointRefusal: asked.mountPoint && mountPointRefusal(asked.mountPoint),
      deviceRefusal: asked.device && deviceRefusal(asked.device, pvPaths),
      fileRefusal: asked.file && fileRefusal(asked.file),
    };
    const told = Object.entries(refusals).filter(([, it]) => it !== undefined && it !== "");
    return {
      bricksDirectory: this.#bricksDirectory,
      groups: groups.map((view) => roomOf(view.vg, lvs)),
      ...Object.fromEntries(told),
    };
  }

  async make(storage: BrickStorage, mounts: MountEffects): Promise<void> {
    const { vg, lv, id, mountPoint, path } = storage;
    await this.#makeGroup(storage);
    await this.#makePool(storage);
    const made = await this.#makeLv(storage);
    await this.#groups.activateLv({ vg, lv });
    const device = (await this.#groups.lvStatus({ vg, lv }))?.devicePath;
    if (device === undefined) throw new Error(`${vg}/${lv} has no device after its activation`);
    await makeXfs(device, id, geometryOf(made, storage.pool));
    const mountOptions = MOUNT_OPTIONS;
    await mounts.mountBrick({ vg, lv, mountPoint, fsType: "xfs", mountOptions });
    mkdirSync(path, { recursive: true, mode: 0o755 });
  }

  /** Without a file system. */
  async makeBare(lv: NodeEffects["makeBareLv"]["args"]): Promise<void> {
    await this.#makeLv(lv);
  }

  async remove(storage: BrickStorage, mounts: MountEffects): Promise<void> {
    const { vg, lv, id, mountPoint, file } = storage;
    const found = (await this.#find(vg))?.vg;
    const brick = found && findLv(found, lv);
    if (brick?.tags.includes(markOf(id)) === true) {
      await mounts.unmountLv({ vg, lv });
      await this.#groups.removeLv({ vg, lv });
    }
    if (mountAt(mountPoint) === undefined) removeEmptyDirectory(mountPoint);
    await this.#removeEmptied(vg);
    if (file !== undefined && (await this.#find(vg)) === undefined) {
      await removeBrickFile(file.path, id);
    }
  }

  async #makeGroup({ vg, device, file, id }: BrickStorage): Promise<void> {
    if ((await this.#find(vg)) !== undefined) return;
    const path = file === undefined ? device : await attachBrickFile(file, id);
    if (path === undefined) throw new Error(`The volume group ${vg} is gone`);
    const tags = file === undefined ? [MADE] : [MADE, MADE_OF_FILE];
    await this.#groups.createVg({ name: vg, devices: [path], tags }, silent);
  }

  async #makePool({ vg: name, pool, poolSizeBytes }: BrickStorage): Promise<void> {
    const { vg } = await this.#need(name);
    if (findThinPool(vg, pool) !== undefined) return;
    const free = freeExtentCount(vg);
    if (free === 0) throw new Error(`The volume group ${name} has no free extents for a pool`);
    const isAll = poolSizeBytes === undefined;
    await this.#groups.createThinPool(name, {
      name: pool,
      extentCount: isAll ? free : Math.ceil(poolSizeBytes / extentBytes(vg)),
      leaveRoomForMetadata: isAll,
      tags: [MADE],
      activate: true,
    });
  }

  async #makeLv(
    { vg: name, pool, lv, sizeBytes, id }: NodeEffects["makeBareLv"]["args"],
  ): Promise<VolumeGroup> {
    const { vg } = await this.#need(name);
    const there = findLv(vg, lv);
    const mark = markOf(id);
    if (there?.tags.includes(mark) === true) return vg;
    if (there !== undefined) throw new Error(`There is a logical volume ${name}/${lv} already`);
    const extentCount = Math.ceil(sizeBytes / extentBytes(vg));
    const wanted = { name: lv, pool, extentCount, tags: [mark], activate: true };
    const made = await this.#groups.createThin(name, wanted);
    return made.loaded.vg;
  }

  /** The pools of a group that were made for bricks and hold none, then the group. */
  async #removeEmptied(name: string): Promise<void> {
    const vg = (await this.#find(name))?.vg;
    if (vg === undefined) return;
    for (const { lv } of thinPools(vg)) {
      const isEmpty = thinVolumesOf(vg, lv.name).length === 0;
      if (lv.tags.includes(MADE) && isEmpty) await this.#groups.removeLv({ vg: name, lv: lv.name });
    }
    const left = await this.#find(name);
    if (left === undefined || !left.vg.tags.includes(MADE)) return;
    if (left.vg.logicalVolumes.some(isVisible)) return;
    const devices = [...left.found.values()].map(pathOf);
    await this.#groups.removeVg(name);
    for (const path of devices) {
      await this.#groups.removePv(path);
      if (left.vg.tags.includes(MADE_OF_FILE)) await removeBrickFile(path, undefined);
    }
  }

  async #find(name: string): Promise<VgView | undefined> {
    return (await this.#groups.view()).groups.find((it) => it.vg.name === name);
  }

  async #need(name: string): Promise<VgView> {
    const found = await this.#find(name);
    if (found === undefined) throw new Error(`There is no volume group ${name}`);
    return found;
  }
}

function pathOf({ path }: { readonly path: string }): string {
  return path;
}

function roomOf(vg: VolumeGroup, lvs: readonly LvStatus[]): GroupRoom {
  const bytesOf = (lv: LogicalVolume): number => lvSectors(vg, lv) * SECTOR_BYTES;
  const own = lvs.filter((it) => it.vg === vg.name && it.active);
  return {
    name: vg.name,
    freeBytes: freeExtentCount(vg) * extentBytes(vg),
    elsewhere: own.length > 0 && !own.some((it) => it.servedHere),
    pools: thinPools(vg).map(({ lv }) => ({
      name: lv.name,
      sizeBytes: bytesOf(lv),
      promisedBytes: thinVolumesOf(vg, lv.name).reduce((sum, it) => sum + bytesOf(it.lv), 0),
    })),
    lvs: vg.logicalVolumes.filter(isVisible).map((it) => it.name),
  };
}

/** Undefined for a pool that is not striped. */
function geometryOf(vg: VolumeGroup, pool: string): StripeGeometry | undefined {
  const dataLv = findThinPool(vg, pool)?.segment.dataLv;
  const [segment] = dataLv === undefined ? [] : requireLv(vg, dataLv).segments;
  if (segment?.type !== "striped" || segment.stripes.length < 2) return undefined;
  const unitBytes = segment.stripeSectors * SECTOR_BYTES;
  return { unitBytes, stripeCount: segment.stripes.length };
}

function mountPointRefusal(path: string): string | undefined {
  // Of no use there; and making directories that the kernel denies would never come to an end.
  if (/^\/(?:proc|sys|dev)(?:\/|$)/u.test(path)) return `${path} belongs to the kernel`;
  if (mountAt(path) !== undefined) return `${path} is a mount point already`;
  try {
    if (readdirSync(path).length > 0) return `${path} is not empty`;
  } catch (error) {
    if (isErrno(error, "ENOTDIR")) return `${path} is not a directory`;
    if (!isErrno(error, "ENOENT")) throw error;
  }
  return undefined;
}

function mountAt(path: string): string | undefined {
  return listMounts().find((it) => it.path === path)?.path;
}

/** Nothing is ever wiped for a brick. */
function deviceRefusal(path: string, pvPaths: readonly string[]): string | undefined {
  let real: string;
  try {
    real = realpathSync(path);
    if (!statSync(real).isBlockDevice()) return `${path} is no block device`;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return `There is no device ${path}`;
    throw error;
  }
  if (pvPaths.some((it) => it === path || it === real)) {
    return `${path} is a physical volume of LVM already (name its group with --vg)`;
  }
  const [signature] = findSignatures(real);
  return signature && `${path} holds ${signature.name} (wipefs -a ${path} would destroy it)`;
}

function removeEmptyDirectory(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    if (!isErrno(error, "ENOENT", "ENOTEMPTY", "EEXIST", "EBUSY", "ENOTDIR")) throw error;
  }
}
