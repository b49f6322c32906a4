/** Tells whether a pool is in use, without the daemon and without system calls that Node lacks. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { FileDevice } from "./file-device.ts";
import { UsageError } from "./pool-words.ts";

/** As the run directory and device-mapper name it: hyphens inside the names are doubled. */
function mapName(vgName: string, poolName: string): string {
  const doubled = (name: string): string => name.replaceAll("-", "--");
  return `${doubled(vgName)}-${doubled(poolName)}`;
}

function poolsDirectory(root: string): string {
  return join(root === "/" ? "/run/mortar" : join(root, "run", "mortar"), "pools");
}

function livingPid(directory: string): number | undefined {
  return ["holder.pid", "server.pid"].map((file) => pidIn(join(directory, file))).find(isAlive);
}

/** Whether the pool has a server, or is active in the kernel. */
export function isLive(root: string, vgName: string, poolName: string): boolean {
  const name = mapName(vgName, poolName);
  return isMapped(name) || livingPid(join(poolsDirectory(root), name)) !== undefined;
}

function isMapped(name: string): boolean {
  return existsSync(join("/dev/mapper", `${name}_tmeta`));
}

/** Throws `UsageError` when a pool's server, or the kernel, has this file or disk. */
export function requireFileNotLive(root: string, file: FileDevice): void {
  const directory = poolsDirectory(root);
  for (const entry of existsSync(directory) ? readdirSync(directory) : []) {
    const pid = livingPid(join(directory, entry));
    if (pid === undefined) continue;
    if (!devicesOf(join(directory, entry, "spec.json")).some((path) => file.isAt(path))) continue;
    throw new UsageError(
      `${file.name} is in use by the pool ${entry}, served by process ${pid}: it is changing.`,
      "name the pool as VG/POOL: its metadata is then read through a snapshot",
    );
  }
  const holders = file.diskNumber === undefined ? [] : holdersOf(file.diskNumber);
  if (holders.length === 0) return;
  throw new UsageError(
    `${file.name} is in use by the kernel, under ${holders.join(" and ")}: it may be changing.`,
    "dmsetup ls --tree shows by what; deactivate that first",
  );
}

/** Throws `UsageError` when it cannot be told: the file may be among them. */
function devicesOf(specPath: string): string[] {
  try {
    const spec = JSON.parse(readFileSync(specPath, "utf8")) as {
      readonly devices?: readonly { readonly path?: unknown }[];
    };
    return (spec.devices ?? []).flatMap(({ path }) => (typeof path === "string" ? path : []));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return []; // It has just stopped.
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(
      `What a running pool has open cannot be told: ${specPath}: ${reason}.`,
      "run this as the user whose pools these are",
    );
  }
}

function holdersOf(diskNumber: string): string[] {
  const directory = `/sys/dev/block/${diskNumber}/holders`;
  return existsSync(directory) ? readdirSync(directory) : [];
}

/** Throws `UsageError` when the pool's processes, or the kernel, may be changing it. */
export function requireNotLive(root: string, vgName: string, poolName: string): void {
  const name = mapName(vgName, poolName);
  const pid = livingPid(join(poolsDirectory(root), name));
  if (pid !== undefined) {
    throw new UsageError(
      `${vgName}/${poolName} is active, served by process ${pid}: what is on the disk is changing.`,
      `mortar vgchange -an ${vgName}, and mortar vgchange -ay ${vgName} afterwards`,
    );
  }
  if (isMapped(name)) {
    throw new UsageError(
      `${vgName}/${poolName} is active in the kernel: what is on the disk is changing.`,
      `vgchange -an ${vgName}`,
    );
  }
}

function pidIn(path: string): number {
  try {
    return Number(readFileSync(path, "utf8").trim());
  } catch {
    return 0;
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
