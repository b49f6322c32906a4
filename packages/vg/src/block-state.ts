/**
 * Which logical volumes have a block device now, and who uses it: read from sysfs and /proc,
 * without opening a device. The loop device, or the kernel's mapped one, is the truth; the links in
 * /dev follow from it.
 */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { listMappedDevices, type MappedDevice } from "@mortar/dm";
import { isErrno, listMounts, type LoopStatus, type MountPoint } from "@mortar/linux";
import { type PoolSpec, poolRunDirectory } from "@mortar/pool";
import type { LogicalVolume } from "@mortar/lvm2";
import type { LoadedVg } from "./loaded-vg.ts";
import { mappedUuid } from "./kernel-names.ts";
import { LoopTable } from "./loop-table.ts";
import { nbdOnlyVolume, readNbdOnlySpec } from "./nbd-only.ts";
import { LINEAR_SERVER, segmentsOf } from "./served-spec.ts";
import { VgError } from "./vg-error.ts";

export interface BlockState {
  readonly loops: Pick<LoopTable, "over" | "below">;
  /** Of the kernel's device-mapper, whosever they are. */
  readonly mapped: readonly MappedDevice[];
  readonly mounts: readonly MountPoint[];
  /** Paths of block devices in use as swap. */
  readonly swaps: readonly string[];
  /** What a server that mounts nothing serves; undefined for any other. */
  readonly nbdOnlySpec: (runDirectory: string) => PoolSpec | undefined;
}

/** Each table is read when it is first asked for, and once. */
class LiveBlockState implements BlockState {
  #loops: LoopTable | undefined;
  #mapped: readonly MappedDevice[] | undefined;
  #mounts: readonly MountPoint[] | undefined;
  #swaps: readonly string[] | undefined;
  readonly #nbdOnly = new Map<string, PoolSpec | undefined>();

