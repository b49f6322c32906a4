/** Which brick servers the state says should run on a node, and which LVs are mounted for them. */
import {
  type BrickDocument, type BrickRef, type ClusterState, hasSnapshotView, healingNodes,
  servedBricks, type ThinLv,
} from "@mortar/cluster";
import type { BrickSpec } from "./bricks/brick-process.ts";
import { selfHealDaemonSpec } from "./bricks/self-heal-daemon.ts";
import { snapshotDaemonSpec } from "./bricks/snapshot-daemon.ts";
import { specOf } from "./effects/brick-server.ts";

/** Bricks of started volumes and of activated snapshots, and snapshot daemons. */
export function wantedBricks(state: ClusterState, node: string): BrickSpec[] {
  const refs: BrickRef[] = [];
  for (const { document: volume } of state.volumes.values()) {
    if (volume.status !== "Started") continue;
    const { name, id } = volume;
    const served = own(servedBricks(volume), node);
    refs.push(...served.map((brick) => ref(brick, { volume: name, volumeId: id })));
  }
  for (const { document: snapshot } of state.snapshots.values()) {
    for (const snap of snapshot.volumes) {
      if (snap.status !== "Started") continue;
      const of = { volume: snap.name, volumeId: snap.volumeId, snapshot: snapshot.name };
      refs.push(...own(snap.bricks, node).map((brick) => ref(brick, of)));
    }
  }
  return [...refs.map(specOf), ...snapshotDaemons(state, node), ...selfHealDaemons(state, node)];
}

/** Bricks of a started volume that this node is to serve. */
export function servedHere(state: ClusterState, node: string, name: string): BrickSpec[] {
  const volume = state.volumes.get(name)?.document;
  if (volume?.status !== "Started") return [];
  const of = { volume: name, volumeId: volume.id };
  return own(servedBricks(volume), node).map((brick) => specOf(ref(brick, of)));
}

/** Clients ask the node that they have mounted from: every node has one. */
function snapshotDaemons(state: ClusterState, node: string): BrickSpec[] {
  const host = state.nodes.get(node)?.document.hostname ?? node;
  return [...state.volumes.values()].flatMap(({ document }) =>
    hasSnapshotView(document) ? [snapshotDaemonSpec(document.name, host)] : []);
}

function selfHealDaemons(state: ClusterState, node: string): BrickSpec[] {
  const host = state.nodes.get(node)?.document.hostname ?? node;
  return [...state.volumes.values()].flatMap(({ document }) =>
    healingNodes(document).includes(node) ? [selfHealDaemonSpec(document, host)] : []);
}

export interface ManagedMount {
  readonly mountPoint: string;
  readonly thin: ThinLv;
}

/** File systems that Mortar, not the user, mounts: bricks of snapshots, clones, restored volumes. */
export function managedMounts(state: ClusterState, node: string): ManagedMount[] {
  const bricks: BrickDocument[] = [];
  for (const { document } of state.volumes.values()) bricks.push(...own(document.bricks, node));
  for (const { document } of state.snapshots.values()) {
    for (const snap of document.volumes) bricks.push(...own(snap.bricks, node));
  }
  return bricks.flatMap(({ managed, thin, mountPoint }) =>
    managed && thin !== undefined ? [{ mountPoint, thin }] : [],
  );
}

/** Also whether a self-heal daemon knows the bricks of now. */
export function isAsWanted(running: BrickSpec, wanted: BrickSpec | undefined): boolean {
  return wanted !== undefined && running.bricks === wanted.bricks;
}

function own(bricks: readonly BrickDocument[], node: string): BrickDocument[] {
  return bricks.filter((brick) => brick.node === node);
}

function ref(brick: BrickDocument, of: Omit<BrickRef, "host" | "path">): BrickRef {
  return { ...of, host: brick.host, path: brick.path };
}
