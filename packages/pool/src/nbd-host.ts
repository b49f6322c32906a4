/** The worker's NBD connections, which the main thread has accepted and handed over. */
import { closeSync } from "node:fs";
import { allocateNbdBuffers, NbdConnection } from "./nbd-connection.ts";
import type { NbdBuffers } from "./nbd-connection.ts";
import { FlushRounds } from "./flush-rounds.ts";
import type { FlushDevices } from "./flush-rounds.ts";
import { nbdErrorOf, ServedExports } from "./nbd-exports.ts";
import type { ExportHost } from "./nbd-exports.ts";
import { PoolError } from "./pool-error.ts";
import type { WorkerLoop } from "./worker-loop.ts";

export const CONNECTIONS_MAX = 128;

export type NbdWorkerRequest =
  /** Serve the peer of `fd`, which is the worker's from then on if the answer is not a refusal. */
  | { readonly verb: "nbd-connect"; readonly fd: number; readonly volumes?: readonly string[] }
  /** What `startFlush` asked for is done. */
  | { readonly verb: "nbd-flushed"; readonly errno: number; readonly tookMs: number }
  /** Try again what waits for room in the pool; answered with how many requests still do. */
  | { readonly verb: "nbd-retry" }
  | { readonly verb: "nbd-status" };

type NbdHostExports = Omit<ExportHost, "flush">;

/** By LV, the connections that use it. */
export type NbdUsage = Readonly<Record<string, number>>;

export class NbdHost {
  readonly #loop: Pick<WorkerLoop, "add" | "remove">;
  readonly #exports: NbdHostExports;
  readonly #flushes: FlushRounds;
  readonly #onParked: () => void;
  readonly #connections = new Set<NbdConnection>();
  /** Of connections that ended: memory that is mapped is never given back. */
  readonly #spare: NbdBuffers[] = [];
  #toldOfParked = false;

  constructor(
    loop: Pick<WorkerLoop, "add" | "remove">,
    exports: NbdHostExports,
    flushes: FlushDevices,
    onParked: () => void,
  ) {
    this.#flushes = new FlushRounds(flushes);
    this.#loop = loop;
    this.#exports = exports;
    this.#onParked = onParked;
  }

  /** Throws PoolError. */
  perform(request: NbdWorkerRequest): unknown {
    switch (request.verb) {
      case "nbd-connect":
        return this.#connect(request.fd, request.volumes);
      case "nbd-retry":
        return this.retryParked();
      case "nbd-flushed":
        return this.#flushes.finished(
          request.errno,
          request.errno === 0 ? 0 : nbdErrorOf(request.errno),
          request.tookMs,
        );
      default:
        return this.#usage();
    }
  }

  /** How many requests still wait. */
  retryParked(): number {
    this.#toldOfParked = false;
    let count = 0;
    for (const connection of this.#connections) {
      if (connection.parkedCount > 0) connection.retryParked();
      count += connection.parkedCount;
    }
    this.#toldOfParked = count > 0;
    return count;
  }

  #connect(fd: number, volumes: readonly string[] | undefined): void {
    if (this.#connections.size === CONNECTIONS_MAX)
      throw new PoolError("busy", `there are ${CONNECTIONS_MAX} NBD connections already`);
    const buffers = this.#spare.pop() ?? allocateNbdBuffers();
    const flush = (): boolean => this.#flushes.flush(connection);
    const exports = new ServedExports({ ...this.#exports, flush }, volumes);
    const connection: NbdConnection = new NbdConnection(fd, buffers, exports, {
      nowMs: () => performance.now(),
      parked: () => this.#parked(),
      ended: (ended) => this.#ended(ended),
    });
    if (!this.#loop.add(connection)) {
      this.#spare.push(buffers);
      throw new PoolError("busy", "the server watches as many descriptors as it can");
    }
    this.#connections.add(connection);
  }

  #ended(connection: NbdConnection): void {
    this.#loop.remove(connection);
    this.#connections.delete(connection);
    this.#flushes.forget(connection);
    closeSync(connection.fd);
    this.#spare.push(connection.buffers);
  }

  #parked(): void {
    if (this.#toldOfParked) return;
    this.#toldOfParked = true;
    this.#onParked();
  }

  #usage(): NbdUsage {
    const usage: Record<string, number> = {};
    for (const { exportName } of this.#connections) {
      if (exportName !== undefined) usage[exportName] = (usage[exportName] ?? 0) + 1;
    }
    return usage;
  }
}
