/**
 * Safety snapshots: the logical volumes that a restore (or the deletion of a volume whose bricks
 * Mortar made) leaves behind, kept so that nothing is destroyed in silence and no LV is without an
 * owner. A safety snapshot's bricks are where they were; nothing is copied.
 */
import type { Step } from "../command.ts";
import type { SnapshotRemoval } from "./snapshot-command.ts";
import { readClusterTime } from "../nodes/cluster-clock.ts";
import { isKept } from "./snapshot-keep.ts";
import { removeMany } from "./snapshot-delete.ts";
import { snapshotsInOrder } from "./snapshot-find.ts";
import { timestampSuffix } from "./snapshot-name.ts";
import {
  type BrickDocument,
  type ClusterState,
  SCHEMA,
  type SnapshotDocument,
  type SnapVolumeDocument,
  type VolumeDocument,
} from "../state.ts";
import { type CommandContext, newUuids, performLocal } from "../steps.ts";

const DAY_MS = 24 * 3600 * 1000;
const KEPT_MS = 7 * DAY_MS;
const KEPT_COUNT = 2;

/** The document; the caller commits it with what makes it true. */
export function* keepAsSafety(
  context: CommandContext,
  volume: VolumeDocument,
  of: { readonly bricks: readonly BrickDocument[]; readonly expires: boolean },
): Step<SnapshotDocument> {
  const { nowMs } = yield* performLocal("clock", {});
  const [id = "", volumeId = ""] = yield* newUuids(2);
  return {
    schema: SCHEMA,
    name: freeName(context.state, `safety_${volume.name}${timestampSuffix(nowMs)}`),
    id,
    createdAtMs: nowMs,
    kind: "safety",
    volumes: [
      {
        name: volumeId.replaceAll("-", ""),
        volumeId,
        origin: volume.name,
        originId: volume.id,
        status: "Stopped",
        bricks: of.bricks,
        volume,
      },
    ],
    consistency: "application",
    ...(of.expires ? { expiresAtMs: nowMs + KEPT_MS } : {}),
  };
}

/** Of former bricks that a volume let go one by one, there is none that could be restored. */
export function isWhole(
  { bricks, volume }: Pick<SnapVolumeDocument, "bricks" | "volume">,
): boolean {
  return bricks.length === volume.bricks.length;
}

function freeName(state: ClusterState, wanted: string): string {
  let name = wanted;
  for (let number = 2; state.snapshots.has(name); number++) name = `${wanted}-${number}`;
  return name;
}

/** Removes safety snapshots that are older than a week, or have two newer ones of their volume. */
export function* snapshotPrune(context: CommandContext, _args: object): Step<SnapshotRemoval[]> {
  return yield* removeMany(context, yield* doomedSafetySnapshots(context));
}

/** Oldest first. */
export function* doomedSafetySnapshots(context: CommandContext): Step<SnapshotDocument[]> {
  const { nowMs } = yield* performLocal("clock", {});
  const clusterMs = yield* readClusterTime(context.state);
  const newerOf = new Map<string, number>();
  const doomed: SnapshotDocument[] = [];
  for (const snapshot of snapshotsInOrder(context.state, "safety").toReversed()) {
    if (snapshot.expiresAtMs === undefined) continue;
    if (isKept(snapshot, clusterMs)) continue;
    const [part] = snapshot.volumes;
    const origin = part?.originId ?? "";
    const newer = newerOf.get(origin) ?? 0;
    // Single bricks that were replaced do not push out a whole volume.
    const whole = part !== undefined && isWhole(part);
    if (whole) newerOf.set(origin, newer + 1);
    if ((whole && newer >= KEPT_COUNT) || snapshot.expiresAtMs <= nowMs) doomed.push(snapshot);
  }
  return doomed.toReversed();
}
