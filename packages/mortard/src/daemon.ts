/**
 * One node: the order in which its parts come up and go down, and what it answers of itself.
 *
 * Up: thaw what was left frozen; take over running bricks; listen for bricks and clients; settle
 * interrupted commands; mount and start what the state says is started; listen for commands.
 * Down: refuse commands, wait for those that run, close the ports. Bricks, mounts and pools go on.
 */
import { hostname } from "node:os";
import type { NodeStatus, PoolReclaim, ReclaimableBody, ShutdownResult } from "@mortar/api";
import type {
  Answer, CommandArgs, CommandName, CommandPayload, Coordinator,
} from "@mortar/cluster";
import { isTickDue } from "@mortar/cluster";
import { listMounts } from "@mortar/linux";
import type { BrickSupervisor, BrickView } from "./bricks/supervisor.ts";
import { BrowseProcess } from "./browse/browse-process.ts";
import { recordBrickMounts } from "./brick-mounts.ts";
import { CommandGate } from "./command-gate.ts";
import { isLoopback, localAddresses } from "./effects/host-name.ts";
import type { RebalanceProcesses } from "./rebalance/rebalance-processes.ts";
import type { NodePerformer } from "./effects/node-performer.ts";
import type { NodeEvents } from "./events/node-events.ts";
import type { Freezer } from "./freeze/freezer.ts";
import type { SnapshotHooks } from "./hooks/snapshot-hooks.ts";
import { Handshake } from "./glusterd/handshake.ts";
import { portmapServices } from "./glusterd/portmap.ts";
import { RpcServer } from "./glusterd/rpc-server.ts";
import type { NodeControl } from "./http/handlers.ts";
import { Listeners } from "./http/listeners.ts";
import type { LogControl } from "./http/log-handlers.ts";
import type { PoolControl } from "./http/peer-handlers.ts";
import { Housekeeping } from "./housekeeping.ts";
import { ScheduleTimer } from "./schedule-timer.ts";
import { eventsOf, historyOf, logsOf, metricsOf } from "./observed-node.ts";
import { assemble, type NodeParts, type NodePartsOptions, type Told } from "./node-parts.ts";
import type { NodeMetrics } from "./metrics/node-metrics.ts";
import { outOfStep } from "./peers/clock-refusal.ts";
import type { PoolHistory } from "./pool-history.ts";
import type { Pool } from "./peers/pool.ts";
import type { ServerQuorum } from "./peers/server-quorum.ts";
import type { Transfers } from "./transfer/transfers.ts";
import { Reconcile } from "./reconcile.ts";
import { SnapshotDaemonVolfiles } from "./snapshot-daemon-volfiles.ts";
import { takePlace } from "./taking-place.ts";
import { managedMounts, wantedBricks } from "./wanted-bricks.ts";

/** A start that hangs on a dead disk still lets the operator ask what is wrong. */
const BRING_UP_MAX_MS = 60_000;
const takesSnapshots: ReadonlySet<CommandName> = new Set(["snapshotCreate", "scheduleRun"]);
const keepsSafetySnapshots: ReadonlySet<CommandName> = new Set(["snapshotRestore", "volumeDelete"]);
/** A snapshot of many bricks may be under way. */
const COMMANDS_END_MAX_MS = 60_000;

export interface DaemonOptions extends NodePartsOptions {
  /** Called once, after `nodeShutdown` was answered. */
  readonly onShutdown: () => void;
}

export class Daemon implements NodeControl {
  readonly #options: DaemonOptions;
  readonly #startedAt = Math.floor(Date.now() / 1000);
  readonly #supervisor: BrickSupervisor;
  readonly #rebalance: RebalanceProcesses;
  readonly #freezer: Freezer;
  readonly #hooks: SnapshotHooks;
  readonly #performer: NodePerformer;
  readonly #coordinator: Coordinator;
  readonly #pool: Pool;
  readonly #transfers: Transfers;
  readonly #quorum: ServerQuorum;
  readonly #reconcile: Reconcile;
  readonly #gate: CommandGate;
  readonly #handshake: Handshake;
  readonly #snapshotDaemons: SnapshotDaemonVolfiles;
  readonly #rpc: RpcServer;
  readonly #housekeeping: Housekeeping;
  readonly #schedules: ScheduleTimer;
  readonly poolHistory: PoolHistory;
  readonly events: NodeEvents;
  readonly metrics: NodeMetrics;
  #listeners: Listeners | undefined;
  readonly files: BrowseProcess;
  readonly logs: LogControl;
  #announced = false;
  /** The node goes down, not only the daemon. */
  #stopsEtcd = false;

