import { Worker } from "node:worker_threads";
import { allocatePages, errnoName, fileIo, signalEventFd } from "@mortar/linux";
import { PAGE_BYTES, wake } from "@mortar/fuse";
import type { ControlReply } from "./control.ts";
import { FUSE_FD } from "./tether.ts";
import type { FromWorker, ToWorker, WorkerSetup } from "./worker-messages.ts";

const WAKE_AGAIN_MS = 5;
const ENOENT = 2;

/**
 * The main thread's end of the worker: requests go out by message, and a notification through
 * /dev/fuse makes the worker, which waits for the kernel, look at them. Before the holder has
 * opened the wake file there is nothing to notify through (ENOENT), so it is tried again.
 */
export class WorkerLink {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, (reply: ControlReply) => void>();
  readonly #buffer = allocatePages(2 * PAGE_BYTES);
  #nextId = 1;

  readonly #isMounted: () => boolean;

  /** Where nothing is mounted, the descriptor is an event descriptor: see UnmountedSession. */
  constructor(
    setup: WorkerSetup,
    isMounted: () => boolean,
    on: { told(message: Exclude<FromWorker, { kind: "reply" }>): void; died(reason: string): void },
  ) {
    this.#isMounted = isMounted;
    this.#worker = new Worker(new URL("./worker-host.js", import.meta.url), { workerData: setup });
    this.#worker.on("message", (message: FromWorker) => {
      if (message.kind !== "reply") return on.told(message);
      this.#waiting.get(message.id)?.(message.reply);
      this.#waiting.delete(message.id);
    });
    this.#worker.on("error", (error) => on.died(error.stack ?? error.message));
    this.#worker.on("exit", (code) => {
      if (code !== 0) on.died(`the worker ended with code ${code}`);
    });
  }

  ask(request: ToWorker["request"]): Promise<ControlReply> {
    const id = this.#nextId++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- no window
      this.#worker.postMessage({ id, request } satisfies ToWorker);
      this.#wake(id);
    });
  }

  #wake(id: number): void {
    if (!this.#waiting.has(id)) return;
    const errno = this.#isMounted() ? this.#notify() : -signalEventFd(FUSE_FD);
    if (errno === ENOENT) setTimeout(() => this.#wake(id), WAKE_AGAIN_MS);
    else if (errno !== 0)
      throw new Error(`waking the worker through /dev/fuse: ${errnoName(errno)}`);
  }

  #notify(): number {
    return wake({
      reply: this.#buffer.bytes,
      send: (position, length) => fileIo().write(FUSE_FD, this.#buffer.address + position, length),
    });
  }
}
