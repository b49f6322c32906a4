/** `volume list`, `info`, `status`. */
import { snapshotDaemonName } from "@mortar/gluster";
import { brickName, volumeBrickRef } from "../bricks/brick.ts";
import { setSizeOf } from "../bricks/brick-sets.ts";
import type { Step } from "../command.ts";
import type {
  VolumeInfo,
  VolumeProcess,
  VolumeStatusArgs,
  VolumeStatusReport,
  VolumeTypeName,
} from "./volume-command.ts";
import type { BrickProcessStatus, BrickReport } from "../bricks/brick-effects.ts";
import type { NodeEffect } from "../effect.ts";
import { CommandFailure, detailOf, errno } from "../failure.ts";
import { countUserSnapshots, snapshotSettings } from "../snapshots/snapshot-find.ts";
import type { ClusterState, OptionSetting, VolumeDocument } from "../state.ts";
import { attemptAll, type CommandContext, errorsOf } from "../steps.ts";
import { healingNodes, selfHealDaemonName } from "../heal/self-heal.ts";
import { hasSnapshotView } from "../snapshots/snapshot-view.ts";
import { text } from "../stock-text.ts";
import { type Server, serverStatuses } from "./server-status.ts";
import { findVolume } from "./volume-run.ts";
import { statusOfAll, taskProgress } from "./volume-task.ts";

export function* volumeList(context: CommandContext, _args: object): Step<string[]> {
  yield* [];
  return volumesInOrder(context.state).map((it) => it.name);
}

export function* volumeInfo(
  context: CommandContext,
  args: { readonly volume?: string },
): Step<VolumeInfo[]> {
  yield* [];
  const volumes =
    args.volume === undefined
      ? volumesInOrder(context.state)
      : [findVolume(context, args.volume)];
  return volumes.map((it) => infoOf(context.state, it));
}

