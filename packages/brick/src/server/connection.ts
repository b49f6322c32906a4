/**
 * One connection's stream in both directions. What is received lands in a buffer that all
 * connections share; only a record that is not whole yet is kept in a buffer of the connection's
 * own. What cannot be sent at once is queued; while much is queued, nothing more is read, so that a
 * client that does not take its answers costs a bounded amount of memory; nor while many of its
 * requests wait for a worker (`server.outstanding-rpc-limit`).
 */
import { EAGAIN, EPOLLIN, EPOLLOUT, socketIo } from "@mortar/linux";
import type { Epoll } from "@mortar/linux";
import { allocate } from "../wire/memory.ts";
import type { Memory } from "../wire/memory.ts";
import type { Out } from "../wire/out.ts";
import type { Client } from "./client.ts";
import type { ConnectedPeer } from "./handshake.ts";
import { RecordFrame } from "./record-frame.ts";

const SHARED_BYTES = 1024 * 1024;
const OWN_BYTES = 256 * 1024;
const OWN_KEPT = 16;
const QUEUED_BYTES_MAX = 4 * 1024 * 1024;
const RECORD_BYTES_MAX = 33 * 1024 * 1024;
const STRANGER_RECORD_BYTES_MAX = 64 * 1024;

const shared = allocate(SHARED_BYTES);
const spare: Memory[] = [];
const frame = new RecordFrame();
const io = socketIo();

/** Serves the record at [start, end); false ends the connection. */
export type ServeRecord = (
  connection: Connection, memory: Memory, start: number, end: number,
) => boolean;

export class Connection {
  readonly fd: number;
  readonly token: number;
  readonly peer: ConnectedPeer;
  /** Once it has introduced itself. */
  client: Client | undefined;
  isClosed = false;
  /** The record that is served is all that was received. */
  servesOne = false;
  bytesReceived = 0;
  bytesSent = 0;
  readonly #epoll: Epoll;
  #own: Memory | undefined;
  #filled = 0;
  readonly #queue: { readonly bytes: Uint8Array; readonly address: number; from: number }[] = [];
  #queuedBytes = 0;
  #interest = EPOLLIN;
  /** Requests that wait for a worker, and how many may before no more is read. */
  #waiting = 0;
  readonly #waitingMax: () => number;

  constructor(
    fd: number, token: number, peer: ConnectedPeer, epoll: Epoll, waitingMax: () => number,
  ) {
    this.fd = fd;
    this.token = token;
    this.peer = peer;
    this.#epoll = epoll;
    this.#waitingMax = waitingMax;
  }

  get isPaused(): boolean {
    return this.#queuedBytes > QUEUED_BYTES_MAX || this.#isCrowded;
  }

  get #isCrowded(): boolean {
    if (this.#waiting === 0) return false;
    const most = this.#waitingMax();
    return most > 0 && this.#waiting >= most;
  }

  /** One of its requests has to wait. */
  wait(): void {
    this.#waiting++;
    if (this.#isCrowded) this.#watch();
  }

  /** One of them is done. True: it was not read for that, and what it has kept is to be served. */
  goOn(): boolean {
    const wasPaused = this.isPaused;
    this.#waiting--;
    if (!wasPaused || this.isPaused) return false;
    this.#watch();
    return true;
  }

  get memoryBytes(): number {
    return (this.#own?.length ?? 0) + this.#queuedBytes;
  }

  /** Receive once, and serve what is whole. False: the connection is at its end. */
  receive(serve: ServeRecord): boolean {
    const memory = this.#own ?? shared;
    const count = io.receive(this.fd, memory.address + this.#filled, memory.length - this.#filled);
    if (count === -EAGAIN) return true;
    if (count <= 0) return false;
    this.bytesReceived += count;
    this.#filled += count;
    return this.#serve(memory, serve);
  }

  /** What was received before the connection was paused. */
  serveKept(serve: ServeRecord): boolean {
    return this.#own === undefined || this.#serve(this.#own, serve);
  }

  #serve(memory: Memory, serve: ServeRecord): boolean {
    const lengthMax = this.client === undefined ? STRANGER_RECORD_BYTES_MAX : RECORD_BYTES_MAX;
    let at = 0;
    let wanted = 4;
    while (at < this.#filled && !this.isPaused) {
      const found = frame.find(memory, at, this.#filled, lengthMax);
      wanted = frame.wanted;
      if (found === "long") return false;
      if (found === "partial") break;
      const { next } = frame;
      this.servesOne = at === 0 && next === this.#filled;
      if (!serve(this, memory, frame.start, frame.end)) return false;
      at = next;
    }
    this.#keep(memory, at, wanted);
    return true;
  }

  /** What is left from `at` on stays for later. */
  #keep(memory: Memory, at: number, wanted: number): void {
    const left = this.#filled - at;
    this.#filled = left;
    if (left === 0) {
      this.#dropOwn();
      return;
    }
    const needed = Math.max(wanted, left);
    if (memory === this.#own && memory.length >= needed) {
      if (at > 0) memory.bytes.copyWithin(0, at, at + left);
      return;
    }
    const target = needed <= OWN_BYTES ? (spare.pop() ?? allocate(OWN_BYTES)) : allocate(needed);
    target.bytes.set(memory.bytes.subarray(at, at + left));
    this.#dropOwn();
    this.#own = target;
  }

  #dropOwn(): void {
    const own = this.#own;
    if (own?.length === OWN_BYTES && spare.length < OWN_KEPT) spare.push(own);
    this.#own = undefined;
  }

  /** Send what the buffer holds, and empty it. False: nobody is there any more. */
  flush(out: Out): boolean {
    const length = out.at;
    out.at = 0;
    if (length === 0) return true;
    this.bytesSent += length;
    if (this.#queue.length > 0) {
      this.#enqueue(out.bytes, 0, length);
      return true;
    }
    let sent = 0;
    while (sent < length) {
      const count = io.send(this.fd, out.address + sent, length - sent);
      if (count === -EAGAIN) {
        this.#enqueue(out.bytes, sent, length);
        return true;
      }
      if (count < 0) return false;
      sent += count;
    }
    return true;
  }

  #enqueue(bytes: Uint8Array, from: number, to: number): void {
    const memory = allocate(to - from);
    memory.bytes.set(bytes.subarray(from, to));
    this.#queue.push({ bytes: memory.bytes, address: memory.address, from: 0 });
    this.#queuedBytes += to - from;
    this.#watch();
  }

  /** The socket takes bytes again. False: nobody is there any more. */
  sendQueued(): boolean {
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      const left = first.bytes.length - first.from;
      const count = io.send(this.fd, first.address + first.from, left);
      if (count === -EAGAIN) break;
      if (count < 0) return false;
      first.from += count;
      this.#queuedBytes -= count;
      if (first.from === first.bytes.length) this.#queue.shift();
    }
    this.#watch();
    return true;
  }

  #watch(): void {
    const interest = (this.isPaused ? 0 : EPOLLIN) | (this.#queue.length > 0 ? EPOLLOUT : 0);
    if (interest === this.#interest) return;
    this.#interest = interest;
    this.#epoll.modify(this.fd, interest, this.token);
  }
}
