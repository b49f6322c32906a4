/** What a GETSPEC request gets: from the state and the key that was asked for, a volfile. */
import {
  brickVolfile,
  brickVolfileKey,
  clientVolfile,
  parseVolfileKey,
  printVolfile,
  rebalanceVolfile,
  selfHealVolfile,
  snapshotDaemonVolfile,
  type VolfileKey,
  type VolumeDescription,
} from "@mortar/gluster";
import type { ClusterState, SnapVolumeDocument, VolumeDocument } from "../state.ts";

export const BRICK_ENGINE = "mortar.brick-engine";

export interface VolfileRequest {
  /** As the client sent it: `/V`, `V.HOST.PATH`, `/snaps/SNAP/V`, …. */
  readonly key: string;
  /** The client is in the trusted pool: its volfile has the volume's credentials. */
  readonly trusted: boolean;
  /** Directory on the node where a volume's (or snap volume's) run-time files are. */
  readonly stateDirectoryOf: (volumeName: string) => string;
  /** The only address that bricks listen on. */
  readonly bindAddress?: string;
}

/** The brick server of Mortar, or the stock one. */
export type BrickEngine = "builtin" | "glusterfsd";

export type VolfileAnswer =
  | {
      readonly ok: true;
      readonly text: string;
      /** Volume or snap volume; clients of it are told when the volfile changes. */
      readonly volume: string;
      readonly kind: "client" | "brick" | "service";
      /** Of a brick: which program is to serve it when it is started next. */
      readonly engine?: BrickEngine;
    }
  | {
      readonly ok: false;
      readonly errno: "ENOENT" | "ENOTSUP" | "EINVAL";
      readonly reason: string;
    };

/** As the generators want it. */
export function describeVolume(volume: VolumeDocument): VolumeDescription {
  const { name, id, kind, bricks, username, password } = volume;
  return {
    name,
    id,
    kind,
    replicaCount: volume.replicaCount,
    arbiterCount: volume.arbiterCount,
    disperseCount: volume.disperseCount,
    redundancyCount: volume.redundancyCount,
    bricks: bricks.map((it) => ({
      host: it.host,
      path: it.path,
      id: it.id,
      ...(it.decommissioned === true ? { decommissioned: true } : {}),
    })),
    options: Object.fromEntries(volume.options.map((it) => [it.name, it.value])),
    credentials: { username, password },
  };
}

/** The origin's shape and options, with the snapshot's bricks. */
export function describeSnapVolume(snapVolume: SnapVolumeDocument): VolumeDescription {
  const { volume, bricks, name, volumeId } = snapVolume;
  return { ...describeVolume({ ...volume, bricks }), name, id: volumeId, snapshot: true };
}

export function volfileFor(state: ClusterState, request: VolfileRequest): VolfileAnswer {
  const key = parseVolfileKey(request.key);
  if (key === undefined) {
    return { ok: false, errno: "EINVAL", reason: `"${request.key}" names no volfile` };
  }
  switch (key.kind) {
    case "client":
      return volumeClient(state, request, key.volume);
    case "brick":
      return volumeBrick(state, request, key);
    case "snapshot-client":
    case "snapshot-brick":
      return ofSnapshot(state, request, key);
    case "service":
      if (key.service === "snapd") return snapshotDaemon(state, request, key.volume);
      if (key.service === "shd") return selfHeal(state, key.volume);
      if (key.service === "rebalance") return rebalance(state, key.volume);
      break;
  }
  const reason = `the service ${key.service} of ${key.volume} is not run by this version of Mortar`;
  return { ok: false, errno: "ENOTSUP", reason };
}

function selfHeal(state: ClusterState, name: string): VolfileAnswer {
  const volume = state.volumes.get(name)?.document;
  if (volume === undefined) return absent(`there is no volume ${name}`);
  if (volume.kind === "distribute") return absent(`the volume ${name} has no copies to heal from`);
  const volfile = printVolfile(selfHealVolfile(describeVolume(volume)));
  return { ok: true, text: volfile, volume: name, kind: "service", engine: "glusterfsd" };
}

