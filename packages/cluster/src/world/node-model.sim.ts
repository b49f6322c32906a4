/**
 * Nodes in memory, for tests: logical volumes with their file systems, mounts, brick processes,
 * barriers and freezes, obeying the contract of effect.ts to the letter and no further.
 */
import type { BrickFacts, BrickRef } from "../bricks/brick-effects.ts";
import type { HookReport } from "../snapshots/hold-effects.ts";
import { partsOfCut } from "../snapshots/snapshot-cut.ts";
import { EffectError, type NodeEffect, type SingleEffect } from "../effect.ts";
import { overlaps } from "../bricks/brick.ts";
import type { BrickCrawls, BrickHealIndex, HealToolRun } from "../heal/heal-effects.ts";
import { LockModel } from "./lock-model.sim.ts";
import { StorageModel } from "./storage-model.sim.ts";

interface FileSystem {
  /** Directories below the root, with their volume ids. */
  readonly directories: Map<string, string | undefined>;
  /** Acknowledged writes, by number. */
  readonly writes: number[];
  readonly foreign: string[];
}

interface Lv {
  active: boolean;
  readonly thin: boolean;
  readonly origin?: string;
  readonly fs: FileSystem;
}

export class NodeModel {
  readonly uuid: string;
  readonly host: string;
  readonly lvs = new Map<string, Lv>();
  /** Mount point to LV. */
  readonly mounts = new Map<string, string>();
  /** Brick paths with a process. */
  readonly running = new Map<string, BrickRef>();
  readonly barred = new Set<string>();
  /** Brick paths that were told of options, and what they say waits for their next start. */
  readonly reconfigured: string[] = [];
  /** By brick path, as the node tells it. */
  readonly indices = new Map<string, Omit<BrickHealIndex, "online">>();
  crawls: readonly BrickCrawls[] = [];
  healTool = (_words: readonly string[]): HealToolRun =>
    ({ installed: false, exitCode: 0, output: "" });
  afterRestart: string[] = [];
  /** What running bricks answer, by question. */
  readonly answers = new Map<string, unknown>();
  /** Of each volume, the newest run of its rebalance process. */
  readonly rebalances = new Map<string, { readonly task: string; status: "in progress" | "stopped" | "completed" }>();
  /** Brick paths whose root says that it is not to be trusted. */
  readonly unhealed = new Set<string>();
  /** Brick path to the ids of siblings that miss all. */
  readonly missing = new Map<string, Set<string>>();
  readonly frozen = new Set<string>();
  readonly locks = new LockModel();
  /** Snapshot LVs for which groups are locked. */
  readonly prepared = new Set<string>();
  /** Snapshots for which hooks hold something quiet. */
  readonly quiet = new Set<string>();
  hookReports: HookReport[] = [];
  readonly storage = new StorageModel(this);
  /** LVs that something else keeps busy. */
  readonly busy = new Set<string>();
  readonly root: FileSystem = emptyFs();
  pool: { state: "ok" | "out-of-data"; dataPercent: number; metadataPercent: number } = {
    state: "ok",
    dataPercent: 10,
    metadataPercent: 10,
  };

  constructor(uuid: string, host: string) {
    this.uuid = uuid;
    this.host = host;
  }

  /** As a user prepares a brick: `lvcreate`, `mkfs`, `mount`, of `vg/NAME` at `/NAME`. */
  addUserLv(name: string, options: { readonly thin?: boolean } = {}): void {
    this.lvs.set(`vg/${name}`, { active: true, thin: options.thin !== false, fs: emptyFs() });
    this.mounts.set(`/${name}`, `vg/${name}`);
  }

  fsOf(path: string): { readonly lv: string | undefined; readonly below: string; fs: FileSystem } {
    const mountPoint = [...this.mounts.keys()]
      .filter((it) => path === it || path.startsWith(`${it}/`))
      .sort((a, b) => b.length - a.length)[0];
    if (mountPoint === undefined) return { lv: undefined, below: path, fs: this.root };
    const lv = this.mounts.get(mountPoint)!;
    return { lv, below: path.slice(mountPoint.length), fs: this.lvs.get(lv)!.fs };
  }

  /** A client's write: false when it is held up or the brick is down. */
  write(path: string, number: number): boolean {
    const mountPoint = [...this.mounts].find(([it]) => path.startsWith(`${it}/`))?.[0] ?? "/";
    if (!this.running.has(path) || this.barred.has(path) || this.frozen.has(mountPoint)) {
      return false;
    }
    this.fsOf(path).fs.writes.push(number);
    return true;
  }

