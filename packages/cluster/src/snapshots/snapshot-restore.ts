/**
 * `snapshot restore`: the volume's bricks become the snapshot's, at the snapshot's mount points,
 * as stock does it. Unlike stock no LV is orphaned: the former bricks become a safety snapshot, or
 * are removed when that is not wanted. Of a snapshot of several volumes all are restored in one
 * transaction, or one of them, and the snapshot keeps the others.
 */
import {
  brickName,
  mountGroups,
  onThinLvs,
  removeLvEffects,
  setVolumeIdEffects,
  unmountEffects,
} from "../bricks/brick.ts";
import type { Detail, Step } from "../command.ts";
import type { SnapshotRestored } from "./snapshot-command.ts";
import type { BrickFacts } from "../bricks/brick-effects.ts";
import type { NodeEffect } from "../effect.ts";
import { CommandFailure, errno } from "../failure.ts";
import {
  begin,
  draftIntent,
  groupsOf,
  pendingDetail,
  settle,
  settleHolding,
  undo,
} from "../intent.ts";
import { changeOf, keyOf } from "../key-space.ts";
import { claimsOn } from "../bricks/lv-claim.ts";
import { isWhole, keepAsSafety } from "./safety.ts";
import { performGroups, stopSnapshotEffects, upGroups } from "./snapshot-activation.ts";
import { withFacts } from "./snapshot-check.ts";
import { isActivated, openSnapshot, snapVolumeOf } from "./snapshot-find.ts";
import { refuseKept } from "./snapshot-keep.ts";
import { draftStart, startFormer, startRestored, stopFormer } from "./snapshot-restore-online.ts";
import type {
  BrickDocument,
  Change,
  IntentDocument,
  OptionSetting,
  SnapshotDocument,
  SnapVolumeDocument,
  VolumeDocument,
} from "../state.ts";
import { attemptAll, commit, type CommandContext, event } from "../steps.ts";
import { text } from "../stock-text.ts";
import { withoutTask } from "../volumes/volume-task.ts";

/** What stock adds to the options of a volume that was made of a snapshot. */
const quotaOptions = ["features.quota", "features.inode-quota", "features.quota-deem-statfs"];

export function optionsFromSnapshot(options: readonly OptionSetting[]): OptionSetting[] {
  const missing = quotaOptions.filter((name) => !options.some((it) => it.name === name));
  return [...options, ...missing.map((name) => ({ name, value: "off" }))];
}

export function* snapshotRestore(
  context: CommandContext,
  args: {
    readonly snapshot: string;
    readonly volume?: string;
    readonly safety?: boolean;
    readonly online?: boolean;
  },
): Step<SnapshotRestored> {
  const whole = yield* openSnapshot(context, args.snapshot);
  yield* refuseKept(context, whole, "restored");
  const chosen = args.volume === undefined ? whole.volumes : [snapVolumeOf(whole, args.volume)];
  const snapshot: SnapshotDocument = { ...whole, volumes: chosen };
  const keys = chosen.map((it) => keyOf.volume(it.origin));
  yield* settleHolding(context, chosen.map((it) => it.origin).join(" "), keys);
  const parts: Part[] = [];
  const online = args.online === true;
  for (const it of chosen) parts.push(yield* partOf(context, snapshot, it, online));
  const formers = parts.map((it) => it.present);
  const intent = yield* begin(context, {
    command: "snapshot restore",
    holds: [keyOf.snapshot(snapshot.name), ...keys],
    direction: "undo",
    groups: [...groupsOf(startFormer(formers)), ...undoGroups(snapshot)],
    afterwards: [],
  });
  try {
    yield* performGroups([...forthGroups(snapshot, parts), ...groupsOf(stopFormer(formers))]);
  } catch (error) {
    yield* undo(context, intent);
    throw error;
  }
  const volumes = whole.volumes.filter((it) => !chosen.includes(it));
  const rest = volumes.length === 0 ? undefined : { ...whole, volumes };
  yield* commitPoint(context, { rest, snapshot, parts, intent, keep: args.safety !== false });
  for (const { restored } of parts) {
    yield* event("SNAPSHOT_RESTORED", { snapshot: snapshot.name, volume: restored.name });
  }
  const [first, ...others] = parts.map(({ restored, safety }) => ({
    volume: restored.name,
    volumeId: restored.id,
    ...(safety === undefined ? {} : { safetySnapshot: safety.name }),
  }));
  return {
    name: snapshot.name,
    uuid: snapshot.id,
    ...first!,
    ...(others.length === 0 ? {} : { others }),
  };
}

