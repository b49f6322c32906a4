/**
 * Starting, finding and stopping a pool: the server of one, or the kernel's (kernel-pool.ts).
 *
 * A pool server runs while a thin LV of the pool is active, or the pool itself is: that was asked
 * for when the file `active` is in its run directory.
 */
import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CallTimeout, detachLoop, unmount, within } from "@mortar/linux";
import { findLv, findThinPool, thinVolumesOf, type ThinPool } from "@mortar/lvm2";
import { connectPool, holdPoolMetadata, PoolError, startPool, type PoolClient, type PoolSpec } from "@mortar/pool";
import { findPoolDirectory, findServedLoop, readBlockState, usageOf } from "./block-state.ts";
import type { BlockState } from "./block-state.ts";
import type { VgHost } from "./host.ts";
import { engineFor, engineInUse } from "./engine.ts";
import { ensureKernelPool, findKernelPool, isIdle, removeKernelPool } from "./kernel-pool.ts";
import type { LoadedVg } from "./loaded-vg.ts";
import { ailmentOf, repairSteps } from "./pool-ailment.ts";
import type { RunningPool } from "./running-pool.ts";
import { linearServerSpec, LINEAR_SERVER, thinPoolSpec } from "./served-spec.ts";
import { VgError } from "./vg-error.ts";

const ANSWER_MS_MAX = 20_000;
/** A commit of a large pool on a slow disk takes its time. */
const CALL_MS_MAX = 130_000;

export interface PoolServer {
  readonly client: PoolClient;
  readonly directory: string;
}

export function poolDirectory(host: VgHost, vgName: string, server: string): string {
  return findPoolDirectory(readBlockState(), host.runDirectory, vgName, server);
}

/** A pool that is active, whichever engine has it. */
export async function findPool(
  host: VgHost,
  vgName: string,
  server: string,
): Promise<RunningPool | undefined> {
  const mapped = findKernelPool(readBlockState(), host.runDirectory, vgName, server);
  if (mapped !== undefined) return mapped;
  const running = await findServer(host, vgName, server);
  return running && asRunning(running);
}

/** The server of a pool, if it runs. `server` is the pool's name, or LINEAR_SERVER. */
export async function findServer(
  host: VgHost,
  vgName: string,
  server: string,
): Promise<PoolServer | undefined> {
  const directory = poolDirectory(host, vgName, server);
  const client = await connectPool(directory);
  return client === undefined ? undefined : { client, directory };
}

/** The pool at work, in the engine that has the group or may have it: see engine.ts. */
export async function ensurePool(
  host: VgHost,
  loaded: LoadedVg,
  pool: ThinPool,
): Promise<RunningPool> {
  if ((await engineFor(host, loaded)) === "kernel") {
    return await ensureKernelPool(host, loaded, pool);
  }
  return asRunning(await ensurePoolServer(host, loaded, pool));
}

/**
 * The server of a thin pool, started unless it runs, and answering. Queued messages are performed
 * when it starts.
 */
export async function ensurePoolServer(
  host: VgHost,
  loaded: LoadedVg,
  pool: ThinPool,
): Promise<PoolServer> {
  requireNotMapped(host, loaded);
  const running = await findAnswering(host, loaded.vg.name, pool.lv.name, pool.lv.id);
  return running ?? (await start(host, loaded, thinPoolSpec(host, loaded, pool, [])));
}

/** The same for the server of linear LVs in several pieces. */
export async function ensureLinearServer(host: VgHost, loaded: LoadedVg): Promise<PoolServer> {
  requireNotMapped(host, loaded);
  const running = await findAnswering(host, loaded.vg.name, LINEAR_SERVER, loaded.vg.id);
  return running ?? (await start(host, loaded, linearServerSpec(loaded, [])));
}

/** Two engines over one pool would each overwrite what the other has written. */
function requireNotMapped(host: VgHost, loaded: LoadedVg): void {
  if (engineInUse(host, loaded) !== "kernel") return;
  const { name } = loaded.vg;
  throw new VgError(
    "in-use",
    `Volume group ${name} is active in the kernel's device-mapper, and this takes a server of ` +
      `Mortar's own: vgchange -an ${name}, then vgchange -ay --engine userspace ${name}`,
  );
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
): Promise<PoolServer | undefined> {
  const running = await findServer(host, vgName, server);
  if (running === undefined) return undefined;
  const name = `${vgName}/${server}`;
  const { client, directory } = running;
  let served: string;
  try {
    served = (await poolCall(name, directory, client.status(), ANSWER_MS_MAX)).uuid;
  } catch (error) {
    if ((await findServer(host, vgName, server)) === undefined) return undefined;
    throw error;
  }
  if (served === uuid) return running;
  throw new VgError(
    "duplicate-name",
    `Another volume group named ${vgName} is active, served from ${directory}. ` +
      "Deactivate it first.",
  );
}

async function start(host: VgHost, loaded: LoadedVg, spec: PoolSpec): Promise<PoolServer> {
  const directory = poolDirectory(host, spec.vgName, spec.poolName);
  await clearDeadMount(loaded, spec.poolName, directory);
  const name = `${spec.vgName}/${spec.poolName}`;
  const client = await poolCall(name, directory, startPool(spec, directory));
  const { pool } = await poolCall(name, directory, client.status());
  if (pool !== undefined && (pool.needsCheck || pool.mode === "read-only")) {
    host.warn(`WARNING: ${ailmentOf(name, pool)}`);
  }
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
  for (const loop of state.loops.below(mountPoint)) {
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

/** The file `active` tells whether the pool itself was activated, not only volumes of it. */
function asRunning({ client, directory }: PoolServer): RunningPool {
  const mark = join(directory, "active");
  return {
    client,
    directory,
    isKept: () => existsSync(mark),
    keep: async (kept) => {
      if (kept) await writeFile(mark, "", { mode: 0o600 });
      else await rm(mark, { force: true });
    },
    hold: async (held) => void (await holdPoolMetadata(directory, held)),
  };
}

/** End the server unless something is still served by it. */
export async function stopIfIdle(host: VgHost, loaded: LoadedVg, server: string): Promise<void> {
  const { name: vgName } = loaded.vg;
  const mapped = findKernelPool(readBlockState(), host.runDirectory, vgName, server);
  const pool = findThinPool(loaded.vg, server);
  if (mapped !== undefined && pool !== undefined) {
    if (!mapped.isKept() && isIdle(readBlockState(), loaded, pool)) {
      await removeKernelPool(loaded, pool);
    }
    return;
  }
  const running = await findServer(host, vgName, server);
  if (running === undefined || asRunning(running).isKept()) return;
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
    const loop = lv && findServedLoop(state, runDirectory, loaded, lv);
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
  const isDamaged = error.code === "needs-check" || error.code === "corrupt";
  const advice = isDamaged ? `Next: ${repairSteps(name)}` : NEXT_STEP[error.code];
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

