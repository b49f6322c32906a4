import type { ControlReply } from "./control.ts";
import { isOperatingError, poolErrorOf } from "./errno-table.ts";
import { log } from "./log.ts";
import { PoolError } from "./pool-error.ts";
import type { ServedFiles } from "./served-files.ts";
import type { ServedPool } from "./served-pool.ts";
import type { LinearVolumeSpec, VolumeSpec } from "./spec.ts";
import type { WorkerRequest, WorkerStatus } from "./worker-messages.ts";

/**
 * The worker's side of the control socket. Runs between two file requests; every change is whole
 * when it returns.
 */
export class ControlHandler {
  readonly #pool: ServedPool;
  readonly #files: ServedFiles;

  constructor(pool: ServedPool, files: ServedFiles) {
    this.#pool = pool;
    this.#files = files;
  }

  handle(request: WorkerRequest): ControlReply {
    try {
      return { ok: true, result: this.#perform(request) };
    } catch (error) {
      const { code, message } = poolErrorOf(error, request.verb);
      if (!isOperatingError(error)) log(`${request.verb}: ${(error as Error).stack ?? message}`);
      return { ok: false, code, message };
    }
  }

  close(): void {
    this.#pool.close();
  }

  #perform(request: WorkerRequest): unknown {
    switch (request.verb) {
      case "status":
        return this.#status();
      case "message":
        return this.#pool.message(request.messages, request.transactionId, this.#files);
      case "deactivate":
        return this.#deactivate(request.name);
      case "resize":
        return this.#resize(request.name, request.sizeBytes);
      case "follow":
        return this.#pool.follow(request.log);
      case "pin":
        return this.#pool.pin();
      case "unpin":
        return this.#pool.unpin();
      case "hold-metadata":
        return this.#pool.holdMetadata(request.hold);
      default:
        this.#obey(request);
        return undefined;
    }
  }

  #obey(
    request: Exclude<
      WorkerRequest,
      { verb: "status" | "message" | "deactivate" | "resize" | "follow" | "hold-metadata" | "pin" | "unpin" }
    >,
  ): void {
    switch (request.verb) {
      case "commit":
        this.#pool.commitIfDirty();
        break;
      case "activate":
        this.#activate(request.volume);
        break;
      case "reload":
        this.#pool.reload(request.spec, this.#files);
        break;
      case "stop":
        for (const { name } of this.#files.specs()) this.#files.requireClosed(name);
        this.#pool.close();
        break;
      case "leave":
        this.#pool.close();
        break;
      case "scanned":
        this.#pool.scanned();
        break;
      case "unfollow":
        this.#pool.unfollow();
        break;
    }
  }

  #status(): WorkerStatus {
    const pool = this.#pool.status();
    return {
      ...(pool && { pool }),
      volumes: this.#files.status((deviceId) => this.#pool.mapped(deviceId)),
      requests: { ...this.#files.counters },
    };
  }

  #activate(volume: VolumeSpec | LinearVolumeSpec): void {
    const served = this.#files.get(volume.name);
    if (served === undefined) {
      if (this.#files.isServed(volume.deviceId)) {
        throw new PoolError(
          "exists",
          `${volume.name}: device ${volume.deviceId} is active under another name`,
        );
      }
      this.#files.add(volume, this.#pool.body(volume));
    } else if (served.deviceId !== volume.deviceId || served.readOnly !== volume.readOnly) {
      throw new PoolError(
        "exists",
        `${volume.name} is active with other settings: deactivate it first`,
      );
    } else if (served.sizeBytes !== volume.sizeBytes) {
      throw new PoolError(
        "exists",
        `${volume.name} is active with ${served.sizeBytes} bytes: resize it instead`,
      );
    }
  }

  #deactivate(name: string): "done" | "unchanged" {
    if (this.#files.get(name) === undefined) return "unchanged";
    this.#files.remove(name);
    return "done";
  }

  #resize(name: string, sizeBytes: number): "done" | "unchanged" {
    const served = this.#files.get(name);
    if (served === undefined) throw new PoolError("not-found", `${name} is not active`);
    if (served.sizeBytes === sizeBytes) return "unchanged";
    if ("segments" in served) {
      throw new PoolError(
        "bad-request",
        `${name} is linear: it grows with its segments, by a reload`,
      );
    }
    this.#files.update(name, { ...served, sizeBytes });
    return "done";
  }
}
