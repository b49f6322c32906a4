/**
 * Which logical volumes have a block device now, and who uses it: read from sysfs and /proc,
 * without opening a device. The loop device is the truth; the links in /dev follow from it.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isErrno, listLoops, listMounts, type LoopStatus, type MountPoint } from "@mortar/linux";
import { poolRunDirectory } from "@mortar/pool";
import type { LogicalVolume } from "@mortar/lvm2";
import type { LoadedVg } from "./loaded-vg.ts";
import { LINEAR_SERVER, segmentsOf } from "./served-spec.ts";
import { VgError } from "./vg-error.ts";

export interface BlockState {
  readonly loops: readonly LoopStatus[];
  readonly mounts: readonly MountPoint[];
  /** Paths of block devices in use as swap. */
  readonly swaps: readonly string[];
}

export function readBlockState(): BlockState {
  const swaps = readFileSync("/proc/swaps", "utf8")
    .split("\n")
    .slice(1)
    .map((line) => line.split(/\s+/)[0] ?? "");
  return { loops: listLoops(), mounts: listMounts(), swaps };
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
  const mounted = (directory: string) =>
    state.mounts.some((mount) => mount.path === join(directory, "mnt") && isFuse(mount));
  if (mounted(own)) return own;
  const suffix = `${poolRunDirectory("", vgName, poolName)}/mnt`.replace(/^\/*/, "/");
  const other = state.mounts.find((mount) => mount.path.endsWith(suffix) && isFuse(mount));
  return other === undefined ? own : other.path.slice(0, -"/mnt".length);
}

function isFuse(mount: MountPoint): boolean {
  return mount.type.startsWith("fuse");
}

/** The loop device of an LV, whichever server it is over; undefined while inactive. */
export function findLoop(
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
    return state.loops.find((loop) => loop.backingPath === file);
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
  return state.loops.find(
    (loop) =>
      loop.backingPath === piece.path &&
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
  if (piece === undefined || path === undefined || pieces.length > 1) return undefined;
  return { path, offsetBytes: piece.deviceOffsetBytes, lengthBytes: piece.lengthBytes };
}

/** What uses a loop device, as far as the kernel's tables tell; undefined when nothing does. */
export function usageOf(state: BlockState, loop: LoopStatus): "file system" | "other" | undefined {
  if (state.mounts.some((mount) => mount.deviceNumber === loop.deviceNumber)) return "file system";
  if (state.swaps.includes(loop.path)) return "other";
  if (state.loops.some((other) => other.backingPath === loop.path)) return "other";
  try {
    if (readdirSync(`/sys/block/loop${loop.number}/holders`).length > 0) return "other";
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
  }
  return undefined;
}

/** The mount of a loop device that can be frozen: the first that shows the whole file system. */
export function mountPointOf(state: BlockState, loop: LoopStatus): string | undefined {
  return state.mounts.find((mount) => mount.deviceNumber === loop.deviceNumber)?.path;
}
