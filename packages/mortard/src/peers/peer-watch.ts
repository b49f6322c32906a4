/** Which of the other nodes are there, and how their clocks differ: each is greeted now and then. */
import type { PeerAddress, PeerClient } from "./peer-client.ts";
import type { Log } from "../log.ts";

export interface Hello {
  readonly uuid: string;
  readonly version: string;
  readonly nowMs: number;
}

export interface PeerView {
  readonly connected: boolean;
  /** Its clock less ours; undefined before it answered. */
  readonly skewMs: number | undefined;
  readonly version: string | undefined;
}

interface Known {
  heardAtMs: number;
  connected: boolean;
  skewMs: number | undefined;
  version: string | undefined;
  asking: boolean;
}

export interface PeerWatchOptions {
  readonly client: PeerClient;
  /** The other nodes. */
  readonly nodes: () => readonly { readonly uuid: string; readonly address: PeerAddress }[];
  readonly onReturn: (uuid: string) => void;
  readonly log: Log;
}

const EVERY_MS = 2_000;
const HELLO_MS_MAX = 4_000;
const TELLING_MS_MAX = 1_000;
/** Without a word for so long it counts as gone. */
const SILENT_MS_MAX = 7_000;

export class PeerWatch {
  readonly #options: PeerWatchOptions;
  readonly #known = new Map<string, Known>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PeerWatchOptions) {
    this.#options = options;
  }

  open(): void {
    this.#timer = setInterval(() => this.look(), EVERY_MS);
    this.#timer.unref();
    this.look();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  view(uuid: string): PeerView {
    const { connected = false, skewMs, version } = this.#known.get(uuid) ?? {};
    return { connected, skewMs, version };
  }

  heard(uuid: string): void {
    const known = this.#of(uuid);
    known.heardAtMs = performance.now();
    if (known.connected) return;
    known.connected = true;
    this.#options.log.info({ node: uuid }, "peer connected");
    this.#options.onReturn(uuid);
  }

  lost(uuid: string): void {
    const known = this.#of(uuid);
    if (known.connected) this.#options.log.warn({ node: uuid }, "peer disconnected");
    known.connected = false;
  }

  /** Greets all of them now. */
  look(): void {
    const nodes = this.#options.nodes();
    const uuids = new Set(nodes.map((it) => it.uuid));
    for (const uuid of this.#known.keys()) if (!uuids.has(uuid)) this.#known.delete(uuid);
    for (const { uuid, address } of nodes) void this.greet(uuid, address);
  }

  /** Whether it answered. */
  async greet(uuid: string, address: PeerAddress): Promise<boolean> {
    const known = this.#of(uuid);
    if (known.asking) return known.connected;
    known.asking = true;
    const startMs = performance.now();
    try {
      const call = { path: "/v1/peer/hello", body: {}, timeoutMs: HELLO_MS_MAX };
      const { body } = await this.#options.client.call<Hello>(address, { uuid }, call);
      const tookMs = performance.now() - startMs;
      // An answer that took long says little of when it was given.
      if (tookMs < TELLING_MS_MAX) known.skewMs = Math.round(body.nowMs - (Date.now() - tookMs / 2));
      known.version = body.version;
      this.heard(uuid);
      return true;
    } catch (error) {
      const isSilent = performance.now() - known.heardAtMs > SILENT_MS_MAX;
      const isRefused = /ECONNREFUSED|ECONNRESET/.test((error as Error).message);
      if (isSilent || isRefused) this.lost(uuid);
      return false;
    } finally {
      known.asking = false;
    }
  }

  #of(uuid: string): Known {
    let known = this.#known.get(uuid);
    if (known === undefined) {
      known = {
        heardAtMs: Number.NEGATIVE_INFINITY, connected: false, skewMs: undefined,
        version: undefined, asking: false,
      };
      this.#known.set(uuid, known);
    }
    return known;
  }
}
