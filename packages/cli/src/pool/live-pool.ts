/** Tells whether a pool is in use, without the daemon and without system calls that Node lacks. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "./pool-words.ts";

/** Throws `UsageError` when the pool's processes, or the kernel, may be changing it. */
export function requireNotLive(root: string, vgName: string, poolName: string): void {
  const doubled = (name: string): string => name.replaceAll("-", "--");
  const name = `${doubled(vgName)}-${doubled(poolName)}`;
  const run = root === "/" ? "/run/mortar" : join(root, "run", "mortar");
  const directory = join(run, "pools", name);
  const pid = ["holder.pid", "server.pid"].map((file) => pidIn(join(directory, file))).find(isAlive);
  if (pid !== undefined) {
    throw new UsageError(
      `${vgName}/${poolName} is active, served by process ${pid}: what is on the disk is changing.`,
      `mortar vgchange -an ${vgName}, and mortar vgchange -ay ${vgName} afterwards`,
    );
  }
  if (existsSync(join("/dev/mapper", `${name}_tmeta`))) {
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
