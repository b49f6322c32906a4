/** Performs the effects of this node: one entry for every kind, so that none can be forgotten. */
import {
  type BrickRef,
  type CutTimes,
  EffectError,
  type NodeEffect,
  type NodeEffectKind,
  type NodeEffects,
} from "@mortar/cluster";
import type { Groups } from "./groups.ts";
import type { BrickSupervisor } from "../bricks/supervisor.ts";
import type { RebalanceProcesses } from "../rebalance/rebalance-processes.ts";
import type { Freezer } from "../freeze/freezer.ts";
import type { SnapshotHooks } from "../hooks/snapshot-hooks.ts";
import type { Log } from "../log.ts";
import { BrickDirectories } from "./brick-directory.ts";
import { BrickServers } from "./brick-server.ts";
import type { BrickStorages } from "./brick-storage.ts";
import { cutHere } from "./cut.ts";
import { effect } from "./failure.ts";
import { FileSystems } from "./file-system.ts";
import type { LvDeltas } from "./lv-delta.ts";
import { Healing, type HealPlaces } from "./healing.ts";
import { LogicalVolumes } from "./logical-volume.ts";
import { markUnhealed } from "./missing-copies.ts";
import { Mounts } from "./mount.ts";

export interface NodePerformerOptions {
  readonly uuid: string;
  /** Host name of this node, for errors. */
  readonly host: string;
  readonly groups: Groups;
  readonly storages: Pick<BrickStorages, "inspect" | "make" | "makeBare" | "remove">;
  readonly deltas: Pick<LvDeltas, "delta">;
  readonly supervisor: BrickSupervisor;
  readonly rebalance: RebalanceProcesses;
  readonly freezer: Freezer;
  readonly hooks: Pick<SnapshotHooks, "before" | "after">;
  readonly snapsDirectory: string;
  /** Bricks write their statedumps there. */
  readonly dumpDirectory: string;
  /** Where bricks of this node are reached from itself. */
  readonly address: string;
  /** Whether bricks of this volume may be started, by server quorum. */
  readonly mayStart: (volume: string) => boolean;
  readonly healing: HealPlaces;
  /** How long an unmount waits for those who are letting go. Default 10 s. */
  readonly busyWaitMs?: number;
  readonly log: Log;
}

type Handlers = {
  readonly [K in NodeEffectKind]: {
    readonly object: (args: NodeEffects[K]["args"]) => string;
    readonly run: (
      args: NodeEffects[K]["args"],
    ) => NodeEffects[K]["result"] | Promise<NodeEffects[K]["result"]>;
  };
};

export class NodePerformer {
  readonly #options: NodePerformerOptions;
  readonly #handlers: Handlers;

