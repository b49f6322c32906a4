/**
 * Reading the metadata of a pool while it is active: its engine keeps the trees of one commit in a
 * metadata snapshot, of which a pool has room for one.
 *
 * Who asked for it is recorded in the run directory, `metadata-hold.json`. A tool that died left
 * its record, and the next one lets go of what it held. A snapshot without record, or of a process
 * that lives, is somebody else's and is left alone. All of this happens under the group's lock.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { requireThinPool } from "@mortar/lvm2";
import { engineInUse } from "./engine.ts";
import type { VgHost } from "./host.ts";
import { dropCaches } from "./kernel-pool.ts";
import type { LoadedVg } from "./loaded-vg.ts";
import { findPool, poolCall } from "./pool-host.ts";
import { VgError } from "./vg-error.ts";

interface Holder {
  readonly pid: number;
  /** Tells it from a later process with the same number. */
  readonly startTime: string;
}

/**
 * True when the pool is active and its metadata is held for this process; false when it is not, so
 * that what is on the disk stays as it is.
 */
export async function holdMetadata(
  host: VgHost,
  loaded: LoadedVg,
  poolName: string,
): Promise<boolean> {
  requireThinPool(loaded.vg, poolName);
  const running = await findPool(host, loaded.vg.name, poolName);
  if (running === undefined) return false;
  const { client, directory } = running;
  const name = `${loaded.vg.name}/${poolName}`;
  const { pool } = await poolCall(name, directory, client.status());
  const isHeld = pool !== undefined && pool.heldRoot !== null;
  if (isHeld) {
    requireAbandoned(name, readHolder(directory));
    await poolCall(name, directory, running.hold(false));
  }
  // The record comes first: whoever dies in between leaves one that speaks of nothing.
  const holder: Holder = { pid: process.pid, startTime: startTimeOf(process.pid) ?? "" };
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(recordPath(directory), JSON.stringify(holder), { mode: 0o600 });
  await poolCall(name, directory, running.hold(true));
  // What the kernel wrote went past the cache of the disks that will be read.
  if (engineInUse(host, loaded) === "kernel") dropCaches(loaded);
  return true;
}

/** Does nothing when this process holds nothing. */
export async function releaseMetadata(
  host: VgHost,
  loaded: LoadedVg,
  poolName: string,
): Promise<void> {
  const running = await findPool(host, loaded.vg.name, poolName);
  if (running === undefined) return;
  const { directory } = running;
  if (readHolder(directory)?.pid !== process.pid) return;
  const name = `${loaded.vg.name}/${poolName}`;
  await poolCall(name, directory, running.hold(false));
  rmSync(recordPath(directory), { force: true });
}

function recordPath(directory: string): string {
  return join(directory, "metadata-hold.json");
}

function requireAbandoned(name: string, holder: Holder | undefined): void {
  if (holder === undefined) {
    throw new VgError(
      "in-use",
      `Thin pool ${name} has a metadata snapshot that none of our tools made: it is left alone. ` +
        "Its owner must release it first.",
    );
  }
  if (startTimeOf(holder.pid) !== holder.startTime) return;
  throw new VgError(
    "in-use",
    `The metadata of thin pool ${name} is being read by process ${holder.pid}: try again later.`,
  );
}

function readHolder(directory: string): Holder | undefined {
  try {
    const found: unknown = JSON.parse(readFileSync(recordPath(directory), "utf8"));
    const { pid, startTime } = (found ?? {}) as Partial<Holder>;
    if (!Number.isSafeInteger(pid) || typeof startTime !== "string") return undefined;
    return { pid: pid ?? 0, startTime };
  } catch {
    return undefined;
  }
}

/** In clock ticks since the machine started; undefined when there is no such process. */
function startTimeOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in parentheses, and may hold anything.
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
