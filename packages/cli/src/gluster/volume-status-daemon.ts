/** `volume status V shd`, and the other daemons that stock has: which of them a volume has, or why none. */
import type { Answer, Problem, VolumeInfo, VolumeProcess, VolumeStatus } from "@mortar/api";
import { UsageError } from "./command.ts";

/** What stock says of a daemon that a volume does not have. */
const missing = {
  shd: (name: string) => `Self-heal Daemon is disabled for volume ${name}`,
  snapd: (name: string) => `Volume ${name} does not have uss enabled`,
  nfs: (name: string) => `NFS server is disabled for volume ${name}`,
  quotad: (name: string) => `Volume ${name} does not have quota enabled`,
  bitd: (name: string) => `Volume ${name} does not have bitrot enabled`,
  scrub: (name: string) =>
    `Volume ${name} does not have bitrot enabled. Scrubber will be enabled automatically if bitrot is enabled`,
};
export type StatusDaemon = keyof typeof missing;

const kinds: Partial<Record<StatusDaemon, VolumeProcess["kind"]>> = {
  shd: "self-heal-daemon", snapd: "snapshot-daemon",
};

/** GlusterFS's number for what went wrong inside. */
const INTERNAL = 30800;

/** Throws `UsageError` of a daemon that all volumes are asked for. */
export function statusDaemonOf(word: string, volume: string | undefined): StatusDaemon | undefined {
  if (!Object.hasOwn(missing, word)) return undefined;
  if (volume === undefined) throw new UsageError(`${word} is not a valid status option`);
  return word as StatusDaemon;
}

/** The status with this daemon's processes alone. */
export function onlyDaemon(
  daemon: StatusDaemon, status: VolumeStatus, { copies }: { readonly copies: boolean },
): Answer<VolumeStatus[]> {
  const processes = status.processes.filter((it) => it.kind === kinds[daemon]);
  if (processes.length > 0) {
    return { ok: true, result: [{ ...status, processes, tasks: [] }], warnings: [], details: [] };
  }
  const incompatible = daemon === "shd" && !copies;
  const why = incompatible
    ? `Volume ${status.name} is not Self-heal compatible` : missing[daemon](status.name);
  return { ok: false, problem: refusal(status.name, why) };
}

/** Whether a volume has something to heal from. */
export function keepsCopies({ replicaCount, disperseCount }: VolumeInfo): boolean {
  return replicaCount > 1 || disperseCount > 0;
}

function refusal(volume: string, detail: string): Problem {
  return {
    type: "daemon-missing", title: "The volume has no such daemon", status: 409, detail,
    opErrno: INTERNAL, opErrstr: detail, object: volume, nextStep: `mortar volume status ${volume}`,
    details: [], warnings: [],
  };
}
