/**
 * `snapshot diff`: in which chunks the bricks of two snapshots differ, or of a snapshot and the
 * present. It is told from the mappings alone: a chunk that was written has a data block of its
 * own, also when the same bytes were written again, so the figures are never too small.
 */
import { onThinLvs } from "../bricks/brick.ts";
import type { Step } from "../command.ts";
import type { LvDelta } from "../bricks/storage-effects.ts";
import type { NodeEffect } from "../effect.ts";
import { CommandFailure, detailOf, errno } from "../failure.ts";
import type { SnapshotDiff, SnapshotDiffBrick } from "./snapshot-command.ts";
import { findSnapshot, isOf } from "./snapshot-find.ts";
import type { BrickDocument, SnapshotDocument, ThinLv } from "../state.ts";
import { attemptAll, type CommandContext, errorsOf } from "../steps.ts";
import { findVolume } from "../volumes/volume-run.ts";

/** Ranges of a brick that are listed; all are counted. */
const LISTED_MAX = 10_000;
const LIVE = "live";

interface Side {
  readonly volume: string;
  /** Of the volume's own brick, also when this is a snapshot's. */
  readonly path: string;
  readonly brick: BrickDocument;
  readonly thin: ThinLv;
}

interface Pair {
  readonly from: Side;
  readonly to: Side;
}

export function* snapshotDiff(
  context: CommandContext,
  args: { readonly from: string; readonly to: string; readonly ranges?: boolean },
): Step<SnapshotDiff> {
  const snapshot = findSnapshot(context.state, args.from);
  const later = laterSides(context, snapshot, args.to);
  const pairs = pairsOf(context, sidesOf(snapshot), later.sides);
  if (later.live) yield* writeBack(context, pairs);
  const outcomes = yield* attemptAll(pairs.map((it) => deltaEffect(it, args.ranges === true)));
  const errors = errorsOf(outcomes);
  context.details.push(...errors.map(detailOf));
  const bricks = pairs.flatMap(({ to }, index) => {
    const outcome = outcomes[index];
    return outcome?.ok === true ? [brickOf(to, outcome.value as LvDelta)] : [];
  });
  if (bricks.length === 0) {
    const reason = `The bricks of ${args.from} and ${args.to} could not be compared`;
    throw new CommandFailure("brick-refused", errno.EG_INTRNL, reason, context.details);
  }
  return {
    from: args.from,
    to: args.to,
    bricks,
    writtenBytes: bricks.reduce((sum, it) => sum + it.writtenBytes, 0),
    discardedBytes: bricks.reduce((sum, it) => sum + it.discardedBytes, 0),
    complete: context.details.length === 0,
  };
}

function deltaEffect({ from, to }: Pair, isListed: boolean): NodeEffect<"lvDelta"> {
  const { vg, pool } = from.thin;
  return {
    kind: "lvDelta", node: from.brick.node, vg, pool, from: from.thin.lv, to: to.thin.lv,
    rangesMax: isListed ? LISTED_MAX : 0,
  };
}

function brickOf({ volume, brick, path }: Side, delta: LvDelta): SnapshotDiffBrick {
  const { writtenBytes, discardedBytes, rangeCount, chunkBytes, ranges } = delta;
  return {
    volume, host: brick.host, path,
    writtenBytes, discardedBytes, rangeCount, chunkBytes, ranges: [...ranges],
  };
}

function sidesOf(snapshot: SnapshotDocument): Side[] {
  return snapshot.volumes.flatMap((it) => {
    const paths = new Map(it.volume.bricks.map(({ id, path }) => [id, path]));
    const own = sides(it.originId, it.origin, it.bricks);
    return own.map((side) => ({ ...side, path: paths.get(side.brick.id) ?? side.path }));
  });
}

/** `volume` is the volume's id here until it is shown, so that a former one is never compared. */
function sides(id: string, name: string, bricks: readonly BrickDocument[]): Side[] {
  return onThinLvs(bricks).map((it) => ({ ...it, path: it.brick.path, volume: `${id} ${name}` }));
}

/** The second word is a snapshot, `live`, or a volume that the first one is of. */
function laterSides(
  context: CommandContext,
  from: SnapshotDocument,
  word: string,
): { readonly sides: Side[]; readonly live: boolean } {
  const { state } = context;
  const isSnapshot = state.snapshots.has(word);
  if (isSnapshot) return { sides: sidesOf(findSnapshot(state, word)), live: false };
  const names = word === LIVE ? from.volumes.map((it) => it.origin) : [word];
  const volumes = names.map((name) => findVolume(context, name));
  const strange = volumes.find((it) => !isOf(from, it));
  if (strange !== undefined) {
    const reason = `Snapshot ${from.name} is not of the volume ${strange.name}`;
    throw new CommandFailure("bad-argument", errno.EINVAL, reason);
  }
  return { sides: volumes.flatMap((it) => sides(it.id, it.name, it.bricks)), live: true };
}

/** By the brick's id, which its snapshots keep. What has no counterpart is in the details. */
function pairsOf(
  context: CommandContext,
  from: readonly Side[],
  to: readonly Side[],
): Pair[] {
  const keyOf = ({ volume, brick }: Side): string => `${volume} ${brick.id}`;
  const earlier = new Map(from.map((it) => [keyOf(it), it]));
  const pairs: Pair[] = [];
  for (const side of to) {
    const before = earlier.get(keyOf(side));
    earlier.delete(keyOf(side));
    if (before !== undefined && isComparable(before, side)) pairs.push({ from: before, to: side });
    else lonely(context, side, "has no counterpart in the same pool at the earlier moment");
  }
  for (const side of earlier.values()) {
    lonely(context, side, "is no longer there at the later moment");
  }
  return pairs.map((it) => ({ from: named(it.from), to: named(it.to) }));
}

const isComparable = (a: Side, b: Side): boolean =>
  a.brick.node === b.brick.node && a.thin.vg === b.thin.vg && a.thin.pool === b.thin.pool;

const named = (side: Side): Side => ({
  ...side, volume: side.volume.slice(side.volume.indexOf(" ") + 1),
});

function lonely(context: CommandContext, { brick, path }: Side, what: string): void {
  context.details.push({ node: brick.host, object: path, detail: `The brick ${what}` });
}

/** What the file systems still hold back is on the LVs then; one that is not mounted holds none. */
function* writeBack(context: CommandContext, pairs: readonly Pair[]): Step<void> {
  const outcomes = yield* attemptAll(
    pairs.map(({ to }): NodeEffect<"syncFileSystem"> => ({
      kind: "syncFileSystem", node: to.brick.node, mountPoint: to.brick.mountPoint,
    })),
  );
  for (const error of errorsOf(outcomes)) {
    context.warnings.push(
      `${error.node}:${error.object}: what is dirty is not counted: ${error.message}`,
    );
  }
}
