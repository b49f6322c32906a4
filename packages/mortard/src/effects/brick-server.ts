/** Effects on brick servers: start, stop, look at, and hold back their acknowledgements. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  type BrickProcessStatus, type BrickRef, type BrickSpace, type DrainState, type NodeEffects,
  type Release, selfHealDaemonName,
} from "@mortar/cluster";
import { brickVolfileKey } from "@mortar/gluster";
import { fileSystemUsage, listMounts, mountOf } from "@mortar/linux";
import type { BrickAddress } from "../bricks/brick-client.ts";
import { type BrickEngineCalls, brickEngines } from "../bricks/brick-engine.ts";
import type { BrickSpec } from "../bricks/brick-process.ts";
import type { BrickPlace } from "../bricks/brick-session.ts";
import { startHeal } from "../bricks/self-heal-daemon.ts";
import type { BrickSupervisor } from "../bricks/supervisor.ts";
import type { Log } from "../log.ts";
import { noteMissing } from "./missing-copies.ts";
import { rotateLog, writeStatedump } from "./brick-files.ts";
import { speedOf } from "./brick-speed.ts";
import { xfsInodeBytes } from "./inode-size.ts";
import { mountOptionsOf } from "./mount-options.ts";
import { clearStockLocks } from "./stock-clear-locks.ts";

const BARRIER_ANSWER_MS = 10_000;
const HURRY_LOOK_MS = 16;

interface Barrier {
  readonly watchdog: NodeJS.Timeout;
  expired: boolean;
}

export interface BrickServerPlaces {
  /** For statedumps. */
  readonly dumpDirectory: string;
  /** Where bricks of this node are reached from itself. */
  readonly address: string;
  /** Not a brick of a volume for which this node has no server quorum. */
  readonly mayStart: (volume: string) => boolean;
}

export class BrickServers {
  readonly #supervisor: BrickSupervisor;
  readonly #dumpDirectory: string;
  readonly #address: string;
  readonly #mayStart: BrickServerPlaces["mayStart"];
  readonly #log: Log;
  readonly #barriers = new Map<string, Barrier>();

  constructor(supervisor: BrickSupervisor, places: BrickServerPlaces, log: Log) {
    this.#supervisor = supervisor;
    this.#dumpDirectory = places.dumpDirectory;
    this.#address = places.address;
    this.#mayStart = places.mayStart;
    this.#log = log;
  }

