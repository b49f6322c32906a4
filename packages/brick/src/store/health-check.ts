/** Whether the brick's file system still takes writes; a brick on a dead one must not go on. */
import { writeFileSync } from "node:fs";

const PERIOD_MS = 30_000;

export class HealthCheck {
  readonly #log: (line: string) => void;
  #checkedAt = 0;

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  /** False: it does not. Relative to the working directory, `.glusterfs`. */
  check(nowMs: number): boolean {
    if (nowMs - this.#checkedAt < PERIOD_MS) return true;
    this.#checkedAt = nowMs;
    try {
      writeFileSync("health_check", new Date().toISOString());
      return true;
    } catch (error) {
      this.#log(`health check failed: ${String(error)}: the brick stops`);
      return false;
    }
  }
}
