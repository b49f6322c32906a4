/**
 * What commands do to a pool, as an operator understands it: volumes with their bricks, options
 * and tasks, snapshots, a node that comes and goes. It knows nothing of documents and intents, so
 * that what the coordinators made of a history can be held against it.
 *
 * A command that cannot succeed in a state gives undefined. What a success does is exact; why a
 * command is refused is not modelled beyond that, for nodes have reasons that are not in here.
 */
import { brickName } from "../bricks/brick.ts";
import type { BrickDocument, ClusterState, VolumeDocument } from "../state.ts";

export const OPTION = "performance.cache-size";
export const QUORUM = "cluster.server-quorum-type";
export const GUEST = "node-d";
/** The place of a brick that Mortar mounts, behind its host: where that is nobody chooses. */
export const MANAGED = ": managed";

export interface BrickModel {
  /** GlusterFS's brick id, which a replaced or restored brick keeps. */
  readonly id: string;
  /** `HOST:/path`; of a brick that Mortar mounts, `HOST: managed`. */
  readonly place: string;
  readonly resetting: boolean;
}

/** What a snapshot keeps, and a restore brings back. */
interface Shape {
  readonly replica: number;
  readonly option: string;
  readonly quorum: string;
  readonly bricks: readonly BrickModel[];
}

export interface VolumeModel extends Shape {
  readonly status: VolumeDocument["status"];
  /** `rebalance`, or the ids of the bricks that are emptied. */
  readonly task: "" | "rebalance" | readonly string[];
  readonly limit: number;
}

export interface SnapshotModel extends Shape {
  readonly volume: string;
  readonly active: boolean;
}

export interface PoolModel {
  readonly volumes: Readonly<Record<string, VolumeModel>>;
  readonly snapshots: Readonly<Record<string, SnapshotModel>>;
  readonly guest: boolean;
}

/** The state after a command that succeeds; undefined: it cannot. */
export type Apply = (pool: PoolModel) => PoolModel | undefined;

export const LIMIT_DEFAULT = 256;

/** The same pool gives the same text. */
export function textOfPool({ volumes, snapshots, guest }: PoolModel): string {
  const sorted = <Value>(record: Readonly<Record<string, Value>>): [string, Value][] =>
    Object.entries(record).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify([sorted(volumes), sorted(snapshots), guest]);
}

/** What the documents say of these things. */
export function poolOf(state: ClusterState): PoolModel {
  const volumes: Record<string, VolumeModel> = {};
  for (const { document } of state.volumes.values()) volumes[document.name] = volumeOf(document);
  const snapshots: Record<string, SnapshotModel> = {};
  for (const { document } of state.snapshots.values()) {
    if (document.kind === "safety" || document.deletingSinceMs !== undefined) continue;
    const [only] = document.volumes;
    const { replica, option, quorum } = shapeOf(only!.volume, only!.bricks);
    snapshots[document.name] = {
      replica, option, quorum, bricks: only!.bricks.map(brickOf),
      volume: only!.origin, active: only!.status === "Started",
    };
  }
  return { volumes, snapshots, guest: state.nodes.has(GUEST) };
}

function volumeOf(document: VolumeDocument): VolumeModel {
  const { status, task, bricks, snapMaxHardLimit } = document;
  const removed = bricks.filter((it) => it.decommissioned === true).map(({ id }) => id);
  const { replica, option, quorum, bricks: models } = shapeOf(document, bricks);
  return {
    replica, option, quorum, bricks: models, status,
    task: task === undefined ? "" : task.kind === "rebalance" ? "rebalance" : removed,
    limit: snapMaxHardLimit ?? LIMIT_DEFAULT,
  };
}

function shapeOf(document: VolumeDocument, bricks: readonly BrickDocument[]): Shape {
  const valueOf = (name: string): string =>
    document.options.find((it) => it.name === name)?.value ?? "";
  return {
    replica: document.replicaCount, option: valueOf(OPTION), quorum: valueOf(QUORUM),
    bricks: bricks.map(brickOf),
  };
}

function brickOf(brick: BrickDocument): BrickModel {
  const place = brick.managed ? `${brick.host}${MANAGED}` : brickName(brick);
  return { id: brick.id, place, resetting: brick.resetting === true };
}

/** With one volume exchanged; undefined takes it away. */
export function withVolume(
  pool: PoolModel, name: string, volume: VolumeModel | undefined,
): PoolModel {
  const { [name]: _former, ...volumes } = pool.volumes;
  return { ...pool, volumes: volume === undefined ? volumes : { ...volumes, [name]: volume } };
}

export function withSnapshot(
  pool: PoolModel, name: string, snapshot: SnapshotModel | undefined,
): PoolModel {
  const { [name]: _former, ...others } = pool.snapshots;
  return { ...pool, snapshots: snapshot === undefined ? others : { ...others, [name]: snapshot } };
}

/** Changes a volume that is there, or gives undefined. */
export function onVolume(
  name: string, change: (volume: VolumeModel) => VolumeModel | undefined,
): Apply {
  return (pool) => {
    const volume = pool.volumes[name];
    const next = volume === undefined ? undefined : change(volume);
    return next === undefined ? undefined : withVolume(pool, name, next);
  };
}

/** What a snapshot of a volume has: its bricks are mounted by Mortar. */
export function taken({ replica, option, quorum, bricks }: Shape): Shape {
  const managed = bricks.map(({ id, place }) => ({
    id, place: `${place.slice(0, place.indexOf(":"))}${MANAGED}`, resetting: false,
  }));
  return { replica, option, quorum, bricks: managed };
}

/** Numbers of brick ids go up. */
export function nextId(name: string, { bricks }: Shape): string {
  const numbers = bricks.map(({ id }) => Number(id.slice(id.lastIndexOf("-") + 1)));
  return `${name}-client-${Math.max(bricks.length - 1, ...numbers) + 1}`;
}
