/** `snapshot list`, `info`, `status`. Safety snapshots are shown when asked for by kind or name. */
import { requireThin, snapBrickRef } from "../bricks/brick.ts";
import type { Step } from "../command.ts";
import type {
  SnapshotBrickStatus,
  SnapshotDeleting,
  SnapshotInfo,
  SnapshotInfoList,
  SnapshotRef,
  SnapshotStatusReport,
} from "./snapshot-command.ts";
import type { BrickProcessStatus } from "../bricks/brick-effects.ts";
import type { NodeEffect, NodeEffectResult, Outcome } from "../effect.ts";
import { CommandFailure, detailOf, errno } from "../failure.ts";
import { keyOf } from "../key-space.ts";
import {
  countUserSnapshots,
  findSnapshot,
  isActivated,
  isOf,
  limitsOf,
  snapshotsInOrder,
  userSnapshotsOf,
} from "./snapshot-find.ts";
import { keptOf } from "./snapshot-keep.ts";
import type { ClusterState, SnapshotDocument, VolumeDocument } from "../state.ts";
import { attemptAll, type CommandContext, errorsOf } from "../steps.ts";
import { text } from "../stock-text.ts";

interface OneOrVolume {
  readonly snapshot?: string;
  readonly volume?: string;
}

export function* snapshotList(
  context: CommandContext,
  args: { readonly volume?: string; readonly safety?: boolean },
): Step<SnapshotRef[]> {
  yield* [];
  const { state } = context;
  const safety = args.safety === true;
  // Of a deleted volume safety snapshots remain, so its name is enough for those.
  const of = safety ? undefined : volumeOf(state, args.volume);
  return snapshotsInOrder(state, safety ? "safety" : "user")
    .filter((it) => of === undefined || isOf(it, of))
    .filter((it) => !safety || args.volume === undefined || isOfName(it, args.volume))
    .map((it) => ({
      name: it.name,
      uuid: it.id,
      volume: it.volumes[0]?.origin ?? "",
      ...(it.volumes.length > 1 ? { volumes: it.volumes.map(({ origin }) => origin) } : {}),
      createdAt: seconds(it.createdAtMs),
      safety,
      ...deletingOf(state, it),
      ...keptOf(it),
    }));
}

function isOfName(snapshot: SnapshotDocument, volume: string): boolean {
  return snapshot.volumes.some((it) => it.origin === volume);
}

export function* snapshotInfo(
  context: CommandContext,
  args: OneOrVolume,
): Step<SnapshotInfoList> {
  yield* [];
  const { state } = context;
  const volume = volumeOf(state, args.volume);
  const snapshots = chosen(state, args).map((it) => infoOf(state, it));
  if (volume === undefined) return { snapshots };
  return { volume: { name: volume.name, ...countsOf(state, volume) }, snapshots };
}

function infoOf(state: ClusterState, snapshot: SnapshotDocument): SnapshotInfo {
  return {
    name: snapshot.name,
    uuid: snapshot.id,
    ...(snapshot.description === undefined ? {} : { description: snapshot.description }),
    createdAt: seconds(snapshot.createdAtMs),
    safety: snapshot.kind === "safety",
    consistency: snapshot.consistency,
    ...(snapshot.pauseMs === undefined ? {} : { pauseMs: snapshot.pauseMs }),
    ...(snapshot.phases === undefined ? {} : { phases: { ...snapshot.phases } }),
    ...(snapshot.hooks === undefined ? {} : { hooks: [...snapshot.hooks] }),
    ...(snapshot.drain === undefined ? {} : { drain: snapshot.drain }),
    snapVolumes: snapshot.volumes.map((it) => {
      const present = state.volumes.get(it.origin)?.document;
      const origin = present?.id === it.originId ? present : it.volume;
      return {
        name: it.name,
        status: it.status,
        originVolume: it.origin,
        ...countsOf(state, origin),
      };
    }),
    ...deletingOf(state, snapshot),
    ...keptOf(snapshot),
  };
}

