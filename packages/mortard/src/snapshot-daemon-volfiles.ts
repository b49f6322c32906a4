/** A snapshot daemon that runs takes over its volfile when that has another text. */
import { type ClusterState, hasSnapshotView } from "@mortar/cluster";
import { snapshotDaemonName } from "@mortar/gluster";
import type { Log } from "./log.ts";

export interface SnapshotDaemonVolfilesOptions {
  /** The text by the daemon's name; undefined: there is none. */
  readonly volfileOf: (volume: string) => string | undefined;
  readonly reconfigure: (name: string) => Promise<unknown>;
  readonly log: Log;
}

export class SnapshotDaemonVolfiles {
  readonly #options: SnapshotDaemonVolfilesOptions;
  readonly #told = new Map<string, string>();

  constructor(options: SnapshotDaemonVolfilesOptions) {
    this.#options = options;
  }

  stateChanged(state: ClusterState): void {
    for (const { document } of state.volumes.values()) {
      if (hasSnapshotView(document)) this.#tell(document.name);
      else this.#told.delete(document.name);
    }
  }

  /** What it is started with is what is told first. */
  #tell(volume: string): void {
    const { volfileOf, reconfigure, log } = this.#options;
    const text = volfileOf(volume);
    const former = this.#told.get(volume);
    if (text === undefined || text === former) return;
    this.#told.set(volume, text);
    if (former === undefined) return;
    reconfigure(snapshotDaemonName(volume)).catch((error: unknown) => {
      log.warn({ volume, err: error }, "the snapshot daemon did not take its volfile");
    });
  }
}
