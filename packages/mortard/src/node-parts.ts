/** The parts of a node, put together: each is given what it asks of the others. */
import { join } from "node:path";
import { hostname } from "node:os";
import { type ClusterState, Coordinator, volfileFor } from "@mortar/cluster";
import { BrickError } from "./bricks/brick-error.ts";
import { type BrickPlan, BrickSupervisor } from "./bricks/supervisor.ts";
import { isClusterKey } from "./cluster-keys.ts";
import type { Settings } from "./config.ts";
import { hostOf } from "./coordinator-host.ts";
import { BrickStorages } from "./effects/brick-storage.ts";
import type { NodeGroups } from "./effects/groups.ts";
import type { HealPlaces } from "./effects/healing.ts";
import { LvDeltas } from "./effects/lv-delta.ts";
import { answerPeer } from "./events/event-feed.ts";
import { EventLog } from "./events/event-log.ts";
import { NodePerformer } from "./effects/node-performer.ts";
import type { OpenState } from "./etcd/open-state.ts";
import { Freezer } from "./freeze/freezer.ts";
import { volfileRequest } from "./glusterd/handshake.ts";
import { SnapshotHooks } from "./hooks/snapshot-hooks.ts";
import type { Log } from "./log.ts";
import { NodeLogs } from "./logs/node-logs.ts";
import { journalEntry } from "@mortar/linux";
import type { NodePaths } from "./paths.ts";
import { Transfers } from "./transfer/transfers.ts";
import { Pool } from "./peers/pool.ts";
import { ServerQuorum } from "./peers/server-quorum.ts";
import { RebalanceProcesses } from "./rebalance/rebalance-processes.ts";
import { asStep } from "./tasks/task-steps.ts";
import { servedHere } from "./wanted-bricks.ts";

export interface NodePartsOptions {
  readonly paths: NodePaths;
  readonly settings: Settings;
  readonly uuid: string;
  readonly version: string;
  readonly state: OpenState;
  readonly groups: NodeGroups;
  readonly log: Log;
}

export interface NodeParts {
  readonly supervisor: BrickSupervisor;
  readonly rebalance: RebalanceProcesses;
  readonly freezer: Freezer;
  readonly hooks: SnapshotHooks;
  readonly performer: NodePerformer;
  readonly coordinator: Coordinator;
  readonly pool: Pool;
  readonly transfers: Transfers;
  readonly quorum: ServerQuorum;
  readonly events: EventLog;
  readonly logs: NodeLogs;
}

/** What the daemon does when it is there. */
export interface Told {
  announce: () => void;
  /** The store is another one: what was read of it before counts no more. */
  exchanged: () => void;
  outOfStep: () => void;
}

export async function assemble(options: NodePartsOptions, told: Told): Promise<NodeParts> {
  const { paths, settings, uuid, log, groups } = options;
  const { address, hostNames } = settings;
  const host = hostNames[0] ?? address ?? hostname();
  const late: { coordinator: Coordinator | undefined } = { coordinator: undefined };
  const supervisor = new BrickSupervisor({
    home: {
      runDirectory: paths.brickRunDirectory, logDirectory: paths.brickLogDirectory,
      toolPidDirectory: paths.toolPidDirectory,
    },
    node: {
      uuid,
      glusterfsd: settings.glusterfsd,
      glusterfs: stockClient(settings),
      address,
      managementPort: settings.glusterPort,
      commandSocket: paths.socketPath,
      snapshotIdleMs: settings.snapshotViewIdleSeconds * 1000,
    },
    plan: (volfileId) => {
      if (late.coordinator === undefined) throw new Error("the state is not loaded yet");
      return planOf(late.coordinator.state, volfileId, paths.stateDirectory, address);
    },
    portFirst: settings.brickPortFirst,
    portLast: settings.brickPortLast,
    log,
  });
  const rebalance = rebalanceOf(options);
  const freezer = new Freezer({ directory: paths.frozenDirectory, log });
  const hooks = new SnapshotHooks({
    scripts: paths.hooksDirectory,
    directory: paths.quietDirectory,
    settings: { limitMs: settings.hookLimitSeconds * 1000, required: settings.hooksRequired },
    agents: settings.guestAgents,
    log,
  });
  const deltas = new LvDeltas(paths.root);
  const performer = new NodePerformer({
    uuid,
    host,
    groups,
    storages: new BrickStorages({ groups, bricksDirectory: join(paths.root, "bricks") }),
    deltas,
    supervisor,
    rebalance,
    freezer,
    hooks,
    snapsDirectory: paths.snapsDirectory,
    dumpDirectory: paths.dumpDirectory,
    address: address ?? "127.0.0.1",
    mayStart: (volume) => quorum.mayStart(volume),
    healing: healPlaces(options, () => late.coordinator!.state),
    log,
  });
  const transfers: Transfers = new Transfers({
    uuid, groups, deltas, log, bookmarks: join(paths.stateDirectory, "bookmarks"),
    state: () => late.coordinator!.state,
    remote: (...call) => pool.transfer(...call),
  });
  const events = eventLogOf(options, host);
  const logs = new NodeLogs({ paths, host });
  const parts = { host, local: performer, told, transfers: () => transfers, events, logs };
  const { pool, coordinator } = await assemblePool(options, parts);
  late.coordinator = coordinator;
  const quorum: ServerQuorum = quorumOf(options, { coordinator, pool, supervisor });
  return {
    supervisor, rebalance, freezer, hooks, performer, coordinator, pool, transfers, quorum, events,
    logs,
  };
}