export function volumesInOrder(state: ClusterState): VolumeDocument[] {
  return [...state.volumes.values()]
    .map((it) => it.document)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function infoOf(state: ClusterState, volume: VolumeDocument): VolumeInfo {
  const setSize = setSizeOf(volume);
  return {
    name: volume.name,
    id: volume.id,
    type: typeOf(volume),
    status: volume.status,
    snapshotCount: countUserSnapshots(state, volume),
    brickCount: volume.bricks.length,
    distCount: volume.bricks.length / setSize,
    replicaCount: volume.replicaCount,
    arbiterCount: volume.arbiterCount,
    disperseCount: volume.disperseCount,
    redundancyCount: volume.redundancyCount,
    transport: volume.transport,
    bricks: volume.bricks.map((brick, index) => ({
      host: brick.host,
      path: brick.path,
      hostUuid: brick.node,
      isArbiter: volume.arbiterCount > 0 && index % setSize === setSize - 1,
    })),
    options: shownOptions(state, volume),
  };
}

export function typeOf(volume: VolumeDocument): VolumeTypeName {
  const several = volume.bricks.length > setSizeOf(volume);
  if (volume.kind === "distribute") return "Distribute";
  if (volume.kind === "replicate") return several ? "Distributed-Replicate" : "Replicate";
  return several ? "Distributed-Disperse" : "Disperse";
}

/** Stock appends what was ever set for the whole cluster. */
export function shownOptions(state: ClusterState, volume: VolumeDocument): OptionSetting[] {
  const { activateOnCreate, autoDelete } = state.snapshotConfig?.document ?? {};
  const { words } = snapshotSettings(state);
  const shown = [...volume.options, ...(state.clusterConfig?.document.options ?? [])];
  if (activateOnCreate !== undefined) {
    shown.push({ name: "snap-activate-on-create", value: words.activateOnCreate });
  }
  if (autoDelete !== undefined) shown.push({ name: "auto-delete", value: words.autoDelete });
  return shown.map((it) => ({ ...it }));
}

export function* volumeStatus(
  context: CommandContext,
  args: VolumeStatusArgs,
): Step<VolumeStatusReport[]> {
  const volumes =
    args.volume === undefined
      ? volumesInOrder(context.state)
      : [findVolume(context, args.volume)];
  const listed = volumes.map((volume) => serversOf(context, volume, args));
  const statuses = yield* serverStatuses(context, listed.flat(), args.detail === true);
  const reports: VolumeStatusReport[] = [];
  for (const [index, volume] of volumes.entries()) {
    const servers = listed[index]!;
    const processes = servers.map((server) => processOf(context, server, statuses.shift()!));
    reports.push(yield* reportOf(context, volume, { args, processes }));
  }
  return reports;
}

interface ListedServer extends Server {
  readonly kind: VolumeProcess["kind"];
}

/** Of a started volume. Throws when it has no such brick. */
function serversOf(
  context: CommandContext,
  volume: VolumeDocument,
  args: VolumeStatusArgs,
): ListedServer[] {
  const bricks = volume.bricks.filter(
    (it) => args.brick === undefined || brickName(it) === args.brick,
  );
  if (bricks.length === 0) {
    const message = text.brickNotInVolume(args.brick ?? "", volume.name);
    throw new CommandFailure("bad-argument", errno.EINVAL, message);
  }
  if (volume.status !== "Started") return [];
  const servers = bricks.map((it): ListedServer =>
    ({ kind: "brick", node: it.node, brick: volumeBrickRef(volume, it) }));
  if (args.brick !== undefined || args.detail === true) return servers;
  const all = hasSnapshotView(volume) ? [...context.state.nodes.keys()] : [];
  return [
    ...servers,
    ...daemonsOf(context, volume, "snapshot-daemon", all),
    ...daemonsOf(context, volume, "self-heal-daemon", healingNodes(volume)),
  ];
}

/** One a node, the asked one's first, as stock lists them. */
function daemonsOf(
  context: CommandContext,
  volume: VolumeDocument,
  kind: "snapshot-daemon" | "self-heal-daemon",
  uuids: readonly string[],
): ListedServer[] {
  const { self, nodes } = context.state;
  const path = (kind === "snapshot-daemon" ? snapshotDaemonName : selfHealDaemonName)(volume.name);
  const all = uuids.flatMap((uuid) => nodes.get(uuid)?.document ?? []);
  const ordered = [...all.filter((it) => it.uuid === self), ...all.filter((it) => it.uuid !== self)];
  return ordered.map(({ uuid, hostname }) => ({
    kind, node: uuid,
    brick: { volume: volume.name, volumeId: volume.id, host: hostname, path },
  }));
}

function processOf(
  context: CommandContext,
  { kind, node, brick }: ListedServer,
  { running, port, pid, detail }: BrickProcessStatus,
): VolumeProcess {
  const { self, nodes } = context.state;
  const daemonHost = node === self ? "localhost" : (nodes.get(node)?.document.contact ?? brick.host);
  const host = kind === "brick" ? brick.host : daemonHost;
  return {
    kind,
    host,
    path: kind === "brick" ? brick.path : host,
    peerId: node,
    online: running,
    // Nobody connects to a daemon that heals.
    ...(port === undefined || kind === "self-heal-daemon" ? {} : { port }),
    ...(pid === undefined ? {} : { pid }),
    ...(detail === undefined ? {} : { detail }),
  };
}

function* reportOf(
  context: CommandContext,
  volume: VolumeDocument,
  { args, processes }: { readonly args: VolumeStatusArgs; readonly processes: VolumeProcess[] },
): Step<VolumeStatusReport> {
  if (volume.status !== "Started") {
    return { name: volume.name, started: false, processes: [], tasks: [] };
  }
  if (args.view !== undefined) yield* addReports(context, volume, processes, args.view);
  const tasks = args.brick === undefined ? yield* tasksOf(context, volume) : [];
  return { name: volume.name, started: true, processes, tasks };
}

function* tasksOf(context: CommandContext, volume: VolumeDocument) {
  const { task } = volume;
  if (task === undefined) return [];
  const kind = task.kind === "rebalance" ? "Rebalance" : "Remove brick";
  const status = statusOfAll(yield* taskProgress(context, volume));
  return [{ kind, id: task.id, status, bricks: [...task.bricks] }];
}

function* addReports(
  context: CommandContext,
  volume: VolumeDocument,
  processes: readonly VolumeProcess[],
  view: keyof BrickReport,
): Step<void> {
  const online = processes.filter((it) => it.online && it.kind === "brick");
  const outcomes = yield* attemptAll(
    online.map(({ peerId, host, path }): NodeEffect<"askBrick"> => {
      const brick = { volume: volume.name, volumeId: volume.id, host, path };
      return { kind: "askBrick", node: peerId, brick, question: view };
    }),
  );
  context.details.push(...errorsOf(outcomes).map(detailOf));
  for (const [index, process] of online.entries()) {
    const outcome = outcomes[index];
    if (outcome?.ok === true) process.report = { [view]: outcome.value };
  }
}