  /** What nobody asked for in time, watchdogs have let go. */
  minutesPass(): void {
    this.quiet.clear();
    this.prepared.clear();
    for (const path of this.locks.draining) this.locks.endDrain(path);
  }

  perform(effect: NodeEffect): unknown {
    switch (effect.kind) {
      case "inspectBrick":
        return this.#inspect(effect.path);
      case "prepareBrick":
        return this.#prepare(effect);
      case "releaseBrick":
        return this.#release(effect);
      case "setVolumeId": {
        const { fs, below } = this.fsOf(effect.path);
        if (!fs.directories.has(below)) throw this.fail(effect.path, "No such directory");
        fs.directories.set(below, effect.volumeId);
        return undefined;
      }
      case "markUnhealed": {
        const { fs, below } = this.fsOf(effect.path);
        if (!fs.directories.has(below)) throw this.fail(effect.path, "No such directory");
        this.unhealed.add(effect.path);
        return undefined;
      }
      case "noteMissing": {
        const { path } = effect.brick;
        if (!this.running.has(path)) throw this.fail(path, "is down");
        const noted = this.missing.get(path) ?? new Set();
        if (!effect.again) for (const sibling of effect.siblings) noted.add(sibling);
        this.missing.set(path, noted);
        return undefined;
      }
      case "startBrick":
      case "stopBrick":
      case "brickStatus":
      case "barrierOn":
      case "barrierOff":
        return this.#process(effect);
      case "brickStatuses":
        return effect.bricks.map((brick) => this.#process({ ...effect, kind: "brickStatus", brick }));
      case "askBrick":
        if (!this.running.has(effect.brick.path)) throw this.fail(effect.brick.path, "is down");
        return this.answers.get(effect.question);
      case "startRebalance":
      case "stopRebalance":
      case "rebalanceStatus":
        return this.#rebalance(effect);
      case "reconfigureBrick":
        this.reconfigured.push(effect.brick.path);
        return { afterRestart: this.afterRestart };
      case "hooksBefore":
        this.quiet.add(effect.snapshot);
        return this.hookReports;
      case "hooksAfter": {
        const had = this.quiet.delete(effect.snapshot);
        return { reports: [], held: had || this.hookReports.length === 0 };
      }
      case "startHeal":
        return undefined;
      case "healStatistics":
        return this.crawls;
      case "runHealTool":
        return this.healTool(effect.words);
      case "healIndex": {
        const index = this.indices.get(effect.brick.path) ?? { count: 0, unlisted: 0, entries: [] };
        return { ...index, online: this.running.has(effect.brick.path) };
      }
      case "drainLocks":
        if (!this.running.has(effect.brick.path)) throw this.fail(effect.brick.path, "is down");
        return this.locks.drain(effect.brick.path, effect);
      case "drainEnd":
        return this.locks.endDrain(effect.brick.path);
      case "inspectStorage":
      case "makeBareLv":
      case "makeBrickStorage":
      case "removeBrickStorage":
        return this.storage.perform(effect);
      case "syncFileSystem":
      case "freeze":
      case "thaw":
        return this.#freezing(effect);
      case "cut":
        for (const part of partsOfCut(effect).flat()) this.perform(part);
        return { barrierMs: 1, freezeMs: 1, takeMs: 1 };
      default:
        return this.#lv(effect);
    }
  }

  emptyFileSystem(): FileSystem {
    return emptyFs();
  }

  fail(object: string, message: string, code: "failed" | "busy" = "failed"): EffectError {
    return new EffectError(code, message, { node: this.host, object });
  }

  #process(
    effect: NodeEffect<"startBrick" | "stopBrick" | "brickStatus" | "barrierOn" | "barrierOff">,
  ): unknown {
    const { path } = effect.brick;
    switch (effect.kind) {
      case "startBrick": {
        const { fs, below } = this.fsOf(path);
        if (fs.directories.get(below) !== effect.brick.volumeId) {
          throw this.fail(path, "not the brick of this volume");
        }
        this.running.set(path, effect.brick);
        return undefined;
      }
      case "stopBrick":
        this.running.delete(path);
        this.barred.delete(path);
        return undefined;
      case "brickStatus":
        if (!this.running.has(path)) return { running: false };
        return { running: true, port: 49_152, pid: 1 };
      case "barrierOn":
        if (!this.running.has(path)) throw this.fail(path, "the brick is down");
        this.barred.add(path);
        return undefined;
      case "barrierOff":
        break;
    }
    return { held: this.barred.delete(path) };
  }