function eventLogOf({ paths, uuid, log }: NodePartsOptions, host: string): EventLog {
  return new EventLog({
    file: join(paths.logDirectory, "events.jsonl"), uuid, host, nowMs: () => Date.now(), log,
    // Several nodes of one machine, each below a root, are a trial: its journal is not theirs.
    ...(paths.root === "/" ? { toJournal: journalEntry } : {}),
  });
}

function healPlaces({ paths, settings }: NodePartsOptions, state: () => ClusterState): HealPlaces {
  return {
    directory: paths.runDirectory,
    clientVolfile: (volume) => {
      const { address } = settings;
      const request = volfileRequest({ key: volume, trusted: true }, paths.stateDirectory, address);
      const answer = volfileFor(state(), request);
      return answer.ok ? answer.text : undefined;
    },
  };
}

function quorumOf(
  { uuid, log }: NodePartsOptions,
  { coordinator, pool, supervisor }: Pick<NodeParts, "coordinator" | "pool" | "supervisor">,
): ServerQuorum {
  return new ServerQuorum({
    state: () => coordinator.state,
    connected: () => pool.connectedNodes(),
    bricksOf: (volume) => servedHere(coordinator.state, uuid, volume),
    isUp: (path) => supervisor.isUp(path),
    stop: (path) => supervisor.stop(path),
    start: (spec) => supervisor.start(spec),
    log,
  });
}

function rebalanceOf({ paths, settings, uuid, log }: NodePartsOptions): RebalanceProcesses {
  return new RebalanceProcesses({
    home: {
      runDirectory: join(paths.runDirectory, "rebal"),
      recordDirectory: join(paths.stateDirectory, "rebalance"),
      logDirectory: paths.logDirectory,
    },
    node: {
      uuid,
      address: settings.address,
      managementPort: settings.glusterPort,
      glusterfs: stockClient(settings),
    },
    log,
  });
}

interface PoolParts {
  readonly host: string;
  readonly local: NodePerformer;
  readonly told: Told;
  readonly transfers: () => Transfers;
  readonly events: EventLog;
  readonly logs: NodeLogs;
}

/** The coordinator and the pool need each other, and the store tells both. */
async function assemblePool(
  options: NodePartsOptions,
  { host, local, told, transfers, events, logs }: PoolParts,
): Promise<Pick<NodeParts, "pool" | "coordinator">> {
  const { paths, settings, uuid, version, log, state } = options;
  const late: { coordinator: Coordinator | undefined } = { coordinator: undefined };
  const pool = new Pool({
    uuid, host, version, settings: { ...settings, address: settings.address }, state, local, log,
    snapMountRoot: paths.snapsDirectory,
    places: paths,
    coordinator: () => late.coordinator!,
    transfers,
    events: (question) => answerPeer(events, question),
    logs: (question) => logs.answerPeer(question),
    exchanged: () => {
      told.exchanged();
      told.announce();
    },
    outOfStep: () => told.outOfStep(),
  });
  state.store.watch("", ({ revision, changes }) => {
    if (late.coordinator === undefined) return;
    late.coordinator.told(revision, changes.filter(({ key }) => isClusterKey(key)));
    told.announce();
    told.outOfStep();
    pool.stateChanged();
  });
  late.coordinator = await Coordinator.open(hostOf({
    uuid,
    host,
    store: state.store,
    waitMs: settings.transactionWaitMs,
    onTurn: (token) => pool.raise(token),
    perform: (effect, token) => token === undefined
      ? pool.performer.perform(effect, token)
      : asStep(effect, () => pool.performer.perform(effect, token)),
    resolveHost: (name) => pool.resolveHost(name),
    connectedNodes: () => pool.connectedNodes(),
    log,
    volfileChanged: () => told.announce(),
  }));
  return { pool, coordinator: late.coordinator };
}

/** Throws BrickError when the state has no such brick. */
function planOf(
  state: ClusterState,
  key: string,
  stateDirectory: string,
  bindAddress: string | undefined,
): BrickPlan {
  const answer = volfileFor(state, volfileRequest({ key, trusted: true }, stateDirectory, bindAddress));
  if (answer.ok) return { engine: answer.engine ?? "builtin", volfile: answer.text };
  throw new BrickError("start-failed", `No brick can be started for ${key}: ${answer.reason}`);
}

/** It is beside the stock brick server. */
function stockClient({ glusterfsd }: Settings): string {
  return glusterfsd.replace(/glusterfsd$/, "glusterfs");
}
