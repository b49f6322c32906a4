/** Effects on mounted file systems: write back, freeze, thaw. */
import { closeSync, constants, openSync } from "node:fs";
import type { NodeEffects, Release } from "@mortar/cluster";
import { declareAsync } from "@mortar/linux";
import type { Freezer } from "../freeze/freezer.ts";

const syncfs = declareAsync("int syncfs(int fd)");

export class FileSystems {
  readonly #freezer: Freezer;

  constructor(freezer: Freezer) {
    this.#freezer = freezer;
  }

  /** A snapshot syncs before it freezes: the guard is got ready meanwhile. */
  async sync({ mountPoint }: NodeEffects["syncFileSystem"]["args"]): Promise<void> {
    const descriptor = openSync(mountPoint, constants.O_RDONLY);
    try {
      await Promise.all([syncfs(mountPoint, descriptor), this.#freezer.warm()]);
    } finally {
      closeSync(descriptor);
    }
  }

  async freeze({ mountPoint, watchdogMs }: NodeEffects["freeze"]["args"]): Promise<void> {
    await this.#freezer.freeze(mountPoint, watchdogMs);
  }

  async thaw({ mountPoint }: NodeEffects["thaw"]["args"]): Promise<Release> {
    return { held: await this.#freezer.thaw(mountPoint) };
  }
}
