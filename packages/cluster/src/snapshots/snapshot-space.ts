/** `snapshot reclaim`, and the space of `snapshot list -v` and `info -v`. */
import { onThinLvs } from "../bricks/brick.ts";
import type { Step } from "../command.ts";
import { type PoolGain, reclaimOf, sumOfFreed } from "../bricks/reclaim.ts";
import type { SnapshotReclaim, SnapshotSpace } from "./snapshot-command.ts";
import { findSnapshot, isOf, snapshotsInOrder } from "./snapshot-find.ts";
import type { BrickDocument, SnapshotDocument } from "../state.ts";
import type { CommandContext } from "../steps.ts";
import { findVolume } from "../volumes/volume-run.ts";

const bricksOf = (snapshot: SnapshotDocument): BrickDocument[] =>
  snapshot.volumes.flatMap((it) => it.bricks);

/** What deleting all of these together gives back. */
export function* snapshotReclaim(
  context: CommandContext,
  args: { readonly snapshots: readonly string[] },
): Step<SnapshotReclaim> {
  const snapshots = [...new Set(args.snapshots)].map((it) => findSnapshot(context.state, it));
  const pools = yield* reclaimOf(context, snapshots.flatMap(bricksOf));
  return { snapshots: snapshots.map((it) => it.name), pools, freedBytes: sumOfFreed(pools) };
}

/** Of each snapshot by itself; one with an LV that is not told of has no figures. */
export function* snapshotSpace(
  context: CommandContext,
  args: { readonly snapshot?: string; readonly volume?: string; readonly safety?: boolean },
): Step<SnapshotSpace[]> {
  const snapshots = chosen(context, args);
  const pools = yield* reclaimOf(context, snapshots.flatMap(bricksOf));
  return snapshots.map((it) => spaceOf(it, pools));
}

function chosen(
  context: CommandContext,
  args: { readonly snapshot?: string; readonly volume?: string; readonly safety?: boolean },
): SnapshotDocument[] {
  const { state } = context;
  if (args.snapshot !== undefined) return [findSnapshot(state, args.snapshot)];
  const all = snapshotsInOrder(state, args.safety === true ? "safety" : "user");
  if (args.volume === undefined) return all;
  const volume = findVolume(context, args.volume);
  return all.filter((it) => isOf(it, volume));
}

function spaceOf(snapshot: SnapshotDocument, pools: readonly PoolGain[]): SnapshotSpace {
  const { name, id } = snapshot;
  const own = onThinLvs(bricksOf(snapshot)).map(({ brick, thin }) =>
    pools
      .filter((it) => it.host === brick.host && it.vg === thin.vg)
      .flatMap((it) => it.lvs)
      .find((it) => it.lv === thin.lv));
  const known = own.filter((it) => it !== undefined);
  if (known.length < own.length) return { name, uuid: id };
  const sum = (of: "mappedBytes" | "exclusiveBytes" | "sharedBytes"): number =>
    known.reduce((total, it) => total + it[of], 0);
  return {
    name,
    uuid: id,
    space: {
      referencedBytes: sum("mappedBytes"),
      exclusiveBytes: sum("exclusiveBytes"),
      sharedBytes: sum("sharedBytes"),
    },
  };
}
