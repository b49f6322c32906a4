/** Effects on brick servers: start, stop, look at, and hold back their acknowledgements. */
import type { BrickProcessStatus, BrickRef, BrickSpace, NodeEffects, Release } from "@mortar/cluster";
import { brickVolfileKey } from "@mortar/gluster";
import { fileSystemUsage, listMounts, mountOf } from "@mortar/linux";
import { releaseBarrier, setBarrier } from "../bricks/brick-client.ts";
import type { BrickSpec } from "../bricks/brick-process.ts";
import type { BrickSupervisor } from "../bricks/supervisor.ts";
import type { Log } from "../log.ts";
import { xfsInodeBytes } from "./inode-size.ts";
import { mountOptionsOf } from "./mount-options.ts";

const BARRIER_ANSWER_MS = 10_000;

interface Barrier {
  readonly watchdog: NodeJS.Timeout;
  expired: boolean;
}

export class BrickServers {
  readonly #supervisor: BrickSupervisor;
  readonly #log: Log;
  readonly #barriers = new Map<string, Barrier>();

  constructor(supervisor: BrickSupervisor, log: Log) {
    this.#supervisor = supervisor;
    this.#log = log;
  }

  async start({ brick }: NodeEffects["startBrick"]["args"]): Promise<void> {
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
    await setBarrier(this.#addressOf(brick), path, true);
  }

  async barrierOff({ brick }: NodeEffects["barrierOff"]["args"]): Promise<Release> {
    const barrier = this.#barriers.get(brick.path);
    this.#dropBarrier(brick.path);
    // A brick that is gone holds nothing back.
    if (!this.#supervisor.isUp(brick.path)) return { held: false };
    const held = await this.#release(brick);
    return { held: held && barrier !== undefined && !barrier.expired };
  }

  #release(brick: BrickRef): Promise<boolean> {
    return releaseBarrier(this.#addressOf(brick), brick.path);
  }

  #dropBarrier(path: string): void {
    clearTimeout(this.#barriers.get(path)?.watchdog);
    this.#barriers.delete(path);
  }

  #addressOf(brick: BrickRef): { socket: string; name: string; timeoutMs: number } {
    const found = this.#supervisor.get(brick.path);
    if (found?.state !== "online") throw new Error(`The brick ${brick.path} is not running`);
    const name = `${brick.host}:${brick.path}`;
    return { socket: found.socket, name, timeoutMs: BARRIER_ANSWER_MS };
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
