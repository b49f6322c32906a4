/**
 * `snapshot delete`: one, all, or those of a volume; and what auto-delete and pruning do.
 *
 * Once begun it is finished: it is recorded first, and from then on the snapshot is not activated,
 * counts no more, and nothing else can be done with it. What cannot be done now (a node is away, a
 * disk is dead) is *pending*: the command succeeds and says so, the snapshot is shown as being
 * deleted, with what is left of it, and the rest is tried until the disk confirms. Its name is free
 * when all of it is gone. Only what somebody uses at the moment is a failure: he can let go.
 */
import { brickName, removeLvEffects, requireThin, unmountEffects } from "../bricks/brick.ts";
import type { Detail, Step } from "../command.ts";
import type { SnapshotChanged, SnapshotRemoval } from "./snapshot-command.ts";
import type { BrickFacts } from "../bricks/brick-effects.ts";
import type { NodeEffect } from "../effect.ts";
import { asFailure, COMMIT_FAILED, CommandFailure, errno } from "../failure.ts";
import { begin, groupsOf, pendingDetail, settle, settleHolding } from "../intent.ts";
import { changeOf, keyOf } from "../key-space.ts";
import { claimsOn } from "../bricks/lv-claim.ts";
import { stopSnapshotEffects } from "./snapshot-activation.ts";
import {
  findSnapshot, isActivated, snapshotsInOrder, userSnapshotsOf, withStatus,
} from "./snapshot-find.ts";
import { refuseKept } from "./snapshot-keep.ts";
import type { BrickDocument, IntentDocument, SnapshotDocument } from "../state.ts";
import { attemptAll, type CommandContext, event, performLocal } from "../steps.ts";
import { text } from "../stock-text.ts";

export function* snapshotDelete(
  context: CommandContext,
  args: { readonly snapshot: string },
): Step<SnapshotChanged> {
  const { name, id } = findSnapshot(context.state, args.snapshot);
  const pending = yield* removeSnapshot(context, findSnapshot(context.state, name));
  return { name, uuid: id, ...(pending ? { pending } : {}) };
}

export function* snapshotDeleteMany(
  context: CommandContext,
  args: { readonly all?: boolean; readonly volume?: string },
): Step<SnapshotRemoval[]> {
  if (args.volume === undefined && args.all !== true) {
    throw new CommandFailure("bad-argument", errno.EINVAL, "Give a volume, or all.");
  }
  return yield* removeMany(context, chosenForDeletion(context, args.volume));
}

/** Of one volume, or all; safety snapshots are spared. */
export function chosenForDeletion(
  context: CommandContext,
  volumeName: string | undefined,
): SnapshotDocument[] {
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
      const pending = yield* removeSnapshot(context, snapshot);
      removals.push({ ...removal, removed: true, ...(pending ? { pending } : {}) });
    } catch (error) {
      const { opErrno, message, details } = asFailure(error);
      removals.push({ ...removal, removed: false, opErrno, opErrstr: message });
      context.details.push(...details);
    }
  }
  return removals;
}

/**
 * True: something is left, and is tried again by `recover`. Throws `CommandFailure`, also when
 * somebody uses it.
 */
export function* removeSnapshot(
  context: CommandContext,
  snapshot: SnapshotDocument,
): Step<boolean> {
  const begun = intentOf(context, snapshot);
  if (begun !== undefined) return yield* finishRemoval(context, snapshot.name, begun);
  yield* settleHolding(context, snapshot.name, [keyOf.snapshot(snapshot.name)]);
  const now = context.state.snapshots.get(snapshot.name)?.document;
  // An interrupted delete of it was finished just now.
  if (now === undefined || now.id !== snapshot.id) return false;
  const bricks = now.volumes.flatMap((it) => it.bricks);
  yield* refuseUndeletable(context, now);
  const { nowMs } = yield* performLocal("clock", {});
  const doomed = { ...withStatus(now, "Stopped"), deletingSinceMs: nowMs };
  const draft = {
    command: "snapshot delete",
    holds: [keyOf.snapshot(now.name)],
    direction: "finish" as const,
    groups: groupsOf(
      isActivated(now) ? stopSnapshotEffects(now) : [],
      unmountEffects(bricks),
      removeLvEffects(bricks),
    ),
    afterwards: [{ key: keyOf.snapshot(now.name), delete: true as const }],
  };
  const intent = yield* begin(context, draft, [changeOf.snapshot(context.state, doomed)]);
  return yield* finishRemoval(context, now.name, intent);
}

function* finishRemoval(
  context: CommandContext,
  name: string,
  intent: IntentDocument,
): Step<boolean> {
  const errors = yield* settle(context, intent);
  if (errors.length === 0) {
    yield* event("SNAPSHOT_DELETED", { snapshot: name });
    return false;
  }
  const details = errors.map(pendingDetail);
  if (errors.some((it) => it.code === "busy")) {
    throw new CommandFailure("effect-failed", errno.EG_INTRNL, COMMIT_FAILED, details);
  }
  context.details.push(...details);
  const where = [...new Set(errors.map((it) => it.node))].join(", ");
  context.warnings.push(
    `The deletion of the snapshot ${name} is recorded, and waits for ${where}. Until then it is ` +
      "listed as being deleted.",
  );
  return true;
}

function intentOf(
  context: CommandContext,
  { name, deletingSinceMs }: SnapshotDocument,
): IntentDocument | undefined {
  if (deletingSinceMs === undefined) return undefined;
  return [...context.state.intents.values()]
    .map((it) => it.document)
    .find((it) => it.holds.includes(keyOf.snapshot(name)));
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

/** Whatever keeps it from being deleted now; its plan is refused in the same words. */
export function* refuseUndeletable(context: CommandContext, snapshot: SnapshotDocument): Step<void> {
  const bricks = snapshot.volumes.flatMap((it) => it.bricks);
  yield* refuseKept(context, snapshot, "deleted");
  refuseClaimed(context, snapshot, bricks);
  yield* refuseForeignData(snapshot, bricks);
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
