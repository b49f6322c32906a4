/**
 * One thread that waits for many descriptors: epoll, and accepting connections. Addresses are
 * numbers, results are counts or a negated errno.
 *
 *     struct epoll_event    u32 events | u64 data       packed (12 bytes) on x86-64 only;
 *                                                       elsewhere 4 bytes of padding (16 bytes)
 *
 * `data` carries a token of 32 bits that the caller chose.
 */
import { bind, checked } from "./libc.ts";
import { result4 } from "./call-result.ts";
import type { Call4 } from "./call-result.ts";
import { allocatePages } from "./mmap.ts";

export const EPOLLIN = 1;
export const EPOLLOUT = 4;
export const EPOLLERR = 8;
export const EPOLLHUP = 16;

const EPOLL_CLOEXEC = 0o2000000;
const CTL_ADD = 1;
const CTL_DEL = 2;
const CTL_MOD = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const PACKED = process.arch === "x64";
const EVENT_BYTES = PACKED ? 12 : 16;
const TOKEN_AT = PACKED ? 4 : 8;
const SOCKADDR_BYTES = 128;

export class Epoll {
  readonly #fd: number;
  readonly #control: Call4;
  readonly #wait: Call4;
  readonly #eventMax: number;
  readonly #view: DataView;
  readonly #address: number;
  /** Behind the events: the one that `control` is given. */
  readonly #controlAt: number;

  constructor(eventMax = 256) {
    const create = bind("int epoll_create1(int flags)");
    this.#fd = checked("epoll_create1", "event queue", create(EPOLL_CLOEXEC));
    this.#control = result4(
      bind("int epoll_ctl(int epfd, int op, int fd, uintptr_t event)"),
    );
    this.#wait = result4(
      bind("int epoll_wait(int epfd, uintptr_t events, int maxevents, int timeout)"),
    );
    this.#eventMax = eventMax;
    const memory = allocatePages((eventMax + 1) * EVENT_BYTES);
    this.#view = new DataView(memory.bytes.buffer);
    this.#address = memory.address;
    this.#controlAt = eventMax * EVENT_BYTES;
  }

  add(fd: number, events: number, token: number): number {
    return this.#change(CTL_ADD, fd, events, token);
  }

  modify(fd: number, events: number, token: number): number {
    return this.#change(CTL_MOD, fd, events, token);
  }

  remove(fd: number): number {
    return this.#change(CTL_DEL, fd, 0, 0);
  }

  /** How many are ready; 0 after `timeoutMs` (-1: for ever). */
  wait(timeoutMs: number): number {
    return this.#wait(this.#fd, this.#address, this.#eventMax, timeoutMs);
  }

  /** Of the ready one at `index`. */
  events(index: number): number {
    return this.#view.getUint32(index * EVENT_BYTES, true);
  }

  token(index: number): number {
    return this.#view.getUint32(index * EVENT_BYTES + TOKEN_AT, true);
  }

  #change(operation: number, fd: number, events: number, token: number): number {
    this.#view.setUint32(this.#controlAt, events, true);
    this.#view.setUint32(this.#controlAt + TOKEN_AT, token, true);
    this.#view.setUint32(this.#controlAt + TOKEN_AT + 4, 0, true);
    return this.#control(this.#fd, operation, fd, this.#address + this.#controlAt);
  }
}

/** Where a connection comes from; "" for a unix socket. */
export interface Peer {
  readonly address: string;
  readonly port: number;
}

/** Accepts connections that do not block. */
export class Acceptor {
  readonly #accept: Call4;
  readonly #view: DataView;
  readonly #address: number;

  constructor() {
    this.#accept = result4(
      bind("int accept4(int fd, uintptr_t address, uintptr_t length, int flags)"),
    );
    const memory = allocatePages(SOCKADDR_BYTES + 8);
    this.#view = new DataView(memory.bytes.buffer);
    this.#address = memory.address;
  }

  /** The new descriptor, or a negated errno: EAGAIN when nobody waits. */
  accept(listener: number): number {
    this.#view.setUint32(SOCKADDR_BYTES, SOCKADDR_BYTES, true);
    const lengthAddress = this.#address + SOCKADDR_BYTES;
    return this.#accept(listener, this.#address, lengthAddress, SOCK_NONBLOCK | SOCK_CLOEXEC);
  }

  /** Of the connection that was accepted last. IPv4 inside IPv6 is given as IPv4. */
  peer(): Peer {
    const family = this.#view.getUint16(0, true);
    const port = this.#view.getUint16(2, false);
    if (family === 2) return { address: this.#dotted(4), port };
    if (family !== 10) return { address: "", port: 0 };
    const mapped = this.#view.getUint32(8, false) === 0 && this.#view.getUint32(12, false) === 0 &&
      this.#view.getUint32(16, false) === 0xffff;
    return { address: mapped ? this.#dotted(20) : this.#colons(8), port };
  }

  #dotted(at: number): string {
    return [0, 1, 2, 3].map((index) => this.#view.getUint8(at + index)).join(".");
  }

  #colons(at: number): string {
    const words = Array.from({ length: 8 }, (_, index) =>
      this.#view.getUint16(at + 2 * index, false).toString(16));
    return new URL(`http://[${words.join(":")}]/`).hostname.slice(1, -1);
  }
}