/** What is left of a snapshot whose deletion is not finished. */
function deletingOf(
  state: ClusterState,
  { name, deletingSinceMs }: SnapshotDocument,
): { deleting?: SnapshotDeleting } {
  if (deletingSinceMs === undefined) return {};
  const intents = [...state.intents.values()].map((it) => it.document);
  const effects = intents
    .filter((it) => it.holds.includes(keyOf.snapshot(name)))
    .flatMap((it) => it.groups.flat());
  const left = effects.flatMap((it) => {
    if (it.kind !== "removeLv") return [];
    const host = state.nodes.get(it.node)?.document.hostname ?? it.node;
    return [{ host, object: `${it.vg}/${it.lv}` }];
  });
  return { deleting: { since: seconds(deletingSinceMs), left } };
}

function countsOf(state: ClusterState, volume: VolumeDocument) {
  const snapsTaken = countUserSnapshots(state, volume);
  const { effectiveHard } = limitsOf(state, volume);
  return { snapsTaken, snapsAvailable: Math.max(0, effectiveHard - snapsTaken) };
}

function volumeOf(state: ClusterState, name: string | undefined): VolumeDocument | undefined {
  if (name === undefined) return undefined;
  const volume = state.volumes.get(name)?.document;
  if (volume !== undefined) return volume;
  throw new CommandFailure("volume-missing", errno.EG_NOVOL, text.snapQueryVolumeMissing(name));
}

function chosen(state: ClusterState, args: OneOrVolume): SnapshotDocument[] {
  if (args.snapshot !== undefined) return [findSnapshot(state, args.snapshot)];
  const volume = volumeOf(state, args.volume);
  return volume === undefined ? snapshotsInOrder(state, "user") : userSnapshotsOf(state, volume);
}

export function* snapshotStatus(
  context: CommandContext,
  args: OneOrVolume,
): Step<SnapshotStatusReport[]> {
  const reports: SnapshotStatusReport[] = [];
  for (const snapshot of chosen(context.state, args)) {
    reports.push(yield* statusOf(context, snapshot));
  }
  return reports;
}

function* statusOf(
  context: CommandContext,
  snapshot: SnapshotDocument,
): Step<SnapshotStatusReport> {
  const activated = isActivated(snapshot);
  const bricks: SnapshotBrickStatus[] = [];
  for (const snapVolume of snapshot.volumes) {
    const lvs = snapVolume.bricks.map((brick): NodeEffect<"lvStatus"> => {
      const { vg, lv } = requireThin(brick);
      return { kind: "lvStatus", node: brick.node, vg, lv };
    });
    const processes = snapVolume.bricks.map(
      (brick): NodeEffect<"brickStatus"> => ({
        kind: "brickStatus",
        node: brick.node,
        brick: snapBrickRef(snapshot, snapVolume, brick),
        detail: false,
      }),
    );
    // A deactivated one is reported as not running without asking, as in stock.
    const answers = activated ? yield* attemptAll([...lvs, ...processes]) : [];
    context.details.push(...errorsOf(answers).map(detailOf));
    const count = snapVolume.bricks.length;
    snapVolume.bricks.forEach(({ host, path, thin }, index) => {
      const place = { host, path };
      if (!activated) bricks.push({ ...place, running: false });
      else bricks.push({ ...place, ...lineOf(thin?.vg, answers[index], answers[count + index]) });
    });
  }
  const { name, id } = snapshot;
  return { name, uuid: id, activated, ...deletingOf(context.state, snapshot), bricks };
}

/** What could not be found out is absent, printed as N/A. */
function lineOf(
  volumeGroup: string | undefined,
  lv: Outcome | undefined,
  process: Outcome | undefined,
): Omit<SnapshotBrickStatus, "host" | "path"> {
  const line: Omit<SnapshotBrickStatus, "host" | "path"> = {};
  if (lv?.ok === true) {
    const { dataPercent, size } = lv.value as NodeEffectResult<"lvStatus">;
    if (volumeGroup !== undefined) line.volumeGroup = volumeGroup;
    if (dataPercent !== undefined) line.dataPercent = dataPercent;
    if (size !== undefined) line.lvSize = size;
  }
  if (process?.ok === true) {
    const { running, pid } = process.value as BrickProcessStatus;
    line.running = running;
    if (pid !== undefined) line.pid = pid;
  }
  return line;
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
