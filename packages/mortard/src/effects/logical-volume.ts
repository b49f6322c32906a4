/** Effects on thin pools and their LVs. */
import { realpathSync } from "node:fs";
import type { NodeEffects, PoolFacts } from "@mortar/cluster";
import { listMounts } from "@mortar/linux";
import { type PoolStatusOfVg, SECTOR_BYTES, formatPercent, formatSize } from "@mortar/vg";
import type { Groups } from "./groups.ts";
import { SnapshotMoments } from "./snapshot-moment.ts";

type Args<K extends keyof NodeEffects> = NodeEffects[K]["args"];
type Result<K extends keyof NodeEffects> = NodeEffects[K]["result"];

export interface LogicalVolumesOptions {
  readonly groups: Groups;
  readonly isFrozen: (mountPoint: string) => boolean;
}

export class LogicalVolumes {
  readonly moments: SnapshotMoments;
  readonly #options: LogicalVolumesOptions;

  constructor(options: LogicalVolumesOptions) {
    this.#options = options;
    const isFrozen = (vg: string, lv: string) => this.#isFrozen(vg, lv);
    this.moments = new SnapshotMoments({ groups: options.groups, isFrozen });
  }

  async poolStatus({ vg, pool }: Args<"poolStatus">): Promise<PoolFacts> {
    const status = await this.#options.groups.poolStatus({ vg, pool });
    if (status === undefined) throw new Error(`There is no thin pool ${vg}/${pool}`);
    return {
      state: stateOf(status),
      dataPercent: status.dataPercent ?? 0,
      metadataPercent: status.metadataPercent ?? 0,
      sizeBytes: status.dataBytes,
      ...(status.dataUsedBytes === undefined ? {} : { usedBytes: status.dataUsedBytes }),
    };
  }

  async activate({ vg, lv }: Args<"activateLv">): Promise<void> {
    await this.#options.groups.activateLv({ vg, lv });
  }

  async remove({ vg, lv }: Args<"removeLv">): Promise<void> {
    try {
      await this.#options.groups.removeLv({ vg, lv });
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      if (code !== "lv-missing" && code !== "vg-missing") throw error;
    }
  }

  async reclaimable({ lvs }: Args<"reclaimable">): Promise<Result<"reclaimable">> {
    const { groups } = this.#options;
    try {
      return await groups.reclaimable(lvs);
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      if (code !== "lv-missing" && code !== "vg-missing") throw error;
    }
    // Some are gone: a deletion that is not finished.
    const there: (typeof lvs)[number][] = [];
    for (const it of lvs) if (await this.#exists(it)) there.push(it);
    return await groups.reclaimable(there);
  }

  async #exists(name: { readonly vg: string; readonly lv: string }): Promise<boolean> {
    try {
      return (await this.#options.groups.lvStatus(name)) !== undefined;
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      if (code === "lv-missing" || code === "vg-missing") return false;
      throw error;
    }
  }

  async status({ vg, lv }: Args<"lvStatus">): Promise<Result<"lvStatus">> {
    const status = await this.#options.groups.lvStatus({ vg, lv });
    if (status === undefined) return {};
    return {
      size: formatSize(status.sizeBytes / SECTOR_BYTES),
      sizeBytes: status.sizeBytes,
      ...(status.dataPercent === undefined ? {} : { dataPercent: formatPercent(status.dataPercent, 100) }),
    };
  }

  /** Writers are held back while this is found out: it asks no more than the names of devices. */
  #isFrozen(vg: string, lv: string): boolean {
    const device = resolved(`/dev/${vg}/${lv}`);
    if (device === undefined) return false;
    const frozen = listMounts().filter((mount) => this.#options.isFrozen(mount.path));
    return frozen.some((mount) => resolved(mount.source) === device);
  }
}

function resolved(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function stateOf(status: PoolStatusOfVg): PoolFacts["state"] {
  if (!status.active || status.mode === undefined) return "inactive";
  if (status.needsCheck) return "needs-check";
  return states[status.mode];
}

const states = {
  rw: "ok",
  ro: "read-only",
  "out-of-data-space": "out-of-data",
  fail: "failed",
} as const satisfies Record<NonNullable<PoolStatusOfVg["mode"]>, PoolFacts["state"]>;
