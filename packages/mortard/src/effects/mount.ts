/** Effects that mount and unmount the file systems on thin LVs. */
import { mkdirSync, rmdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EffectError, type NodeEffects } from "@mortar/cluster";
import { type MountPoint, isErrno, listMounts, mountFileSystem, unmount } from "@mortar/linux";
import type { LvName } from "@mortar/vg";
import type { Groups } from "./groups.ts";
import { mountArguments } from "./mount-options.ts";


export interface MountsOptions {
  readonly groups: Groups;
  /** Mount points below it are ours: made when needed, removed when empty. */
  readonly snapsDirectory: string;
  readonly node: string;
  /** A brick server that has just ended may still be letting go. */
  readonly busyWaitMs: number;
}

export class Mounts {
  readonly #options: MountsOptions;

  constructor(options: MountsOptions) {
    this.#options = options;
  }

  async mountBrick(args: NodeEffects["mountBrick"]["args"]): Promise<void> {
    const { vg, lv, mountPoint, fsType } = args;
    const device = await this.#activeDevice({ vg, lv });
    const present = mountAt(mountPoint);
    if (present !== undefined) {
      if (present.deviceNumber === device.number) return;
      throw new Error(`${mountPoint} is taken: ${present.source} is mounted there`);
    }
    mkdirSync(mountPoint, { recursive: true });
    const { flags, data } = mountArguments(fsType, args.mountOptions);
    const request = { source: device.path, target: mountPoint, type: fsType, flags };
    try {
      await mountFileSystem({ ...request, data });
    } catch (error) {
      // Another kernel than the one that wrote the options down may not know some of them.
      if (!isErrno(error, "EINVAL") || data === "") throw error;
      await mountFileSystem({ ...request, data: fsType === "xfs" ? "nouuid" : "" });
    }
  }

  async unmountLv(name: LvName): Promise<void> {
    const status = await this.#options.groups.lvStatus(name);
    if (status?.loopPath === undefined && status?.devicePath === undefined) return;
    const number = deviceNumber(status.loopPath ?? status.devicePath ?? "");
    // Of mounts upon mounts the last one has to go first.
    const mounts = listMounts().filter((mount) => mount.deviceNumber === number);
    for (const mount of mounts.toReversed()) await this.#unmount(mount);
  }

  async #unmount(mount: MountPoint): Promise<void> {
    const deadline = performance.now() + this.#options.busyWaitMs;
    for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 2, 250)) {
      try {
        await unmount(mount.path);
        break;
      } catch (error) {
        if (isErrno(error, "EINVAL")) break;
        if (!isErrno(error, "EBUSY")) throw error;
        if (performance.now() > deadline) throw this.#busy(mount, error);
      }
      await sleep(pauseMs);
    }
    this.#removeEmptied(mount.path);
  }

  #busy(mount: MountPoint, cause: unknown): EffectError {
    return new EffectError("busy", `${mount.path} is in use`, {
      node: this.#options.node,
      object: mount.path,
      errno: "EBUSY",
      nextStep: `End what uses it (fuser -vm ${mount.path} tells) and repeat the command`,
      cause,
    });
  }

  #removeEmptied(mountPoint: string): void {
    const root = `${this.#options.snapsDirectory}/`;
    let directory = mountPoint;
    while (directory.startsWith(root)) {
      try {
        rmdirSync(directory);
      } catch (error) {
        if (!isErrno(error, "ENOTEMPTY", "EEXIST", "EBUSY", "ENOENT")) throw error;
        return;
      }
      directory = dirname(directory);
    }
  }

  async #activeDevice(name: LvName): Promise<{ path: string; number: string }> {
    const status = await this.#options.groups.lvStatus(name);
    const path = status?.devicePath ?? status?.loopPath;
    if (path === undefined) throw new Error(`${name.vg}/${name.lv} is not active`);
    return { path, number: deviceNumber(path) };
  }
}

/** What is visible at exactly this path. */
function mountAt(path: string): MountPoint | undefined {
  return listMounts().findLast((mount) => mount.path === path);
}

/** "7:12" of a block device. */
function deviceNumber(path: string): string {
  const { rdev } = statSync(path);
  const major = ((rdev >>> 8) & 0xfff) | (Math.floor(rdev / 2 ** 32) & ~0xfff);
  const minor = (rdev & 0xff) | ((rdev >>> 12) & ~0xff & 0xfffff);
  return `${major}:${minor}`;
}
