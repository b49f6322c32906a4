/**
 * Keeps room for reads in the loop devices over a pool that may run full.
 *
 * A loop device has 128 places for requests in flight. When as many writes wait for room in the
 * pool, no read gets through, not even of what is there. The scheduler mq-deadline can hold writes
 * to fewer places; it costs a little, so it is put in only while the pool is above its threshold.
 * To change the scheduler is to wait for all requests in flight: that is done before the pool is
 * full, never when writes wait already.
 */
import { promises as fs } from "node:fs";
import { join } from "node:path";
import { log } from "./log.ts";

const BLOCK_DEVICES = "/sys/block";
const SCHEDULER = "mq-deadline";
/** Of 128. */
const WRITES_MAX = 96;

export class LoopReserve {
  readonly #mountPoint: string;
  readonly #changed = new Set<string>();
  #busy = false;

  /** `mountPoint`: the loop devices are over files in it. */
  constructor(mountPoint: string) {
    this.#mountPoint = mountPoint;
  }

  /** Have every device over the pool keep places for reads, or stop that. Does not wait. */
  want(reserved: boolean): void {
    if (this.#busy || (!reserved && this.#changed.size === 0)) return;
    this.#busy = true;
    const work = reserved ? this.#reserve() : this.#release();
    work
      .catch((error: unknown) => log(`room for reads: ${(error as Error).message}`))
      .finally(() => (this.#busy = false));
  }

  async #reserve(): Promise<void> {
    const names = (await fs.readdir(BLOCK_DEVICES)).filter((name) => name.startsWith("loop"));
    for (const name of names) {
      if (!(await this.#isOurs(name))) continue;
      const scheduler = join(BLOCK_DEVICES, name, "queue/scheduler");
      const offered = await fs.readFile(scheduler, "utf8");
      if (!offered.includes("[none]") || !offered.includes(SCHEDULER)) continue;
      await fs.writeFile(scheduler, SCHEDULER);
      const depth = join(BLOCK_DEVICES, name, "queue/iosched/async_depth");
      await fs.writeFile(depth, String(WRITES_MAX));
      this.#changed.add(name);
    }
  }

  async #release(): Promise<void> {
    for (const name of this.#changed) {
      this.#changed.delete(name);
      if (!(await this.#isOurs(name))) continue;
      await fs.writeFile(join(BLOCK_DEVICES, name, "queue/scheduler"), "none");
    }
  }

  async #isOurs(name: string): Promise<boolean> {
    try {
      const path = await fs.readFile(join(BLOCK_DEVICES, name, "loop/backing_file"), "utf8");
      return path.startsWith(`${this.#mountPoint}/`);
    } catch {
      return false; // It has no file, or is gone.
    }
  }
}
