/** `snapshot create`. */
import { bricksOnNewLvs, removeLvEffects, requireThin, volumeBrickRef } from "../bricks/brick.ts";
import type { Step } from "../command.ts";
import type { SnapshotCreated } from "./snapshot-command.ts";
import type { NodeEffect } from "../effect.ts";
import { asFailure, CommandFailure, detailOf, errno } from "../failure.ts";
import { begin, groupsOf, settleHolding, undo } from "../intent.ts";
import { changeOf, keyOf } from "../key-space.ts";
import { activateSnapshot } from "./snapshot-activation.ts";
import { readClusterTime } from "../nodes/cluster-clock.ts";
import { isKept } from "./snapshot-keep.ts";
import { checkBricks } from "./snapshot-check.ts";
import { removeSnapshot } from "./snapshot-delete.ts";
import {
  countUserSnapshots,
  limitsOf,
  snapshotSettings,
  userSnapshotsOf,
} from "./snapshot-find.ts";
import {
  barrierOff,
  drainEndsOf,
  type HoldOutcome,
  type HoldPlan,
  lvEffectsOf,
  mountEffects,
  snapshotLvs,
} from "./snapshot-hold.ts";
import {
  hookEnds,
  hookPlan,
  type HookResult,
  hooksAfter,
  hooksBefore,
  hookWarnings,
} from "./snapshot-hooks.ts";
import { checkSnapshotName, timestampSuffix } from "./snapshot-name.ts";
import {
  type BrickDocument,
  SCHEMA,
  type SnapshotDocument,
  type SnapVolumeDocument,
  type VolumeDocument,
} from "../state.ts";
import {
  attemptAll,
  commit,
  type CommandContext,
  errorsOf,
  event,
  newUuids,
  performLocal,
} from "../steps.ts";
import { text } from "../stock-text.ts";
import { refuseMoving, withoutTask } from "../volumes/volume-task.ts";

const DESCRIPTION_MAX = 1024;

interface CreateArgs {
  readonly name: string;
  readonly volume: string;
  /** Further ones, of the same moment. */
  readonly volumes?: readonly string[];
  readonly timestamp?: boolean;
  readonly description?: string;
  /** Of a schedule's run; not to be had from outside. */
  readonly scheduled?: NonNullable<SnapshotDocument["scheduled"]>;
}

export function* snapshotCreate(
  context: CommandContext,
  args: CreateArgs,
): Step<SnapshotCreated> {
  checkSnapshotName(args.name);
  const description = checkDescription(context, args.description);
  const { nowMs } = yield* performLocal("clock", {});
  const name = args.timestamp === false ? args.name : args.name + timestampSuffix(nowMs);
  if (name.length > 255) throw badArgument(text.snapNameTooLong());
  yield* settleHolding(context, name, [keyOf.snapshot(name)]);
  const origins: Origin[] = [];
  for (const volumeName of new Set([args.volume, ...(args.volumes ?? [])])) {
    yield* settleHolding(context, volumeName, [keyOf.volume(volumeName)]);
    const volume = snapshotable(context, name, volumeName);
    yield* refuseMoving(context, volume, text.rebalanceRunning(volume.name));
    origins.push({ volume, bricks: yield* checkBricks(context, volume) });
  }
  const snapshot = yield* take(context, origins, {
    name, description, nowMs, scheduled: args.scheduled,
  });
  for (const { volume } of origins) {
    yield* event("SNAPSHOT_CREATED", { snapshot: name, volume: volume.name });
  }
  yield* activateIfWanted(context, snapshot);
  return yield* report(context, origins.map((it) => it.volume), snapshot);
}

interface Origin {
  readonly volume: VolumeDocument;
  /** As they are now, each with its LV. */
  readonly bricks: readonly BrickDocument[];
}

function checkDescription(
  context: CommandContext,
  description: string | undefined,
): string | undefined {
  if (description === undefined) return undefined;
  if (description === "") throw badArgument(text.snapDescriptionEmpty());
  if (description.length <= DESCRIPTION_MAX) return description;
  context.warnings.push(text.snapDescriptionTruncated());
  return description.slice(0, DESCRIPTION_MAX);
}

/** Stock's refusals, in stock's order. */
function snapshotable(context: CommandContext, name: string, volumeName: string): VolumeDocument {
  const { state } = context;
  if (state.snapshots.has(name)) {
    throw new CommandFailure("snapshot-exists", errno.EG_SNAPEXST, text.snapExists(name));
  }
  const volume = state.volumes.get(volumeName)?.document;
  if (volume === undefined) {
    const message = text.snapVolumeMissing(volumeName);
    throw new CommandFailure("volume-missing", errno.EG_NOVOL, message);
  }
  if (volume.status !== "Started") {
    const message = text.snapVolumeNotStarted(volumeName);
    throw new CommandFailure("volume-not-started", errno.EG_VOLSTP, message);
  }
  const { effectiveHard } = limitsOf(state, volume);
  if (countUserSnapshots(state, volume) >= effectiveHard) {
    const message = text.snapHardLimit(effectiveHard, volumeName);
    throw new CommandFailure("limit-reached", errno.EG_HRDLMT, message);
  }
  return volume;
}