function snapshotDaemon(state: ClusterState, request: VolfileRequest, name: string): VolfileAnswer {
  const volume = state.volumes.get(name)?.document;
  if (volume === undefined) return absent(`there is no volume ${name}`);
  const { bindAddress } = request;
  const place = bindAddress === undefined ? {} : { bindAddress };
  const text = printVolfile(snapshotDaemonVolfile(describeVolume(volume), place));
  return { ok: true, text, volume: name, kind: "service" };
}

function rebalance(state: ClusterState, name: string): VolfileAnswer {
  const volume = state.volumes.get(name)?.document;
  if (volume === undefined) return absent(`there is no volume ${name}`);
  const text = printVolfile(rebalanceVolfile(describeVolume(volume)));
  return { ok: true, text, volume: name, kind: "service" };
}

/** Also of a stopped volume: a mounted client keeps its graph until the volume is back. */
function volumeClient(state: ClusterState, request: VolfileRequest, name: string): VolfileAnswer {
  const volume = state.volumes.get(name)?.document;
  if (volume === undefined) return absent(`there is no volume ${name}`);
  return client(describeVolume(volume), request.trusted);
}

function volumeBrick(
  state: ClusterState,
  request: VolfileRequest,
  key: Extract<VolfileKey, { kind: "brick" }>,
): VolfileAnswer {
  const volume = state.volumes.get(key.volume)?.document;
  if (volume === undefined) return absent(`there is no volume ${key.volume}`);
  const found = brick(describeVolume(volume), volume.bricks, key.key, request);
  const { next } = volume;
  if (found.ok || next === undefined) return found;
  return brick(describeVolume(next), next.bricks, key.key, request);
}

function ofSnapshot(
  state: ClusterState,
  request: VolfileRequest,
  key: Extract<VolfileKey, { kind: "snapshot-client" | "snapshot-brick" }>,
): VolfileAnswer {
  const snapshot = state.snapshots.get(key.snapshot)?.document;
  if (snapshot === undefined || snapshot.kind === "safety") {
    return absent(`there is no snapshot ${key.snapshot}`);
  }
  const isClient = key.kind === "snapshot-client";
  const snapVolume = snapshot.volumes.find((it) =>
    key.volume === (isClient ? it.origin : it.name),
  );
  if (snapVolume === undefined) {
    return absent(`the snapshot ${snapshot.name} is not of a volume ${key.volume}`);
  }
  const description = describeSnapVolume(snapVolume);
  // Also of one that is not activated, as of a stopped volume.
  if (isClient) return client(description, request.trusted);
  return brick(description, snapVolume.bricks, key.key, request);
}

function client(description: VolumeDescription, trusted: boolean): VolfileAnswer {
  const text = printVolfile(clientVolfile(description, { trusted }));
  return { ok: true, text, volume: description.name, kind: "client" };
}

function brick(
  description: VolumeDescription,
  bricks: VolumeDocument["bricks"],
  key: string,
  request: VolfileRequest,
): VolfileAnswer {
  const index = bricks.findIndex((it) => brickVolfileKey(description.name, it) === key);
  const found = bricks[index];
  if (found === undefined) return absent(`the volume ${description.name} has no brick ${key}`);
  const sharing = bricks.filter(
    (it) => it.node === found.node && it.mountPoint === found.mountPoint,
  );
  const volfile = brickVolfile(description, index, {
    stateDirectory: request.stateDirectoryOf(description.name),
    sharedBrickCount: sharing.length,
    ...(request.bindAddress === undefined ? {} : { bindAddress: request.bindAddress }),
  });
  const text = printVolfile(volfile);
  const engine = brickEngineOf(description.options);
  return { ok: true, text, volume: description.name, kind: "brick", engine };
}

/** What `mortar.brick-engine` says. */
export function brickEngineOf(options: VolumeDescription["options"]): BrickEngine {
  return options[BRICK_ENGINE] === "glusterfsd" ? "glusterfsd" : "builtin";
}

function absent(reason: string): VolfileAnswer {
  return { ok: false, errno: "ENOENT", reason };
}
