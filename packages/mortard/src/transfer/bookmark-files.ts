/**
 * The digests of bookmarks that this node has: `STATE/bookmarks/ID-BRICK.digests`. A file whose
 * bookmark is not in the cluster's state is removed: so a deletion reaches also a node that was away.
 */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { ClusterState } from "@mortar/cluster";
import type { Log } from "../log.ts";

const EVERY_MS = 10_000;
const NAME = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-\d{1,5}\.digests(?:\.new)?$/;

export interface BookmarkFilesOptions {
  readonly directory: string;
  readonly uuid: string;
  readonly state: () => ClusterState | undefined;
  readonly log: Log;
}

export class BookmarkFiles {
  readonly #options: BookmarkFilesOptions;
  readonly #timer: NodeJS.Timeout;

  constructor(options: BookmarkFilesOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.sweep(), EVERY_MS);
    this.#timer.unref();
  }

  path({ id, brick }: { readonly id: string; readonly brick: number }): string {
    return join(this.#options.directory, `${id}-${brick}.digests`);
  }

  /** Removes what belongs to no bookmark. A state without this node in it is none to go by. */
  sweep(): void {
    const { directory, uuid, log } = this.#options;
    const state = this.#options.state();
    if (state?.nodes.has(uuid) !== true) return;
    const known = new Set([...state.bookmarks.values()].map(({ document }) => document.id));
    for (const name of namesIn(directory)) {
      const [, id] = NAME.exec(name) ?? [];
      if (id === undefined || known.has(id)) continue;
      rmSync(join(directory, name), { force: true });
      log.info({ file: name }, "digests of a bookmark that is gone are removed");
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return [];
    throw error;
  }
}
