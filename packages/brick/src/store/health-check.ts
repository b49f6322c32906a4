/**
 * Whether the brick's file system still takes writes; a brick on a dead one must not go on, for
 * clients would wait for it instead of asking its replicas. A worker writes, flushes and reads; it
 * may wait for as long as `storage.health-check-timeout`.
 */
import { openSync } from "node:fs";
import type { BrickOptions } from "../options.ts";
import type { Workers } from "../server/workers.ts";

export class HealthCheck {
  readonly #fd: number;
  readonly #workers: Workers;
  readonly #options: BrickOptions;
  #startedAt: number;
  #isRunning = false;
  #failure: string | undefined;

  /** The file is relative to the working directory, `.glusterfs`. */
  constructor(workers: Workers, options: BrickOptions, nowMs: number) {
    this.#fd = openSync("health_check", "w+");
    this.#workers = workers;
    this.#options = options;
    this.#startedAt = nowMs;
  }

  /** Why the brick has to stop; undefined: it is well, or it is not known yet. */
  check(nowMs: number): string | undefined {
    const { healthCheckSeconds, healthCheckTimeoutSeconds } = this.#options;
    if (healthCheckSeconds === 0 || this.#failure !== undefined) return this.#failure;
    const sinceMs = nowMs - this.#startedAt;
    if (this.#isRunning) {
      if (healthCheckTimeoutSeconds === 0 || sinceMs < healthCheckTimeoutSeconds * 1000) {
        return undefined;
      }
      return `the file system did not take a write in ${healthCheckTimeoutSeconds} s`;
    }
    if (sinceMs < healthCheckSeconds * 1000) return undefined;
    this.#startedAt = nowMs;
    this.#isRunning = true;
    this.#workers.health(this.#fd, (result) => {
      this.#isRunning = false;
      if (result < 0) this.#failure = `the file system does not take writes: errno ${-result}`;
    });
    return undefined;
  }
}
