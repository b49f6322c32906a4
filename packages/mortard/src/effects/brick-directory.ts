/** Effects on a brick's directory: what it is, and the marks of the volume it belongs to. */
import { type Stats, lstatSync, mkdirSync, readdirSync, realpathSync, rmSync, rmdirSync, statSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import type { BrickFacts, NodeEffects } from "@mortar/cluster";
import {
  type MountPoint,
  getXattr,
  isErrno,
  listMounts,
  mountOf,
  removeXattr,
  setXattr,
} from "@mortar/linux";
import type { Groups } from "./groups.ts";
import { mountOptionsOf } from "./mount-options.ts";
import { uuidBytes, uuidText } from "./uuid.ts";

const VOLUME_ID = "trusted.glusterfs.volume-id";
const GFID = "trusted.gfid";
const INDICES = ".glusterfs/indices";
const FOREIGN_MAX = 16;

type Args<K extends keyof NodeEffects> = NodeEffects[K]["args"];
type Result<K extends keyof NodeEffects> = NodeEffects[K]["result"];

export class BrickDirectories {
  readonly #groups: Groups;

  constructor(groups: Groups) {
    this.#groups = groups;
  }

  async inspect({ path }: Args<"inspectBrick">): Promise<BrickFacts> {
    const status = statusOf(path);
    const parent = statusOf(dirname(path));
    const nearest = nearestExisting(path);
    const nearestReal = realpathSync(nearest);
    const mount = mountOf(nearestReal, listMounts());
    const volumeId = status === undefined ? undefined : getXattr(path, VOLUME_ID);
    const parentInUse = ownerAbove(path);
    const xattrRefusal = refusalOf(nearest);
    return {
      exists: status !== undefined,
      isDirectory: status?.isDirectory() ?? false,
      parentExists: parent !== undefined,
      isMountPoint: isMountPoint(path, status, parent, mount),
      onRootFileSystem: statSync(nearest).dev === statSync("/").dev,
      mountPoint: mount?.path ?? "/",
      device: mount?.source ?? "",
      fsType: mount?.type ?? "",
      mountOptions: mount === undefined ? "" : mountOptionsOf(mount),
      lv: await this.#logicalVolume(mount),
      ...(volumeId?.length === 16 ? { volumeId: uuidText(volumeId) } : {}),
      hasGfid: status !== undefined && getXattr(path, GFID) !== undefined,
      ...(parentInUse === undefined ? {} : { parentInUse }),
      ...(xattrRefusal === undefined ? {} : { xattrRefusal }),
      foreignEntries: mount === undefined ? [] : foreignEntries(mount.path, nearestReal, path, nearest),
    };
  }

  prepare({ path, volumeId, force }: Args<"prepareBrick">): Result<"prepareBrick"> {
    const created = makeDirectory(path);
    const wanted = uuidBytes(volumeId);
    try {
      const present = getXattr(path, VOLUME_ID);
      const isOurs = present !== undefined && Buffer.compare(present, wanted) === 0;
      if (present !== undefined && !isOurs && !force) {
        throw new Error(`${path} belongs to the volume with id ${uuidText(present)}`);
      }
      if (!isOurs) setXattr(path, VOLUME_ID, wanted, force ? undefined : "create");
      // glusterfsd makes all that is in it but this one directory, without which it does not start.
      mkdirSync(join(path, INDICES), { recursive: true, mode: 0o600 });
      return { created };
    } catch (error) {
      if (created) rmSync(path, { recursive: true });
      throw error;
    }
  }

  release({ path, volumeId, removeDirectory }: Args<"releaseBrick">): void {
    if (statusOf(path) === undefined) return;
    const present = getXattr(path, VOLUME_ID);
    if (present === undefined || Buffer.compare(present, uuidBytes(volumeId)) !== 0) return;
    // Only what `prepare` made: a brick that was here before keeps its gfids and its handles.
    for (const made of [INDICES, dirname(INDICES)]) removeEmptyDirectory(join(path, made));
    // The volume id goes last: while it is there, an interrupted release is done again.
    removeXattr(path, VOLUME_ID);
    if (removeDirectory) removeEmptyDirectory(path);
  }

  setVolumeId({ path, volumeId }: Args<"setVolumeId">): void {
    setXattr(path, VOLUME_ID, uuidBytes(volumeId));
  }

  async #logicalVolume(mount: MountPoint | undefined): Promise<BrickFacts["lv"]> {
    if (mount === undefined || !mount.source.startsWith("/")) {
      const type = mount?.type ?? "nothing known";
      return { thin: false, reason: `it lies on ${type}, which is not on a block device` };
    }
    const found = await this.#groups.lvOfDevice(mount.source);
    if (found.kind === "none") return { thin: false, reason: found.reason };
    const { vg, lv } = found;
    if (found.kind === "linear") {
      return { thin: false, reason: `${vg}/${lv} is a linear LV, not a thin one` };
    }
    const status = await this.#groups.lvStatus({ vg, lv });
    if (status === undefined) return { thin: false, reason: `${vg}/${lv} has vanished` };
    return { thin: true, vg, lv, pool: found.pool, sizeBytes: status.sizeBytes };
  }
}

function statusOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

function nearestExisting(path: string): string {
  let nearest = path;
  while (nearest !== "/" && statusOf(nearest) === undefined) nearest = dirname(nearest);
  return nearest;
}

function isMountPoint(
  path: string,
  status: Stats | undefined,
  parent: Stats | undefined,
  mount: MountPoint | undefined,
): boolean {
  if (status === undefined) return false;
  return path === "/" || status.dev !== parent?.dev || mount?.path === path;
}

function ownerAbove(path: string): string | undefined {
  for (let above = dirname(path); ; above = dirname(above)) {
    if (statusOf(above) !== undefined) {
      const marked =
        supported(() => getXattr(above, VOLUME_ID)) ?? supported(() => getXattr(above, GFID));
      if (marked !== undefined) return above;
    }
    if (above === "/") return undefined;
  }
}

function supported<T>(read: () => T | undefined): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isErrno(error, "EOPNOTSUPP", "ENOTSUP")) return undefined;
    throw error;
  }
}

/** Trusted attributes need a file system that has them and the privilege to see them. */
function refusalOf(directory: string): string | undefined {
  if (process.geteuid?.() !== 0) return "Operation not permitted";
  try {
    getXattr(directory, VOLUME_ID);
    return undefined;
  } catch (error) {
    if (isErrno(error, "EOPNOTSUPP", "ENOTSUP")) return "Operation not supported";
    throw error;
  }
}

function foreignEntries(
  mountPoint: string,
  nearestReal: string,
  path: string,
  nearest: string,
): string[] {
  const rest = relative(nearest, path);
  const brickReal = rest === "" ? nearestReal : join(nearestReal, rest);
  const onTheWay = relative(mountPoint, brickReal).split("/")[0] ?? "";
  if (onTheWay === "") return [];
  const own = new Set([onTheWay, "lost+found"]);
  const names = readdirSync(mountPoint).filter((name) => !own.has(name));
  return names.sort().slice(0, FOREIGN_MAX);
}

/** Returns whether it was made. */
function makeDirectory(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o755 });
    return true;
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw error;
  }
  if (!lstatSync(path).isDirectory() && !statSync(path).isDirectory()) {
    throw new Error(`${basename(path)} exists and is not a directory: ${path}`);
  }
  return false;
}

function removeEmptyDirectory(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    if (!isErrno(error, "ENOENT", "ENOTEMPTY", "EEXIST", "EBUSY")) throw error;
  }
}
