/** Effects of healing that are questions: indices, statistics, and stock's program. */
import {
  type BrickHealIndex, type HealToolRun, type NodeEffects, selfHealDaemonName,
} from "@mortar/cluster";
import { healStatistics } from "../bricks/self-heal-daemon.ts";
import type { BrickSupervisor } from "../bricks/supervisor.ts";
import { readHealIndex } from "./heal-index.ts";
import { runHealTool } from "./heal-tool.ts";

const ANSWER_MAX_MS = 20_000;

export interface HealPlaces {
  /** As clients on this node get it; undefined: there is no such volume. */
  readonly clientVolfile: (volume: string) => string | undefined;
  /** Of this node's run-time files. */
  readonly directory: string;
}

export class Healing {
  readonly #supervisor: BrickSupervisor;
  readonly #places: HealPlaces;

  constructor(supervisor: BrickSupervisor, places: HealPlaces) {
    this.#supervisor = supervisor;
    this.#places = places;
  }

  async index(
    { brick, entriesMax }: NodeEffects["healIndex"]["args"],
  ): Promise<BrickHealIndex> {
    const online = this.#supervisor.isUp(brick.path);
    return { online, ...(await readHealIndex(brick.path, entriesMax)) };
  }

  async statistics(
    { volume, sets }: NodeEffects["healStatistics"]["args"],
  ): Promise<NodeEffects["healStatistics"]["result"]> {
    const found = this.#supervisor.get(selfHealDaemonName(volume));
    if (found?.pid === undefined) {
      throw new Error(found?.reason ?? `The self-heal daemon of ${volume} is not running`);
    }
    const { socket, spec } = found;
    const daemon = { socket, name: spec.path, timeoutMs: ANSWER_MAX_MS };
    return await healStatistics(daemon, { volume, sets });
  }

  async tool({ volume, words }: NodeEffects["runHealTool"]["args"]): Promise<HealToolRun> {
    const { clientVolfile, directory } = this.#places;
    const volfile = clientVolfile(volume);
    if (volfile === undefined) throw new Error(`There is no volume ${volume}`);
    return await runHealTool({ volume, words, volfile, directory });
  }
}
