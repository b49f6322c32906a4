/**
 * What the worker waits for: /dev/fuse and, while there are any, other descriptors (connections).
 *
 * Without others it sleeps in read(2) of /dev/fuse, which costs least. With others the descriptor
 * does not block: the loop takes what the kernel has, some at a time, and then polls all of them.
 * Whoever listens and accepts does so on the main thread and hands connections over, so that a pool
 * without clients stays in the first manner.
 */
import type { FuseSession, Served } from "@mortar/fuse";
import { allocatePages, EINTR, fileIo, LinuxError, setBlocking } from "@mortar/linux";
import type { MappedMemory } from "@mortar/linux";

export const POLLIN = 1;
export const POLLOUT = 4;

/** A descriptor that the loop watches. */
export interface Source {
  readonly fd: number;
  /** POLLIN, POLLOUT, or both: asked before each wait. */
  readonly events: number;
  /** Do what can be done now, and do not block. `ready`: what poll(2) reported. */
  onReady(ready: number): void;
}

const REQUESTS_PER_TURN = 32;
const POLLFD_BYTES = 8;
const SOURCES_MAX = 1023;
const FOR_EVER = -1;

export class WorkerLoop {
  readonly #session: Pick<FuseSession, "serveOne">;
  readonly #fuseFd: number;
  readonly #io = fileIo();
  readonly #polled: MappedMemory = allocatePages((SOURCES_MAX + 1) * POLLFD_BYTES);
  readonly #view: DataView;
  #sources: Source[] = [];

  constructor(session: Pick<FuseSession, "serveOne">, fuseFd: number) {
    this.#session = session;
    this.#fuseFd = fuseFd;
    const { buffer, byteOffset, length } = this.#polled.bytes;
    this.#view = new DataView(buffer, byteOffset, length);
    setBlocking(fuseFd, true, "/dev/fuse"); // As a predecessor with connections may have left it.
  }

  /** False when there are too many. */
  add(source: Source): boolean {
    if (this.#sources.length === SOURCES_MAX) return false;
    if (this.#sources.length === 0) setBlocking(this.#fuseFd, false, "/dev/fuse");
    this.#sources = [...this.#sources, source];
    return true;
  }

  /** The caller closes the descriptor afterwards. */
  remove(source: Source): void {
    this.#sources = this.#sources.filter((each) => each !== source);
    if (this.#sources.length === 0) setBlocking(this.#fuseFd, true, "/dev/fuse");
  }

  /** Serve until somebody calls for attention (`woken`), or the file system is unmounted. */
  run(): Exclude<Served, "served" | "idle"> {
    for (;;) {
      const served = this.#sources.length === 0 ? this.#session.serveOne() : this.#turn();
      if (served === "woken" || served === "closed") return served;
    }
  }

  #turn(): Served {
    let served: Served = "served";
    for (let count = 0; served === "served" && count < REQUESTS_PER_TURN; count++) {
      served = this.#session.serveOne();
    }
    if (served === "woken" || served === "closed") return served;
    this.#poll(served === "idle" ? FOR_EVER : 0);
    return "served";
  }

  #poll(timeoutMs: number): void {
    const sources = this.#sources;
    this.#set(0, this.#fuseFd, POLLIN);
    for (let index = 0; index < sources.length; index++) {
      const source = sources[index]!;
      this.#set(index + 1, source.fd, source.events);
    }
    const ready = this.#io.poll(this.#polled.address, sources.length + 1, timeoutMs);
    if (ready < 0 && ready !== -EINTR) throw new LinuxError("poll", "worker", -ready);
    if (ready <= 0) return;
    for (let index = 0; index < sources.length; index++) {
      const events = this.#view.getUint16((index + 1) * POLLFD_BYTES + 6, true);
      if (events !== 0) sources[index]!.onReady(events);
    }
  }

  #set(index: number, fd: number, events: number): void {
    const at = index * POLLFD_BYTES;
    this.#view.setInt32(at, fd, true);
    this.#view.setUint16(at + 4, events, true);
    this.#view.setUint16(at + 6, 0, true);
  }
}
