/**
 * One NBD connection in the worker: an NbdSession, its buffers, and a socket that does not block.
 *
 * Each turn takes what the socket has, does all requests that are whole, and sends the replies with
 * one system call. While replies wait for the socket nothing is received: the client's own backlog
 * holds it back.
 */
import { BUFFER_BYTES_MIN, NbdSession } from "@mortar/nbd";
import type { NbdExports } from "@mortar/nbd";
import { allocatePages, EAGAIN, EINTR, socketIo, tuneConnection } from "@mortar/linux";
import type { MappedMemory, SocketIo } from "@mortar/linux";
import { POLLIN, POLLOUT } from "./worker-loop.ts";
import type { Source } from "./worker-loop.ts";

/** Writes of up to half of it are done with one call each. */
const INPUT_BYTES = 2 * BUFFER_BYTES_MIN;
const OUTPUT_BYTES = 2 * BUFFER_BYTES_MIN;
/** What poll(2) reports unasked: nobody is there any more. */
const POLLERR_OR_HUP = 0x18;
/** Batches in one turn, so that others are served too. */
const ROUNDS_MAX = 4;

export interface NbdBuffers {
  readonly input: MappedMemory;
  readonly output: MappedMemory;
}

export function allocateNbdBuffers(): NbdBuffers {
  return { input: allocatePages(INPUT_BYTES), output: allocatePages(OUTPUT_BYTES) };
}

export interface NbdConnectionEvents {
  nowMs(): number;
  /** Requests wait for room in the pool: `retryParked` is to be called after a while. */
  parked(): void;
  /** The connection has ended; its descriptor and buffers are the owner's again. */
  ended(connection: NbdConnection): void;
}

export class NbdConnection implements Source {
  readonly fd: number;
  readonly buffers: NbdBuffers;
  readonly #session: NbdSession;
  readonly #io: SocketIo = socketIo();
  readonly #on: NbdConnectionEvents;
  /** There is more to do than what was received: come back soon. */
  #more = true;
  #ended = false;

  constructor(
    fd: number,
    buffers: NbdBuffers,
    exports: NbdExports,
    on: NbdConnectionEvents,
  ) {
    this.fd = fd;
    this.buffers = buffers;
    this.#on = on;
    const memory = { input: buffers.input.bytes, output: buffers.output.bytes };
    this.#session = new NbdSession(memory, exports, () => on.nowMs());
    tuneConnection(fd);
  }

  /** Undefined during the handshake. */
  get exportName(): string | undefined {
    return this.#session.exportName;
  }

  get parkedCount(): number {
    return this.#session.parkedCount;
  }

  /** A socket is mostly writable, so POLLOUT also means: come back at once. */
  get events(): number {
    const { wire } = this.#session;
    if (this.#more || wire.outEnd > wire.outBegin) return POLLOUT;
    return wire.receivePosition() < wire.input.length ? POLLIN : 0;
  }

  onReady(ready: number): void {
    if ((ready & ~POLLOUT) !== 0 && !this.#receive(ready)) return this.end();
    this.#pump();
    if (this.#session.parkedCount > 0) this.#on.parked();
  }

  /** The oldest `count` flushes that it was not told of are done. */
  flushed(count: number, error: number): void {
    this.#session.flushed(count, error);
    this.#more = true;
  }

  retryParked(): void {
    this.#session.retryParked();
    this.#more = true;
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#session.close();
    this.#on.ended(this);
  }

  /** False when the peer is gone. */
  #receive(ready: number): boolean {
    const { wire } = this.#session;
    const position = wire.receivePosition();
    const room = wire.input.length - position;
    if (room === 0) return (ready & POLLERR_OR_HUP) === 0;
    const count = this.#io.receive(this.fd, this.buffers.input.address + position, room);
    if (count === -EAGAIN || count === -EINTR) return true;
    if (count <= 0) return false;
    this.#session.received(count);
    return true;
  }

  #pump(): void {
    const session = this.#session;
    const { wire } = session;
    this.#more = false;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      this.#more = session.process() === "more";
      const length = wire.outEnd - wire.outBegin;
      if (length > 0) {
        const address = this.buffers.output.address + wire.outBegin;
        const count = this.#io.send(this.fd, address, length);
        if (count < 0 && count !== -EAGAIN && count !== -EINTR) return this.end();
        if (count > 0) wire.sent(count);
        if (count < length) return;
      }
      if (session.ended) return this.end();
      if (!this.#more) return;
    }
  }
}
