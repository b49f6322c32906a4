/** Finding snapshots, counting them, and their limits. */
import type { Step } from "../command.ts";
import { CommandFailure, errno } from "../failure.ts";
import { settleHolding } from "../intent.ts";
import { keyOf } from "../key-space.ts";
import {
  type ClusterState,
  type SnapshotDocument,
  snapshotDefaults,
  type SnapVolumeDocument,
  type VolumeDocument,
} from "../state.ts";
import type { CommandContext } from "../steps.ts";
import { text } from "../stock-text.ts";

/** In the order of their creation. */
export function snapshotsInOrder(
  state: ClusterState,
  kind: SnapshotDocument["kind"],
): SnapshotDocument[] {
  return [...state.snapshots.values()]
    .map((it) => it.document)
    .filter((it) => it.kind === kind)
    .sort((a, b) => a.createdAtMs - b.createdAtMs || (a.name < b.name ? -1 : 1));
}

/** Those that count: of this very volume, not of a former one of the same name. */
export function userSnapshotsOf(state: ClusterState, volume: VolumeDocument): SnapshotDocument[] {
  return snapshotsInOrder(state, "user").filter((it) => isOf(it, volume));
}

/**
 * Without ordering them: asked for once a snapshot shown. One whose deletion is only to be finished
 * counts no more.
 */
export function countUserSnapshots(state: ClusterState, volume: VolumeDocument): number {
  let count = 0;
  for (const { document } of state.snapshots.values()) {
    if (document.kind !== "user" || document.deletingSinceMs !== undefined) continue;
    if (isOf(document, volume)) count++;
  }
  return count;
}

export function isOf(snapshot: SnapshotDocument, volume: { readonly id: string }): boolean {
  return snapshot.volumes.some((it) => it.originId === volume.id);
}

/** Settles what holds it; throws stock's "does not exist". */
export function* openSnapshot(
  context: CommandContext,
  name: string,
  missing: (name: string) => string = text.snapMissing,
): Step<SnapshotDocument> {
  yield* settleHolding(context, name, [keyOf.snapshot(name)]);
  return findSnapshot(context.state, name, missing);
}

export function findSnapshot(
  state: ClusterState,
  name: string,
  missing: (name: string) => string = text.snapMissing,
): SnapshotDocument {
  const found = state.snapshots.get(name);
  if (found === undefined) {
    throw new CommandFailure("snapshot-missing", errno.EG_NOSNAP, missing(name));
  }
  return found.document;
}

/** A safety snapshot's bricks are where the user had them: it can be restored or deleted only. */
export function refuseSafety(snapshot: SnapshotDocument): void {
  if (snapshot.kind !== "safety") return;
  throw new CommandFailure(
    "unsupported",
    errno.EINVAL,
    `Snapshot ${snapshot.name} is a safety snapshot: it can only be restored or deleted.`,
  );
}

/** What a snapshot has of the volume of this name; without a name, of its only volume. */
export function snapVolumeOf(
  snapshot: SnapshotDocument,
  volume: string | undefined,
): SnapVolumeDocument {
  const { name, volumes } = snapshot;
  const of = volumes.filter((it) => volume === undefined || it.origin === volume);
  if (of[0] !== undefined && of.length === 1) return of[0];
  const have = volumes.map((it) => it.origin).join(", ");
  const message =
    volume === undefined
      ? `Snapshot ${name} is of several volumes. Say which one: ${have}`
      : `Snapshot ${name} is not of volume ${volume}. It is of: ${have}`;
  throw new CommandFailure("bad-argument", errno.EINVAL, message);
}

export function isActivated(snapshot: SnapshotDocument): boolean {
  return snapshot.volumes.some((it) => it.status === "Started");
}

export function withStatus(
  snapshot: SnapshotDocument,
  status: SnapVolumeDocument["status"],
): SnapshotDocument {
  const changed = { ...snapshot, volumes: snapshot.volumes.map((it) => ({ ...it, status })) };
  return status === "Started" ? changed : withoutViewers(changed);
}

/** Activated, or not, by name: the daemons of nodes have no say in it. */
export function withoutViewers({ viewers: _viewers, ...rest }: SnapshotDocument): SnapshotDocument {
  return rest;
}

export interface SnapshotLimits {
  /** Of the volume alone. */
  readonly hard: number;
  readonly effectiveHard: number;
  /** A count, rounded down. */
  readonly effectiveSoft: number;
}

export function snapshotSettings(state: ClusterState) {
  const set = state.snapshotConfig?.document;
  const autoDelete = set?.autoDelete ?? snapshotDefaults.autoDelete;
  const activateOnCreate = set?.activateOnCreate ?? snapshotDefaults.activateOnCreate;
  const word = (value: boolean): string => (value ? "enable" : "disable");
  return {
    hardLimit: set?.hardLimit ?? snapshotDefaults.hardLimit,
    softLimitPercent: set?.softLimitPercent ?? snapshotDefaults.softLimitPercent,
    autoDelete,
    activateOnCreate,
    words: {
      autoDelete: set?.words?.autoDelete ?? word(autoDelete),
      activateOnCreate: set?.words?.activateOnCreate ?? word(activateOnCreate),
    },
  };
}

export function limitsOf(state: ClusterState, volume: VolumeDocument): SnapshotLimits {
  const system = snapshotSettings(state);
  const hard = volume.snapMaxHardLimit ?? snapshotDefaults.hardLimit;
  const effectiveHard = Math.min(hard, system.hardLimit);
  const effectiveSoft = Math.floor((effectiveHard * system.softLimitPercent) / 100);
  return { hard, effectiveHard, effectiveSoft };
}