function* take(
  context: CommandContext,
  origins: readonly Origin[],
  of: {
    readonly name: string;
    readonly description: string | undefined;
    readonly nowMs: number;
    readonly scheduled: SnapshotDocument["scheduled"] | undefined;
  },
): Step<SnapshotDocument> {
  const [id = "", ...volumeIds] = yield* newUuids(1 + origins.length);
  const volumes = origins.map((origin, index) =>
    snapVolumeOn(context, origin, volumeIds[index]!),
  );
  const bricks = volumes.flatMap((it) => it.bricks);
  const plan: HoldPlan = {
    origins: origins.flatMap(({ volume, bricks: present }) =>
      present.map((brick) => ({ brick, ref: volumeBrickRef(volume, brick) })),
    ),
    lvs: lvEffects(origins.flatMap((it) => it.bricks), bricks),
  };
  const hooks = hookPlan(of.name, origins.map((it) => it.volume));
  const intent = yield* begin(context, {
    command: "snapshot create",
    holds: [keyOf.snapshot(of.name)],
    direction: "undo",
    groups: groupsOf(
      [
        ...mountEffects(plan, "thaw"), ...barrierOff(plan), ...drainEndsOf(plan),
        ...hookEnds(hooks), ...lvEffectsOf(plan, "abandonSnapshotLv"),
      ],
      removeLvEffects(bricks),
    ),
    afterwards: [],
  });
  let hold: HoldOutcome;
  let hookResults: HookResult[];
  try {
    const before = yield* hooksBefore(context, hooks);
    hold = yield* snapshotLvs(plan);
    hookResults = [...before, ...(yield* hooksAfter(context, hooks))];
  } catch (error) {
    yield* undo(context, intent);
    throw error;
  }
  const snapshot: SnapshotDocument = {
    schema: SCHEMA,
    name: of.name,
    id,
    ...(of.description === undefined ? {} : { description: of.description }),
    createdAtMs: of.nowMs,
    kind: "user",
    ...(of.scheduled === undefined ? {} : { scheduled: of.scheduled }),
    volumes,
    ...hold,
    ...consistencyOf(hookResults),
  };
  yield* commit(context, [
    changeOf.snapshot(context.state, snapshot),
    changeOf.intentGone(context.state, intent.id),
  ]);
  context.warnings.push(...hookWarnings(hookResults));
  yield* showLvs(context, bricks);
  return snapshot;
}

function consistencyOf(
  hooks: readonly HookResult[],
): Pick<SnapshotDocument, "consistency" | "hooks"> {
  if (hooks.length === 0) return { consistency: "file-system-frozen" };
  const isWhole = hooks.every((it) => it.error === undefined);
  return { consistency: isWhole ? "application" : "file-system-frozen", hooks };
}

function snapVolumeOn(
  context: CommandContext,
  { volume, bricks }: Origin,
  volumeId: string,
): SnapVolumeDocument {
  const name = volumeId.replaceAll("-", "");
  return {
    name,
    volumeId,
    origin: volume.name,
    originId: volume.id,
    status: "Stopped",
    bricks: bricksOnNewLvs(context.state, name, bricks, (at) => bricks[at]!.id),
    volume: withoutTask(volume),
  };
}

/** Which LV is made of which; also for clones. */
export function lvEffects(
  origins: readonly BrickDocument[],
  bricks: readonly BrickDocument[],
): NodeEffect<"createSnapshotLv">[] {
  return bricks.map((brick, index) => {
    const thin = requireThin(brick);
    const origin = requireThin(origins[index]!);
    return {
      kind: "createSnapshotLv",
      node: brick.node,
      vg: thin.vg,
      origin: origin.lv,
      name: thin.lv,
    };
  });
}

/** As after stock's lvcreate the LVs are active; after the pause, and no reason to fail. */
function* showLvs(context: CommandContext, bricks: readonly BrickDocument[]): Step<void> {
  const effects = bricks.map((brick): NodeEffect<"activateLv"> => {
    const { vg, lv } = requireThin(brick);
    return { kind: "activateLv", node: brick.node, vg, lv };
  });
  context.details.push(...errorsOf(yield* attemptAll(effects)).map(detailOf));
}

/** The snapshot is taken, whatever becomes of this. */
function* activateIfWanted(context: CommandContext, snapshot: SnapshotDocument): Step<void> {
  if (!snapshotSettings(context.state).activateOnCreate) return;
  try {
    yield* activateSnapshot(context, snapshot);
  } catch (error) {
    const { details } = asFailure(error);
    context.warnings.push(
      `The snapshot ${snapshot.name} was taken but could not be activated. ` +
        `Try "snapshot activate ${snapshot.name}".`,
    );
    context.details.push(...details);
  }
}

function* report(
  context: CommandContext,
  volumes: readonly VolumeDocument[],
  snapshot: SnapshotDocument,
): Step<SnapshotCreated> {
  const autoDelete = snapshotSettings(context.state).autoDelete;
  let softLimitReached = false;
  const autoDeleted: string[] = [];
  for (const volume of volumes) {
    const { effectiveSoft } = limitsOf(context.state, volume);
    const above = () => countUserSnapshots(context.state, volume) > effectiveSoft;
    softLimitReached ||= above() && !autoDelete;
    for (const oldest of autoDelete ? userSnapshotsOf(context.state, volume) : []) {
      if (!above() || oldest.name === snapshot.name) break;
      if (yield* autoDeleteOne(context, oldest)) autoDeleted.push(oldest.name);
    }
  }
  return {
    name: snapshot.name,
    uuid: snapshot.id,
    volume: volumes[0]?.name ?? "",
    ...(snapshot.pauseMs === undefined ? {} : { pauseMs: snapshot.pauseMs }),
    softLimitReached,
    autoDeleted,
  };
}

function* autoDeleteOne(context: CommandContext, oldest: SnapshotDocument): Step<boolean> {
  try {
    if (isKept(oldest, yield* readClusterTime(context.state))) return false;
    yield* removeSnapshot(context, oldest);
    return true;
  } catch (error) {
    const { details } = asFailure(error);
    context.warnings.push(`auto-delete could not remove the snapshot ${oldest.name}.`);
    context.details.push(...details);
    return false;
  }
}

function badArgument(message: string): CommandFailure {
  return new CommandFailure("bad-argument", errno.EINVAL, message);
}