/** One volume of those that are restored together. */
interface Part {
  readonly present: VolumeDocument | undefined;
  readonly restored: VolumeDocument;
  readonly former: FormerBricks;
  /** What becomes of the former bricks. */
  safety?: SnapshotDocument;
}

function* partOf(
  context: CommandContext,
  snapshot: SnapshotDocument,
  snapVolume: SnapVolumeDocument,
  online: boolean,
): Step<Part> {
  const present = context.state.volumes.get(snapVolume.origin)?.document;
  const volume = restorable(snapshot, snapVolume, present);
  if (volume.status === "Started" && !online) {
    const message = text.snapRestoreStarted(volume.name);
    throw new CommandFailure("volume-started", errno.EG_VOLRUN, message);
  }
  const former = present === undefined ? nothingFormer : yield* inspectFormer(context, present);
  const taken = snapVolume.volume;
  const restored: VolumeDocument = {
    ...withoutTask(volume),
    kind: taken.kind,
    replicaCount: taken.replicaCount,
    arbiterCount: taken.arbiterCount,
    disperseCount: taken.disperseCount,
    redundancyCount: taken.redundancyCount,
    bricks: snapVolume.bricks,
    options: optionsFromSnapshot(taken.options),
    generation: volume.generation + 1,
    restoredFromSnap: snapshot.id,
  };
  return { present, restored, former };
}

/**
 * The volume to restore. A deleted one can only come back from a safety snapshot, which has no
 * other use then.
 */
function restorable(
  snapshot: SnapshotDocument,
  snapVolume: SnapVolumeDocument,
  present: VolumeDocument | undefined,
): VolumeDocument {
  const { origin, originId, volume } = snapVolume;
  if (!isWhole(snapVolume)) refusePart(snapshot, snapVolume);
  if (present === undefined && snapshot.kind === "safety") {
    return { ...volume, status: "Stopped" };
  }
  if (present === undefined) {
    const message = text.snapVolumeMissing(origin);
    throw new CommandFailure("volume-missing", errno.EG_NOVOL, message);
  }
  if (present.id !== originId) {
    const detail: Detail = {
      object: origin,
      detail: `The volume ${origin} was deleted and made anew.`,
      nextStep: "Clone the snapshot, or rename what is in the way.",
    };
    const message = text.snapOriginGone(origin);
    throw new CommandFailure("volume-missing", errno.EG_NOVOL, message, [detail]);
  }
  return present;
}

function refusePart(snapshot: SnapshotDocument, { origin, bricks }: SnapVolumeDocument): never {
  throw new CommandFailure("unsupported", errno.EG_OPNOTSUP, text.snapNotWhole(origin), [
    {
      object: snapshot.name,
      detail: `It has former bricks of ${origin} alone: ${bricks.map(brickName).join(", ")}.`,
      nextStep: `Mount ${bricks[0]?.device ?? "them"}, and copy what is needed.`,
    },
  ]);
}

function forthGroups(snapshot: SnapshotDocument, parts: readonly Part[]): NodeEffect[][] {
  const { activate, mount } = mountGroups(parts.flatMap((it) => it.restored.bricks));
  return groupsOf(
    isActivated(snapshot) ? stopSnapshotEffects(snapshot) : [],
    activate,
    mount,
    parts.flatMap(({ restored }) => setVolumeIdEffects(restored.bricks, restored.id)),
  );
}

/**
 * An activated snapshot is served again, under its own id. One that was not is unmounted; its id
 * is set anew whenever it is mounted. What the user may have mounted himself stays.
 */
function undoGroups(snapshot: SnapshotDocument): NodeEffect[][] {
  if (isActivated(snapshot)) return upGroups(snapshot);
  const bricks = snapshot.volumes.flatMap((it) => it.bricks);
  return groupsOf(unmountEffects(bricks.filter((it) => it.managed)));
}

interface FormerBricks {
  readonly bricks: readonly BrickDocument[];
  /** Why (some of) their LVs cannot be given to anybody: they are left to the user. */
  readonly unownable: readonly Detail[];
  /** Data beside the bricks: kept until somebody removes it by name. */
  readonly foreign: readonly Detail[];
}

const nothingFormer: FormerBricks = { bricks: [], unownable: [], foreign: [] };

