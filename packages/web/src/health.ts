/** What is wrong, out of what the daemon tells: the worst first, each with what to type. */
import type { Peer, PoolUse, Schedule, SnapshotRef, VolumeInfo, VolumeStatus } from "@mortar/api";
import { agoText, bytesText, durationText, percentText } from "./format.ts";
import type { Forecast } from "./forecast.ts";

export interface Finding {
  readonly level: "warn" | "bad";
  readonly title: string;
  readonly detail: string;
  readonly nextStep: string;
  /** A place of the page that shows it. */
  readonly path: readonly string[];
}

export interface PoolFill {
  readonly host: string;
  /** `VG/POOL`. */
  readonly name: string;
  readonly state?: PoolUse["state"];
  readonly usedBytes: number;
  readonly sizeBytes: number;
  readonly metadataPercent?: number;
  readonly forecast?: Forecast;
}

export interface Told {
  readonly peers?: readonly Peer[] | undefined;
  readonly volumes?: readonly VolumeInfo[] | undefined;
  readonly statuses?: readonly VolumeStatus[] | undefined;
  readonly snapshots?: readonly SnapshotRef[] | undefined;
  readonly schedules?: readonly Schedule[] | undefined;
  readonly pools?: readonly PoolFill[] | undefined;
  readonly nowMs: number;
}

const SKEW_MS_MAX = 2_000;
const POOL_WARN_PERCENT = 80;
const POOL_BAD_PERCENT = 95;
const DAY_MS = 86_400_000;
const SOON_MS = 3 * DAY_MS;
const DELETING_MS_MAX = 600_000;

export function findingsOf(told: Told): Finding[] {
  const found = [
    ...(told.peers ?? []).flatMap(ofPeer),
    ...(told.statuses ?? []).flatMap((it) => ofVolume(it, told)),
    ...(told.pools ?? []).flatMap((it) => ofPool(it, told.nowMs)),
    ...(told.schedules ?? []).flatMap(ofSchedule),
    ...(told.snapshots ?? []).flatMap((it) => ofSnapshot(it, told.nowMs)),
  ];
  return found.sort((a, b) => Number(b.level === "bad") - Number(a.level === "bad"));
}

function ofPeer({ hostname, connected, self, clockSkewMs = 0 }: Peer): Finding[] {
  const path = ["nodes"];
  if (!connected && !self) {
    return [{
      level: "bad", title: `The node ${hostname} does not answer`, path,
      detail: "Its bricks are not served. Copies on other nodes go on.",
      nextStep: `See whether it runs; on ${hostname} type: mortar up`,
    }];
  }
  if (Math.abs(clockSkewMs) <= SKEW_MS_MAX) return [];
  return [{
    level: "warn", title: `The clock of ${hostname} is off`, path,
    detail: `By ${durationText(Math.abs(clockSkewMs))}. Times of files and snapshots are in doubt.`,
    nextStep: `On ${hostname} type: systemctl restart systemd-timesyncd`,
  }];
}

/** Bricks of a node that is away are told of with the node, unless files are out of reach. */
function ofVolume({ name, started, processes }: VolumeStatus, told: Told): Finding[] {
  const path = ["volumes", name];
  const info = told.volumes?.find((it) => it.name === name);
  if (!started || info === undefined) return [];
  const bricks = processes.filter(({ kind }) => kind === "brick");
  const down = info.bricks.filter(({ host, path: of }) =>
    !bricks.some((it) => it.host === host && it.path === of && it.online));
  const first = down[0];
  if (first === undefined) return [];
  const which = down.map(({ host, path: of }) => `${host}:${of}`).join(", ");
  const nextStep = `mortar volume start ${name} force`;
  const lost = lostSets(info, down);
  if (lost > 0) {
    return [{
      level: "bad", title: `Files of the volume ${name} cannot be reached`, path, nextStep,
      detail: `${lost} of ${info.distCount} sets of its bricks have too few online. Down: ${which}.`,
    }];
  }
  return [{
    level: "warn", title: `The volume ${name} has fewer copies than it should`, path, nextStep,
    detail: `Clients go on. Down: ${which}.`,
  }];
}

