/**
 * One connection, as a pure state machine over two buffers: bytes in, bytes out, calls of an
 * NbdExport in between. The host moves the bytes:
 *
 *     received = recv(fd, input + session.receivePosition(), input.length - that)
 *     session.received(received)
 *     do more = session.process()
 *        send(fd, output + session.wire.outBegin, ...), session.wire.sent(count)
 *     while more and all was sent
 *
 * `process` never puts more into the output than there is room for, and takes no more requests
 * while there is none: a client that does not read its answers is not served.
 */
import type { NbdExports } from "./export-face.ts";
import { Negotiation } from "./negotiation.ts";
import { Transmission } from "./transmission.ts";
import { Wire } from "./wire.ts";

/** Of each of the two buffers, at least. */
export const BUFFER_BYTES_MIN = 512 * 1024;

/** `idle`: nothing to do until something is received. `more`: call again when the output is sent. */
export type Processed = "idle" | "more";

export class NbdSession {
  readonly wire: Wire;
  readonly #exports: NbdExports;
  readonly #nowMs: () => number;
  readonly #negotiation: Negotiation;
  #transmission: Transmission | undefined;
  #ending = false;
  #closed = false;

  constructor(
    buffers: { readonly input: Uint8Array; readonly output: Uint8Array },
    exports: NbdExports,
    nowMs: () => number,
  ) {
    if (buffers.input.length < BUFFER_BYTES_MIN || buffers.output.length < BUFFER_BYTES_MIN)
      throw new RangeError(`NBD buffers must hold ${BUFFER_BYTES_MIN} bytes`);
    this.wire = new Wire(buffers.input, buffers.output);
    this.#exports = exports;
    this.#nowMs = nowMs;
    this.#negotiation = new Negotiation(this.wire, exports);
  }

  /** Name of the export that is served; undefined during the handshake. */
  get exportName(): string | undefined {
    return this.#negotiation.agreed?.exported.name;
  }

  /** The connection is to be closed as soon as the output is sent. */
  get ended(): boolean {
    return this.#ending;
  }

  /** Requests that wait for the pool: `retryParked` is to be called from time to time. */
  get parkedCount(): number {
    return this.#transmission?.parkedCount ?? 0;
  }

  received(count: number): void {
    this.wire.inEnd += count;
  }

  process(): Processed {
    for (let step = 0; step < STEPS_MAX; step++) {
      if (this.#ending) return "idle";
      const stepped = this.#step();
      if (stepped === "close") this.#ending = true;
      else if (stepped === "yield") return "more";
      else if (stepped === "wait") return this.wire.outEnd > this.wire.outBegin ? "more" : "idle";
    }
    return "more";
  }

  retryParked(): void {
    this.#transmission?.retryParked();
  }

  /** The oldest `count` flushes that are under way are done. Then `process`. */
  flushed(count: number, error: number): void {
    this.#transmission?.flushed(count, error);
  }

  /** Give the export back. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ending = true;
    if (this.#transmission !== undefined) this.#transmission.close();
    else this.#negotiation.close();
  }

  #step(): "again" | "wait" | "close" | "yield" {
    if (this.#transmission !== undefined) return this.#transmission.step();
    const stepped = this.#negotiation.step();
    const { agreed } = this.#negotiation;
    if (agreed === undefined) return stepped;
    this.#transmission = new Transmission(this.wire, agreed, this.#exports, this.#nowMs);
    return "again";
  }
}

/** In one turn: far more than the input can hold of anything but empty flushes. */
const STEPS_MAX = 4096;