  async start({ brick, unlessEnded = false }: NodeEffects["startBrick"]["args"]): Promise<void> {
    if (unlessEnded && this.#supervisor.wasEnded(brick.path)) return;
    if (!this.#mayStart(brick.volume) && !this.#supervisor.isUp(brick.path)) {
      throw new Error(`Server quorum not met: the brick ${brick.path} is not started`);
    }
    await this.#supervisor.start(specOf(brick));
  }

  async stop({ brick }: NodeEffects["stopBrick"]["args"]): Promise<void> {
    this.#dropBarrier(brick.path);
    await this.#supervisor.stop(brick.path);
  }

  status({ brick, detail }: NodeEffects["brickStatus"]["args"]): BrickProcessStatus {
    const found = this.#supervisor.get(brick.path);
    const running = this.#supervisor.isUp(brick.path) && found?.spec.volume === brick.volume;
    return {
      running,
      ...(running && found.port !== undefined ? { port: found.port } : {}),
      ...(running && found.pid !== undefined ? { pid: found.pid } : {}),
      ...(detail ? { detail: spaceOf(brick.path) } : {}),
    };
  }

  /** The brick releases its barrier by itself, too, after its `features.barrier-timeout`. */
  async barrierOn({ brick, watchdogMs }: NodeEffects["barrierOn"]["args"]): Promise<void> {
    const { path } = brick;
    const barrier: Barrier = {
      expired: false,
      watchdog: setTimeout(() => {
        barrier.expired = true;
        this.#log.error({ brick: path, watchdogMs }, "barrier not released in time: releasing it");
        void this.#release(brick).catch((error: unknown) => {
          this.#log.error({ brick: path, err: error }, "the barrier could not be released");
        });
      }, watchdogMs),
    };
    this.#dropBarrier(path);
    this.#barriers.set(path, barrier);
    const { engine, address } = this.#running(brick);
    await engine.raiseBarrier(address, path);
  }

  async barrierOff({ brick }: NodeEffects["barrierOff"]["args"]): Promise<Release> {
    const barrier = this.#barriers.get(brick.path);
    this.#dropBarrier(brick.path);
    // A brick that is gone holds nothing back.
    if (!this.#supervisor.isUp(brick.path)) return { held: false };
    const held = await this.#release(brick);
    return { held: held && barrier !== undefined && !barrier.expired };
  }

  async drainLocks(
    { brick, waitMs, ...order }: NodeEffects["drainLocks"]["args"],
  ): Promise<DrainState> {
    const { engine, address } = this.#running(brick);
    const until = performance.now() + waitMs;
    for (let pauseMs = 1; ; pauseMs = order.holds ? 1 : Math.min(2 * pauseMs, HURRY_LOOK_MS)) {
      const state = await engine.drain(address, order);
      const left = order.holds ? state.held.length : state.old;
      if (left === 0 || performance.now() >= until) return state;
      await sleep(pauseMs);
    }
  }

  async startHeal(order: NodeEffects["startHeal"]["args"]): Promise<void> {
    const found = this.#supervisor.get(selfHealDaemonName(order.volume));
    if (found?.pid === undefined) {
      throw new Error(found?.reason ?? `The self-heal daemon of ${order.volume} is not running`);
    }
    const { socket, spec } = found;
    await startHeal({ socket, name: spec.path, timeoutMs: BARRIER_ANSWER_MS }, order);
  }

  async noteMissing({ brick, ...missing }: NodeEffects["noteMissing"]["args"]): Promise<void> {
    await noteMissing(this.#place(brick), missing);
  }

  /** A brick that is gone holds nobody up. */
  async drainEnd({ brick }: NodeEffects["drainEnd"]["args"]): Promise<void> {
    if (!this.#supervisor.isUp(brick.path)) return;
    const { engine, address } = this.#running(brick);
    await engine.endDrain(address);
  }

  async reconfigure(
    { brick }: NodeEffects["reconfigureBrick"]["args"],
  ): Promise<NodeEffects["reconfigureBrick"]["result"]> {
    return { afterRestart: await this.#supervisor.reconfigure(brick.path) };
  }

  /** `statedump` and `log-rotate` give the name of a file. */
  async ask(
    { brick, question, trial, locks, directory }: NodeEffects["askBrick"]["args"],
  ): Promise<NodeEffects["askBrick"]["result"]> {
    const found = this.#supervisor.get(brick.path);
    if (found?.pid === undefined) throw new Error(`The brick ${brick.path} is not running`);
    const { engine, address } = this.#running(brick);
    if (question === "log-rotate") {
      const file = rotateLog(found.log, Date.now());
      if (found.engine === "glusterfsd") process.kill(found.pid, "SIGHUP");
      return file;
    }
    if (question === "speed") return await speedOf(brick.path, trial);
    if (question === "clear-locks" && found.engine === "glusterfsd" && locks !== undefined) {
      return await clearStockLocks(this.#place(brick), brick.path, locks);
    }
    const answer = await engine.ask(address, brick.path, question, locks);
    if (question !== "statedump") return answer;
    const name = `${brick.path.slice(1).replaceAll("/", "-")}.${found.pid}`;
    return writeStatedump(directory ?? this.#dumpDirectory, name, answer ?? {}, Date.now());
  }

  /** Where file operations reach it. */
  #place(brick: BrickRef): BrickPlace {
    const found = this.#supervisor.get(brick.path);
    const volfile = this.#supervisor.volfileOf(brick.path);
    if (found?.port === undefined || volfile === undefined || !this.#supervisor.isUp(brick.path)) {
      throw new Error(`The brick ${brick.path} is not running`);
    }
    const name = `${brick.host}:${brick.path}`;
    const { port } = found;
    return { name, address: this.#address, port, volfile, timeoutMs: BARRIER_ANSWER_MS };
  }

  #release(brick: BrickRef): Promise<boolean> {
    const { engine, address } = this.#running(brick);
    return engine.releaseBarrier(address, brick.path);
  }

  #dropBarrier(path: string): void {
    clearTimeout(this.#barriers.get(path)?.watchdog);
    this.#barriers.delete(path);
  }

  #running(brick: BrickRef): {
    readonly engine: BrickEngineCalls;
    readonly address: BrickAddress;
  } {
    const found = this.#supervisor.get(brick.path);
    if (found?.engine === undefined) throw new Error(`The brick ${brick.path} is not running`);
    const name = `${brick.host}:${brick.path}`;
    const address = { socket: found.socket, name, timeoutMs: BARRIER_ANSWER_MS };
    return { engine: brickEngines[found.engine], address };
  }
}

export function specOf(brick: BrickRef): BrickSpec {
  const { volume, snapshot, host, path } = brick;
  return {
    volume,
    host,
    path,
    volfileId: brickVolfileKey(volume, brick, snapshot),
    ...(snapshot === undefined ? {} : { snapshot }),
  };
}

function spaceOf(path: string): BrickSpace {
  const usage = fileSystemUsage(path);
  const mount = mountOf(path, listMounts());
  const fileSystem = mount?.type ?? usage.type;
  const inodeSizeBytes = fileSystem === "xfs" ? xfsInodeBytes(path) : undefined;
  return {
    fileSystem,
    device: mount?.source ?? "",
    mountOptions: mount === undefined ? "" : mountOptionsOf(mount),
    ...(inodeSizeBytes === undefined ? {} : { inodeSizeBytes }),
    freeBytes: usage.availableBytes,
    totalBytes: usage.totalBytes,
    inodeCount: usage.inodes,
    inodeFree: usage.freeInodes,
  };
}
