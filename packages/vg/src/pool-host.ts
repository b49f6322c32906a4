/**
 * Starting, finding and stopping the server of a pool.
 *
 * A pool server runs while a thin LV of the pool is active, or the pool itself is: that was asked
 * for when the file `active` is in its run directory.
 */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { unmount } from "@mortar/linux";
import { findLv, thinVolumesOf, type ThinPool } from "@mortar/lvm2";
import { connectPool, PoolError, startPool, type PoolClient, type PoolSpec } from "@mortar/pool";
import { findLoop, findPoolDirectory, readBlockState, usageOf, type BlockState } from "./block-state.ts";
import type { VgHost } from "./host.ts";
import type { LoadedVg } from "./loaded-vg.ts";
import { linearServerSpec, LINEAR_SERVER, thinPoolSpec } from "./served-spec.ts";
import { VgError } from "./vg-error.ts";

export interface RunningPool {
  readonly client: PoolClient;
  readonly directory: string;
}

export function poolDirectory(host: VgHost, vgName: string, server: string): string {
  return findPoolDirectory(readBlockState(), host.runDirectory, vgName, server);
}

/** The server of a pool, if it runs. `server` is the pool's name, or LINEAR_SERVER. */
export async function findPool(
  host: VgHost,
  vgName: string,
  server: string,
): Promise<RunningPool | undefined> {
  const directory = poolDirectory(host, vgName, server);
  const client = await connectPool(directory);
  return client === undefined ? undefined : { client, directory };
}

/** Start the server of a thin pool unless it runs. Queued messages are performed on the way. */
export async function ensurePool(
  host: VgHost,
  loaded: LoadedVg,
  pool: ThinPool,
): Promise<RunningPool> {
  const running = await findPool(host, loaded.vg.name, pool.lv.name);
  if (running !== undefined) return running;
  return await start(host, loaded, thinPoolSpec(loaded, pool, []));
}

/** The same for the server of linear LVs in several pieces. */
export async function ensureLinearServer(host: VgHost, loaded: LoadedVg): Promise<RunningPool> {
  const running = await findPool(host, loaded.vg.name, LINEAR_SERVER);
  return running ?? (await start(host, loaded, linearServerSpec(loaded, [])));
}

async function start(host: VgHost, loaded: LoadedVg, spec: PoolSpec): Promise<RunningPool> {
  const directory = poolDirectory(host, spec.vgName, spec.poolName);
  await clearDeadMount(loaded, spec.poolName, directory);
  const name = `${spec.vgName}/${spec.poolName}`;
  const client = await poolCall(name, directory, startPool(spec, directory));
  return { client, directory };
}

/**
 * The mount of a server whose holder died serves nothing any more. It is taken away; not so the loop
 * devices over it that are still in use, which the operator has to let go first.
 */
async function clearDeadMount(
  loaded: LoadedVg,
  server: string,
  directory: string,
): Promise<void> {
  const state = readBlockState();
  const mountPoint = join(directory, "mnt");
  if (!state.mounts.some((mount) => mount.path === mountPoint)) return;
  for (const loop of state.loops) {
    if (!loop.backingPath.startsWith(`${mountPoint}/`)) continue;
    if (usageOf(state, loop) === undefined) continue;
    const lv = loop.backingPath.slice(mountPoint.length + 1);
    throw new VgError(
      "in-use",
      `The server of ${loaded.vg.name}/${server} died while ${loaded.vg.name}/${lv} was in use ` +
        `(${loop.path}). Unmount it, then try again.`,
    );
  }
  await unmount(mountPoint, { detach: true });
}

/** Whether the pool itself was activated, not only thin volumes of it. */
export function isKeptActive(directory: string): boolean {
  return existsSync(join(directory, "active"));
}

export function keepActive(directory: string, keep: boolean): void {
  if (keep) writeFileSync(join(directory, "active"), "", { mode: 0o600 });
  else rmSync(join(directory, "active"), { force: true });
}

/** End the server unless something is still served by it. */
export async function stopIfIdle(host: VgHost, loaded: LoadedVg, server: string): Promise<void> {
  const running = await findPool(host, loaded.vg.name, server);
  if (running === undefined || isKeptActive(running.directory)) return;
  if (servedActive(readBlockState(), host.runDirectory, loaded, server).length > 0) return;
  const name = `${loaded.vg.name}/${server}`;
  await poolCall(name, running.directory, running.client.stop());
}

/** Names of the active LVs that a server carries. */
export function servedActive(
  state: BlockState,
  runDirectory: string,
  loaded: LoadedVg,
  server: string,
): string[] {
  const prefix = `${findPoolDirectory(state, runDirectory, loaded.vg.name, server)}/mnt/`;
  const names =
    server === LINEAR_SERVER
      ? loaded.vg.logicalVolumes.map((lv) => lv.name)
      : thinVolumesOf(loaded.vg, server).map((thin) => thin.lv.name);
  return names.filter((name) => {
    const lv = findLv(loaded.vg, name);
    const loop = lv && findLoop(state, runDirectory, loaded, lv);
    return loop?.backingPath.startsWith(prefix) === true;
  });
}

/** Turn a pool's refusal into a sentence that names the pool and its log. */
export async function poolCall<T>(name: string, directory: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof PoolError)) throw error;
    throw new VgError("pool-failed", sentenceOf(name, directory, error), { cause: error });
  }
}

const NEXT_STEP: Partial<Record<PoolError["code"], string>> = {
  "pool-full": "Extend it: lvextend -L +SIZE",
  "metadata-full": "Extend its metadata: lvextend --poolmetadatasize +SIZE",
  "needs-check": "Its metadata must be checked and repaired before it is used",
  corrupt: "Its metadata is damaged and must be repaired before it is used",
  "device-error": "Look at the device below it",
};

function sentenceOf(name: string, directory: string, error: PoolError): string {
  const advice = NEXT_STEP[error.code];
  const text = `Thin pool ${name}: ${error.message.trimEnd()}`;
  const sentence = text.endsWith(".") ? text : `${text}.`;
  const next = advice === undefined ? "" : ` ${advice}${advice.includes("lvextend") ? ` ${name}` : ""}.`;
  const log = existsSync(join(directory, "log")) ? ` Log: ${join(directory, "log")}` : "";
  return `${sentence}${next}${log}`;
}

/** True when the pool surely did not perform what it was asked. */
export function isDefiniteRefusal(error: unknown): boolean {
  const cause = error instanceof VgError ? error.cause : error;
  return cause instanceof PoolError && cause.code !== "unreachable";
}