/** Sets that have not enough bricks to be read and written. */
export function lostSets(info: VolumeInfo, down: readonly { host: string; path: string }[]): number {
  const size = info.disperseCount > 0 ? info.disperseCount : Math.max(1, info.replicaCount);
  const spare = info.disperseCount > 0 ? info.redundancyCount : Math.floor((size - 1) / 2);
  let lost = 0;
  for (let at = 0; at < info.bricks.length; at += size) {
    const set = info.bricks.slice(at, at + size);
    const away = set.filter((it) =>
      down.some(({ host, path }) => host === it.host && path === it.path)).length;
    if (away > spare) lost += 1;
  }
  return lost;
}

function ofPool(pool: PoolFill, nowMs: number): Finding[] {
  const { host, name, state = "ok", usedBytes, sizeBytes, metadataPercent, forecast } = pool;
  const path = ["pools"];
  const percent = (100 * usedBytes) / sizeBytes;
  const free = `${bytesText(sizeBytes - usedBytes)} are free.`;
  const nextStep = `Delete snapshots, or give it more room: lvextend -L +10G ${name}`;
  const found: Finding[] = [];
  if (state !== "ok" && state !== "inactive") {
    found.push({
      level: "bad", path, title: `The pool ${name} on ${host} is ${state.replaceAll("-", " ")}`,
      detail: "Writes of volumes that have bricks in it wait, or fail.",
      nextStep: state === "out-of-data"
        ? `Give it more room: lvextend -L +10G ${name}`
        : `Look at it: mortar pool check ${name}`,
    });
  }
  const fullAtMs = forecast?.kind === "filling" ? forecast.fullAtMs : undefined;
  const isNow = fullAtMs !== undefined && fullAtMs - nowMs < DAY_MS;
  const isSoon = fullAtMs !== undefined && fullAtMs - nowMs < SOON_MS;
  if (percent >= POOL_WARN_PERCENT || isSoon) {
    const when = fullAtMs === undefined ? "" : ` At this pace it is full ${agoText(fullAtMs, nowMs)}.`;
    found.push({
      level: percent >= POOL_BAD_PERCENT || isNow ? "bad" : "warn", path, nextStep,
      title: `The pool ${name} on ${host} is ${percentText(usedBytes, sizeBytes)} full`,
      detail: `${free}${when}`,
    });
  }
  if (metadataPercent !== undefined && metadataPercent >= POOL_WARN_PERCENT) {
    found.push({
      level: metadataPercent >= POOL_BAD_PERCENT ? "bad" : "warn", path,
      title: `The metadata of the pool ${name} on ${host} is ${Math.round(metadataPercent)} % full`,
      detail: "A pool without room for metadata takes no writes.",
      nextStep: `Give it more room: lvextend --poolmetadatasize +64M ${name}`,
    });
  }
  return found;
}

function ofSchedule({ name, enabled, lastRun, retryAtMs }: Schedule): Finding[] {
  if (!enabled || lastRun?.error === undefined) return [];
  return [{
    level: "warn", title: `The last run of the schedule ${name} failed`, path: ["schedules", name],
    detail: lastRun.error + (retryAtMs === undefined ? "" : " It is tried again."),
    nextStep: `mortar snapshot schedule run ${name}`,
  }];
}

function ofSnapshot({ name, volume, deleting }: SnapshotRef, nowMs: number): Finding[] {
  if (deleting === undefined || nowMs - deleting.since * 1000 < DELETING_MS_MAX) return [];
  const hosts = [...new Set(deleting.left.map(({ host }) => host))].join(", ");
  return [{
    level: "warn", title: `The snapshot ${name} is not deleted everywhere`, path: ["volumes", volume],
    detail: `Logical volumes are left on ${hosts}: they go when the nodes can be reached.`,
    nextStep: "mortar status",
  }];
}