  private constructor(options: DaemonOptions, parts: NodeParts) {
    const { settings, log, paths } = options;
    this.#options = options;
    this.#supervisor = parts.supervisor;
    this.#rebalance = parts.rebalance;
    this.#freezer = parts.freezer;
    this.#hooks = parts.hooks;
    this.#performer = parts.performer;
    this.#coordinator = parts.coordinator;
    this.#pool = parts.pool;
    this.#transfers = parts.transfers;
    this.#quorum = parts.quorum;
    this.#reconcile = this.#reconciling();
    this.#gate = new CommandGate({
      coordinator: parts.coordinator,
      waitMs: settings.transactionWaitMs,
      log,
    });
    this.#snapshotDaemons = new SnapshotDaemonVolfiles({
      volfileOf: (volume) => this.#handshake.textOf(`snapd/${volume}`),
      reconfigure: (name) => this.#supervisor.reconfigure(name),
      log,
    });
    this.#handshake = new Handshake({
      stateDirectory: paths.stateDirectory,
      address: settings.address,
      state: () => parts.coordinator.state,
      isTrusted: (address) => isOfThisMachine(address) || parts.pool.isNodeAddress(address),
      rebalanceTold: (told) => {
        parts.rebalance.told(told);
        this.events.rebalanceTold(told);
      },
      servers: () => parts.pool.hosts().map((it) => `${it}:${settings.glusterPort}`),
      log,
    });
    this.#rpc = new RpcServer({
      services: [
        ...this.#handshake.services(),
        ...portmapServices({ ports: this.#supervisor, isLocal: isOfThisMachine, log }),
      ],
      log,
      connectionsMax: settings.clientConnectionsMax,
    });
    this.#housekeeping = new Housekeeping({
      run: (name, args) => this.run(name, args),
      hasIntents: () => parts.coordinator.state.intents.size > 0,
      log,
    });
    this.files = new BrowseProcess({
      runDirectory: paths.runDirectory,
      logDirectory: paths.logDirectory,
      mortardSocket: paths.socketPath,
      server: settings.address ?? "127.0.0.1",
      managementPort: settings.glusterPort,
      idleMs: settings.snapshotViewIdleSeconds * 1000,
      log,
    });
    this.logs = logsOf(parts);
    this.events = eventsOf({ ...options, host: this.#hostName() }, parts);
    this.poolHistory = historyOf(options, () => this.run("poolList", {}));
    this.metrics = metricsOf(options.uuid, parts, this);
    this.#schedules = new ScheduleTimer({
      // Another node's clock is right, and it asks too.
      isDue: (at) => parts.pool.clocks().isInStep && isTickDue(parts.coordinator.state, at),
      tick: () => this.run("scheduleTick", {}),
      clock: () => ({ nowMs: Date.now(), monotonicMs: performance.now() }),
      log,
    });
  }

  static async start(options: DaemonOptions): Promise<Daemon> {
    const told: Told = {
      announce: () => undefined, exchanged: () => undefined, outOfStep: () => undefined,
    };
    const parts = await assemble(options, told);
    const daemon = new Daemon(options, parts);
    told.announce = () => daemon.#announce();
    told.exchanged = () => daemon.#listeners?.reload();
    told.outOfStep = () => daemon.#reconcile.soon();
    try {
      await daemon.#comeUp();
    } catch (error) {
      await daemon.close();
      throw error;
    }
    return daemon;
  }

  async run<N extends CommandName>(
    name: N,
    args: CommandArgs<N>,
  ): Promise<Answer<CommandPayload<N>>> {
    const clocks = takesSnapshots.has(name) ? this.#pool.clocks() : undefined;
    if (clocks?.isInStep === false) return outOfStep(clocks.behindMs);
    try {
      const answer = await this.#gate.run(name, args);
      answer.warnings.push(...(clocks?.warnings ?? []));
      this.events.ended(name, args, answer, this.#coordinator.state);
      return answer;
    } finally {
      this.#announce();
      if (keepsSafetySnapshots.has(name)) this.#housekeeping.pruneSoon();
    }
  }

  status(): NodeStatus {
    const { paths, settings, uuid, version } = this.#options;
    const { state } = this.#coordinator;
    return {
      version,
      uuid,
      host: this.#hostName(),
      address: settings.address ?? "0.0.0.0",
      glusterPort: settings.glusterPort,
      pid: process.pid,
      root: paths.root,
      stateDirectory: paths.stateDirectory,
      runDirectory: paths.runDirectory,
      logDirectory: paths.logDirectory,
      startedAt: this.#startedAt,
      volumeCount: state.volumes.size,
      snapshotCount: [...state.snapshots.values()].filter(({ document }) => document.kind === "user")
        .length,
      glusterClients: this.#rpc.connections.size,
      bricks: this.#supervisor.all().map(nodeBrick),
      clusterState: this.#pool.clusterState,
    };
  }

  get webhooks(): Listeners["webhooks"] {
    return this.#listening().webhooks;
  }

  get tasks(): Listeners["tasks"] {
    return this.#listening().tasks;
  }

  get answers(): Listeners["answers"] {
    return this.#listening().answers;
  }

  #listening(): Listeners {
    if (this.#listeners === undefined) throw new Error("the daemon is not up yet");
    return this.#listeners;
  }

  get transfers(): Transfers {
    return this.#transfers;
  }

  get pool(): PoolControl {
    return this.#pool;
  }

  etcdPid(): number | undefined {
    return this.#options.state.etcd.pid;
  }

  async reclaimable(lvs: ReclaimableBody["lvs"]): Promise<PoolReclaim[]> {
    const pools = await this.#options.groups.reclaimable(lvs);
    return pools.map((pool) => ({ ...pool, lvs: [...pool.lvs] }));
  }

  /**
   * Stops the bricks and unmounts what Mortar mounted; logical volumes and pools are for whoever
   * asked, since the user's own mounts may use them still. The state keeps what is started: the
   * next start brings it up again.
   */
  async shutDown({ stopBricks }: { readonly stopBricks: boolean }): Promise<ShutdownResult> {
    const { log, uuid } = this.#options;
    this.#closeTimers();
    await this.#gate.shut(COMMANDS_END_MAX_MS);
    const result: ShutdownResult = { bricksStopped: 0, unmounted: [], failures: [] };
    if (stopBricks) {
      await this.#rebalance.endAll();
      const bricks = this.#supervisor.all();
      const stops = await Promise.allSettled(
        bricks.map(({ spec }) => this.#supervisor.stop(spec.path)),
      );
      for (const [index, stop] of stops.entries()) {
        if (stop.status === "fulfilled") result.bricksStopped += 1;
        else result.failures.push(failureText(bricks[index]?.spec.path, stop.reason));
      }
      const mounted = new Set(listMounts().map((mount) => mount.path));
      for (const { mountPoint, thin } of managedMounts(this.#coordinator.state, uuid)) {
        if (!mounted.has(mountPoint)) continue;
        try {
          const { vg, lv } = thin;
          await this.#performer.perform({ kind: "unmountLv", node: uuid, vg, lv });
          result.unmounted.push(mountPoint);
        } catch (error) {
          result.failures.push(failureText(mountPoint, error));
        }
      }
    }
    this.#stopsEtcd = stopBricks;
    log.info(result, "shut down by command");
    setImmediate(this.#options.onShutdown);
    return result;
  }

  /** Ends this daemon and nothing else. */
  async close(): Promise<void> {
    const { log, state } = this.#options;
    this.#closeTimers();
    if (!(await this.#gate.shut(COMMANDS_END_MAX_MS))) {
      log.error({}, "a command did not end in time: it will be settled at the next start");
    }
    await this.#listeners?.close();
    await this.#rpc.close();
    this.#supervisor.close();
    await this.#pool.close();
    await this.#freezer.close();
    this.#hooks.close();
    await state.store.close();
    if (this.#stopsEtcd) await state.etcd.stop();
  }

  /** Nothing that this daemon takes down is to be brought up again by itself. */
  #closeTimers(): void {
    this.#housekeeping.close();
    this.#schedules.close();
    this.poolHistory.close();
    this.events.close();
    this.files.close();
    this.#reconcile.close();
    this.#quorum.close();
  }

  async #comeUp(): Promise<void> {
    const { settings, log } = this.#options;
    this.#freezer.thawLeftovers();
    void this.#hooks.wakeLeftovers();
    this.#supervisor.adoptRunning();
    await this.#rpc.listen(settings.address, settings.glusterPort);
    log.info({ address: this.#glusterAddress() }, "serving GlusterFS clients");
    await this.#pool.open();
    await this.#quorum.open();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, BRING_UP_MAX_MS);
    });
    const up = this.#bringUp().catch((error: unknown) => {
      log.error({ err: error }, "what was started could not be brought up");
    });
    await Promise.race([up, late]);
    clearTimeout(timer);
    const { version } = this.#options;
    this.#listeners = await Listeners.open({
      ...this.#options, events: this.events, host: this.#hostName(), commands: this,
      isHeard: (node) => this.#pool.connectedNodes().includes(node),
    });
    await this.#listeners.listen(this);
    this.#housekeeping.open();
    this.#schedules.open();
    this.poolHistory.open();
    this.events.open(version);
  }

  async #bringUp(): Promise<void> {
    const { log, state } = this.#options;
    const pool = this.#pool;
    await takePlace({
      log,
      run: (name) => this.run(name, {}),
      declare: () => this.run("nodeDeclare", pool.declaration()),
      isLastKnown: () => state.store.isLastKnown,
      majority: () => pool.recovery.majority(),
      serve: () => {
        pool.serve();
        pool.stateChanged();
      },
      settled: async () => {
        await this.#keepOnly();
        this.#reconcile.open();
      },
    });
  }

  /** With the turn: a brick that a command is just starting is not one that nobody wants. */
  async #keepOnly(): Promise<void> {
    const { uuid } = this.#options;
    await this.#coordinator.alone("keep bricks", async () =>
      await this.#supervisor.keepOnly(
        wantedBricks(this.#coordinator.state, uuid).filter((it) => this.#quorum.allows(it)),
      ));
  }

  #reconciling(): Reconcile {
    const { uuid, log } = this.#options;
    return new Reconcile({
      uuid,
      state: () => this.#coordinator.state,
      isUp: (path) => this.#supervisor.isUp(path) || this.#supervisor.wasEnded(path),
      running: () => this.#supervisor.all().map(({ spec }) => spec),
      bringUp: () => this.run("bringUp", {}),
      keepOnly: () => this.#keepOnly(),
      allows: (spec) => this.#quorum.allows(spec),
      log,
    });
  }

  /** Tells of a changed state, once for everything that happens in one go: clients of volfiles. */
  #announce(): void {
    if (this.#announced) return;
    this.#announced = true;
    setImmediate(() => {
      this.#announced = false;
      this.#handshake.stateChanged();
      this.#snapshotDaemons.stateChanged(this.#coordinator.state);
      const { paths, uuid, log } = this.#options;
      recordBrickMounts(paths.stateDirectory, this.#coordinator.state, uuid, log);
    });
  }

  #hostName(): string {
    const { settings } = this.#options;
    return settings.hostNames[0] ?? settings.address ?? hostname();
  }

  #glusterAddress(): string {
    const { settings } = this.#options;
    return `${settings.address ?? "0.0.0.0"}:${settings.glusterPort}`;
  }
}

function nodeBrick(brick: BrickView): NodeStatus["bricks"][number] {
  const { spec, state, engine, pid, port, restarts, reason } = brick;
  return {
    volume: spec.volume,
    ...(spec.snapshot === undefined ? {} : { snapshot: spec.snapshot }),
    path: spec.path,
    state,
    ...(engine === undefined ? {} : { engine }),
    ...(pid === undefined ? {} : { pid }),
    ...(port === undefined ? {} : { port }),
    restarts,
    ...(reason === undefined ? {} : { reason }),
  };
}

function isOfThisMachine(address: string): boolean {
  return isLoopback(address) || localAddresses().includes(address);
}

function failureText(object: string | undefined, error: unknown): string {
  return `${object ?? "?"}: ${error instanceof Error ? error.message : String(error)}`;
}
