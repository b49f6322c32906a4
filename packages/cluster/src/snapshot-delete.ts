/**
 * `snapshot delete`: one, all, or those of a volume; and what auto-delete and pruning do.
 *
 * Once begun it is finished: when a step fails, the snapshot stays in the catalogue, nothing else
 * can be done with it, and the rest is tried again until the disk confirms.
 */
import { brickName, removeLvEffects, requireThin, unmountEffects } from "./brick.ts";
import type { Detail, Step } from "./command.ts";
import type { SnapshotChanged, SnapshotRemoval } from "./snapshot-command.ts";
import type { BrickFacts, NodeEffect } from "./effect.ts";
import { asFailure, COMMIT_FAILED, CommandFailure, errno } from "./failure.ts";
import { begin, groupsOf, pendingDetail, settle, settleHolding } from "./intent.ts";
import { keyOf } from "./key-space.ts";
import { claimsOn } from "./lv-claim.ts";
import { stopSnapshotEffects } from "./snapshot-activation.ts";
import { findSnapshot, isActivated, snapshotsInOrder, userSnapshotsOf } from "./snapshot-find.ts";
import type { BrickDocument, SnapshotDocument } from "./state.ts";
import { attemptAll, type CommandContext, event } from "./steps.ts";
import { text } from "./stock-text.ts";

export function* snapshotDelete(
  context: CommandContext,
  args: { readonly snapshot: string },
): Step<SnapshotChanged> {
  const snapshot = findSnapshot(context.state, args.snapshot);
  yield* removeSnapshot(context, snapshot);
  return { name: snapshot.name, uuid: snapshot.id };
}

export function* snapshotDeleteMany(
  context: CommandContext,
  args: { readonly all?: boolean; readonly volume?: string },
): Step<SnapshotRemoval[]> {
  if (args.volume === undefined && args.all !== true) {
    throw new CommandFailure("bad-argument", errno.EINVAL, "Give a volume, or all.");
  }
  return yield* removeMany(context, chosen(context, args.volume));
}

function chosen(context: CommandContext, volumeName: string | undefined): SnapshotDocument[] {
  if (volumeName === undefined) return snapshotsInOrder(context.state, "user");
  const volume = context.state.volumes.get(volumeName)?.document;
  if (volume !== undefined) return userSnapshotsOf(context.state, volume);
  const message = text.snapQueryVolumeMissing(volumeName);
  throw new CommandFailure("volume-missing", errno.EG_NOVOL, message);
}

/** One failure does not keep the others from being removed. */
export function* removeMany(
  context: CommandContext,
  snapshots: readonly SnapshotDocument[],
): Step<SnapshotRemoval[]> {
  const removals: SnapshotRemoval[] = [];
  for (const snapshot of snapshots) {
    const removal = { name: snapshot.name, uuid: snapshot.id };
    try {
      yield* removeSnapshot(context, snapshot);
      removals.push({ ...removal, removed: true });
    } catch (error) {
      const { opErrno, message, details } = asFailure(error);
      removals.push({ ...removal, removed: false, opErrno, opErrstr: message });
      context.details.push(...details);
    }
  }
  return removals;
}

/** Throws `CommandFailure` when something is left; then it is tried again by `recover`. */
export function* removeSnapshot(context: CommandContext, snapshot: SnapshotDocument): Step<void> {
  yield* settleHolding(context, snapshot.name, [keyOf.snapshot(snapshot.name)]);
  const now = context.state.snapshots.get(snapshot.name)?.document;
  // An interrupted delete of it was finished just now.
  if (now === undefined || now.id !== snapshot.id) return;
  const bricks = now.volumes.flatMap((it) => it.bricks);
  refuseClaimed(context, now, bricks);
  yield* refuseForeignData(now, bricks);
  const intent = yield* begin(context, {
    command: "snapshot delete",
    holds: [keyOf.snapshot(now.name)],
    direction: "finish",
    groups: groupsOf(
      isActivated(now) ? stopSnapshotEffects(now) : [],
      unmountEffects(bricks),
      removeLvEffects(bricks),
    ),
    afterwards: [{ key: keyOf.snapshot(now.name), delete: true }],
  });
  const errors = yield* settle(context, intent);
  if (errors.length > 0) {
    const details = errors.map(pendingDetail);
    throw new CommandFailure("effect-failed", errno.EG_INTRNL, COMMIT_FAILED, details);
  }
  yield* event("SNAPSHOT_DELETED", { snapshot: now.name });
}

/** An LV that another document has a brick on is not removed. */
function refuseClaimed(
  context: CommandContext,
  snapshot: SnapshotDocument,
  bricks: readonly BrickDocument[],
): void {
  const details: Detail[] = [];
  for (const brick of bricks) {
    const { vg, lv } = requireThin(brick);
    const others = claimsOn(context.state, { node: brick.node, vg, lv }).filter(
      (it) => it.owner !== `snapshot ${snapshot.name}`,
    );
    for (const { owner } of others) {
      details.push({
        node: brick.host,
        object: `${vg}/${lv}`,
        detail: `The logical volume ${vg}/${lv} of the snapshot is used by ${owner}.`,
        nextStep: `Remove ${owner} first.`,
      });
    }
  }
  if (details.length === 0) return;
  const message = text.anotherTransactionFor(snapshot.name);
  throw new CommandFailure("busy", errno.EG_ANOTRANS, message, details);
}

/**
 * The LVs of a safety snapshot were the user's: what he keeps beside the brick directory is not
 * Mortar's to remove.
 */
function* refuseForeignData(
  snapshot: SnapshotDocument,
  bricks: readonly BrickDocument[],
): Step<void> {
  const users = bricks.filter((it) => !it.managed);
  const outcomes = yield* attemptAll(
    users.map(
      ({ node, path }): NodeEffect<"inspectBrick"> => ({ kind: "inspectBrick", node, path }),
    ),
  );
  const details = users.flatMap((brick, index): Detail[] => {
    const outcome = outcomes[index];
    // Not to be inspected: its removal will fail, or show that it is gone.
    if (outcome?.ok !== true) return [];
    const facts = outcome.value as BrickFacts;
    const { vg, lv } = requireThin(brick);
    if (!facts.lv.thin || facts.lv.vg !== vg || facts.lv.lv !== lv) return [];
    if (facts.foreignEntries.length === 0) return [];
    return [
      {
        node: brick.host,
        object: brickName(brick),
        detail:
          `${facts.mountPoint} holds more than the brick ${brickName(brick)}: ` +
          `${facts.foreignEntries.join(", ")}. It would be removed with ${vg}/${lv}.`,
        nextStep: "Move it elsewhere, then delete the snapshot again.",
      },
    ];
  });
  if (details.length === 0) return;
  throw new CommandFailure(
    "busy",
    errno.EG_INTRNL,
    `The safety snapshot ${snapshot.name} cannot be removed: other data is on its logical volume.`,
    details,
  );
}
