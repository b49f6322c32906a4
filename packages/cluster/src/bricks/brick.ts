/** Bricks: how they are named, addressed, mounted and told apart. */
import type { BrickRef } from "./brick-effects.ts";
import type { NodeEffect } from "../effect.ts";
import type {
  BrickDocument,
  ClusterState,
  SnapshotDocument,
  SnapVolumeDocument,
  ThinLv,
  VolumeDocument,
} from "../state.ts";

export function brickName(brick: { readonly host: string; readonly path: string }): string {
  return `${brick.host}:${brick.path}`;
}

/** The bricks that run while the volume does. */
export function servedBricks(volume: VolumeDocument): readonly BrickDocument[] {
  return volume.bricks.filter((it) => it.resetting !== true);
}

export function volumeBrickRef(volume: VolumeDocument, brick: BrickDocument): BrickRef {
  return { volume: volume.name, volumeId: volume.id, host: brick.host, path: brick.path };
}

export function snapBrickRef(
  snapshot: SnapshotDocument,
  snapVolume: SnapVolumeDocument,
  brick: BrickDocument,
): BrickRef {
  return {
    volume: snapVolume.name,
    volumeId: snapVolume.volumeId,
    snapshot: snapshot.name,
    host: brick.host,
    path: brick.path,
  };
}

/** Of a path below a mount point: the rest, `""` or with a slash in front. */
export function belowMountPoint(mountPoint: string, path: string): string {
  if (mountPoint === "/") return path === "/" ? "" : path;
  return path.slice(mountPoint.length);
}

/** Whether one path is the other, or above it. */
export function overlaps(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
}

/**
 * Two file systems with one XFS uuid (an origin and its snapshot) can only be mounted together
 * with `nouuid`.
 */
export function mountOptionsFor(fsType: string, options: string): string {
  if (fsType !== "xfs") return options;
  const words = options.split(",").filter((it) => it !== "" && it !== "nouuid");
  return [...words, "nouuid"].join(",");
}

/**
 * The bricks of a snap volume or of a clone: one new LV a brick, named `NAME_n` with n counting
 * the bricks of one node from 0, mounted at `SNAPROOT/NAME/brickN` with N counting all from 1.
 */
export function bricksOnNewLvs(
  state: ClusterState,
  name: string,
  origins: readonly BrickDocument[],
  idOf: (index: number) => string,
): BrickDocument[] {
  const onNode = new Map<string, number>();
  return origins.map((origin, index) => {
    const number = onNode.get(origin.node) ?? 0;
    onNode.set(origin.node, number + 1);
    const root = state.nodes.get(origin.node)?.document.snapMountRoot ?? "/run/gluster/snaps";
    const mountPoint = `${root}/${name}/brick${index + 1}`;
    const thin = requireThin(origin);
    const lv = `${name}_${number}`;
    return {
      node: origin.node,
      host: origin.host,
      path: mountPoint + belowMountPoint(origin.mountPoint, origin.path),
      id: idOf(index),
      mountPoint,
      device: `/dev/${thin.vg}/${lv}`,
      fsType: origin.fsType,
      mountOptions: mountOptionsFor(origin.fsType, origin.mountOptions),
      thin: { ...thin, lv },
      managed: true,
    };
  });
}

/** Of a brick that was checked to be on a thin LV, or was made there. */
export function requireThin(brick: BrickDocument): ThinLv {
  if (brick.thin === undefined) throw new Error(`brick ${brickName(brick)} has no thin LV`);
  return brick.thin;
}

/** Bricks with the LV they are on; bricks without one are left out. */
export function onThinLvs(
  bricks: readonly BrickDocument[],
): { readonly brick: BrickDocument; readonly thin: ThinLv }[] {
  return bricks.flatMap((brick) => (brick.thin === undefined ? [] : [{ brick, thin: brick.thin }]));
}

/** Activating, then mounting, the bricks that Mortar mounts. */
export function mountGroups(bricks: readonly BrickDocument[]): {
  activate: NodeEffect<"activateLv">[];
  mount: NodeEffect<"mountBrick">[];
} {
  const managed = onThinLvs(bricks);
  return {
    activate: managed.map(({ brick, thin }) => ({
      kind: "activateLv",
      node: brick.node,
      vg: thin.vg,
      lv: thin.lv,
    })),
    mount: managed.map(({ brick, thin }) => ({
      kind: "mountBrick",
      node: brick.node,
      vg: thin.vg,
      lv: thin.lv,
      mountPoint: brick.mountPoint,
      fsType: brick.fsType,
      mountOptions: mountOptionsFor(brick.fsType, brick.mountOptions),
    })),
  };
}

export function unmountEffects(bricks: readonly BrickDocument[]): NodeEffect<"unmountLv">[] {
  return onThinLvs(bricks).map(({ brick, thin }) => ({
    kind: "unmountLv",
    node: brick.node,
    vg: thin.vg,
    lv: thin.lv,
  }));
}

export function removeLvEffects(bricks: readonly BrickDocument[]): NodeEffect<"removeLv">[] {
  return onThinLvs(bricks).map(({ brick, thin }) => ({
    kind: "removeLv",
    node: brick.node,
    vg: thin.vg,
    lv: thin.lv,
  }));
}

export function setVolumeIdEffects(
  bricks: readonly BrickDocument[],
  volumeId: string,
): NodeEffect<"setVolumeId">[] {
  return bricks.map((brick) => ({
    kind: "setVolumeId",
    node: brick.node,
    path: brick.path,
    volumeId,
  }));
}

export function startEffects(
  bricks: readonly BrickDocument[],
  refOf: (brick: BrickDocument) => BrickRef,
): NodeEffect<"startBrick">[] {
  return bricks.map((it) => ({ kind: "startBrick", node: it.node, brick: refOf(it) }));
}

export function stopEffects(
  bricks: readonly BrickDocument[],
  refOf: (brick: BrickDocument) => BrickRef,
): NodeEffect<"stopBrick">[] {
  return bricks.map((it) => ({ kind: "stopBrick", node: it.node, brick: refOf(it) }));
}

/** Every brick that the state knows, with the key of the document that owns it. */
export function* allBricks(
  state: ClusterState,
): Generator<{ readonly owner: string; readonly brick: BrickDocument }> {
  for (const { document } of state.volumes.values()) {
    const { name, bricks, next } = document;
    for (const brick of next?.bricks ?? bricks) yield { owner: `volume ${name}`, brick };
  }
  for (const { document } of state.snapshots.values()) {
    for (const snapVolume of document.volumes) {
      for (const brick of snapVolume.bricks) yield { owner: `snapshot ${document.name}`, brick };
    }
  }
  for (const { document } of state.receives.values()) {
    const { volume, held, incoming } = document;
    for (const brick of [...(held?.bricks ?? []), ...(incoming?.bricks ?? [])]) {
      yield { owner: `what was received of ${volume}`, brick };
    }
  }
}