  #rebalance(
    effect: NodeEffect<"startRebalance" | "stopRebalance" | "rebalanceStatus">,
  ): unknown {
    const { volume, task } = effect;
    const found = this.rebalances.get(volume);
    const own = found?.task === task ? found : undefined;
    if (effect.kind === "startRebalance") {
      if (own === undefined) this.rebalances.set(volume, { task, status: "in progress" });
      return undefined;
    }
    if (effect.kind === "stopRebalance") {
      if (own?.status === "in progress") own.status = "stopped";
      return undefined;
    }
    const status = own?.status ?? "not started";
    return { status, files: 3, sizeBytes: 12, lookups: 9, failures: 0, skipped: 0, seconds: 1 };
  }

  #freezing(effect: NodeEffect<"syncFileSystem" | "freeze" | "thaw">): unknown {
    const { mountPoint } = effect;
    if (effect.kind === "thaw") return { held: this.frozen.delete(mountPoint) };
    if (!this.mounts.has(mountPoint)) throw this.fail(mountPoint, "not mounted");
    if (effect.kind === "freeze") {
      if (this.frozen.has(mountPoint)) throw this.fail(mountPoint, "already frozen", "busy");
      this.frozen.add(mountPoint);
    }
    return undefined;
  }

  #lv(
    effect: NodeEffect<
      | "poolStatus"
      | "createSnapshotLv"
      | "prepareSnapshotLv"
      | "settleSnapshotLv"
      | "abandonSnapshotLv"
      | "activateLv"
      | "removeLv"
      | "lvStatus"
      | "reclaimable"
      | "lvDelta"
      | "mountBrick"
      | "unmountLv"
    >,
  ): unknown {
    switch (effect.kind) {
      case "poolStatus":
        return this.pool;
      case "prepareSnapshotLv":
        this.prepared.add(`${effect.vg}/${effect.name}`);
        return undefined;
      case "settleSnapshotLv":
      case "abandonSnapshotLv":
        this.prepared.delete(`${effect.vg}/${effect.name}`);
        return undefined;
      case "createSnapshotLv": {
        const origin = this.lvs.get(`${effect.vg}/${effect.origin}`);
        const name = `${effect.vg}/${effect.name}`;
        if (origin === undefined) throw this.fail(name, "no such origin");
        if (this.lvs.has(name)) throw this.fail(name, "exists");
        this.lvs.set(name, {
          active: false,
          thin: true,
          origin: effect.origin,
          fs: copyFs(origin.fs),
        });
        return undefined;
      }
      case "activateLv":
        this.#need(`${effect.vg}/${effect.lv}`).active = true;
        return undefined;
      case "removeLv":
        this.#unmount(`${effect.vg}/${effect.lv}`);
        this.lvs.delete(`${effect.vg}/${effect.lv}`);
        return undefined;
      case "reclaimable": {
        const there = effect.lvs.filter(({ vg, lv }) => this.lvs.has(`${vg}/${lv}`));
        const lvs = there.map(({ lv }) => ({
          lv, mappedBytes: 300, exclusiveBytes: 100, sharedBytes: 200,
        }));
        return lvs.length === 0
          ? []
          : [{ vg: "vg", pool: "pool", lvs, freedBytes: 100 * lvs.length + 1 }];
      }
      case "lvDelta": {
        this.#need(`${effect.vg}/${effect.from}`);
        this.#need(`${effect.vg}/${effect.to}`);
        const range = { kind: "written", offset: 4096, length: 200 } as const;
        return {
          chunkBytes: 100, writtenBytes: 200, discardedBytes: 100, rangeCount: 2,
          ranges: [range].slice(0, effect.rangesMax),
        };
      }
      case "lvStatus":
        this.#need(`${effect.vg}/${effect.lv}`);
        return { dataPercent: "9.34", size: "800.00m", sizeBytes: 800 * 1024 ** 2 };
      case "mountBrick":
        return this.#mount(`${effect.vg}/${effect.lv}`, effect.mountPoint);
      case "unmountLv":
        break;
    }
    return this.#unmount(`${effect.vg}/${effect.lv}`);
  }

  #need(name: string): Lv {
    const lv = this.lvs.get(name);
    if (lv === undefined) throw this.fail(name, "no such logical volume");
    return lv;
  }

  #mount(name: string, mountPoint: string): undefined {
    if (!this.#need(name).active) throw this.fail(name, "is not active");
    const there = this.mounts.get(mountPoint);
    if (there !== undefined && there !== name) throw this.fail(mountPoint, "in use", "busy");
    this.mounts.set(mountPoint, name);
    return undefined;
  }

  #unmount(name: string): undefined {
    for (const [mountPoint, lv] of this.mounts) {
      if (lv !== name) continue;
      const used = [...this.running.keys()].some((it) => it.startsWith(`${mountPoint}/`));
      if (used || this.busy.has(name)) throw this.fail(name, "target is busy", "busy");
      this.mounts.delete(mountPoint);
    }
    return undefined;
  }

  #prepare(effect: NodeEffect<"prepareBrick">): unknown {
    const { fs, below } = this.fsOf(effect.path);
    const created = !fs.directories.has(below);
    const id = fs.directories.get(below);
    if (id !== undefined && id !== effect.volumeId && !effect.force) {
      throw this.fail(effect.path, "has another volume's id");
    }
    fs.directories.set(below, effect.volumeId);
    return { created };
  }

  #release(effect: NodeEffect<"releaseBrick">): undefined {
    const { fs, below } = this.fsOf(effect.path);
    if (fs.directories.get(below) !== effect.volumeId) return undefined;
    if (effect.removeDirectory) fs.directories.delete(below);
    else fs.directories.set(below, undefined);
    return undefined;
  }

  #inspect(path: string): BrickFacts {
    const { lv, below, fs } = this.fsOf(path);
    const volumeId = fs.directories.get(below);
    const parent = below.slice(0, below.lastIndexOf("/"));
    const parents = [...fs.directories].filter(
      ([it, id]) => id !== undefined && below.startsWith(`${it}/`),
    );
    const name = lv?.split("/")[1] ?? "";
    const mountPoint = [...this.mounts].find(
      ([it, at]) => at === lv && overlaps(it, path),
    )?.[0];
    return {
      exists: below === "" || fs.directories.has(below),
      isDirectory: below === "" || fs.directories.has(below),
      parentExists: parent === "" || fs.directories.has(parent),
      isMountPoint: below === "" && lv !== undefined,
      onRootFileSystem: lv === undefined,
      mountPoint: mountPoint ?? "/",
      device: lv === undefined ? "/dev/vda" : `/dev/${lv}`,
      fsType: "xfs",
      mountOptions: "rw,relatime",
      lv:
        lv !== undefined && this.lvs.get(lv)!.thin
          ? { thin: true, vg: "vg", lv: name, pool: "pool", sizeBytes: 2 ** 30 }
          : { thin: false, reason: `${lv ?? "/dev/vda"} is not a thin logical volume` },
      ...(volumeId === undefined ? {} : { volumeId }),
      hasGfid: false,
      ...(parents[0] === undefined ? {} : { parentInUse: (mountPoint ?? "") + parents[0][0] }),
      foreignEntries: fs.foreign,
    };
  }
}