  get loops(): LoopTable {
    return (this.#loops ??= new LoopTable());
  }

  get mapped(): readonly MappedDevice[] {
    return (this.#mapped ??= listMappedDevices());
  }

  get mounts(): readonly MountPoint[] {
    return (this.#mounts ??= listMounts());
  }

  get swaps(): readonly string[] {
    return (this.#swaps ??= readSwaps());
  }

  nbdOnlySpec(directory: string): PoolSpec | undefined {
    if (!this.#nbdOnly.has(directory)) this.#nbdOnly.set(directory, readNbdOnlySpec(directory));
    return this.#nbdOnly.get(directory);
  }
}

export function readBlockState(): BlockState {
  return new LiveBlockState();
}

function readSwaps(): string[] {
  const lines = readFileSync("/proc/swaps", "utf8").split("\n").slice(1);
  return lines.map((line) => line.split(/\s+/)[0] ?? "");
}

/** The block device of an active LV: over a pool server's file, or the kernel's. */
export type LvDevice = LoopStatus | MappedDevice;

export function isLoop(device: LvDevice): device is LoopStatus {
  return "backingPath" in device;
}

/**
 * The run directory of a pool server: the one where it runs, which may be another node's of this
 * machine, else the one under `runDirectory`.
 */
export function findPoolDirectory(
  state: BlockState,
  runDirectory: string,
  vgName: string,
  poolName: string,
): string {
  const own = poolRunDirectory(runDirectory, vgName, poolName);
  return mountedServer(state, runDirectory, vgName, poolName) ?? own;
}

/** The run directory where a server of this name has its mount, alive or dead. */
export function mountedServer(
  state: BlockState,
  runDirectory: string,
  vgName: string,
  poolName: string,
): string | undefined {
  const own = poolRunDirectory(runDirectory, vgName, poolName);
  const mounted = (directory: string) =>
    state.mounts.some((mount) => mount.path === join(directory, "mnt") && isFuse(mount));
  if (mounted(own)) return own;
  const suffix = `${poolRunDirectory("", vgName, poolName)}/mnt`.replace(/^\/*/, "/");
  const other = state.mounts.find((mount) => mount.path.endsWith(suffix) && isFuse(mount));
  return other?.path.slice(0, -"/mnt".length);
}

function isFuse(mount: MountPoint): boolean {
  return mount.type.startsWith("fuse");
}

/** The block device of an LV, whichever engine has it; undefined while inactive. */
export function findDevice(
  state: BlockState,
  runDirectory: string,
  loaded: LoadedVg,
  lv: LogicalVolume,
): LvDevice | undefined {
  return findMapped(state, loaded, lv) ?? findServedLoop(state, runDirectory, loaded, lv);
}

/** The kernel's device of a thin or linear LV. */
export function findMapped(
  state: BlockState,
  { vg }: LoadedVg,
  lv: LogicalVolume,
): MappedDevice | undefined {
  const uuid = mappedUuid(vg, lv);
  return state.mapped.find((device) => device.uuid === uuid);
}

/** The loop device of an LV, whichever server it is over. */
export function findServedLoop(
  state: BlockState,
  runDirectory: string,
  loaded: LoadedVg,
  lv: LogicalVolume,
): LoopStatus | undefined {
  const [segment] = lv.segments;
  if (segment === undefined) return undefined;
  const served = (server: string) => {
    const directory = findPoolDirectory(state, runDirectory, loaded.vg.name, server);
    const file = join(directory, "mnt", lv.name);
    return state.loops.over(file)[0] ?? nbdOnlyVolume(state.nbdOnlySpec(directory), directory, lv.name);
  };
  if (segment.type === "thin") return served(segment.pool);
  if (segment.type !== "striped") return undefined;
  return served(LINEAR_SERVER) ?? directLoop(state, loaded, lv);
}

function directLoop(
  state: BlockState,
  loaded: LoadedVg,
  lv: LogicalVolume,
): LoopStatus | undefined {
  const piece = onlyPiece(loaded, lv);
  if (piece === undefined) return undefined;
  return state.loops.over(piece.path).find(
    (loop) =>
      loop.offsetBytes === piece.offsetBytes &&
      loop.sizeLimitBytes > 0 &&
      loop.sizeLimitBytes <= piece.lengthBytes,
  );
}

/** Where a linear LV lies when that is one piece of one device, which one loop device can show. */
export function onlyPiece(
  loaded: LoadedVg,
  lv: LogicalVolume,
): { path: string; offsetBytes: number; lengthBytes: number } | undefined {
  let pieces: ReturnType<typeof segmentsOf>;
  try {
    pieces = segmentsOf(loaded, lv);
  } catch (error) {
    if (error instanceof VgError) return undefined;
    throw error;
  }
  const [piece] = pieces;
  const path = piece === undefined ? undefined : loaded.devices.get(piece.device);
  const isOne = pieces.length === 1 && piece?.striped === undefined;
  if (piece === undefined || path === undefined || !isOne) return undefined;
  return { path, offsetBytes: piece.deviceOffsetBytes, lengthBytes: piece.lengthBytes };
}

/** What uses a device, as far as the kernel's tables tell; undefined when nothing does. */
export function usageOf(state: BlockState, loop: LvDevice): "file system" | "other" | undefined {
  if (state.mounts.some((mount) => mount.deviceNumber === loop.deviceNumber)) return "file system";
  if (state.swaps.includes(loop.path)) return "other";
  if (state.loops.over(loop.path).length > 0) return "other";
  try {
    if (readdirSync(`/sys/block/${basename(loop.path)}/holders`).length > 0) return "other";
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
  }
  return undefined;
}

/** The mount of a device that can be frozen: the first that shows the whole file system. */
export function mountPointOf(state: BlockState, loop: LvDevice): string | undefined {
  return state.mounts.find((mount) => mount.deviceNumber === loop.deviceNumber)?.path;
}
