/**
 * Who owns how much of a thin pool: asked of the servers of active pools, which keep exact books.
 * After an activation a server reads the pool's metadata first; that is waited for a while.
 */
import { asThinPool, asThinVolume, findLv } from "@mortar/lvm2";
import type { SpaceReport } from "@mortar/pool";
import type { VgHost } from "./host.ts";
import { findPool, poolCall } from "./pool-host.ts";
import { VgError } from "./vg-error.ts";
import { viewMachine } from "./vg-view.ts";
import type { LvSpace, LvState, MachineView, VgView } from "./vg-view.ts";

const READY_MS_MAX = 10_000;
const ANSWER_MS_MAX = 60_000;

/** What deleting some LVs of one pool gives back. */
export interface PoolReclaim {
  readonly vg: string;
  readonly pool: string;
  readonly lvs: readonly ({ readonly lv: string; readonly deviceId: number } & LvSpace)[];
  /** By deleting all of `lvs` and nothing else. */
  readonly freedBytes: number;
}

/**
 * The view with the space of every thin LV whose pool is active. A pool that cannot tell is warned
 * of.
 */
export async function withSpace(host: VgHost, machine: MachineView): Promise<MachineView> {
  const groups: VgView[] = [];
  for (const view of machine.groups) {
    let states = view.states;
    for (const pool of view.pools.keys()) {
      const report = await askOrExplain(host, view.vg.name, pool);
      if (report.ready) states = statesWithSpace(view, states, pool, report);
      else host.warn(`WARNING: ${absence(view.vg.name, pool, report)}`);
    }
    groups.push({ ...view, states });
  }
  return { ...machine, groups };
}

/** A report of other columns does not fail because of these. */
async function askOrExplain(host: VgHost, vg: string, pool: string): Promise<SpaceReport> {
  try {
    return await askSpace(host, vg, pool, []);
  } catch (error) {
    if (!(error instanceof VgError)) throw error;
    return { ready: false, retry: false, reason: error.message.replace(/\.$/, "") };
  }
}

type ReadyReport = Extract<SpaceReport, { ready: true }>;

function statesWithSpace(
  view: VgView,
  states: ReadonlyMap<string, LvState>,
  pool: string,
  report: ReadyReport,
): ReadonlyMap<string, LvState> {
  const spaces = spacesOf(report);
  const changed = new Map(states);
  for (const lv of view.vg.logicalVolumes) {
    const thin = asThinVolume(lv)?.segment;
    const state = states.get(lv.name);
    if (thin?.pool !== pool || state === undefined) continue;
    changed.set(lv.name, { ...state, space: spaces.get(thin.deviceId) });
  }
  return changed;
}

function spacesOf({ devices, chunkBytes }: ReadyReport): Map<number, LvSpace> {
  return new Map(
    devices.map(({ deviceId, mappedBlocks, exclusiveBlocks }) => [
      deviceId,
      {
        mappedBytes: mappedBlocks * chunkBytes,
        exclusiveBytes: exclusiveBlocks * chunkBytes,
        sharedBytes: (mappedBlocks - exclusiveBlocks) * chunkBytes,
      },
    ]),
  );
}

/** For each pool of these thin LVs, what deleting exactly those of it would free. */
export async function reclaimable(
  host: VgHost,
  names: readonly { readonly vg: string; readonly lv: string }[],
): Promise<PoolReclaim[]> {
  const { groups } = await viewMachine(host, [...new Set(names.map(({ vg }) => vg))]);
  const pools = new Map<string, { vg: string; pool: string; lvs: Map<number, string> }>();
  for (const { vg, lv } of names) {
    const view = groups.find((one) => one.vg.name === vg);
    const thin = requireThin(view, vg, lv);
    const key = `${vg}/${thin.pool}`;
    const pool = pools.get(key) ?? { vg, pool: thin.pool, lvs: new Map<number, string>() };
    pool.lvs.set(thin.deviceId, lv);
    pools.set(key, pool);
  }
  const reclaims: PoolReclaim[] = [];
  for (const { vg, pool, lvs } of pools.values()) {
    const report = await askSpace(host, vg, pool, [[...lvs.keys()]]);
    if (!report.ready) throw new VgError("pool-failed", absence(vg, pool, report));
    reclaims.push(reclaimOf(vg, pool, lvs, report));
  }
  return reclaims;
}

function reclaimOf(
  vg: string,
  pool: string,
  lvs: ReadonlyMap<number, string>,
  report: ReadyReport,
): PoolReclaim {
  const spaces = spacesOf(report);
  const rows = [...lvs].map(([deviceId, lv]) => {
    const space = spaces.get(deviceId);
    if (space !== undefined) return { lv, deviceId, ...space };
    throw new VgError(
      "pool-failed",
      `Thin pool ${vg}/${pool} has no device ${deviceId} for ${vg}/${lv}.`,
    );
  });
  const [freedBlocks] = report.freedBlocks;
  return { vg, pool, lvs: rows, freedBytes: (freedBlocks ?? 0) * report.chunkBytes };
}

function requireThin(
  view: VgView | undefined,
  vg: string,
  name: string,
): { readonly pool: string; readonly deviceId: number } {
  const lv = view && findLv(view.vg, name);
  if (lv === undefined) {
    throw new VgError("lv-missing", `Failed to find logical volume "${vg}/${name}"`);
  }
  const thin = asThinVolume(lv)?.segment;
  if (thin !== undefined) return thin;
  const what = asThinPool(lv) === undefined ? "not a thin volume" : "a pool: name its volumes";
  throw new VgError("not-supported", `${vg}/${name} is ${what}.`);
}

async function askSpace(
  host: VgHost,
  vg: string,
  pool: string,
  sets: readonly (readonly number[])[],
): Promise<SpaceReport> {
  const running = await findPool(host, vg, pool);
  if (running === undefined) {
    const reason = `it is not active: activate it with vgchange -ay ${vg}`;
    return { ready: false, retry: false, reason };
  }
  const call = running.client.space(sets, READY_MS_MAX);
  return await poolCall(`${vg}/${pool}`, running.directory, call, ANSWER_MS_MAX);
}

function absence(vg: string, pool: string, { reason }: { readonly reason: string }): string {
  return `Thin pool ${vg}/${pool} cannot tell what is exclusive to its volumes: ${reason}.`;
}
