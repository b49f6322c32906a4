/** What of this machine's mounts and logical volumes hangs on this node. */
import { hostname } from "node:os";
import { join } from "node:path";
import type { NodeStatus, VolumeInfo } from "@mortar/api";
import {
  deadServers, engineChoiceOf, type LvStatus, readDeviceFilter, readPlainFiles, VolumeGroups,
} from "@mortar/vg";
import { clientOf, runDirectoryOf } from "./daemon.ts";
import { type Mount, readMounts } from "./mounts.ts";
import { poolPolicyOf } from "./pool-policy.ts";

export interface LvMount {
  readonly mount: Mount;
  readonly lv: LvStatus;
}

export interface Served {
  readonly groups: VolumeGroups;
  /** Active logical volumes of this node; other nodes of this machine have their own. */
  readonly lvs: readonly LvStatus[];
  /** File systems on them, in the order in which they were mounted. */
  readonly lvMounts: readonly LvMount[];
  /** Run directories of pools whose processes are gone; what is mounted from them gives errors. */
  readonly dead: readonly string[];
  /** Mounts of stock clients on this machine, of this node's volumes. */
  readonly clientMounts: readonly Mount[];
}

export async function servedBy(root: string, status: NodeStatus | undefined): Promise<Served> {
  const settings = join(root, "etc/mortar/mortar.json");
  const groups = await VolumeGroups.open({
    runDirectory: runDirectoryOf(root),
    engine: engineChoiceOf(root),
    // What `devices` leaves out is somebody else's, and `down` leaves it alone.
    deviceFilter: readDeviceFilter(settings),
    files: readPlainFiles(settings),
    policy: poolPolicyOf(root),
  });
  const lvs = (await groups.listLvs()).filter((lv) => lv.active && isOwn(root, lv));
  const mounts = readMounts();
  const lvMounts = mounts.flatMap((mount) => {
    const lv = lvs.find((it) => it.deviceNumber !== undefined && it.deviceNumber === mount.device);
    return lv === undefined ? [] : [{ mount, lv }];
  });
  const clientMounts = status === undefined ? [] : await clientMountsOf(root, status, mounts);
  const dead = await deadServers(runDirectoryOf(root));
  return { groups, lvs, lvMounts, dead, clientMounts };
}

/**
 * A pool's server says by its run directory whose it is. A linear volume has no server: on a machine
 * of several nodes nobody can tell, so only the node without a root of its own takes it for its own.
 */
function isOwn(root: string, lv: LvStatus): boolean {
  return lv.kind === "linear" ? root === "/" : lv.servedHere;
}

async function clientMountsOf(
  root: string,
  status: NodeStatus,
  mounts: readonly Mount[],
): Promise<Mount[]> {
  const clients = mounts.filter((mount) => mount.type === "fuse.glusterfs");
  if (clients.length === 0) return [];
  const answer = await clientOf(root).volumeInfoAll();
  const volumes: readonly VolumeInfo[] = answer.ok ? answer.result : [];
  const names = volumes.map((volume) => volume.name);
  const hosts = new Set([status.host, status.address, hostname(), "localhost"]);
  for (const brick of volumes.flatMap((volume) => volume.bricks)) {
    if (brick.hostUuid === status.uuid) hosts.add(brick.host);
  }
  return clients.filter((mount) => {
    const [, host = "", path = ""] = /^([^/]*):\/?(.*)$/.exec(mount.source) ?? [];
    const [first = "", , ofSnapshot = ""] = path.split("/");
    const volume = first === "snaps" && ofSnapshot !== "" ? ofSnapshot : first;
    return hosts.has(host) && names.includes(volume);
  });
}
