/**
 * Flushes that NBD clients ask for. Where all mappings are committed already a flush is no more
 * than fdatasync of the devices, and on a disk that takes its time the main thread does it, so that
 * nobody else's requests wait meanwhile. On a fast one it is done at once: to hand it over would
 * take longer.
 *
 * One round at a time. Who asks during a round is in the next one, however many they are, for a
 * flush covers what was answered before it began.
 */
import type { NbdConnection } from "./nbd-connection.ts";

/** A flush that took longer than this is handed over the next time. */
const SLOW_MS = 0.5;
/** So many quick ones in a row, and they are done at once again. */
const QUICK_ROUNDS = 8;

export interface FlushDevices {
  /** See ServedPool.descriptorsToFlush. */
  descriptors(): readonly number[] | undefined;
  /** Everything acknowledged so far is durable when it returns. */
  commit(): void;
  /** Have the main thread flush these; it calls `finished`. */
  start(fds: readonly number[]): void;
  /** A flush failed: no commit may pass over it. */
  noteError(errno: number): void;
  /** A commit that nobody awaits threw this: it is logged, and answered with what clients are told. */
  failed(error: unknown): number;
}

export class FlushRounds {
  readonly #devices: FlushDevices;
  /** How many flushes of each connection are in this round, and in the next. */
  #current: Map<NbdConnection, number> | undefined;
  #next = new Map<NbdConnection, number>();
  #quickRounds = QUICK_ROUNDS;

  constructor(devices: FlushDevices) {
    this.#devices = devices;
  }

  /** True when it is done; else the connection is told later. Throws what a commit throws. */
  flush(connection: NbdConnection): boolean {
    const fds = this.#devices.descriptors();
    if (this.#current === undefined && (fds === undefined || this.#quickRounds >= QUICK_ROUNDS)) {
      const beganMs = performance.now();
      this.#devices.commit();
      if (fds !== undefined) this.#learn(performance.now() - beganMs);
      return true;
    }
    this.#next.set(connection, (this.#next.get(connection) ?? 0) + 1);
    if (this.#current === undefined) this.#begin(fds!);
    return false;
  }

  /** The main thread has flushed. `error`: what connections are told, for the errno. */
  finished(errno: number, error: number, tookMs: number): void {
    if (errno !== 0) this.#devices.noteError(errno);
    this.#learn(tookMs);
    const done = this.#current!;
    this.#current = undefined;
    for (const [connection, count] of done) connection.flushed(count, error);
    if (this.#next.size === 0) return;
    const fds = this.#devices.descriptors();
    if (fds !== undefined) this.#begin(fds);
    else this.#commitNext();
  }

  /** It will not be told any more. */
  forget(connection: NbdConnection): void {
    this.#current?.delete(connection);
    this.#next.delete(connection);
  }

  #begin(fds: readonly number[]): void {
    this.#current = this.#next;
    this.#next = new Map();
    this.#devices.start(fds);
  }

  /** Mappings have changed since they asked. */
  #commitNext(): void {
    const waiting = this.#next;
    this.#next = new Map();
    let error = 0;
    try {
      this.#devices.commit();
    } catch (cause) {
      error = this.#devices.failed(cause);
    }
    for (const [connection, count] of waiting) connection.flushed(count, error);
  }

  #learn(tookMs: number): void {
    this.#quickRounds = tookMs > SLOW_MS ? 0 : this.#quickRounds + 1;
  }
}