function* inspectFormer(context: CommandContext, volume: VolumeDocument): Step<FormerBricks> {
  const outcomes = yield* attemptAll(
    volume.bricks.map(
      ({ node, path }): NodeEffect<"inspectBrick"> => ({ kind: "inspectBrick", node, path }),
    ),
  );
  const unownable: Detail[] = [];
  const foreign: Detail[] = [];
  const bricks = volume.bricks.map((recorded, index) => {
    const outcome = outcomes[index];
    const facts = outcome?.ok === true ? (outcome.value as BrickFacts) : undefined;
    // Not mounted, or something else is there: what was recorded is the best knowledge.
    const seen = facts?.volumeId === volume.id ? facts : undefined;
    const brick = seen === undefined ? recorded : withFacts(recorded, seen);
    if (seen !== undefined && seen.foreignEntries.length > 0) {
      foreign.push({
        node: brick.host,
        object: brickName(brick),
        detail:
          `${brick.mountPoint} holds more than the former brick ${brickName(brick)}: ` +
          `${seen.foreignEntries.join(", ")}. It is kept until you delete the safety snapshot.`,
        nextStep: "Move it elsewhere, then delete the safety snapshot.",
      });
    }
    return brick;
  });
  for (const brick of bricks) {
    const reason = whyUnownable(context, volume, bricks, brick);
    if (reason !== undefined) {
      unownable.push({
        node: brick.host,
        object: brickName(brick),
        detail: `The former brick ${brickName(brick)} is left where it is: ${reason}.`,
        nextStep: "Remove it when it is not needed any more.",
      });
    }
  }
  return { bricks, unownable, foreign };
}

function whyUnownable(
  context: CommandContext,
  volume: VolumeDocument,
  bricks: readonly BrickDocument[],
  brick: BrickDocument,
): string | undefined {
  if (brick.thin === undefined) return "it is not on a thin logical volume";
  const { vg, lv } = brick.thin;
  const others = claimsOn(context.state, { node: brick.node, vg, lv }).filter(
    (it) => it.owner !== `volume ${volume.name}`,
  );
  if (others[0] !== undefined) return `its logical volume is also used by ${others[0].owner}`;
  const shared = onThinLvs(bricks).some(
    (it) =>
      it.brick !== brick &&
      it.brick.node === brick.node &&
      it.thin.vg === vg &&
      it.thin.lv === lv,
  );
  return shared ? "another brick is on its logical volume" : undefined;
}

interface CommitPoint {
  /** What stays of it. */
  readonly rest: SnapshotDocument | undefined;
  readonly snapshot: SnapshotDocument;
  readonly parts: readonly Part[];
  readonly intent: IntentDocument;
  readonly keep: boolean;
}

/** One transaction: before it the volumes are the old ones, after it the new ones. */
function* commitPoint(context: CommandContext, point: CommitPoint): Step<void> {
  const { snapshot, rest, parts, intent } = point;
  const { state } = context;
  const changes: Change[] = [
    ...parts.map(({ restored }) => changeOf.volume(state, restored)),
    rest === undefined
      ? changeOf.snapshotGone(state, snapshot.name)
      : changeOf.snapshot(state, rest),
    changeOf.intentGone(state, intent.id),
  ];
  const kept: BrickDocument[] = [];
  const removed: BrickDocument[] = [];
  for (const part of parts) {
    const { present, former } = part;
    context.details.push(...former.unownable, ...former.foreign);
    context.warnings.push(...[...former.unownable, ...former.foreign].map((it) => it.detail));
    if (present === undefined || former.unownable.length > 0) continue;
    if (point.keep || former.foreign.length > 0) {
      const expires = former.foreign.length === 0;
      part.safety = yield* keepAsSafety(context, present, { bricks: former.bricks, expires });
      changes.push(changeOf.snapshot(state, part.safety));
      kept.push(...former.bricks);
    } else {
      removed.push(...former.bricks);
    }
  }
  const removal = removed.length === 0 ? undefined : yield* draftRemoval(removed);
  if (removal !== undefined) changes.push(changeOf.intent(state, removal));
  const start = yield* draftStart(parts.map((it) => it.restored));
  if (start !== undefined) changes.push(changeOf.intent(state, start));
  yield* commit(context, changes);
  yield* startRestored(context, start);
  // Nothing needs these mounted now; one that is busy is unmounted when it is removed.
  yield* attemptAll(unmountEffects(kept.filter((it) => it.managed)));
  if (removal === undefined) return;
  const errors = yield* settle(context, removal);
  context.details.push(...errors.map(pendingDetail));
  context.warnings.push(
    ...errors.map((it) => `The former brick on ${it.object} could not be removed: ${it.message}`),
  );
}

function draftRemoval(bricks: readonly BrickDocument[]): Step<IntentDocument> {
  return draftIntent({
    command: "snapshot restore (removal of the former bricks)",
    holds: [],
    direction: "finish",
    groups: groupsOf(unmountEffects(bricks), removeLvEffects(bricks)),
    afterwards: [],
  });
}