function emptyFs(): FileSystem {
  return { directories: new Map(), writes: [], foreign: [] };
}

function copyFs(fs: FileSystem): FileSystem {
  return {
    directories: new Map(fs.directories),
    writes: [...fs.writes],
    foreign: [...fs.foreign],
  };
}

/** The whole world of a cluster: nodes, a clock, uuids; local effects too. */
export class WorldModel {
  readonly nodes: readonly NodeModel[];
  nowMs = Date.UTC(2026, 10, 22, 15, 33, 7);
  /** How far the wall clock was set, beside the time that goes by. */
  wallShiftMs = 0;
  readonly told: string[] = [];
  /** Uuids; undefined: all. */
  connected: readonly string[] | undefined;
  #uuid = 0;

  constructor(nodes: readonly NodeModel[]) {
    this.nodes = nodes;
  }

  perform(effect: SingleEffect): unknown {
    switch (effect.kind) {
      case "clock":
        this.nowMs += 1;
        return { nowMs: this.nowMs + this.wallShiftMs, monotonicMs: this.nowMs };
      case "uuids":
        return Array.from({ length: effect.count }, () => this.#nextUuid());
      case "volfileChanged":
        this.told.push(...effect.volumes);
        return undefined;
      case "event":
        return undefined;
      case "pause":
        this.nowMs += effect.ms;
        return undefined;
      case "connectedNodes":
        return this.connected ?? this.nodes.map((it) => it.uuid);
      case "resolveHost": {
        const uuid = this.nodes.find((it) => it.host === effect.host)?.uuid;
        return uuid === undefined ? {} : { uuid };
      }
      default:
        return this.node(effect.node).perform(effect);
    }
  }

  node(uuid: string): NodeModel {
    const node = this.nodes.find((it) => it.uuid === uuid);
    if (node === undefined) throw new Error(`no node ${uuid}`);
    return node;
  }

  #nextUuid(): string {
    const digits = (++this.#uuid).toString(16).padStart(12, "0");
    return `00000000-0000-4000-8000-${digits}`;
  }
}
