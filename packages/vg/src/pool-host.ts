/**
 * Starting, finding and stopping the server of a pool.
 *
 * A pool server runs while a thin LV of the pool is active, or the pool itself is: that was asked
 * for when the file `active` is in its run directory.
 */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CallTimeout, detachLoop, unmount, within } from "@mortar/linux";
import { findLv, thinVolumesOf, type ThinPool } from "@mortar/lvm2";
import { connectPool, PoolError, startPool, type PoolClient, type PoolSpec } from "@mortar/pool";
import { findLoop, findPoolDirectory, readBlockState, usageOf } from "./block-state.ts";
import type { BlockState } from "./block-state.ts";
import type { VgHost } from "./host.ts";
import type { LoadedVg } from "./loaded-vg.ts";
import { linearServerSpec, LINEAR_SERVER, thinPoolSpec } from "./served-spec.ts";
import { VgError } from "./vg-error.ts";

const ANSWER_MS_MAX = 20_000;
/** A commit of a large pool on a slow disk takes its time. */
const CALL_MS_MAX = 130_000;

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

/**
 * The server of a thin pool, started unless it runs, and answering. Queued messages are performed
 * when it starts.
 */
export async function ensurePool(
  host: VgHost,
  loaded: LoadedVg,
  pool: ThinPool,
): Promise<RunningPool> {
  const running = await findAnswering(host, loaded.vg.name, pool.lv.name, pool.lv.id);
  return running ?? (await start(host, loaded, thinPoolSpec(loaded, pool, [])));
}

/** The same for the server of linear LVs in several pieces. */
export async function ensureLinearServer(host: VgHost, loaded: LoadedVg): Promise<RunningPool> {
  const running = await findAnswering(host, loaded.vg.name, LINEAR_SERVER, loaded.vg.id);
  return running ?? (await start(host, loaded, linearServerSpec(loaded, [])));
}

/**
 * A server that was killed a moment ago may look alive until it is spoken to. One of another group
 * with the same name, on devices that are not scanned here, must not be taken for ours.
 */
async function findAnswering(
  host: VgHost,
  vgName: string,
  server: string,
  uuid: string,
): Promise<RunningPool | undefined> {
  const running = await findPool(host, vgName, server);
  if (running === undefined) return undefined;
  const name = `${vgName}/${server}`;
  const { client, directory } = running;
  let served: string;
  try {
    served = (await poolCall(name, directory, client.status(), ANSWER_MS_MAX)).uuid;
  } catch (error) {
    if ((await findPool(host, vgName, server)) === undefined) return undefined;
    throw error;
  }
  if (served === uuid) return running;
  throw new VgError(
    "duplicate-name",
    `Another volume group named ${vgName} is active, served from ${directory}. ` +
      "Deactivate it first.",
  );
}

async function start(host: VgHost, loaded: LoadedVg, spec: PoolSpec): Promise<RunningPool> {
  const directory = poolDirectory(host, spec.vgName, spec.poolName);
  await clearDeadMount(loaded, spec.poolName, directory);
  const name = `${spec.vgName}/${spec.poolName}`;
  const client = await poolCall(name, directory, startPool(spec, directory));
  return { client, directory };
}

/**
 * The mount of a server whose holder died serves nothing any more. It is taken away with the loop
 * devices over it, unless one of those is still in use: the operator has to let it go first.
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
    if (usageOf(state, loop) === undefined && (await detachLoop(loop.path))) continue;
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

/** Bound the wait, and turn a refusal into a sentence that names the pool and its log. */
export async function poolCall<T>(
  name: string,
  directory: string,
  call: Promise<T>,
  timeoutMs = CALL_MS_MAX,
): Promise<T> {
  try {
    const sentence = `Thin pool ${name}: its server does not answer within ${timeoutMs / 1000} s.`;
    return await within(timeoutMs, sentence, call);
  } catch (error) {
    if (error instanceof CallTimeout) {
      const log = join(directory, "log");
      throw new VgError("pool-failed", `${error.message} Log: ${log}`, { cause: error });
    }
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
  const subject = advice?.includes("lvextend") === true ? ` ${name}` : "";
  const next = advice === undefined ? "" : ` ${advice}${subject}.`;
  const log = existsSync(join(directory, "log")) ? ` Log: ${join(directory, "log")}` : "";
  return `${sentence}${next}${log}`;
}

/** True when the pool surely did not perform what it was asked. */
export function isDefiniteRefusal(error: unknown): boolean {
  const cause = error instanceof VgError ? error.cause : error;
  return cause instanceof PoolError && cause.code !== "unreachable";
}