  constructor(options: NodePerformerOptions) {
    this.#options = options;
    const { groups, freezer, log, snapsDirectory, host } = options;
    const isFrozen = (mountPoint: string) => freezer.isFrozen(mountPoint);
    this.#handlers = handlers({
      cut: (args) =>
        cutHere({ ...args, kind: "cut", node: options.uuid }, (part) => this.perform(part)),
      storages: options.storages,
      deltas: options.deltas,
      rebalance: options.rebalance,
      directories: new BrickDirectories(groups),
      hooks: options.hooks,
      servers: new BrickServers(options.supervisor, options, log),
      healing: new Healing(options.supervisor, options.healing),
      files: new FileSystems(freezer),
      volumes: new LogicalVolumes({ groups, isFrozen }),
      mounts: new Mounts({
        groups,
        snapsDirectory,
        node: host,
        busyWaitMs: options.busyWaitMs ?? 10_000,
      }),
    });
  }

  /** Rejects with `EffectError`, and with nothing else. */
  async perform(request: NodeEffect): Promise<unknown> {
    const { kind, node } = request;
    if (!Object.hasOwn(this.#handlers, kind)) {
      // A coordinator of a newer version asks: it may have another way.
      const message = `This version of Mortar has no ${kind}`;
      throw new EffectError("failed", message, { node: this.#options.host, object: kind });
    }
    const handler = this.#handlers[kind] as Handlers["inspectBrick"];
    const args = request as NodeEffects["inspectBrick"]["args"];
    const where = { node: this.#options.host, object: handler.object(args) };
    if (node !== this.#options.uuid) {
      throw new EffectError("unreachable", `The node ${node} is not reachable`, {
        ...where,
        node,
      });
    }
    const startMs = performance.now();
    try {
      return await effect(where, () => handler.run(args));
    } finally {
      const tookMs = Math.round((performance.now() - startMs) * 10) / 10;
      this.#options.log.debug({ effect: kind, object: where.object, tookMs }, "effect");
    }
  }
}

interface Families {
  readonly cut: (args: NodeEffects["cut"]["args"]) => Promise<CutTimes>;
  readonly deltas: NodePerformerOptions["deltas"];
  readonly storages: NodePerformerOptions["storages"];
  readonly hooks: NodePerformerOptions["hooks"];
  readonly rebalance: RebalanceProcesses;
  readonly directories: BrickDirectories;
  readonly servers: BrickServers;
  readonly healing: Healing;
  readonly files: FileSystems;
  readonly volumes: LogicalVolumes;
  readonly mounts: Mounts;
}

const brickName = ({ brick }: { readonly brick: BrickRef }) => `${brick.host}:${brick.path}`;
const pathOf = ({ path }: { readonly path: string }) => path;
const mountPointOf = ({ mountPoint }: { readonly mountPoint: string }) => mountPoint;
const volumeOf = ({ volume }: { readonly volume: string }) => volume;
const newLvOf = ({ vg, name }: { readonly vg: string; readonly name: string }) => `${vg}/${name}`;
const lvOf = ({ vg, lv }: { readonly vg: string; readonly lv: string }) => `${vg}/${lv}`;

function handlers(families: Families): Handlers {
  const { directories, servers, files, volumes, mounts, storages, hooks, rebalance } = families;
  return {
    inspectBrick: { object: pathOf, run: (args) => directories.inspect(args) },
    prepareBrick: { object: pathOf, run: (args) => directories.prepare(args) },
    releaseBrick: { object: pathOf, run: (args) => directories.release(args) },
    markUnhealed: { object: pathOf, run: markUnhealed },
    noteMissing: { object: brickName, run: (args) => servers.noteMissing(args) },
    setVolumeId: { object: pathOf, run: (args) => directories.setVolumeId(args) },
    startBrick: { object: brickName, run: (args) => servers.start(args) },
    stopBrick: { object: brickName, run: (args) => servers.stop(args) },
    brickStatus: { object: brickName, run: (args) => servers.status(args) },
    brickStatuses: {
      object: ({ bricks }) => bricks.map((brick) => brickName({ brick })).join(" "),
      run: ({ bricks, detail }) => bricks.map((brick) => servers.status({ brick, detail })),
    },
    askBrick: { object: brickName, run: (args) => servers.ask(args) },
    startRebalance: { object: volumeOf, run: (args) => rebalance.start(args) },
    stopRebalance: { object: volumeOf, run: (args) => rebalance.stop(args) },
    rebalanceStatus: { object: volumeOf, run: (args) => rebalance.status(args) },
    reconfigureBrick: { object: brickName, run: (args) => servers.reconfigure(args) },
    startHeal: { object: volumeOf, run: (args) => servers.startHeal(args) },
    healStatistics: { object: volumeOf, run: (args) => families.healing.statistics(args) },
    healIndex: { object: brickName, run: (args) => families.healing.index(args) },
    runHealTool: { object: volumeOf, run: (args) => families.healing.tool(args) },
    hooksBefore: {
      object: ({ snapshot }) => snapshot,
      run: ({ watchdogMs, ...occasion }) => hooks.before(occasion, watchdogMs),
    },
    hooksAfter: {
      object: ({ snapshot }) => snapshot, run: ({ snapshot }) => hooks.after(snapshot),
    },
    drainLocks: { object: brickName, run: (args) => servers.drainLocks(args) },
    drainEnd: { object: brickName, run: (args) => servers.drainEnd(args) },
    barrierOn: { object: brickName, run: (args) => servers.barrierOn(args) },
    barrierOff: { object: brickName, run: (args) => servers.barrierOff(args) },
    cut: {
      object: ({ lvs }) => lvs.map(newLvOf).join(" "),
      run: families.cut,
    },
    syncFileSystem: { object: mountPointOf, run: (args) => files.sync(args) },
    freeze: { object: mountPointOf, run: (args) => files.freeze(args) },
    thaw: { object: mountPointOf, run: (args) => files.thaw(args) },
    poolStatus: { object: ({ vg, pool }) => `${vg}/${pool}`, run: (args) => volumes.poolStatus(args) },
    prepareSnapshotLv: { object: newLvOf, run: (args) => volumes.moments.prepare(args) },
    settleSnapshotLv: { object: newLvOf, run: (args) => volumes.moments.settle(args) },
    abandonSnapshotLv: { object: newLvOf, run: (args) => volumes.moments.abandon(args) },
    createSnapshotLv: { object: newLvOf, run: (args) => volumes.moments.take(args) },
    activateLv: { object: lvOf, run: (args) => volumes.activate(args) },
    removeLv: { object: lvOf, run: (args) => volumes.remove(args) },
    reclaimable: {
      object: ({ lvs }) => lvs.map(lvOf).join(" "), run: (args) => volumes.reclaimable(args),
    },
    lvDelta: {
      object: ({ vg, to }) => `${vg}/${to}`, run: (args) => families.deltas.delta(args),
    },
    lvStatus: { object: lvOf, run: (args) => volumes.status(args) },
    mountBrick: { object: mountPointOf, run: (args) => mounts.mountBrick(args) },
    unmountLv: { object: lvOf, run: (args) => mounts.unmountLv(args) },
    inspectStorage: { object: () => "volume groups", run: (args) => storages.inspect(args) },
    makeBareLv: { object: lvOf, run: (args) => storages.makeBare(args) },
    makeBrickStorage: { object: lvOf, run: (args) => storages.make(args, mounts) },
    removeBrickStorage: { object: lvOf, run: (args) => storages.remove(args, mounts) },
  };
}
