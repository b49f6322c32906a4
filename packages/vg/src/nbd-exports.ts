/** Thin LVs as NBD exports: every active one at its pool's own socket, and wherever else it is asked. */
import {
  asThinVolume,
  findLv,
  requireThinPool,
  thinPools,
  type LogicalVolume,
} from "@mortar/lvm2";
import type { NbdAddress, NbdStatus } from "@mortar/pool";
import { activateLv } from "./activation.ts";
import { engineFor } from "./engine.ts";
import type { VgHost } from "./host.ts";
import { volumeGroupsOf, type LoadedVg } from "./loaded-vg.ts";
import { ensurePoolServer, findServer, poolCall, type PoolServer } from "./pool-host.ts";
import { uriOf } from "./nbd-uri.ts";
import { scanPhysicalVolumes } from "./pv-scan.ts";
import { VgError } from "./vg-error.ts";

/** An active thin LV, and where NBD clients find it. */
export interface NbdExportOfLv {
  readonly vg: string;
  readonly lv: string;
  /** As libnbd and QEMU write it. */
  readonly uris: readonly string[];
  readonly tls: boolean;
  /** Clients that are connected now, counted over all addresses. */
  readonly connections: number;
}

export interface NbdPlace {
  readonly address: NbdAddress;
  /** Directory with ca-cert.pem, server-cert.pem, server-key.pem; null for none. */
  readonly tlsDirectory: string | null;
}

/** Activates it if need be. Without a place: at its pool's socket only. */
export async function exportLv(
  host: VgHost,
  loaded: LoadedVg,
  lvName: string,
  place: NbdPlace | undefined,
): Promise<NbdExportOfLv> {
  const { lv, pool } = requireThin(loaded, lvName);
  if ((await engineFor(host, loaded)) === "kernel") {
    throw new VgError(
      "not-supported",
      `The kernel has ${loaded.vg.name}, and Mortar exports what it serves itself. ` +
        `Use qemu-nbd on /dev/${loaded.vg.name}/${lvName}, or activate with --engine userspace.`,
    );
  }
  await activateLv(host, loaded, lv);
  const running = await ensurePoolServer(host, loaded, requireThinPool(loaded.vg, pool));
  const name = `${loaded.vg.name}/${pool}`;
  const { client, directory } = running;
  if (place !== undefined)
    await poolCall(name, directory, client.nbdExport({ ...place, volume: lvName }));
  return exportOf(loaded.vg.name, lvName, await statusOf(name, running));
}

/** At one address, or at all but the pool's own socket. Clients that are connected stay. */
export async function unexportLv(
  host: VgHost,
  loaded: LoadedVg,
  lvName: string,
  address: NbdAddress | undefined,
): Promise<void> {
  const { pool } = requireThin(loaded, lvName);
  const running = await findServer(host, loaded.vg.name, pool);
  const where = address ?? "any address";
  const missing = new VgError(
    "lv-missing",
    `Logical volume ${loaded.vg.name}/${lvName} is not exported at ${where}.`,
  );
  if (running === undefined) throw missing;
  const call = running.client.nbdUnexport(lvName, address ?? null);
  const done = await poolCall(`${loaded.vg.name}/${pool}`, running.directory, call);
  if (done === "unchanged") throw missing;
}

/** Of all groups, or of one. */
export async function listExports(host: VgHost, vgName?: string): Promise<NbdExportOfLv[]> {
  const exports: NbdExportOfLv[] = [];
  for (const loaded of volumeGroupsOf(scanPhysicalVolumes(host))) {
    if (vgName !== undefined && loaded.vg.name !== vgName) continue;
    for (const { lv: pool } of thinPools(loaded.vg)) {
      const running = await findServer(host, loaded.vg.name, pool.name);
      if (running === undefined) continue;
      const name = `${loaded.vg.name}/${pool.name}`;
      const status = await statusOf(name, running);
      const { volumes } = await poolCall(name, running.directory, running.client.status());
      exports.push(...volumes.map((volume) => exportOf(loaded.vg.name, volume.name, status)));
    }
  }
  return exports;
}

function requireThin(
  loaded: LoadedVg,
  lvName: string,
): { readonly lv: LogicalVolume; readonly pool: string } {
  const name = `${loaded.vg.name}/${lvName}`;
  const lv = findLv(loaded.vg, lvName);
  if (lv === undefined)
    throw new VgError("lv-missing", `Failed to find logical volume "${name}"`);
  const thin = asThinVolume(lv);
  if (thin !== undefined) return { lv, pool: thin.segment.pool };
  throw new VgError("not-supported", `Logical volume ${name} is not thin: NBD exports thin volumes.`);
}

async function statusOf(name: string, { client, directory }: PoolServer): Promise<NbdStatus> {
  return await poolCall(name, directory, client.nbdStatus());
}

function exportOf(vg: string, lv: string, status: NbdStatus): NbdExportOfLv {
  const there = status.listeners.filter(({ volumes }) => volumes.includes(lv));
  return {
    vg,
    lv,
    uris: [
      uriOf(`unix:${status.socket}`, false, lv),
      ...there.map(({ address, tlsDirectory }) => uriOf(address, tlsDirectory !== null, lv)),
    ],
    tls: there.some(({ tlsDirectory }) => tlsDirectory !== null),
    connections: status.connections[lv] ?? 0,
  };
}
